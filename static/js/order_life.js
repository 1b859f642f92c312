// An order's life as a page tells it: its steps, what may be done to it now, and what is told beside it (tickets,
// refunds, its review).  Pure: the time comes in as an argument.  docs/lifecycle.md has the whole table.

import { applyChange, isEnded } from "./messages.js";

export const UNDO_WITHIN_MS = 60_000;
const CANCELLABLE = new Set(["scheduled", "pending_acceptance", "accepted"]);
const UNDOABLE = new Set(["rejected", "cancelled"]);

/** The happy path, in order; "ready" is the kitchen's word, the others are statuses. */
export const STEPS = ["pending_acceptance", "accepted", "ready", "delivering", "delivered", "completed"];

// When each step was reached, by the order's own moments.
const MOMENTS = {
  scheduled: "placed_at", pending_acceptance: "placed_at", accepted: "accepted_at", ready: "ready_at",
  delivering: "picked_up_at", delivered: "delivered_at", completed: "ended_at",
};
const PLACE = {
  scheduled: 0, pending_acceptance: 1, accepted: 2, delivering: 4, delivered: 5, completed: 6,
};

/** The steps a page shows: {step, at, state}, state "done", "current", "ahead" or, of an order that went wrong, "ended". */
export function stepsOf(order) {
  const path = order.scheduled_from ? ["scheduled", ...STEPS] : STEPS;
  const at = (step) => order[MOMENTS[step]] ?? null;
  if (!(order.status in PLACE)) {
    const done = path.filter((step) => step !== "completed" && at(step));
    return [
      ...done.map((step) => ({ step, at: at(step), state: "done" })),
      { step: order.status, at: order.ended_at ?? null, state: isEnded(order.status) ? "ended" : "trouble" },
    ];
  }
  const now = order.status === "accepted" && order.kitchen === "ready" ? 3 : PLACE[order.status];
  return path.map((step) => {
    const place = step === "scheduled" ? 0 : STEPS.indexOf(step) + 1;
    const isDone = place < now || order.status === "completed";
    // A merchant who forgot to say so has been ready when the courier left, but nobody knows since when.
    return { step, at: place <= now ? at(step) : null, state: isDone ? "done" : place === now ? "current" : "ahead" };
  });
}

/** Whether its customer, or its merchant, may still call it off. */
export function isCancellable({ status }) {
  return CANCELLABLE.has(status);
}

/** Until when (Unix ms) `role` may take back that it rejected or cancelled this order; null: not at all. */
export function undoUntil(order, role, now) {
  if (!UNDOABLE.has(order.status) || order.ended_by !== role || !order.ended_at) return null;
  const until = Date.parse(order.ended_at) + UNDO_WITHIN_MS;
  return now < until ? until : null;
}

/** What the customer was promised: {at, first, moved, why}; null before it was, and when it does not matter any more. */
export function promiseOf(order) {
  if (!order.promised_at || !["accepted", "delivering", "delivery_exception"].includes(order.status)) return null;
  const first = order.first_promised_at ?? order.promised_at;
  const moved = Math.abs(Date.parse(order.promised_at) - Date.parse(first)) >= 60_000;
  return { at: order.promised_at, first, moved, why: moved ? order.why ?? "" : "" };
}

/** The same view after `change`, whatever it is about: the order, its courier, a ticket.  As it was, if it told nothing. */
export function applyNews(view, change) {
  if (change.entity !== "ticket_notice") return applyChange(view, promiseOnly(change));
  const tickets = view.tickets ?? [];
  const known = tickets.find(({ id }) => id === change.id);
  if (known && known.version >= change.version) return view;
  const told = { ...known, ...change.fields, id: change.id, version: change.version };
  return { ...view, tickets: [told, ...tickets.filter(({ id }) => id !== change.id)] };
}

const MOVES_PROMISE = new Set(["postponed", "re_promised"]);

/** The change, its `why` only where it is the promise's. */
function promiseOnly(change) {
  if (!("why" in change.fields) || MOVES_PROMISE.has(change.name)) return change;
  const { why, ...fields } = change.fields;
  return { ...change, fields };
}

/** "4:05" of that many milliseconds, "1:02:03" beyond an hour; never below nought. */
export function leftText(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
