// Thousands of couriers as numbers for the graphics card: each rides from where he was drawn to where he is now.
// Pure.  courier_layer.js draws them; times come in as this device's milliseconds.

import { toMercator } from "./position.js";

export const STRIDE = 9;             // from x, y · to x, y · start, end · bearing · state · heard
const [FROM_X, FROM_Y, TO_X, TO_Y, START, END, BEARING, STATE, HEARD] = Array.from({ length: STRIDE }, (_, at) => at);
export const STATES = ["free", "busy", "off"];
export const NO_BEARING = -1;

const MIN_RIDE_S = 0.25;
const MAX_RIDE_S = 6;                // fixes rarer than this: he stands, then rides the last stretch in this time
const JUMP_M = 1_500;                // further than a ride between two fixes: he is put there
const EARTH_M = 40_075_017;

export class Fleet {
  #slots = new Map();                // courier id -> slot
  #ids = [];                         // slot -> courier id
  #fixTimes = [];
  #epochMs;

  /** `near` is a place they ride about: 32-bit numbers are exact to centimetres only close to it. */
  constructor(near, now) {
    this.origin = toMercator(near);
    this.#epochMs = now;
    this.data = new Float32Array(1024 * STRIDE);
    this.changed = true;             // set by us, cleared by whoever has copied `data`
  }

  get size() {
    return this.#ids.length;
  }

  idAt(slot) {
    return this.#ids[slot];
  }

  slotOf(courierId) {
    return this.#slots.get(courierId) ?? -1;
  }

