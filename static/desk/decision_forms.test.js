import assert from "node:assert/strict";
import { test } from "node:test";

import { actsFor, bodyOf, decisionsFor, FORMS, minorOf, placeOf } from "./decision_forms.js";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const body = (command, given) => bodyOf(FORMS[command].fields, given, { now: NOW });

test("sums are read as people write them", () => {
  assert.equal(minorOf("12.90", 2), 1290);
  assert.equal(minorOf("12,9", 2), 1290);
  assert.equal(minorOf("1 200", 0), 1200);
  for (const wrong of ["", "-3", "1.234", "ten", "1e3"]) assert.equal(minorOf(wrong, 2), null, wrong);
});

test("places are read as latitude and longitude", () => {
  assert.deepEqual(placeOf("60.17, 24.94"), { lat: 60.17, lng: 24.94 });
  assert.deepEqual(placeOf("-33.4 -70.6"), { lat: -33.4, lng: -70.6 });
  for (const wrong of ["60.17", "91, 0", "here"]) assert.equal(placeOf(wrong), null, wrong);
});

test("a refund needs a sum and somebody who bears it", () => {
  assert.deepEqual(body("refund", { amount_minor: "5", borne_by: "merchant", template: "" }),
    { body: { amount_minor: 500, borne_by: "merchant" }, faults: {} });
  assert.deepEqual(body("refund", { amount_minor: "0" }).faults, { amount_minor: "bad_sum", borne_by: "missing" });
});

test("an end without delivery may leave the money alone", () => {
  assert.deepEqual(body("settle", {}), { body: {}, faults: {} });
});

test("moments are so many minutes from now, a suspension may have no end", () => {
  assert.equal(body("re_promise", { promised_at: "20" }).body.promised_at, "2026-11-23T12:20:00.000Z");
  assert.equal(body("suspend", { words: "why", until: "2" }).body.until, "2026-11-25T12:00:00.000Z");
  assert.deepEqual(body("suspend", { words: "why", until: "" }).body, { words: "why" });
  assert.deepEqual(body("snooze", { until: "soon", words: "x" }).faults, { until: "bad_number" });
});

test("the customer is told one's own words, or else the template", () => {
  assert.deepEqual(body("uphold", { template: "looked_into", words: "" }).body, { template: "looked_into" });
  assert.deepEqual(body("uphold", { template: "looked_into", words: "We asked." }).body, { words: "We asked." });
});

test("a corrected address has its place", () => {
  assert.deepEqual(body("correct_address", { address: "Kaivokatu 1", place: "60.1, 24.9" }).body,
    { address: "Kaivokatu 1", lat: 60.1, lng: 24.9 });
});

test("only the decisions of one's own role are offered, and acts that its state allows", () => {
  const kind = { decisions: [{ code: "warn", roles: ["operations_manager"] }, { code: "refund", roles: ["customer_service"] }] };
  assert.deepEqual(decisionsFor(kind, "customer_service").map(({ code }) => code), ["refund"]);
  const me = { id: "me", role: "dispatcher" };
  assert.deepEqual(actsFor({ state: "resolved", kind: "delay" }, me), ["reopen"]);
  assert.deepEqual(actsFor({ state: "open", kind: "misconduct" }, me), []);
  assert.ok(actsFor({ state: "open", kind: "delay", assignee_id: null }, me).includes("assign"));
});
