import assert from "node:assert/strict";
import { test } from "node:test";

import { applyNews, isCancellable, leftText, promiseOf, stepsOf, undoUntil } from "./order_life.js";

const states = (order) => stepsOf(order).map(({ step, state }) => `${step}:${state}`);

test("the steps follow the order's status and the kitchen's word", () => {
  assert.deepEqual(states({ status: "accepted", kitchen: "preparing" }), [
    "pending_acceptance:done", "accepted:current", "ready:ahead", "delivering:ahead", "delivered:ahead", "completed:ahead"]);
  assert.deepEqual(states({ status: "accepted", kitchen: "ready" }).slice(1, 3), ["accepted:done", "ready:current"]);
  assert.ok(states({ status: "completed" }).every((step) => step.endsWith(":done")));
});

test("an order for later has a step before the others", () => {
  assert.deepEqual(states({ status: "scheduled", scheduled_from: "t" }).slice(0, 2),
    ["scheduled:current", "pending_acceptance:ahead"]);
});

test("an order that failed shows how far it came, and how it ended", () => {
  assert.deepEqual(stepsOf({ status: "rejected", placed_at: "a", ended_at: "b" }), [
    { step: "pending_acceptance", at: "a", state: "done" }, { step: "rejected", at: "b", state: "ended" }]);
  assert.deepEqual(states({ status: "delivery_exception", placed_at: "a", accepted_at: "b", picked_up_at: "c" }).at(-1),
    "delivery_exception:trouble");
});

test("a slip may be undone for a minute, by the role that made it", () => {
  const order = { status: "cancelled", ended_by: "customer", ended_at: "2026-11-23T12:00:00Z" };
  const ended = Date.parse(order.ended_at);
  assert.equal(undoUntil(order, "customer", ended + 59_000), ended + 60_000);
  assert.equal(undoUntil(order, "customer", ended + 60_000), null);
  assert.equal(undoUntil(order, "merchant", ended), null);
  assert.equal(undoUntil({ ...order, status: "accepted" }, "customer", ended), null);
});

test("nothing is called off once the food is on the road", () => {
  assert.deepEqual(["scheduled", "accepted", "delivering", "delivered"].map((status) => isCancellable({ status })),
    [true, true, false, false]);
});

test("a promise that was moved says so, by how much less than a minute does not count", () => {
  const order = { status: "delivering", first_promised_at: "2026-11-23T12:00:00Z", promised_at: "2026-11-23T12:00:30Z" };
  assert.equal(promiseOf(order).moved, false);
  const later = promiseOf({ ...order, promised_at: "2026-11-23T12:20:00Z", why: "traffic" });
  assert.deepEqual([later.moved, later.why], [true, "traffic"]);
  assert.equal(promiseOf({ ...order, status: "delivered" }), null);
  assert.equal(promiseOf({ status: "pending_acceptance" }), null);
});

test("news of a ticket stand beside the order, newest version only", () => {
  const view = { order: { id: "o", version: 1, status: "delivering" }, assignment: null, tickets: [] };
  const notice = (version, state) => ({ entity: "ticket_notice", id: "t", version, fields: { order_id: "o", state } });
  const opened = applyNews(view, notice(1, "open"));
  assert.deepEqual(opened.tickets, [{ id: "t", version: 1, order_id: "o", state: "open" }]);
  assert.equal(applyNews(opened, notice(1, "closed")), opened);
  assert.equal(applyNews(opened, notice(2, "closed")).tickets[0].state, "closed");
});

test("time left reads like a clock", () => {
  assert.deepEqual([0, 999, 60_000, 245_000, 3_723_000, -5].map(leftText), ["0:00", "0:01", "1:00", "4:05", "1:02:03", "0:00"]);
});
