// What an order's page shows, part by part; each makes elements of what is known and keeps nothing.

import { countdown } from "../js/countdown.js";
import { element, icon, ICONS } from "../js/dom.js";
import { clockTime, dayAndTime, inOtherLanguage, money, t } from "../js/i18n.js";
import { isOver } from "../js/messages.js";
import { promiseOf, stepsOf, undoUntil } from "../js/order_life.js";

export function backLink() {
  return element("a", { class: "back", href: "#/" }, icon(ICONS.back), t("orders.back"));
}

/** The number, what is going on in one sentence, and why it ended if it did. */
export function headline(order, assignment, reason) {
  return element("div", { class: "headline" },
    element("p", { class: "soft small" }, `${t("orders.number", { n: order.number })} · ${order.merchant?.name ?? ""}`),
    element("h1", { id: "headline", "aria-live": "polite" }, sentenceOf(order, assignment)),
    reason ? element("p", { class: "soft" }, `${t("orders.reason")}: ${reason}`) : null);
}

function sentenceOf(order, assignment) {
  const courier = assignment?.courier_name ?? "";
  if (order.status === "accepted" && assignment) return t("headline.accepted_assigned", { courier });
  if (order.status === "accepted" && order.kitchen === "ready") return t("headline.ready");
  if (order.status === "delivering" && !courier) return t("status.delivering");
  if (order.status === "delivering" && assignment.state === "arrived_at_dropoff") return t("headline.at_the_door", { courier });
  return t(`headline.${order.status}`, { courier });
}

/** A minute in which a slip can be taken back; nothing when there is none. */
export function undoBar(order, role, now, onUndo) {
  const until = undoUntil(order, role, now);
  if (until === null) return null;
  return element("div", { class: "question undo" },
    element("button", { type: "button", class: "primary", id: "undo", onclick: onUndo }, t("undo.do")),
    countdown("undo.left", until, now, { class: "soft number" }));
}

/** What was promised, and what it has become; before that, the window that was asked for. */
export function promiseCard(order) {
  const promise = promiseOf(order);
  if (!promise) {
    if (!order.scheduled_from || isOver(order.status)) return null;
    const window = `${dayAndTime(order.scheduled_from)} – ${clockTime(order.scheduled_to)}`;
    return element("div", { class: "promise" }, icon(ICONS.clock), element("span", {}, t("promise.scheduled", { window })));
  }
  return element("div", { class: `promise ${promise.moved ? "moved" : ""}`, id: "promise" }, icon(ICONS.clock),
    element("div", {},
      element("p", {}, t("promise.by", { when: whenIn(promise.at) })),
      promise.moved ? element("p", { class: "small" }, element("s", {}, t("promise.first", { when: whenIn(promise.first) }))) : null,
      promise.why ? element("p", { class: "small", id: "promise-why" }, t("promise.why", { why: promise.why })) : null));
}

function whenIn(moment) {
  return Math.abs(Date.parse(moment) - Date.now()) < 18 * 3_600_000 ? clockTime(moment) : dayAndTime(moment);
}

/** The code that the courier is told at the door, big enough to be read from there. */
export function codeCard(order) {
  if (!order.dropoff_code || !["accepted", "delivering", "delivery_exception"].includes(order.status)) return null;
  return element("div", { class: "big-card code" },
    element("span", { class: "soft small" }, t("code.dropoff")),
    element("strong", { class: "big number", id: "dropoff-code" }, order.dropoff_code),
    element("span", { class: "hint" }, t("code.dropoff_text")));
}

export function courierCard(order, assignment) {
  if (isOver(order.status) || !["accepted", "delivering", "delivery_exception"].includes(order.status)) return null;
  if (!assignment) return order.status === "delivery_exception" ? null : element("p", { class: "soft" }, t("courier.none"));
  return element("div", { class: "courier-card", id: "courier" },
    element("span", { class: "avatar", "aria-hidden": "true" }, initialOf(assignment.courier_name)),
    element("strong", {}, assignment.courier_name),
    element("span", { class: "small", id: "courier-line" }));
}

