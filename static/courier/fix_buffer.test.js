import assert from "node:assert/strict";
import { test } from "node:test";

import { FixBuffer, fixOf } from "./fix_buffer.js";

const fix = (time) => ({ lat: 60, lng: 24, fix_time: time });
const seqs = (fixes) => fixes.map(({ seq }) => seq);

test("a fix is sent once a socket, and kept until it is stored", () => {
  const buffer = new FixBuffer();
  [1, 2, 3].forEach((time) => buffer.add(fix(time)));
  assert.deepEqual(seqs(buffer.take()), [1, 2, 3]);
  assert.deepEqual(buffer.take(), []);
  buffer.stored([1, 2]);
  assert.equal(buffer.size, 1);
  buffer.again();
  buffer.add(fix(4));
  assert.deepEqual(seqs(buffer.take()), [3, 4]);
});

test("what is refused is not sent again", () => {
  const buffer = new FixBuffer();
  buffer.add(fix(1));
  buffer.take();
  buffer.refused([1]);
  buffer.again();
  assert.deepEqual(buffer.take(), []);
});

test("an older fix than the last is none", () => {
  const buffer = new FixBuffer();
  buffer.add(fix(5));
  buffer.add(fix(5));
  buffer.add(fix(4));
  assert.equal(buffer.size, 1);
});

test("a browser's position becomes a fix, with what is known only", () => {
  const coords = { latitude: 60.1, longitude: 24.9, accuracy: 8, heading: NaN, speed: null };
  assert.deepEqual(fixOf({ coords, timestamp: 1000.4 }), { lat: 60.1, lng: 24.9, fix_time: 1000, accuracy_m: 8 });
});
