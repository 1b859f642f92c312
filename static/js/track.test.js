import assert from "node:assert/strict";
import { test } from "node:test";

import { placeAt, stretches } from "./track.js";

const fix = (seconds, lat) => ({ lat, lng: 24.9, fix_time: seconds * 1000 });
const RIDE = [fix(0, 60), fix(10, 60.01), fix(20, 60.02), fix(200, 60.1), fix(210, 60.11)];

test("a ride falls apart where nothing is known of a minute", () => {
  assert.deepEqual(stretches(RIDE).map((part) => part.length), [3, 2]);
  assert.deepEqual(stretches([]), []);
});

test("between two fixes he is between them", () => {
  const place = placeAt(RIDE, 15_000);
  assert.ok(Math.abs(place.lat - 60.015) < 1e-9);
  assert.ok(Math.abs(place.bearing_deg) < 1e-6);
});

test("before the ride he is at its start, after it at its end", () => {
  assert.equal(placeAt(RIDE, -5).lat, 60);
  assert.equal(placeAt(RIDE, 999_000).lat, 60.11);
  assert.equal(placeAt([], 0), null);
});

test("in a gap he is where he was last seen", () => {
  assert.deepEqual(placeAt(RIDE, 100_000), { lat: 60.02, lng: 24.9, bearing_deg: null, known: false });
});
