// The REST side: commands and questions, each refusal an ApiError with the server's word for it.

import { asksForFreshToken } from "./messages.js";

/** A refused or failed request; `code` is the server's word, or "network" when it could not be asked. */
export class ApiError extends Error {
  constructor(code, detail = "", status = 0, faults = [], title = "") {
    super(detail || title || code);
    this.code = code;
    this.title = title;              // what is wrong, in the page's language
    this.detail = detail;
    this.status = status;
    this.faults = faults;            // {pointer, code, detail} of each field that is wrong
  }
}

export class Api {
  #source = async () => "";         // the token of the moment
  #aheadMs = null;                  // the server's clock minus ours
  #bestRoundTripMs = Infinity;

  constructor({ base = "/api/v1", onSignedOut = () => {} } = {}) {
    this.base = base;
    this.onSignedOut = onSignedOut;
  }

  /** The token to show, or what gives it: `source({renew})`; with `renew` another one, as the last was refused. */
  use(source) {
    this.#source = typeof source === "function" ? source : async () => source ?? "";
  }

  /** The server's time in Unix ms, to about a second: this device's clock may be minutes off. */
  now() {
    return Date.now() + (this.#aheadMs ?? 0);
  }

  get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const search = new URLSearchParams(given).toString();
    return this.#send("GET", search ? `${path}?${search}` : path);
  }

  /** One command; sent again with the same `key` it still happens once. */
  post(path, body = {}, key = newKey()) {
    return this.#send("POST", path, body, { "Idempotency-Key": key });
  }

  /** Puts `body` in the place of what is there; with the same `key` it still happens once. */
  put(path, body, key = newKey()) {
    return this.#send("PUT", path, body, { "Idempotency-Key": key });
  }

  /** Brings a picture (a File or Blob) as it is. */
  upload(path, picture, key = newKey()) {
    return this.#send("POST", path, picture, { "Idempotency-Key": key });
  }

  /** A picture's bytes, as a Blob. */
  async picture(path) {
    const token = await this.#source({});
    const response = await fetch(this.base + path, { headers: token ? { Authorization: `Bearer ${token}` } : {} })
      .catch(() => { throw new ApiError("network"); });
    if (!response.ok) throw new ApiError(`http_${response.status}`, "", response.status);
    return response.blob();
  }

  /** Changes what is named. */
  patch(path, body) {
    return this.#send("PATCH", path, body);
  }

  remove(path) {
    return this.#send("DELETE", path);
  }

  /** The description of the API, as /openapi.json has it. */
  async description() {
    const { status, text } = await this.exchange({ method: "GET", path: "/openapi.json" });
    if (status !== 200) throw new ApiError(`http_${status}`, "", status);
    return JSON.parse(text);
  }

  /** One request as it is, whole path and all, and what came back, refused or not: for the page of the API. */
  async exchange({ method, path, headers = {}, text = null }) {
    const sentAt = performance.now();
    const token = await this.#source({});
    const proof = token ? { Authorization: `Bearer ${token}` } : {};
    try {
      const response = await fetch(path, { method, headers: { ...proof, ...headers }, body: text ?? undefined });
      return {
        status: response.status, headers: response.headers, text: await response.text(), took_ms: performance.now() - sentAt,
      };
    } catch {
      throw new ApiError("network");
    }
  }

  /** A command that shows no token: it brings one. */
  postAnonymously(path, body) {
    return this.#ask("POST", path, body, "", {});
  }

  async #send(method, path, body, headers = {}) {
    const token = await this.#source({});
    try {
      return await this.#ask(method, path, body, token, headers);
    } catch (error) {
      if (error.status !== 401 || !token) throw error;
      // This device's clock may be wrong, or our session was ended elsewhere: the source will know.
      const another = asksForFreshToken(error.code) ? await this.#source({ renew: true }) : "";
      if (another) return this.#ask(method, path, body, another, headers);
      this.onSignedOut();
      throw error;
    }
  }

  async #ask(method, path, body, token, headers) {
    const sentAt = Date.now();
    const isPicture = body instanceof Blob;
    let response;
    try {
      response = await fetch(this.base + path, {
        method,
        headers: {
          Accept: "application/json",
          "Accept-Language": document.documentElement.lang || "en",   // the page's, which may not be the browser's
          ...(body === undefined ? {} : { "Content-Type": isPicture ? body.type : "application/json" }),
          ...(token ? { Authorization: `Bearer ${token}` } : {}),
          ...headers,
        },
        body: body === undefined || isPicture ? body : JSON.stringify(body),
      });
    } catch {
      throw new ApiError("network");     // fetch says no more than that either
    }
    this.#learnClock(response, sentAt);
    if (response.ok) return response.status === 204 ? null : response.json();
    const problem = await response.json().catch(() => ({}));
    const detail = problem.detail ?? problem.title ?? "";
    throw new ApiError(problem.code ?? `http_${response.status}`, detail, response.status, problem.errors ?? [], problem.title);
  }

  #learnClock(response, sentAt) {
    const serverMs = Date.parse(response.headers.get("Date") ?? "");
    const roundTripMs = Date.now() - sentAt;
    if (Number.isNaN(serverMs) || roundTripMs > this.#bestRoundTripMs) return;
    this.#bestRoundTripMs = roundTripMs;
    const aheadMs = serverMs + 500 - (sentAt + roundTripMs / 2);   // the header cuts off the fraction of a second
    this.#aheadMs = Math.abs(aheadMs) < 1_500 ? 0 : aheadMs;       // less than that, ours is the finer clock
  }
}

/** A fresh idempotency key.  randomUUID exists only on secure origins; a demo on the local network is none. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
