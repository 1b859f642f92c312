// The order a courier has: where to, what to do next, and whom to call.

import { countdown } from "../js/countdown.js";
import { element, redraw } from "../js/dom.js";
import { clockTime, inOtherLanguage, money, t } from "../js/i18n.js";
import { ahead, answerByMs, cashDue, geoUri, isEnded, mayDecline, mayFail, stateAfter, stopOf } from "./ride.js";

/**
 * Draws `view` {order, assignment, contact} into `place`; `parts`: {outbox, config, now(), onStep(name), onDecline(), onFail(),
 * onReport()}.
 */
export function drawAssignment(place, view, parts) {
  const { order, assignment } = view;
  const waiting = parts.outbox.waitingFor(order.id).map(({ name }) => name);
  const state = stateAfter(assignment.state, waiting);
  const inTrouble = order.status === "delivery_exception" || waiting.includes("fail");
  redraw(place,
    element("header", { class: "ride-head" },
      element("h1", {}, t("orders.number", { n: order.number })),
      element("span", { class: `chip ${state}` }, t(`ride.state_${state}`)),
      inTrouble ? element("span", { class: "status delivery_exception" }, `${t("status.delivery_exception")} · ${inOtherLanguage("status.delivery_exception")}`) : null),
    state === "assigned" ? countdown("ride.answer_in", answerByMs(assignment, parts.config.take_within_s ?? 60), parts.now(), { class: "answer-by number", role: "timer" }) : null,
    inTrouble && !["en_route_to_return", "arrived_at_return"].includes(state) ? element("p", { class: "notice" }, t("ride.trouble_waits")) : null,
    isEnded(state) ? null : stopCard(view, stopOf(state)),
    cashDue(order) && stopOf(state) === "dropoff" && !isEnded(state) && !inTrouble ? element("p", { class: "notice cash" }, t("ride.collect", { sum: money(cashDue(order), order.currency) })) : null,
    bag(order),
    actions(view, state, inTrouble, parts));
}

function stopCard({ order, contact }, stop) {
  const isDropoff = stop === "dropoff";
  const place = isDropoff ? contact : order.merchant;
  if (!place) return element("p", { class: "notice" }, t("ride.no_contact"));
  const name = isDropoff ? place.name : order.merchant.name;
  const kitchen = order.kitchen === "ready" ? t("ride.food_ready") : order.accepted_at && order.preparation_s
    ? t("ride.food_by", { when: clockTime(Date.parse(order.accepted_at) + order.preparation_s * 1000) }) : "";
  return element("section", { class: `card stop ${stop}` },
    element("h2", {}, t(`ride.stop_${stop}`)),
    element("p", { class: "stop-name" }, name),
    element("p", {}, place.address),
    isDropoff && place.note ? element("p", { class: "note" }, place.note) : null,
    stop === "pickup" && kitchen ? element("p", { class: "soft" }, kitchen) : null,
    isDropoff && order.promised_at ? element("p", { class: "soft" }, t("ride.promised", { when: clockTime(order.promised_at) })) : null,
    element("div", { class: "buttons" },
      element("a", { class: "button", "data-act": "navigate", href: geoUri(place, name) }, t("ride.navigate")),
      isDropoff ? element("a", { class: "button", "data-act": "call", href: `tel:${place.phone}` }, t("ride.call", { who: place.name })) : null));
}

function bag(order) {
  const pieces = order.items.reduce((sum, { quantity }) => sum + quantity, 0);
  return element("details", { class: "bag", open: true }, element("summary", {}, t("ride.bag", { n: pieces })),
    element("ul", { class: "plain" }, order.items.map((item) => element("li", {}, element("strong", { class: "number" }, `${item.quantity} ×`), ` ${item.name}`))));
}

function actions({ order }, state, inTrouble, parts) {
  if (isEnded(state)) return element("p", { class: "notice" }, t("ride.will_be_told"));
  const [next, ...later] = ahead(state);
  const step = (name, given = {}) => element("button", { type: "button", "data-step": name, onclick: () => parts.onStep(name), ...given }, t(`ride.act_${name}`));
  const isBlocked = inTrouble && stopOf(state) === "dropoff";
  return element("div", { class: "actions" },
    isBlocked ? null : step(next, { class: "primary big" }),
    state === "assigned" ? element("button", { type: "button", class: "danger", "data-act": "decline", onclick: parts.onDecline }, t("ride.decline")) : null,
    mayFail(state, inTrouble ? "delivery_exception" : order.status)
      ? element("button", { type: "button", class: "danger", "data-act": "fail", onclick: parts.onFail }, t("ride.fail")) : null,
    element("details", {}, element("summary", {}, t("ride.more")), element("div", { class: "actions" },
      isBlocked ? null : later.map((name) => step(name)),
      mayDecline(state) && state !== "assigned" ? element("button", { type: "button", class: "danger", "data-act": "decline", onclick: parts.onDecline }, t("ride.decline")) : null,
      element("button", { type: "button", "data-act": "report", onclick: parts.onReport }, t("ride.report")))));
}
