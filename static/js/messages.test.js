import assert from "node:assert/strict";
import { test } from "node:test";

import { afterClose, applyChange, courierOf, decodeFrame, encodeFrame, isOver } from "./messages.js";

const view = () => ({
  order: { id: "o-1", number: 17, status: "accepted", version: 2, placed_at: "t0", accepted_at: "t1" },
  assignment: null,
  position: null,
});
const change = (fields) => ({ entity: "order", id: "o-1", version: 3, name: "picked_up", at: "t2", fields });

test("a frame carries a ref only when an answer is wanted", () => {
  assert.deepEqual(JSON.parse(encodeFrame("order:1", "join", { since: "c" }, "4")),
    { topic: "order:1", event: "join", payload: { since: "c" }, ref: "4" });
  assert.equal("ref" in JSON.parse(encodeFrame("viewport", "look")), false);
});

test("what is no frame is passed over", () => {
  for (const text of ["", "null", "7", "[]", "{", '{"topic":1,"event":"x"}']) assert.equal(decodeFrame(text), null);
  assert.deepEqual(decodeFrame('{"topic":"a","event":"b"}'),
    { topic: "a", event: "b", payload: {}, ref: null, cursor: null });
});

test("a close code says whether to come back", () => {
  for (const code of [1000, 1001, 1006, 1011, 4000, 4008, 4009]) assert.equal(afterClose(code), "return");
  assert.equal(afterClose(4001), "renew");
  assert.equal(afterClose(4501), "sign_in");
  assert.equal(afterClose(4010), "replaced");   // two devices of one courier must not throw each other out for ever
  for (const code of [4500, 4503, 4504]) assert.equal(afterClose(code), "stop");
});

test("a change alters the order once", () => {
  const picked = applyChange(view(), change({ status: "delivering", picked_up_at: "t2" }));
  assert.equal(picked.order.status, "delivering");
  assert.equal(picked.order.version, 3);
  assert.equal(picked.order.number, 17);
  assert.equal(applyChange(picked, change({ status: "accepted" })), picked);
});

test("a change of another order is not ours", () => {
  const before = view();
  assert.equal(applyChange(before, { ...change({ status: "delivering" }), id: "o-2" }), before);
});

test("an assignment comes, moves on and is withdrawn", () => {
  const assigned = applyChange(view(), {
    entity: "assignment", id: "a-1", version: 1, name: "assigned", at: "t",
    fields: { order_id: "o-1", courier_id: "c-9", courier_name: "Li", state: "assigned", leg: "to_pickup" },
  });
  assert.equal(assigned.assignment.courier_name, "Li");
  const riding = applyChange({ ...assigned, position: { lat: 1, lng: 2 } }, {
    entity: "assignment", id: "a-1", version: 2, name: "picked_up", at: "t",
    fields: { order_id: "o-1", leg: "to_dropoff" },
  });
  assert.equal(riding.assignment.leg, "to_dropoff");
  assert.equal(riding.assignment.courier_name, "Li");
  const withdrawn = applyChange(riding, {
    entity: "assignment", id: "a-1", version: 3, name: "withdrawn", at: "t", fields: { order_id: "o-1" },
  });
  assert.equal(withdrawn.assignment, null);
  assert.equal(withdrawn.position, null);
});

test("an assignment that its courier declined is none", () => {
  const assigned = { ...view(), assignment: { id: "a-1", version: 1 } };
  const declined = { entity: "assignment", id: "a-1", version: 2, name: "declined", fields: { order_id: "o-1", state: "declined" } };
  assert.equal(applyChange(assigned, declined).assignment, null);
});

test("with the delivery the courier leaves the map", () => {
  const riding = { ...view(), position: { lat: 1, lng: 2 } };
  assert.equal(applyChange(riding, change({ status: "delivered" })).position, null);
});

test("nobody rides for an order that is delivered or has ended", () => {
  const over = ["delivered", "completed", "rejected", "expired", "cancelled", "returned", "closed"];
  assert.ok(over.every(isOver));
  assert.ok(!["scheduled", "pending_acceptance", "accepted", "delivering", "delivery_exception"].some(isOver));
});

test("a row of the viewport has names", () => {
  const courier = courierOf(["c-1", 60.1, 24.9, null, "free", 10, 11]);
  assert.equal(courier.lat, 60.1);
  assert.equal(courier.receivedAt, 11);
});