  /** This device's milliseconds as the seconds that stand in `data`. */
  seconds(now) {
    return (now - this.#epochMs) / 1000;
  }

  /** Takes one courier as `courierOf` names him; `heardAt` is when he was heard of, on this device's clock. */
  take(courier, heardAt, now) {
    const slot = this.#slots.get(courier.courierId);
    if (slot === undefined) this.#add(courier, heardAt, now);
    else this.#move(slot, courier, heardAt, now);
    this.changed = true;
  }

  /** Takes a whole view: whoever is not in it has left. */
  replaceAll(couriers, heardAtOf, now) {
    const present = new Set();
    for (const courier of couriers) {
      this.take(courier, heardAtOf(courier), now);
      present.add(courier.courierId);
    }
    for (const courierId of [...this.#slots.keys()]) if (!present.has(courierId)) this.remove(courierId);
  }

  remove(courierId) {
    const slot = this.#slots.get(courierId);
    if (slot === undefined) return;
    const last = this.size - 1;
    if (slot !== last) {
      this.data.copyWithin(slot * STRIDE, last * STRIDE, (last + 1) * STRIDE);
      this.#ids[slot] = this.#ids[last];
      this.#fixTimes[slot] = this.#fixTimes[last];
      this.#slots.set(this.#ids[slot], slot);
    }
    this.#ids.pop();
    this.#fixTimes.pop();
    this.#slots.delete(courierId);
    this.changed = true;
  }

  /** Where a courier is drawn at `now`, as {x, y} in Mercator and what else is known; null if he is not here. */
  get(courierId, now) {
    const slot = this.#slots.get(courierId);
    if (slot === undefined) return null;
    const base = slot * STRIDE;
    const drawn = this.#drawn(base, this.seconds(now));
    return {
      x: drawn.x + this.origin.x,
      y: drawn.y + this.origin.y,
      state: STATES[this.data[base + STATE]],
      bearing_deg: this.data[base + BEARING] === NO_BEARING ? null : this.data[base + BEARING],
      heardAt: this.#epochMs + this.data[base + HEARD] * 1000,
      fixTime: this.#fixTimes[slot],
    };
  }

  /** The courier drawn nearest to a Mercator point, within `reach` of it; null if none. */
  nearestTo({ x, y }, reach, now) {
    const seconds = this.seconds(now);
    let best = null;
    let bestDistance = reach;
    for (let slot = 0; slot < this.size; slot += 1) {
      const drawn = this.#drawn(slot * STRIDE, seconds);
      const distance = Math.hypot(drawn.x + this.origin.x - x, drawn.y + this.origin.y - y);
      if (distance <= bestDistance) [best, bestDistance] = [this.#ids[slot], distance];
    }
    return best;
  }

  /** How many are free, busy and off, and how many of all have been silent long enough to be ageing or gone. */
  counts(now, { ageing_after_s: ageingAfterS, gone_after_s: goneAfterS }, isInView = () => true) {
    const seconds = this.seconds(now);
    const counts = { free: 0, busy: 0, off: 0, ageing: 0, gone: 0, all: 0 };
    for (let slot = 0; slot < this.size; slot += 1) {
      const base = slot * STRIDE;
      if (!isInView(this.data[base + TO_X] + this.origin.x, this.data[base + TO_Y] + this.origin.y)) continue;
      counts.all += 1;
      const silentS = seconds - this.data[base + HEARD];
      if (silentS >= goneAfterS) counts.gone += 1;
      else if (silentS >= ageingAfterS) counts.ageing += 1;
      else counts[STATES[this.data[base + STATE]]] += 1;
    }
    return counts;
  }

  /** Whether anybody is still riding to his newest place. */
  isMoving(now) {
    const seconds = this.seconds(now);
    for (let slot = 0; slot < this.size; slot += 1) if (this.data[slot * STRIDE + END] > seconds) return true;
    return false;
  }

  #add(courier, heardAt, now) {
    const slot = this.size;
    if ((slot + 1) * STRIDE > this.data.length) {
      const larger = new Float32Array(this.data.length * 2);
      larger.set(this.data);
      this.data = larger;
    }
    const { x, y } = this.#local(courier);
    const seconds = this.seconds(now);
    this.data.set([x, y, x, y, seconds, seconds, 0, 0, 0], slot * STRIDE);
    this.#slots.set(courier.courierId, slot);
    this.#ids.push(courier.courierId);
    this.#fixTimes.push(courier.fixTime);
    this.#describe(slot * STRIDE, courier, heardAt);
  }

  #move(slot, courier, heardAt, now) {
    const base = slot * STRIDE;
    const sinceLastS = (courier.fixTime - this.#fixTimes[slot]) / 1000;
    if (sinceLastS < 0) return;                    // older than what is drawn: he never goes back
    if (sinceLastS > 0) {
      const seconds = this.seconds(now);
      const drawn = this.#drawn(base, seconds);
      const { x, y } = this.#local(courier);
      const metres = Math.hypot(x - drawn.x, y - drawn.y) * EARTH_M * Math.cos((courier.lat * Math.PI) / 180);
      const from = metres > JUMP_M ? { x, y } : drawn;
      const rideS = Math.min(Math.max(sinceLastS * 1.1, MIN_RIDE_S), MAX_RIDE_S);
      this.data.set([from.x, from.y, x, y, seconds, seconds + rideS], base);
      this.#fixTimes[slot] = courier.fixTime;
    }
    this.#describe(base, courier, heardAt);
  }

  #describe(base, courier, heardAt) {
    if (courier.bearing_deg !== null || this.data[base + START] === this.data[base + END]) {
      this.data[base + BEARING] = courier.bearing_deg ?? NO_BEARING;
    }
    this.data[base + STATE] = Math.max(0, STATES.indexOf(courier.state));
    this.data[base + HEARD] = this.seconds(heardAt);
  }

  #drawn(base, seconds) {
    const data = this.data;
    const spanS = data[base + END] - data[base + START];
    const share = spanS > 0 ? Math.min(1, Math.max(0, (seconds - data[base + START]) / spanS)) : 1;
    return {
      x: data[base + FROM_X] + (data[base + TO_X] - data[base + FROM_X]) * share,
      y: data[base + FROM_Y] + (data[base + TO_Y] - data[base + FROM_Y]) * share,
    };
  }

  #local(courier) {
    const { x, y } = toMercator(courier);
    return { x: x - this.origin.x, y: y - this.origin.y };
  }
}
