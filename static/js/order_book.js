// The open orders, as snapshot and changes tell them.  Pure.

import { applyChange, isOver } from "./messages.js";

export class OrderBook {
  #views = new Map();                    // order id -> {order, assignment}

  /** Takes the snapshot's list: these are the open orders. */
  begin(orders) {
    this.#views = new Map(orders.map(({ assignment = null, ...order }) => [order.id, { order, assignment }]));
  }

  /** Takes one change; the id of the order it was about, or null when it told nothing new. */
  apply(change) {
    const orderId = change.entity === "order" ? change.id : change.fields.order_id;
    const view = this.#views.get(orderId) ?? newcomer(change);
    if (!view) return null;
    const next = applyChange(view, change);
    if (next === this.#views.get(orderId)) return null;
    if (isOver(next.order.status)) this.#views.delete(orderId);
    else this.#views.set(orderId, next);
    return orderId;
  }

  get(orderId) {
    return this.#views.get(orderId) ?? null;
  }

  get size() {
    return this.#views.size;
  }

  /** The newest first; `filter` "all", "waiting" (accepted, and nobody rides for it) or a status. */
  list(filter = "all") {
    return [...this.#views.values()]
      .filter((view) => filter === "all" || (filter === "waiting" ? needsCourier(view) : view.order.status === filter))
      .sort((a, b) => b.order.number - a.order.number);
  }

  /** The order a courier rides for. */
  ofCourier(courierId) {
    return [...this.#views.values()].find(({ assignment }) => assignment?.courier_id === courierId) ?? null;
  }
}

/** Whether a dispatcher may give this order to somebody. */
export function needsCourier({ order, assignment }) {
  return order.status === "accepted" && !assignment;
}

function newcomer(change) {
  // Placed, or back on the list: released at its time, or a cancellation undone.
  if (change.entity !== "order" || !("number" in change.fields)) return null;
  return { order: { items: [], ...change.fields, id: change.id, version: change.version }, assignment: null };
}
