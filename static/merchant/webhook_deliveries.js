// What was sent to one endpoint: the list, one delivery unfolded with its body and attempts, and sending again.

import { element, show } from "../js/dom.js";
import { t } from "../js/i18n.js";

const FILTERS = ["", "waiting", "failed", "delivered"];
const PAGE = 20;

/** A moment as the page's language writes it. */
export function moment(text) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "medium" })
    .format(new Date(text));
}

/** JSON in lines; what is none, as it is. */
export function spread(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export class Deliveries {
  #api; #path; #act; #filter;
  #list = null;                        // as the server last said
  #shown = PAGE;
  #hasMore = false;
  #unfolded = null;                    // {delivery, body, attempts}

  /** `act` does a thing and looks again; `node` is what is shown. */
  constructor({ api, path, webhookId, filter, act }) {
    this.#api = api;
    this.#path = path;
    this.#act = act;
    this.#filter = filter;
    this.webhookId = webhookId;
    this.node = element("section", { class: "sent" });
  }

  async look() {
    const query = { limit: Math.min(this.#shown, 200), state: this.#filter || null };
    const page = await this.#api.get(`${this.#path}/deliveries`, query);
    const id = this.#unfolded?.delivery.id;
    const unfolded = id && page.deliveries.some((one) => one.id === id)
      ? await this.#api.get(`${this.#path}/deliveries/${id}`) : null;
    const before = JSON.stringify([this.#list, this.#unfolded, this.#hasMore]);
    this.#list = page.deliveries;
    this.#hasMore = page.next_before !== null;
    this.#unfolded = unfolded;
    if (JSON.stringify([this.#list, this.#unfolded, this.#hasMore]) !== before) this.draw();
  }

  draw() {
    if (!this.#list) return;
    const filters = FILTERS.map((filter) => element("button", {
      type: "button", "aria-pressed": String(filter === this.#filter), onclick: () => this.#choose(filter),
    }, t(filter ? `delivery.${filter}` : "webhooks.all")));
    const again = element("button", { type: "button", onclick: () => this.#replayFailed() }, t("webhooks.replay_failed"));
    show(this.node,
      element("div", { class: "filters" }, filters, element("span", { class: "space" }), again),
      this.#list.length
        ? element("div", { class: "deliveries" }, this.#list.map((one) => this.#delivery(one)))
        : element("p", { class: "empty" }, t("webhooks.nothing_sent")),
      this.#hasMore && this.#shown < 200
        && element("button", { type: "button", onclick: () => this.#more() }, t("webhooks.more")));
  }

  #choose(filter) {
    this.#filter = filter;
    this.#list = [];
    this.draw();
    this.#act(() => {});
  }

  #more() {
    this.#shown += 60;
    this.#act(() => {});
  }

  #replayFailed() {
    const aMonth = new Date(this.#api.now() - 30 * 86_400_000).toISOString();
    this.#act(() => this.#api.post(`${this.#path}/replay`, { since: aMonth }));
  }

  #delivery(one) {
    const whole = this.#unfolded?.delivery.id === one.id ? this.#unfolded : null;
    return element("div", { class: "delivery", "data-state": one.state },
      element("button", {
        type: "button", class: "line", "aria-expanded": String(whole !== null), onclick: () => this.#toggle(one),
      },
      element("span", { class: "type" }, one.type),
      element("span", { class: "when number" }, moment(one.created_at)),
      element("span", { class: `status ${one.state}` }, outcome(one)),
      one.next_at && one.attempts > 0 && element("span", { class: "next" }, t("webhooks.next", { when: moment(one.next_at) }))),
      whole && this.#whole(whole));
  }

  #whole({ delivery, body, attempts }) {
    const path = `${this.#path}/deliveries/${delivery.id}`;
    return element("div", { class: "whole" },
      element("pre", {}, spread(body)),
      element("div", { class: "attempts" }, attempts.map(attemptRow)),
      element("div", { class: "actions" },
        element("button", { type: "button", onclick: () => this.#act(() => this.#api.post(`${path}/replay`)) },
          t("webhooks.replay"))));
  }

  #toggle(one) {
    this.#act(async () => {
      const isOpen = this.#unfolded?.delivery.id === one.id;
      this.#unfolded = isOpen ? null : await this.#api.get(`${this.#path}/deliveries/${one.id}`);
      this.draw();
    });
  }
}

function outcome(one) {
  if (one.state === "delivered" || !one.last_outcome) return t(`delivery.${one.state}`);
  return t("webhooks.state_and_outcome", { state: t(`delivery.${one.state}`), outcome: said(one.last_outcome, one.last_status) });
}

function said(word, status) {
  return status && word !== "delivered" ? t("webhooks.outcome_and_status", { outcome: t(`outcome.${word}`), status }) : t(`outcome.${word}`);
}

function attemptRow(attempt) {
  return element("div", { class: "attempt" },
    element("span", { class: "number soft" }, moment(attempt.began_at)),
    element("span", {}, said(attempt.outcome, attempt.status)),
    element("span", { class: "number soft" }, attempt.took_ms === null ? "" : `${attempt.took_ms} ms`),
    attempt.answer && element("pre", {}, attempt.answer));
}
