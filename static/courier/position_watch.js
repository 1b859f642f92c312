// Where the phone is, streamed over the socket while its courier is online; kept until the server has stored it.

import { FixBuffer, fixOf } from "./fix_buffer.js";

const SEND_EACH_MS = 2_000;
const OPTIONS = { enableHighAccuracy: true, maximumAge: 1_000, timeout: 30_000 };
const TROUBLES = { 1: "denied", 2: "unavailable", 3: "slow" };

export class PositionWatch {
  #connection; #onState; #topic;
  #buffer = new FixBuffer();
  #watch = null;
  #timer = null;
  #lock = null;                          // keeps the screen on: a browser locates nobody in the background

  /** `onState(state, fixes)` hears "off", "looking", "good", "denied", "unavailable", "slow", and how many fixes wait. */
  constructor({ connection, topic, onState }) {
    this.#connection = connection;
    this.#topic = topic;
    this.#onState = onState;
  }

  start() {
    if (this.#watch !== null) return;
    if (!navigator.geolocation) {
      this.#onState("unavailable", 0);
      return;
    }
    this.#onState("looking", this.#buffer.size);
    this.#watch = navigator.geolocation.watchPosition((position) => {
      this.#buffer.add(fixOf(position));
      this.#onState("good", this.#buffer.size);
    }, ({ code }) => this.#onState(TROUBLES[code] ?? "unavailable", this.#buffer.size), OPTIONS);
    this.#timer = setInterval(() => this.send(), SEND_EACH_MS);
    this.#keepAwake();
  }

  stop() {
    if (this.#watch !== null) navigator.geolocation.clearWatch(this.#watch);
    clearInterval(this.#timer);
    this.#watch = null;
    this.#lock?.release().catch(() => {});
    this.#lock = null;
    this.#onState("off", this.#buffer.size);
  }

  /** A new socket: what the last one did not see stored is sent again. */
  reconnected() {
    this.#buffer.again();
    this.send();
  }

  /** The server has these fixes on its disk. */
  stored(seqs) {
    this.#buffer.stored(seqs);
  }

  async send() {
    if (this.#connection.state !== "live") return;
    const fixes = this.#buffer.take();
    if (!fixes.length) return;
    try {
      const { refused = [] } = await this.#connection.request(this.#topic, "fixes", { fixes });
      this.#buffer.refused(refused.map(({ seq }) => seq));
    } catch {
      this.#buffer.again(fixes.map(({ seq }) => seq));
    }
  }

  async #keepAwake() {
    try {
      this.#lock = await navigator.wakeLock?.request("screen") ?? null;
    } catch {
      // The phone saves its battery.
    }
  }
}
