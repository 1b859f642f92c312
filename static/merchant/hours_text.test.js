import assert from "node:assert/strict";
import { test } from "node:test";

import { hoursOf, spansOf, textOf } from "./hours_text.js";

test("a day's hours are read as people write them", () => {
  assert.deepEqual(spansOf("9:00-14:00, 17.30 – 22:00"), [{ opens: "09:00", closes: "14:00" }, { opens: "17:30", closes: "22:00" }]);
  assert.deepEqual(spansOf("11:00至24:00"), [{ opens: "11:00", closes: "00:00" }]);
  assert.deepEqual(spansOf("  "), []);
  for (const text of ["11-14", "25:00-26:00", "11:00", "11:00-24:30", "noon"]) assert.equal(spansOf(text), null, text);
});

test("what was read is written again", () => {
  assert.equal(textOf(spansOf("11:00-14:00,17:00-24:00")), "11:00-14:00, 17:00-24:00");
  assert.equal(textOf(undefined), "");
});

test("a week tells which days cannot be read", () => {
  const { bad, hours } = hoursOf({ mon: "11:00-14:00", tue: "late" }, { "2026-12-24": [] });
  assert.deepEqual(bad, ["tue"]);
  assert.deepEqual(hours.weekly.mon, [{ opens: "11:00", closes: "14:00" }]);
  assert.deepEqual(hours.weekly.sun, []);
  assert.deepEqual(hours.exceptions, { "2026-12-24": [] });
});
