import assert from "node:assert/strict";
import { test } from "node:test";

import { ahead, answerByMs, cashDue, geoUri, madeAtMs, mayDecline, mayFail, needs, stateAfter, stopOf } from "./ride.js";

test("the usual next step comes first, and later ones may be next", () => {
  assert.deepEqual(ahead("assigned"), ["take", "confirm_pickup", "set_off", "arrive_at_pickup", "pick_up"]);
  assert.deepEqual(ahead("arrived_at_pickup"), ["pick_up"]);
  assert.deepEqual(ahead("picked_up"), ["leave_pickup", "arrive_at_dropoff", "deliver"]);
  assert.deepEqual(ahead("en_route_to_return"), ["arrive_at_return", "hand_back"]);
  assert.deepEqual(ahead("delivered"), []);
  assert.deepEqual(ahead("withdrawn"), []);
});

test("reports that wait count as said; one that does not fit changes nothing", () => {
  assert.equal(stateAfter("assigned", ["take", "confirm_pickup", "pick_up"]), "picked_up");
  assert.equal(stateAfter("picked_up", ["take", "leave_pickup"]), "en_route_to_dropoff");
  assert.equal(stateAfter("accepted", ["decline"]), "declined");
});

test("he may decline until he has the bag, and report a failure while he brings it", () => {
  assert.ok(mayDecline("assigned") && mayDecline("arrived_at_pickup"));
  assert.ok(!mayDecline("picked_up") && !mayDecline("delivered"));
  assert.ok(mayFail("arrived_at_dropoff", "delivering"));
  assert.ok(!mayFail("arrived_at_dropoff", "delivery_exception") && !mayFail("accepted", "accepted"));
});

test("each state rides to one stop", () => {
  assert.deepEqual(["accepted", "picked_up", "arrived_at_return"].map(stopOf), ["pickup", "dropoff", "return"]);
});

test("an id tells when it was made, and so until when he must answer", () => {
  const id = "019abc00-0000-7000-8000-000000000000";
  assert.equal(madeAtMs(id), 0x019abc000000);
  assert.equal(answerByMs({ id }, 60), 0x019abc000000 + 60_000);
});

test("codes and proofs are asked for where the merchant wants them and nobody has done without", () => {
  const merchant = { pickup_code_required: true, dropoff_proof_required: false };
  assert.equal(needs("pick_up", { waived: [] }, merchant), "code");
  assert.equal(needs("pick_up", { waived: ["pickup_code"] }, merchant), null);
  assert.equal(needs("deliver", { waived: [] }, merchant), null);
  assert.equal(needs("deliver", {}, null), "proof");
});

test("cash is due only where nothing was paid", () => {
  assert.equal(cashDue({ payment_method: "cash", payment_status: "due", total_minor: 1290 }), 1290);
  assert.equal(cashDue({ payment_method: "card", payment_status: "paid", total_minor: 1290 }), 0);
});

test("a place is handed to the phone's own navigation", () => {
  assert.equal(geoUri({ lat: 60.1, lng: 24.9 }, "A & B"), "geo:60.100000,24.900000?q=60.100000,24.900000(A%20%26%20B)");
});
