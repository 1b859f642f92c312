// Which couriers the map's tiles hold, told tile by tile, kept in a Fleet.  Pure.
//
// A courier who rides into the next tile is told as "left" by the one and as a row by the other, in this order: so who
// left is kept a moment, lest he vanish and reappear at a tile's edge.

import { ancestorOf } from "./h3.js";
import { courierOf } from "./messages.js";

const COURIER_RES = 9;                   // the server counts a courier to the ancestor of his cell of this size
const KEEP_LEFT_MS = 1_500;

export class Viewing {
  #fleet; #aheadMs;
  #places = new Map();                   // courier id -> {tile, lat, lng}; tile null: not worked out yet
  #leaving = new Map();                  // courier id -> when he may go
  res = 6;

  /** `aheadMs()` is how far the server's clock is ahead of ours. */
  constructor(fleet, aheadMs = () => 0) {
    this.#fleet = fleet;
    this.#aheadMs = aheadMs;
  }

  /** The answer to `look`: everybody there is in the view now. */
  takeAll(rows, now) {
    const couriers = rows.map(courierOf);
    this.#leaving.clear();
    this.#places.clear();
    for (const { courierId, lat, lng } of couriers) this.#places.set(courierId, { tile: null, lat, lng });
    this.#fleet.replaceAll(couriers, (courier) => courier.receivedAt - this.#aheadMs(), now);
  }

  /** One event `positions`: a tile's rows, who left it, and whether these rows are all it holds. */
  take({ tile, couriers: rows = [], left = [], whole = false }, now) {
    for (const courierId of left) if (this.#isIn(courierId, tile)) this.#leaving.set(courierId, now + KEEP_LEFT_MS);
    const present = new Set();
    for (const courier of rows.map(courierOf)) {
      present.add(courier.courierId);
      this.#leaving.delete(courier.courierId);
      this.#places.set(courier.courierId, { tile, lat: courier.lat, lng: courier.lng });
      this.#fleet.take(courier, courier.receivedAt - this.#aheadMs(), now);
    }
    if (!whole) return;
    for (const courierId of [...this.#places.keys()]) {
      if (!present.has(courierId) && this.#isIn(courierId, tile)) this.#remove(courierId);
    }
  }

  /** Takes off whoever left and was not seen in another tile since. */
  sweep(now) {
    for (const [courierId, goesAt] of this.#leaving) if (goesAt <= now) this.#remove(courierId);
  }

  clear() {
    for (const courierId of [...this.#places.keys()]) this.#remove(courierId);
  }

  #isIn(courierId, tile) {
    const place = this.#places.get(courierId);
    if (!place) return false;
    place.tile ??= ancestorOf(place.lat, place.lng, COURIER_RES, this.res);
    return place.tile === tile;
  }

  #remove(courierId) {
    this.#places.delete(courierId);
    this.#leaving.delete(courierId);
    this.#fleet.remove(courierId);
  }
}
