// Talks to the server: one socket, signed in by its first frame, that comes back by itself and goes on where it was.
// What the frames mean is in messages.js; what the pages make of them is theirs.

import { askedWaitMs, backoffMs } from "./backoff.js";
import {
  afterClose, asksForFreshToken, asksForSignIn, decodeFrame, encodeFrame, isBarred, SUBPROTOCOL,
} from "./messages.js";

const REPLY_WITHIN_MS = 10_000;
const RENEW_BEFORE_S = 45;          // less than a token's owner waits with getting the next
const SILENCE_MS = 40_000;          // longer than the server's heartbeat, which a page cannot see
const PASSING = new Set(["unavailable", "no_reply", "database_unavailable"]);   // refusals that say nothing about us

/** A request refused by the server, or one that got no answer (`code` "no_reply"). */
export class RequestFailed extends Error {
  constructor({ code, message = "", details = {} }) {
    super(message || code);
    this.code = code;
    this.details = details;
  }
}

export class Connection {
  #url; #token; #onState; #open; #random; #clock;
  #socket = null;
  #state = "offline";
  #tries = 0;
  #nextRef = 1;
  #waiting = new Map();             // ref -> {resolve, reject, timer}
  #topics = new Map();              // topic -> {cursor, handlers, look?}
  #retryTimer = null;
  #silenceTimer = null;
  #renewTimer = null;
  #refused = false;                 // the last token was: the next one has to be another

  /**
   * `token({renew})` gives the token of the moment, or a promise of it; with `renew` another one.  `onState(state, detail)` hears "connecting", "live", "waiting" (detail:
   * {in_ms}), "signed_out", "replaced" and "stopped" (detail: {code}).  `open`, `random` and `clock` are for tests.
   */
  constructor({ url, token, onState = () => {}, open = openSocket, random = Math.random, clock = globalThis }) {
    this.#url = url;
    this.#token = token;
    this.#onState = onState;
    this.#open = open;
    this.#random = random;
    this.#clock = clock;
  }

  get state() {
    return this.#state;
  }

