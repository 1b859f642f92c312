import assert from "node:assert/strict";
import { test } from "node:test";

import { askedWaitMs, backoffMs } from "./backoff.js";

test("each try waits longer, up to half a minute", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((tries) => backoffMs(tries, () => 1));
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15000, 30000, 30000, 30000]);
});

test("phones that fall off together come back spread over half of the wait", () => {
  assert.equal(backoffMs(5, () => 0), 4000);
  assert.equal(backoffMs(5, () => 1), 8000);
});

test("a restarting server may name the wait", () => {
  assert.equal(askedWaitMs('{"retry_in_ms": 2000}', () => 0.5), 3000);
  assert.equal(askedWaitMs("going away"), null);
  assert.equal(askedWaitMs(""), null);
  assert.equal(askedWaitMs('{"retry_in_ms": "soon"}'), null);
});
