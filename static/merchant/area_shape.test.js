import assert from "node:assert/strict";
import { test } from "node:test";

import { cornersOf, middlesOf, partsOf, polygonOf, sizeKm2, withCorner } from "./area_shape.js";

const SQUARE = [{ lat: 60, lng: 24 }, { lat: 60, lng: 24.02 }, { lat: 60.01, lng: 24.02 }, { lat: 60.01, lng: 24 }];

test("corners become GeoJSON and come back", () => {
  const polygon = polygonOf(SQUARE);
  assert.deepEqual(polygon.coordinates[0].at(0), [24, 60]);
  assert.deepEqual(polygon.coordinates[0].at(-1), [24, 60]);
  assert.deepEqual(cornersOf(polygon), SQUARE);
});

test("an area of several parts, or with a hole, is shown and not edited", () => {
  const { coordinates } = polygonOf(SQUARE);
  assert.equal(cornersOf({ type: "MultiPolygon", coordinates: [coordinates, coordinates] }), null);
  assert.equal(cornersOf({ type: "Polygon", coordinates: [coordinates[0], coordinates[0]] }), null);
  assert.equal(partsOf({ type: "MultiPolygon", coordinates: [coordinates, coordinates] }).length, 2);
});

test("a click sets a corner into the nearest edge", () => {
  const corners = withCorner(SQUARE, { lat: 60.011, lng: 24.01 });
  assert.deepEqual(corners[3], { lat: 60.011, lng: 24.01 });
  assert.equal(withCorner(SQUARE.slice(0, 1), { lat: 1, lng: 2 }).length, 2);
});

test("each edge has a middle, the last one closes the ring", () => {
  const middles = middlesOf(SQUARE);
  assert.equal(middles.length, 4);
  assert.deepEqual([middles[3].after, middles[3].lng], [3, 24]);
  assert.equal(middlesOf(SQUARE.slice(0, 2)).length, 1);
});

test("its size is about what it is", () => {
  assert.ok(Math.abs(sizeKm2(SQUARE) - 1.24) < 0.02);
  assert.equal(sizeKm2(SQUARE.slice(0, 2)), 0);
});
