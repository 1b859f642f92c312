import assert from "node:assert/strict";
import { test } from "node:test";

import { dayIn, daysFrom, momentOf, slotsOf } from "./windows.js";

const ZONE = "Europe/Helsinki";                  // two hours ahead of UTC in winter
const at = (text) => Date.parse(text);
const starts = (slots) => slots.map(({ from }) => new Date(from).toISOString().slice(11, 16));

test("the merchant's date is told by its own clock", () => {
  assert.equal(dayIn(ZONE, at("2026-11-23T21:59:00Z")), "2026-11-23");
  assert.equal(dayIn(ZONE, at("2026-11-23T22:00:00Z")), "2026-11-24");
  assert.deepEqual(daysFrom("2026-12-30", 3), ["2026-12-30", "2026-12-31", "2027-01-01"]);
});

test("windows lie within the hours and not too soon", () => {
  const hours = { weekly: { mon: [{ opens: "11:00", closes: "13:00" }] }, exceptions: {} };
  const asked = { hours, zone: ZONE, notBefore: at("2026-11-23T09:31:00Z") };
  assert.deepEqual(starts(slotsOf("2026-11-23", asked)), ["10:00", "10:30"]);
  assert.deepEqual(slotsOf("2026-11-24", asked), []);
});

test("a date of its own stands in the weekday's place", () => {
  const hours = { weekly: { mon: [{ opens: "11:00", closes: "13:00" }] }, exceptions: { "2026-11-23": [] } };
  assert.deepEqual(slotsOf("2026-11-23", { hours, zone: ZONE, notBefore: 0 }), []);
});

test("an evening passes midnight, and spans that touch are one", () => {
  const hours = { weekly: { sun: [{ opens: "23:00", closes: "01:00" }], mon: [{ opens: "01:00", closes: "02:00" }] } };
  assert.deepEqual(starts(slotsOf("2026-11-23", { hours, zone: ZONE, notBefore: 0 })), ["22:00", "22:30", "23:00", "23:30"]);
});

test("without hours every half-hour will do, also on the day the clock jumps", () => {
  assert.equal(slotsOf("2026-11-23", { hours: null, zone: ZONE, notBefore: 0 }).length, 48);
  assert.equal(slotsOf("2026-03-29", { hours: null, zone: ZONE, notBefore: 0 }).length, 46);
  assert.equal(momentOf("2026-07-01", 12 * 60, ZONE), at("2026-07-01T09:00:00Z"));
});
