import assert from "node:assert/strict";
import { test } from "node:test";

import { Fleet } from "./fleet.js";
import { cellOf } from "./h3.js";
import { Viewing } from "./viewing.js";

const HERE = [60.17, 24.94];
const FAR = [60.3, 24.94];
const row = (id, [lat, lng], time) => [id, lat, lng, null, "free", time, time];
const tile = ([lat, lng]) => cellOf(lat, lng, 6);

function started(...ids) {
  const fleet = new Fleet({ lat: 60.17, lng: 24.94 }, 0);
  const viewing = new Viewing(fleet);
  viewing.takeAll(ids.map((id) => row(id, HERE, 0)), 0);
  return { fleet, viewing };
}

test("who left a tile goes a moment later", () => {
  const { fleet, viewing } = started("a", "b");
  viewing.take({ tile: tile(HERE), couriers: [], left: ["a"] }, 1000);
  viewing.sweep(1100);
  assert.equal(fleet.size, 2);
  viewing.sweep(3000);
  assert.equal(fleet.get("a", 3000), null);
  assert.equal(fleet.size, 1);
});

test("who rides into the next tile stays", () => {
  const { fleet, viewing } = started("a");
  viewing.take({ tile: tile(HERE), left: ["a"] }, 1000);
  viewing.take({ tile: tile(FAR), couriers: [row("a", FAR, 1000)] }, 1001);
  viewing.sweep(9000);
  assert.equal(fleet.size, 1);
});

test("a late word that he left an earlier tile takes nobody off", () => {
  const { fleet, viewing } = started("a");
  viewing.take({ tile: tile(FAR), couriers: [row("a", FAR, 1000)] }, 1000);
  viewing.take({ tile: tile(HERE), left: ["a"] }, 1001);
  viewing.sweep(9000);
  assert.equal(fleet.size, 1);
});

test("a whole tile says who is not in it any more, and nothing of other tiles", () => {
  const { fleet, viewing } = started("a", "b");
  viewing.take({ tile: tile(FAR), couriers: [row("c", FAR, 0)] }, 0);
  viewing.take({ tile: tile(HERE), couriers: [row("b", HERE, 5)], whole: true }, 10);
  assert.deepEqual(["a", "b", "c"].map((id) => fleet.get(id, 10) !== null), [false, true, true]);
});

test("the server's clock may differ from ours", () => {
  const fleet = new Fleet({ lat: 60.17, lng: 24.94 }, 0);
  new Viewing(fleet, () => 60_000).takeAll([row("a", HERE, 100_000)], 41_000);
  assert.ok(Math.abs(fleet.get("a", 41_000).heardAt - 40_000) < 10);
});
