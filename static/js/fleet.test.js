import assert from "node:assert/strict";
import { test } from "node:test";

import { Fleet } from "./fleet.js";
import { toMercator } from "./position.js";

const CITY = { lat: 60.17, lng: 24.94 };
const LIMITS = { ageing_after_s: 30, gone_after_s: 120 };
const at = (courierId, lat, fixTime, more = {}) =>
  ({ courierId, lat, lng: 24.94, bearing_deg: null, state: "free", fixTime, receivedAt: fixTime, ...more });
const close = (a, b, metres = 0.5) => assert.ok(Math.abs(a - b) * 40_075_017 < metres, `${a} is not ${b}`);

test("a courier rides from where he was drawn to where he is", () => {
  const fleet = new Fleet(CITY, 0);
  fleet.take(at("c", 60.17, 0), 0, 0);
  fleet.take(at("c", 60.171, 1000), 1000, 1000);
  close(fleet.get("c", 1000).y, toMercator({ lat: 60.17, lng: 0 }).y);
  close(fleet.get("c", 1550).y, toMercator({ lat: 60.1705, lng: 0 }).y, 2);
  close(fleet.get("c", 9000).y, toMercator({ lat: 60.171, lng: 0 }).y);
});

test("a new fix on the way goes on from where he is drawn", () => {
  const fleet = new Fleet(CITY, 0);
  fleet.take(at("c", 60.17, 0), 0, 0);
  fleet.take(at("c", 60.171, 1000), 1000, 1000);
  const before = fleet.get("c", 1400).y;
  fleet.take(at("c", 60.172, 1400), 1400, 1400);
  close(fleet.get("c", 1400).y, before);
});

test("an older fix moves nobody back", () => {
  const fleet = new Fleet(CITY, 0);
  fleet.take(at("c", 60.171, 2000), 2000, 2000);
  fleet.take(at("c", 60.17, 1000), 2100, 2100);
  close(fleet.get("c", 5000).y, toMercator({ lat: 60.171, lng: 0 }).y);
});

test("who is far off is put there instead of flying across the city", () => {
  const fleet = new Fleet(CITY, 0);
  fleet.take(at("c", 60.17, 0), 0, 0);
  fleet.take(at("c", 60.3, 60_000), 60_000, 60_000);
  close(fleet.get("c", 60_000).y, toMercator({ lat: 60.3, lng: 0 }).y);
});

test("leaving closes the gap and keeps everybody else", () => {
  const fleet = new Fleet(CITY, 0);
  for (let n = 0; n < 3000; n += 1) fleet.take(at(`c${n}`, 60 + n / 10_000, 0), 0, 0);
  for (let n = 0; n < 3000; n += 3) fleet.remove(`c${n}`);
  assert.equal(fleet.size, 2000);
  for (let n = 0; n < 3000; n += 1) {
    const found = fleet.get(`c${n}`, 10);
    if (n % 3 === 0) assert.equal(found, null);
    else close(found.y, toMercator({ lat: 60 + n / 10_000, lng: 0 }).y, 3);
  }
  fleet.remove("nobody");
  assert.equal(fleet.size, 2000);
});

test("a new view is whole: who is not in it has left", () => {
  const fleet = new Fleet(CITY, 0);
  fleet.take(at("a", 60.1, 0), 0, 0);
  fleet.replaceAll([at("b", 60.2, 0)], () => 0, 0);
  assert.equal(fleet.get("a", 0), null);
  assert.equal(fleet.size, 1);
});

test("counts say who is free, busy, off and silent", () => {
  const fleet = new Fleet(CITY, 0);
  const now = 200_000;
  fleet.take(at("a", 60.1, 0), now, now);
  fleet.take(at("b", 60.1, 0, { state: "busy" }), now, now);
  fleet.take(at("c", 60.1, 0, { state: "off" }), now, now);
  fleet.take(at("d", 60.1, 0), now - 31_000, now);
  fleet.take(at("e", 60.1, 0), now - 121_000, now);
  assert.deepEqual(fleet.counts(now, LIMITS), { free: 1, busy: 1, off: 1, ageing: 1, gone: 1, all: 5 });
  assert.equal(fleet.counts(now, LIMITS, () => false).all, 0);
});

test("a click finds the nearest courier within its reach", () => {
  const fleet = new Fleet(CITY, 0);
  fleet.take(at("a", 60.17, 0), 0, 0);
  fleet.take(at("b", 60.18, 0), 0, 0);
  assert.equal(fleet.nearestTo(toMercator({ lat: 60.1799, lng: 24.94 }), 1e-5, 0), "b");
  assert.equal(fleet.nearestTo(toMercator({ lat: 60.5, lng: 24.94 }), 1e-5, 0), null);
});

test("five thousand couriers, each heard of once, cost less than a blink", () => {
  const fleet = new Fleet(CITY, 0);
  const everybody = (time) => {
    for (let n = 0; n < 5000; n += 1) fleet.take(at(`c${n}`, 60 + n / 100_000 + time / 1e9, time), time, time);
  };
  everybody(0);
  const begun = performance.now();
  everybody(1000);
  fleet.counts(1000, LIMITS);
  fleet.nearestTo(toMercator(CITY), 1, 1000);
  assert.ok(performance.now() - begun < 150);              // 8 ms on an idle machine of 2026
});

test("when all have arrived nothing needs drawing", () => {
  const fleet = new Fleet(CITY, 0);
  fleet.take(at("a", 60.17, 0), 0, 0);
  assert.equal(fleet.isMoving(10), false);
  fleet.take(at("a", 60.1705, 1000), 1000, 1000);
  assert.equal(fleet.isMoving(1500), true);
  assert.equal(fleet.isMoving(9000), false);
});
