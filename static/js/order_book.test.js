import assert from "node:assert/strict";
import { test } from "node:test";

import { needsCourier, OrderBook } from "./order_book.js";

const order = (id, number, status = "accepted", assignment = null) => ({ id, number, status, version: 2, assignment });
const change = (id, name, version, fields) => ({ entity: "order", id, name, version, at: "t", fields });
const assigned = (orderId, courierId) => ({
  entity: "assignment", id: `a-${orderId}`, name: "assigned", version: 1, at: "t",
  fields: { order_id: orderId, courier_id: courierId, courier_name: "Li", state: "assigned", leg: "to_pickup" },
});

function book() {
  const orders = new OrderBook();
  orders.begin([order("o-1", 1), order("o-2", 2, "pending_acceptance")]);
  return orders;
}

test("a placed order joins the list, newest first", () => {
  const orders = book();
  orders.apply(change("o-3", "placed", 1, { status: "pending_acceptance", number: 3, merchant_id: "m" }));
  assert.deepEqual(orders.list().map((view) => view.order.number), [3, 2, 1]);
});

test("a word heard twice tells nothing new", () => {
  const orders = book();
  const placed = change("o-3", "placed", 1, { status: "pending_acceptance", number: 3 });
  assert.equal(orders.apply(placed), "o-3");
  assert.equal(orders.apply(placed), null);
  assert.equal(orders.apply(change("o-1", "accepted", 2, { status: "accepted" })), null);
});

test("delivered orders leave", () => {
  const orders = book();
  orders.apply(change("o-1", "delivered", 4, { status: "delivered" }));
  assert.equal(orders.get("o-1"), null);
  assert.equal(orders.size, 1);
});

test("waiting are those that a courier could fetch and nobody does", () => {
  const orders = book();
  assert.deepEqual(orders.list("waiting").map((view) => view.order.id), ["o-1"]);
  orders.apply(assigned("o-1", "c-1"));
  assert.deepEqual(orders.list("waiting"), []);
  assert.equal(orders.ofCourier("c-1").order.id, "o-1");
  assert.equal(needsCourier(orders.get("o-2")), false);
});

test("a change of an order nobody told us of is passed over", () => {
  assert.equal(book().apply(change("o-9", "delivered", 4, { status: "delivered" })), null);
  assert.equal(book().apply(assigned("o-9", "c-1")), null);
});
