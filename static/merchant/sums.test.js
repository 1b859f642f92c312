import assert from "node:assert/strict";
import { test } from "node:test";

import { byReason, minorOf, textOfMinor } from "./sums.js";

test("sums are read with a point or a comma, in the currency's own digits", () => {
  assert.deepEqual(["12.50", "12,5", "12", " 0 "].map((text) => minorOf(text, "EUR")), [1250, 1250, 1200, 0]);
  assert.equal(minorOf("300", "JPY"), 300);
  for (const text of ["", "-1", "1.234", "a", "1,2,3"]) assert.equal(minorOf(text, "EUR"), null, text);
  assert.equal(minorOf("300.5", "JPY"), null);
});

test("a sum to be edited is written as it is read", () => {
  assert.equal(textOfMinor(1250, "EUR"), "12.50");
  assert.equal(textOfMinor(300, "JPY"), "300");
});

test("a day's entries are summed by what they were for", () => {
  const entry = (reason, amount) => ({ reason, currency: "EUR", amount_minor: amount });
  assert.deepEqual(byReason([entry("merchant_share", 900), entry("refund_borne", -100), entry("merchant_share", 100)]), [
    { reason: "merchant_share", currency: "EUR", amount_minor: 1000, count: 2 },
    { reason: "refund_borne", currency: "EUR", amount_minor: -100, count: 1 }]);
});
