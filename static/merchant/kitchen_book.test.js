import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf, KitchenBook } from "./kitchen_book.js";

const order = (number, status, more = {}) => ({
  id: `o-${number}`, number, status, version: 1, items: [{}], pickup_code: "1234", assignment: null, ...more,
});
const change = (number, version, fields) => ({ entity: "order", id: `o-${number}`, version, name: "x", fields });
const numbers = (book) => Object.fromEntries(
  Object.entries(book.columns()).map(([name, views]) => [name, views.map((view) => view.order.number)]));

test("an order's column follows its status and the kitchen's word", () => {
  assert.deepEqual([
    { status: "pending_acceptance" }, { status: "accepted", kitchen: "preparing" }, { status: "accepted", kitchen: "ready" },
    { status: "delivering" }, { status: "delivery_exception" }, { status: "delivered" }, { status: "rejected" },
  ].map(columnOf), ["new", "cooking", "ready", "way", "way", "done", "done"]);
});

test("who waits longest stands first, and what is done newest first", () => {
  const book = new KitchenBook();
  book.begin([order(2, "pending_acceptance"), order(1, "pending_acceptance")]);
  book.take(order(3, "delivered"));
  book.take(order(4, "rejected"));
  assert.deepEqual(numbers(book), { new: [1, 2], cooking: [], ready: [], way: [], done: [4, 3] });
});

test("a change moves an order on; one not heard of yet has to be read whole", () => {
  const book = new KitchenBook();
  book.begin([order(1, "pending_acceptance")]);
  assert.equal(book.apply(change(1, 2, { status: "accepted", kitchen: "preparing" })), null);
  assert.deepEqual(numbers(book).cooking, [1]);
  assert.equal(book.apply(change(9, 1, { status: "pending_acceptance" })), "o-9");
  assert.equal(book.apply({ entity: "merchant", id: "m", version: 2, fields: {} }), null);
});

test("a late answer does not turn an order back", () => {
  const book = new KitchenBook();
  book.take(order(1, "accepted", { version: 3, kitchen: "ready" }));
  book.take(order(1, "pending_acceptance", { version: 1 }));
  assert.deepEqual(numbers(book).ready, [1]);
});

test("a new snapshot forgets what is not under way any more, and keeps what is done", () => {
  const book = new KitchenBook();
  book.begin([order(1, "accepted")]);
  book.take(order(2, "delivered"));
  book.begin([order(3, "pending_acceptance")]);
  assert.deepEqual(numbers(book), { new: [3], cooking: [], ready: [], way: [], done: [2] });
});
