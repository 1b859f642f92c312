import assert from "node:assert/strict";
import { test } from "node:test";

import { Motion, presenceOf, turnedTowards } from "./motion.js";

const fix = (fix_time, lat, more = {}) => ({ lat, lng: 24.9, fix_time, ...more });

/** Plays fixes that arrive at given moments and looks each 16 ms; gives all latitudes drawn. */
function played(arrivals, untilMs) {
  const motion = new Motion();
  const drawn = [];
  const waiting = [...arrivals];
  for (let now = 0; now <= untilMs; now += 16) {
    while (waiting.length && waiting[0][0] <= now) motion.push(waiting.shift()[1], now);
    const place = motion.at(now);
    if (place) drawn.push(place.lat);
  }
  return drawn;
}

test("nothing is drawn before the first fix", () => {
  assert.equal(new Motion().at(1000), null);
});

test("a lone fix stands still where it is, however old", () => {
  const motion = new Motion();
  motion.push(fix(0, 60.1), 3_600_000);
  assert.equal(motion.at(3_600_000).lat, 60.1);
  assert.equal(motion.at(3_700_000).lat, 60.1);
});

test("steady fixes become steady movement", () => {
  const arrivals = Array.from({ length: 30 }, (_, n) => [n * 1000 + 50, fix(n * 1000, 60 + n * 0.0001)]);
  const drawn = played(arrivals, 29_000).slice(600);            // after the delay has settled
  const steps = drawn.slice(1).map((lat, index) => lat - drawn[index]);
  assert.ok(Math.max(...steps) < 2 * 0.0001 * 0.016, `largest step ${Math.max(...steps)}`);
  assert.ok(Math.min(...steps) > 0, "never stands still");
});

test("it never goes back: late, early, bunched and old fixes", () => {
  let seed = 7;
  const random = () => { seed = (seed * 16807) % 2147483647; return seed / 2147483647; };
  for (let round = 0; round < 50; round += 1) {
    const arrivals = Array.from({ length: 40 }, (_, n) => {
      const late = random() < 0.2 ? random() * 9000 : random() * 300;
      return [n * 1000 + late, fix(n * 1000, 60 + n * 0.0001)];
    }).sort((a, b) => a[0] - b[0]);
    const drawn = played(arrivals, 60_000);
    for (let at = 1; at < drawn.length; at += 1) assert.ok(drawn[at] >= drawn[at - 1]);
    assert.ok(drawn.at(-1) > 60.0038, "and arrives in the end");
  }
});

test("an older fix is refused", () => {
  const motion = new Motion();
  assert.equal(motion.push(fix(2000, 60.2), 2000), true);
  assert.equal(motion.push(fix(1000, 60.1), 2100), false);
  assert.equal(motion.push(fix(2000, 60.1), 2200), false);
  assert.equal(motion.at(9000).lat, 60.2);
});

test("after a tunnel he is where he is, not a minute behind", () => {
  const motion = new Motion();
  motion.push(fix(0, 60.0), 0);
  motion.push(fix(1000, 60.0001), 1000);
  motion.at(2000);
  motion.push(fix(61_000, 60.01), 61_000);
  motion.push(fix(62_000, 60.0101), 62_000);
  assert.ok(motion.at(71_500).lat >= 60.01);
});

test("a phone whose clock is wrong rides as smoothly", () => {
  const ahead = Array.from({ length: 20 }, (_, n) => [n * 1000, fix(n * 1000 + 45_000, 60 + n * 0.0001)]);
  const drawn = played(ahead, 20_000);
  assert.ok(drawn.at(-1) > 60.0015);
});

test("standing still does not turn him round", () => {
  const motion = new Motion();
  motion.push(fix(0, 60, { bearing_deg: 90 }), 0);
  motion.push(fix(1000, 60.000001, { bearing_deg: 270 }), 1000);
  assert.equal(motion.at(5000).bearing_deg, 90);
});

test("without a bearing the way he rides is his bearing", () => {
  const motion = new Motion();
  motion.push(fix(0, 60), 0);
  motion.push(fix(1000, 60.001), 1000);
  motion.at(1800);
  assert.ok(Math.abs(motion.at(2300).bearing_deg) < 1);
});

test("turning goes the shorter way", () => {
  assert.equal(turnedTowards(350, 10, 0.5), 0);
  assert.equal(turnedTowards(10, 350, 0.25), 5);
  assert.equal(turnedTowards(90, 90, 1), 90);
});

test("presence follows the server's thresholds", () => {
  assert.deepEqual([0, 29, 30, 119, 120].map((s) => presenceOf(s)), ["fresh", "fresh", "ageing", "ageing", "gone"]);
  assert.equal(presenceOf(11, { ageing_after_s: 10, gone_after_s: 20 }), "ageing");
});
