// One order on the kitchen's board: what is in it, how long there is left, and what can be said to it now.

import { countdown } from "../js/countdown.js";
import { element } from "../js/dom.js";
import { clockTime, dayAndTime, money, t } from "../js/i18n.js";
import { undoUntil } from "../js/order_life.js";
import { columnOf } from "./kitchen_book.js";

const MINUTES = [5, 10, 15, 20, 25, 30, 40, 50, 60, 90];
const HURRY_MS = 60_000;

/** What time alone changes about a card. */
export function standingOf(order, now) {
  return {
    isUrgent: columnOf(order) === "new" && Date.parse(order.accept_by ?? "") - now < HURRY_MS,
    isLate: readyBy(order) !== null && readyBy(order) < now,
    mayUndo: undoUntil(order, "merchant", now) !== null,
  };
}

function readyBy(order) {
  if (columnOf(order) !== "cooking" || !order.accepted_at || !order.preparation_s) return null;
  return Date.parse(order.accepted_at) + order.preparation_s * 1000;
}

/** The card of a view {order, assignment}.  `board` says words for it: `say(id, command, body)`, `ask(id, what)`, `form(id)`. */
export function orderCard({ order, assignment }, { now, usualS, board }) {
  const column = columnOf(order);
  const until = Date.parse(order.accept_by ?? "");
  const { isUrgent } = standingOf(order, now);
  const form = board.form(order.id);
  return element("article", { class: `card order ${column} ${isUrgent ? "urgent" : ""}`, "data-order": order.id, "aria-label": t("orders.number", { n: order.number }) },
    element("header", {}, element("strong", { class: "no" }, `#${order.number}`), facts(order, column, now)),
    element("ul", { class: "dishes" }, (order.items ?? []).map((item) => element("li", {},
      element("b", { class: "number" }, `${item.quantity} ×`), element("span", {}, item.name)))),
    element("p", { class: "small soft number" }, [
      order.currency ? money(order.total_minor, order.currency) : "", t(`pay.${order.payment_method ?? "cash"}`),
      order.scheduled_from ? t("kitchen.for", { when: dayAndTime(order.scheduled_from) }) : "",
    ].filter(Boolean).join(" · ")),
    column === "new" && order.accept_by ? countdown("kitchen.answer_in", until, now, { class: "deadline number" }) : null,
    codeOf(order, column), courierLine(order, assignment, column),
    order.reason && column === "done" ? element("p", { class: "small soft" }, `${t("orders.reason")}: ${board.spelled(order.reason)}`) : null,
    form ?? actionsOf(order, column, { now, usualS, board }));
}

function facts(order, column, now) {
  if (column === "done" || order.status === "delivery_exception") {
    return element("span", { class: `status ${order.status}` }, t(`status.${order.status}`));
  }
  const due = readyBy(order);
  if (due !== null) {
    return element("span", { class: `small number ${due < now ? "late" : "soft"}` },
      t(due < now ? "kitchen.late_since" : "kitchen.ready_by", { when: clockTime(due) }));
  }
  const moment = order.ready_at ?? order.placed_at;
  return element("span", { class: "small soft number" }, moment ? clockTime(moment) : "");
}

function codeOf(order, column) {
  if (!order.pickup_code || !["cooking", "ready"].includes(column)) return null;
  return element("p", { class: "pickup-code" }, element("span", { class: "small" }, t("kitchen.code")),
    element("strong", { class: "number" }, order.pickup_code));
}

function courierLine(order, assignment, column) {
  if (!["cooking", "ready", "way"].includes(column)) return null;
  if (!assignment) return column === "way" ? null : element("p", { class: "small soft" }, t("courier.none"));
  return element("p", { class: `small carrier ${assignment.state}` }, t(`carrier.${assignment.state}`, { courier: assignment.courier_name }));
}

function actionsOf(order, column, { now, usualS, board }) {
  const button = (key, onclick, kind = "") => element("button", { type: "button", class: kind, "data-act": key, onclick }, t(key));
  const say = (command, body = {}) => () => board.say(order.id, command, body);
  if (column === "new") {
    const minutes = minutesChoice(board.minutes(order.id) ?? nearest(usualS / 60), (value) => board.keepMinutes(order.id, value));
    return element("div", { class: "acts" }, element("label", { class: "minutes" }, element("span", {}, t("kitchen.minutes")), minutes),
      element("button", {
        type: "button", class: "primary", "data-act": "kitchen.accept", onclick: () => board.say(order.id, "accept", { preparation_s: Number(minutes.value) * 60 }),
      }, t("kitchen.accept")),
      button("kitchen.reject", () => board.ask(order.id, "reject"), "danger"));
  }
  if (column === "cooking") {
    return element("div", { class: "acts" }, button("kitchen.mark_ready", say("mark-ready"), "primary"),
      button("kitchen.postpone", () => board.ask(order.id, "postpone")), button("kitchen.cancel", () => board.ask(order.id, "cancel"), "quiet danger"));
  }
  if (column === "ready") {
    return element("div", { class: "acts" }, button("kitchen.unmark_ready", say("unmark-ready")),
      button("kitchen.cancel", () => board.ask(order.id, "cancel"), "quiet danger"));
  }
  const undo = undoUntil(order, "merchant", now);
  return undo === null ? null : element("div", { class: "acts" }, button("undo.do", say("undo"), "primary"),
    countdown("undo.left", undo, now, { class: "small soft number" }));
}

/** The question for a reason (and, for more time, minutes) that stands in a card's place of its buttons. */
export function reasonForm({ what, onSay, onClose }) {
  const reasons = [1, 2, 3].map((n) => t(`why.${what}_${n}`));
  const reason = element("input", { maxlength: "200", required: true, list: `why-${what}`, placeholder: t("kitchen.why"), "aria-label": t("kitchen.why") });
  const chips = element("div", { class: "chips" }, reasons.map((words) => element("button", {
    type: "button", onclick: () => {
      reason.value = words;
      problem.textContent = "";
      reason.focus();
    },
  }, words)));
  const minutes = what === "postpone" ? minutesChoice(15) : null;
  const problem = element("p", { class: "problem", role: "alert" });
  const node = element("form", { class: "question", novalidate: true },
    minutes ? element("label", { class: "minutes" }, element("span", {}, t("kitchen.minutes_from_now")), minutes) : null,
    chips, reason, problem,
    element("div", { class: "acts" },
      element("button", { type: "submit", class: what === "postpone" ? "primary" : "danger" }, t(`kitchen.${what}`)),
      element("button", { type: "button", onclick: onClose }, t("kitchen.back"))));
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!reason.value.trim()) {
      problem.textContent = t("kitchen.say_why");
      reason.focus();
      return;
    }
    const body = { reason: reason.value.trim(), ...(minutes ? { preparation_s: Number(minutes.value) * 60 } : {}) };
    if (await onSay(body)) onClose();
  });
  return node;
}

function minutesChoice(chosen, onChange = () => {}) {
  const select = element("select", { onchange: () => onChange(Number(select.value)) },
    MINUTES.map((n) => element("option", { value: String(n), selected: n === chosen }, t("kitchen.n_minutes", { n }))));
  return select;
}

function nearest(minutes) {
  return MINUTES.find((n) => n >= minutes) ?? MINUTES.at(-1);
}
