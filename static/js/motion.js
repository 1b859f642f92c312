// Where to draw one courier now, between the fixes we have.  Pure: times come in as arguments, in milliseconds.
//
// Fixes arrive late and unevenly, but each says when it was true (`fix_time`).  So we replay the courier a little behind:
// a playhead walks along fix_time, between fixes we already hold, and therefore needs no guessing.  The playhead never
// goes back, and neither does the courier.

import { bearingDeg, distanceM } from "./position.js";

const MIN_DELAY_MS = 300;
const MAX_DELAY_MS = 8_000;        // a phone rarer than this is shown in steps rather than ever later
const KEPT_FIXES = 64;
const CATCH_UP_RATE = 0.25;        // the playhead runs up to this much faster or slower to reach its delay
const LOST_MS = 15_000;            // further off than this: go there at once
const MOVED_M = 3;                 // less is the phone's jitter and turns nobody round

export class Motion {
  #fixes = [];
  #lagMs = null;                   // smallest arrival − fix_time seen lately: the path's own delay and the clocks' gap
  #delayMs = MIN_DELAY_MS;
  #playhead = null;
  #playedAt = null;
  #bearing = null;

  /** Takes a fix {lat, lng, fix_time, bearing_deg?} that arrived at `now`; false if it is not newer than the newest. */
  push(fix, now) {
    const newest = this.#fixes.at(-1);
    if (newest && fix.fix_time <= newest.fix_time) return false;
    if (newest) {
      const intervalMs = Math.min(fix.fix_time - newest.fix_time, MAX_DELAY_MS);
      // Enough to have the next fix before the playhead gets there; grows at once, shrinks slowly.
      const wanted = Math.max(MIN_DELAY_MS, 1.2 * intervalMs);
      this.#delayMs = Math.min(MAX_DELAY_MS, wanted > this.#delayMs ? wanted : 0.8 * this.#delayMs + 0.2 * wanted);
    }
    const lag = now - fix.fix_time;
    // A late path shows as a larger lag and is forgotten a little with each fix; an earlier arrival counts at once.
    this.#lagMs = this.#lagMs === null || lag < this.#lagMs ? lag : this.#lagMs + 0.05 * (lag - this.#lagMs);
    this.#fixes.push(fix);
    if (this.#fixes.length > KEPT_FIXES) this.#fixes.shift();
    this.#playhead ??= fix.fix_time;
    this.#playedAt ??= now;
    return true;
  }

  /** Forgets everything: another courier, or a courier seen coarsely until now. */
  clear() {
    this.#fixes = [];
    this.#lagMs = this.#playhead = this.#playedAt = this.#bearing = null;
    this.#delayMs = MIN_DELAY_MS;
  }

  /** Where he is drawn at `now`: {lat, lng, bearing_deg, fix_time, moving}, or null while nothing is known. */
  at(now) {
    if (this.#fixes.length === 0) return null;
    this.#advance(now);
    const time = this.#playhead;
    while (this.#fixes.length > 2 && this.#fixes[1].fix_time <= time) this.#fixes.shift();
    const [from, to] = this.#fixes;
    if (!to || time <= from.fix_time) return this.#drawn(from, from, 0, to !== undefined);
    const share = Math.min(1, (time - from.fix_time) / (to.fix_time - from.fix_time));
    return this.#drawn(from, to, share, share < 1);
  }

  #advance(now) {
    const elapsed = Math.max(0, now - this.#playedAt);
    this.#playedAt = Math.max(now, this.#playedAt);
    const target = now - this.#lagMs - this.#delayMs;
    const behind = target - this.#playhead - elapsed;
    let next = this.#playhead + elapsed + Math.max(-CATCH_UP_RATE * elapsed, Math.min(CATCH_UP_RATE * elapsed, behind));
    if (Math.abs(behind) > LOST_MS) next = target;
    this.#playhead = Math.max(this.#playhead, Math.min(next, this.#fixes.at(-1).fix_time));
  }

  #drawn(from, to, share, moving) {
    const lat = from.lat + (to.lat - from.lat) * share;
    const lng = from.lng + (to.lng - from.lng) * share;
    if (from !== to && distanceM(from, to) > MOVED_M) this.#bearing = to.bearing_deg ?? bearingDeg(from, to);
    else this.#bearing ??= from.bearing_deg ?? null;
    return { lat, lng, bearing_deg: this.#bearing, fix_time: Math.max(from.fix_time, this.#playhead), moving };
  }
}

/** The bearing on the way from `from` to `to`, turning the shorter way round, `share` of it (0 to 1). */
export function turnedTowards(from, to, share) {
  const turn = ((((to - from) % 360) + 540) % 360) - 180;
  return (((from + turn * share) % 360) + 360) % 360;
}

/** "fresh", "ageing" or "gone" by the seconds since somebody was heard of. */
export function presenceOf(ageS, { ageing_after_s: ageingAfterS = 30, gone_after_s: goneAfterS = 120 } = {}) {
  if (ageS < ageingAfterS) return "fresh";
  return ageS < goneAfterS ? "ageing" : "gone";
}
