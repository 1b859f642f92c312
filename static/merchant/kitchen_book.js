// The orders of one kitchen, as its topic tells them, in the columns of its board.  Pure.

import { applyChange, isOver } from "../js/messages.js";

export const COLUMNS = ["new", "cooking", "ready", "way", "done"];
const KEPT_DONE = 40;

/** In which column an order stands. */
export function columnOf({ status, kitchen }) {
  if (status === "pending_acceptance") return "new";
  if (status === "accepted") return kitchen === "ready" ? "ready" : "cooking";
  return isOver(status) ? "done" : "way";
}

export class KitchenBook {
  #views = new Map();                    // order id -> {order, assignment}

  /** Takes the snapshot's list: these are under way; of the others what was known stays. */
  begin(orders) {
    for (const [id, { order }] of this.#views) if (columnOf(order) !== "done") this.#views.delete(id);
    for (const order of orders) this.take(order);
  }

  /** Takes one order as REST or a snapshot tells it, unless something newer is known. */
  take({ assignment = null, ...order }) {
    const known = this.#views.get(order.id);
    if (known && known.order.version > order.version) return;
    this.#views.set(order.id, { order: { ...known?.order, ...order }, assignment });
    this.#forgetOldest();
  }

  /** Takes one change; says the id of an order that has to be read whole, else null. */
  apply(change) {
    const id = change.entity === "order" ? change.id : change.fields.order_id;
    if (!id || !["order", "assignment"].includes(change.entity)) return null;
    const view = this.#views.get(id);
    if (!view) return id;
    const next = applyChange(view, change);
    this.#views.set(id, next);
    return isWhole(next.order) ? null : id;
  }

  get(id) {
    return this.#views.get(id) ?? null;
  }

  /** The views of each column: what has waited longest first, but what is done newest first. */
  columns() {
    const columns = Object.fromEntries(COLUMNS.map((name) => [name, []]));
    for (const view of this.#views.values()) columns[columnOf(view.order)].push(view);
    for (const [name, views] of Object.entries(columns)) {
      views.sort((a, b) => (name === "done" ? b.order.number - a.order.number : a.order.number - b.order.number));
    }
    return columns;
  }

  #forgetOldest() {
    for (const { order } of this.columns().done.slice(KEPT_DONE)) this.#views.delete(order.id);
  }
}

/** Whether all that a card shows is known: an event brings neither items nor codes. */
function isWhole(order) {
  return Array.isArray(order.items) && order.items.length > 0 && "pickup_code" in order;
}
