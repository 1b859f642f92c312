// Fixes that the server has not stored yet.  Each is kept until `stored` names its number, and sent again over the next
// socket.  Pure: the times come in with the fixes.

const AT_ONCE = 200;
const MOST = 20_000;                     // five hours of a fix a second: what is older than that helps nobody

export class FixBuffer {
  #fixes = new Map();                    // seq -> fix
  #sent = new Set();                     // those under way on this socket
  #next = 1;
  #lastTime = 0;

  /** One fix of the phone; one that is not newer than the last tells nothing. */
  add(fix) {
    if (fix.fix_time <= this.#lastTime) return;
    this.#lastTime = fix.fix_time;
    this.#fixes.set(this.#next, { ...fix, seq: this.#next });
    this.#next += 1;
    if (this.#fixes.size > MOST) this.#fixes.delete(this.#fixes.keys().next().value);
  }

  /** What is to be sent now, oldest first; it counts as under way until it is stored or the socket is lost. */
  take() {
    const fixes = [...this.#fixes.values()].filter(({ seq }) => !this.#sent.has(seq)).slice(0, AT_ONCE);
    fixes.forEach(({ seq }) => this.#sent.add(seq));
    return fixes;
  }

  /** The server will not have these: not again. */
  refused(seqs) {
    this.stored(seqs);
  }

  stored(seqs) {
    for (const seq of seqs) {
      this.#fixes.delete(seq);
      this.#sent.delete(seq);
    }
  }

  /** These were not taken, or the socket is gone: they are sent again. */
  again(seqs = [...this.#sent]) {
    for (const seq of seqs) this.#sent.delete(seq);
  }

  get size() {
    return this.#fixes.size;
  }
}

/** A fix as the protocol has it, of what the browser's geolocation says. */
export function fixOf({ coords, timestamp }) {
  const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
  return {
    lat: coords.latitude, lng: coords.longitude, fix_time: Math.round(timestamp),
    ...(known(coords.accuracy) ? { accuracy_m: coords.accuracy } : {}),
    ...(known(coords.heading) ? { bearing_deg: coords.heading } : {}),
    ...(known(coords.speed) ? { speed_mps: coords.speed } : {}),
  };
}