export function steps(order) {
  return element("ol", { class: "steps" }, stepsOf(order).map(({ step, at, state }) => {
    const mark = { done: ICONS.check, ended: ICONS.close, trouble: ICONS.warning }[state];
    return element("li", { class: `step ${state}`, "aria-current": state === "current" ? "step" : null },
      element("span", { class: "dot" }, mark ? icon(mark) : null),
      element("span", { class: "names" },
        element("span", { class: "first" }, t(`status.${step}`)),
        element("span", { class: "second" }, inOtherLanguage(`status.${step}`))),
      element("time", { class: "soft small number" }, at ? clockTime(at) : ""));
  }));
}

/** What was ordered, and what it comes to. */
export function itemList(order) {
  const row = (words, minor, given = {}) => element("li", { class: "line", ...given }, element("span", {}, words),
    element("span", { class: "number" }, money(minor, order.currency)));
  return element("section", {}, element("h2", {}, t("orders.items")), element("ul", { class: "sums" },
    (order.items ?? []).map((item) => element("li", {},
      element("span", { class: "soft number" }, `${item.quantity} ×`), element("span", {}, item.name),
      element("span", { class: "number" }, money(item.price_minor * item.quantity, order.currency)))),
    order.delivery_fee_minor ? row(t("shop.fee"), order.delivery_fee_minor, { class: "line soft" }) : null,
    row(t("shop.total"), order.total_minor, { class: "line total" })));
}

/** How it is paid, and what goes back. */
export function paymentPart(order, refunds) {
  return element("section", { id: "payment" }, element("h2", {}, t("pay.title")),
    element("p", {}, t(`pay.${order.payment_method}`), " ",
      element("span", { class: `status money ${order.payment_status}` }, t(`payment.${order.payment_status}`))),
    refunds.length ? element("ul", { class: "sums" }, refunds.map((refund) => element("li", { class: "line" },
      element("span", {}, t(`refund.${refund.status}`)),
      element("span", { class: "number" }, money(refund.amount_minor, refund.currency))))) : null);
}

/** The order's tickets: what is being looked into, what was said, how it ended; `answer(ticket)` makes a way to reply. */
export function ticketPart(tickets, catalogue, answer) {
  if (!tickets.length) return null;
  return element("section", { id: "tickets" }, element("h2", {}, t("ticket.title")), tickets.map((ticket) => {
    const isClosed = ticket.state === "closed" || ticket.state === "resolved" || Boolean(ticket.closed_at);
    const said = (ticket.said ?? []).map((one) => element("li", {},
      element("span", { class: "small soft" }, `${clockTime(one.at)} · ${t(one.author_role === "customer" ? "ticket.you" : "ticket.us")}`),
      element("span", {}, [one.template ? catalogue.template(one.template) : "", one.words ?? ""].filter(Boolean).join(" "))));
    return element("div", { class: "ticket" },
      element("div", { class: "ticket-head" },
        element("strong", {}, catalogue.kind(ticket.kind)),
        element("span", { class: `status ${isClosed ? "delivered" : "pending_acceptance"}` }, t(isClosed ? "ticket.closed" : "ticket.open"))),
      element("p", { class: "small soft" }, catalogue.reason(ticket.reason)),
      ticket.decision ? element("p", { class: "small" }, t("ticket.decision", { decision: catalogue.decision(ticket.decision) })) : null,
      said.length ? element("ul", { class: "said" }, said) : null,
      isClosed ? null : answer(ticket));
  }));
}

/** The photo or signature that proves the delivery; `url` once it has been fetched. */
export function proofPart(order, url) {
  if (!url || !order.proof) return null;
  return element("section", {}, element("h2", {}, t("proof.title")),
    element("img", { class: "proof", id: "proof", src: url, alt: t(`proof.${order.proof.kind}`) }));
}

function initialOf(name) {
  return [...name.trim()][0]?.toUpperCase() ?? "·";
}