  start() {
    if (this.#socket || this.#retryTimer !== null) return;
    this.#connect();
  }

  /** Closes for good; `start` begins again, with the topics as they were. */
  stop() {
    this.#clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#drop();
    this.#setState("offline");
  }

  /** The network is back, or the page is looked at again: try now, or ask whether the socket still lives. */
  wake() {
    if (this.#state === "waiting") {
      this.#clock.clearTimeout(this.#retryTimer);
      this.#retryTimer = null;
      this.#connect();
    } else if (this.#state === "live") {
      this.#askForLife();
    }
  }

  /**
   * Listens to a reliable topic: onSnapshot(snapshot) at first and whenever changes were missed for good, onChange(change)
   * for each change, onEvent(event, payload) for the rest, onRefused(error) if we may not.  Returns a function that leaves.
   */
  join(topic, handlers) {
    const entry = { cursor: null, handlers };
    this.#topics.set(topic, entry);
    if (this.#state === "live") this.#sendJoin(topic, entry);
    return () => {
      if (this.#topics.get(topic) !== entry) return;
      this.#topics.delete(topic);
      if (this.#state === "live") this.#send(topic, "leave", {});
    };
  }

  /** Says which cells the map shows (replacing those before): onCouriers(rows) at once, onEvent for what follows. */
  look(cells, handlers) {
    const entry = { cells, handlers, cursor: null };
    this.#topics.set("viewport", entry);
    if (this.#state === "live") this.#sendLook(entry);
  }

  /** Sends a frame and resolves with its `ok`; RequestFailed when refused, unanswered or not connected. */
  request(topic, event, payload = {}) {
    if (!this.#socket || !["connecting", "live"].includes(this.#state)) {
      return Promise.reject(new RequestFailed({ code: "not_connected" }));
    }
    return this.#ask(topic, event, payload).then((frame) => frame.payload.ok);
  }

  #connect() {
    this.#setState("connecting");
    const socket = this.#open(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#authenticate(socket);
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#receive(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket) this.#lost(code, reason);
    };
  }

  async #authenticate(socket) {
    let frame;
    try {
      frame = await this.#showToken(socket);
    } catch (error) {
      if (socket !== this.#socket) return;
      if (asksForFreshToken(error.code)) this.#comeWithAnother(4001);
      else if (asksForSignIn(error.code)) this.#end("signed_out", { code: error.code });
      else if (isBarred(error.code)) this.#end("stopped", { code: error.code });
      else this.#lost(1006, "");
      return;
    }
    if (socket !== this.#socket) return;
    this.#refused = false;
    this.#renewBeforeItEnds(socket, frame);
    this.#tries = 0;
    this.#setState("live");
    this.#heard();
    for (const [topic, entry] of this.#topics) {
      if (entry.cells) this.#sendLook(entry);
      else this.#sendJoin(topic, entry);
    }
  }

  async #showToken(socket) {
    const token = await this.#token({ renew: this.#refused });
    if (socket !== this.#socket) throw new RequestFailed({ code: "lost" });
    return this.#ask("session", "authenticate", { token });
  }

  /** The visit goes on beyond its token's end, if another is shown in time. */
  #renewBeforeItEnds(socket, frame) {
    const goodForS = frame.payload.ok.good_for_s;
    if (!goodForS) return;
    this.#renewTimer = this.#clock.setTimeout(async () => {
      try {
        const again = await this.#showToken(socket);
        if (socket === this.#socket) this.#renewBeforeItEnds(socket, again);
      } catch {
        // The socket will be closed with 4001, and we come back.
      }
    }, Math.max(goodForS - RENEW_BEFORE_S, goodForS / 2) * 1000);
  }

  /** Once: whose fresh token is refused as well has to sign in. */
  #comeWithAnother(code) {
    if (this.#refused) {
      this.#end("signed_out", { code });
      return;
    }
    this.#refused = true;
    this.#drop();
    this.#connect();
  }

  async #sendJoin(topic, entry, tries = 1) {
    const socket = this.#socket;
    const current = () => this.#topics.get(topic) === entry;
    try {
      const frame = await this.#ask(topic, "join", entry.cursor ? { since: entry.cursor } : {});
      if (!current()) return;
      if (frame.cursor) entry.cursor = frame.cursor;
      if (frame.payload.ok.snapshot) entry.handlers.onSnapshot(frame.payload.ok.snapshot);
    } catch (error) {
      if (!current() || error.code === "lost") return;
      if (!PASSING.has(error.code)) {
        entry.handlers.onRefused?.(error);
        return;
      }
      // A database that is away comes back; a new socket joins anew anyway.
      this.#clock.setTimeout(() => {
        if (current() && socket === this.#socket) this.#sendJoin(topic, entry, tries + 1);
      }, backoffMs(tries, this.#random));
    }
  }

  async #sendLook(entry) {
    try {
      const frame = await this.#ask("viewport", "look", { cells: entry.cells });
      if (this.#topics.get("viewport") === entry) entry.handlers.onCouriers(frame.payload.ok.couriers);
    } catch (error) {
      if (this.#topics.get("viewport") === entry && error.code !== "lost") entry.handlers.onRefused?.(error);
    }
  }

  #ask(topic, event, payload) {
    const ref = String(this.#nextRef);
    this.#nextRef += 1;
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => {
        this.#waiting.delete(ref);
        reject(new RequestFailed({ code: "no_reply" }));
      }, REPLY_WITHIN_MS);
      this.#waiting.set(ref, { resolve, reject, timer });
      this.#send(topic, event, payload, ref);
    });
  }

  #send(topic, event, payload, ref) {
    this.#socket?.send(encodeFrame(topic, event, payload, ref));
  }

  #receive(data) {
    this.#heard();
    const frame = decodeFrame(data);
    if (!frame) return;
    if (frame.event === "reply" && frame.ref !== null) this.#answered(frame);
    else this.#told(frame);
  }

  #answered(frame) {
    const waiting = this.#waiting.get(frame.ref);
    if (!waiting) return;
    this.#waiting.delete(frame.ref);
    this.#clock.clearTimeout(waiting.timer);
    if (frame.payload.error) waiting.reject(new RequestFailed(frame.payload.error));
    else waiting.resolve(frame);
  }

  #told({ topic, event, payload, cursor }) {
    const entry = this.#topics.get(topic);
    if (!entry) return;
    if (cursor) entry.cursor = cursor;
    if (event === "changed") entry.handlers.onChange?.(payload);
    else if (event === "resync") entry.handlers.onSnapshot?.(payload.snapshot ?? payload);
    else if (event === "error") entry.handlers.onRefused?.(new RequestFailed(payload));
    else entry.handlers.onEvent?.(event, payload);
  }

  #lost(code, reason) {
    const meaning = afterClose(code);
    if (meaning === "renew") {
      this.#comeWithAnother(code);
    } else if (meaning === "sign_in") {
      this.#end("signed_out", { code });
    } else if (meaning === "replaced") {
      this.#end("replaced", { code });    // two devices of one courier would throw each other out for ever
    } else if (meaning === "stop") {
      this.#end("stopped", { code });
    } else {
      this.#drop();
      this.#tries += 1;
      const inMs = askedWaitMs(reason, this.#random) ?? backoffMs(this.#tries, this.#random);
      this.#retryTimer = this.#clock.setTimeout(() => {
        this.#retryTimer = null;
        this.#connect();
      }, inMs);
      this.#setState("waiting", { in_ms: inMs });
    }
  }

  #end(state, detail) {
    this.#drop();
    this.#setState(state, detail);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#clock.clearTimeout(this.#silenceTimer);
    this.#clock.clearTimeout(this.#renewTimer);
    for (const { reject, timer } of this.#waiting.values()) {
      this.#clock.clearTimeout(timer);
      reject(new RequestFailed({ code: "lost" }));
    }
    this.#waiting.clear();
    socket?.close();
  }

  #heard() {
    this.#clock.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = this.#clock.setTimeout(() => this.#askForLife(), SILENCE_MS);
  }

  /** A network that vanished closes nothing: any reply, even a refusal, shows that somebody is there. */
  #askForLife() {
    const socket = this.#socket;
    this.#ask("session", "heartbeat", {}).catch((error) => {
      if (error.code === "no_reply" && socket === this.#socket) this.#lost(1006, "");
    });
  }

  #setState(state, detail = {}) {
    this.#state = state;
    this.#onState(state, detail);
  }
}

function openSocket(url, subprotocol) {
  return new WebSocket(url, [subprotocol]);
}
