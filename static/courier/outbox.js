// What a courier has reported and the server has not answered yet: kept on the phone, sent in order, each once.
// Pure but for what it is given: where to keep (outbox_store.js, or a test's map), how to send, how to wait.

import { backoffMs } from "../js/backoff.js";

const PASSING = new Set(["network", "no_reply", "unavailable", "database_unavailable", "internal_error", "too_many"]);
const SIGN_IN = 401;

export class Outbox {
  #store; #send; #onChange; #clock;
  #account = null;
  #waiting = [];                        // reports, oldest first: {id, account, order_id, name, body, key, occurred_at, pictures}
  #refused = [];                        // {report, error}: shown until he has seen them
  #isSending = false;
  #again = false;
  #tries = 0;
  #timer = null;

  /**
   * `store`: {all(), put(report), remove(id)}; `send(report)` says it and throws an ApiError; `onChange()` hears that something
   * was put in, sent or refused.
   */
  constructor({ store, send, onChange = () => {}, clock = globalThis }) {
    this.#store = store;
    this.#send = send;
    this.#onChange = onChange;
    this.#clock = clock;
  }

  /** Whose phone this is now: what others left here waits for them. */
  async begin(accountId) {
    this.#account = accountId;
    const kept = accountId ? await this.#store.all() : [];
    if (this.#account !== accountId) return;
    this.#waiting = kept.filter(({ account }) => account === accountId).sort((a, b) => a.made - b.made);
    this.#refused = [];
    this.#onChange();
    this.flush();
  }

  /** The reports about this order that the server has not heard yet. */
  waitingFor(orderId) {
    return this.#waiting.filter((report) => report.order_id === orderId);
  }

  get size() {
    return this.#waiting.length;
  }

  get refused() {
    return this.#refused;
  }

  forgetRefused() {
    this.#refused = [];
    this.#onChange();
  }

  /** Keeps a report, and sends it as soon as all before it are heard. */
  async add(report) {
    const kept = { ...report, account: this.#account, made: this.#lastMade() + 1, id: report.key };
    await this.#store.put(kept);          // before anything else: the phone may die now
    this.#waiting.push(kept);
    this.#onChange();
    await this.flush();
  }

  /** Sends what waits; called when the network comes back as well. */
  async flush() {
    if (this.#isSending) {
      this.#again = true;
      return;
    }
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#isSending = true;
    try {
      while (this.#waiting.length && await this.#sendFirst()) this.#tries = 0;
    } finally {
      this.#isSending = false;
    }
    if (this.#again) {
      this.#again = false;
      await this.flush();
    }
  }

  async #sendFirst() {
    const [report] = this.#waiting;
    try {
      await this.#send(report);
    } catch (error) {
      if (error.status === SIGN_IN) return false;       // it waits until he has signed in again
      if (PASSING.has(error.code) || error.status >= 500 || error.status === 429) {
        this.#tries += 1;
        this.#timer ??= this.#clock.setTimeout(() => this.flush(), backoffMs(this.#tries));
        return false;
      }
      this.#refused = [...this.#refused, { report, error }];
    }
    if (this.#waiting[0] === report) this.#waiting.shift();
    await this.#store.remove(report.id);
    this.#onChange();
    return true;
  }

  #lastMade() {
    return Math.max(0, ...this.#waiting.map(({ made }) => made), Date.now());
  }
}
