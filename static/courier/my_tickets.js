// A courier's own tickets: what he reported, and what he is asked about; he answers here, and that is his hearing.

import { newKey } from "../js/api.js";
import { element, redraw } from "../js/dom.js";
import { clockTime, sentenceFor, spoken, t } from "../js/i18n.js";
import { toast } from "../js/page.js";

const SHOWN = 10;

export class MyTickets {
  #parts;
  #tickets = [];
  #answers = new Map();                 // ticket id -> its form, kept while others are drawn anew

  /** `parts`: {api, place, catalogue()}: the catalogue once it is known. */
  constructor(parts) {
    this.#parts = parts;
  }

  async look() {
    try {
      this.#tickets = (await this.#parts.api.get("/tickets", { limit: SHOWN })).tickets;
    } catch (error) {
      if (error.code !== "network") toast(sentenceFor(error));
      return;
    }
    this.draw();
  }

  clear() {
    this.#tickets = [];
    this.#answers.clear();
    this.draw();
  }

  draw() {
    redraw(this.#parts.place, element("h2", {}, t("ride.tickets")), this.#tickets.length
      ? element("ul", { class: "my-tickets" }, this.#tickets.map((ticket) => this.#card(ticket)))
      : element("p", { class: "empty" }, t("ride.no_tickets")));
  }

  #card(ticket) {
    const { kinds = [], templates = [] } = this.#parts.catalogue() ?? {};
    const kind = kinds.find((one) => one.kind === ticket.kind);
    const reason = kind?.reasons.find(({ code }) => code === ticket.reason);
    const decision = kind?.decisions.find(({ code }) => code === ticket.decision);
    const isClosed = ["resolved", "dismissed"].includes(ticket.state);
    return element("li", { class: "card", "data-ticket": ticket.id },
      element("p", {}, element("strong", {}, `#${ticket.number} ${kind?.[spoken()] ?? ticket.kind}`), " ",
        element("span", { class: "chip" }, t(isClosed ? "ride.ticket_closed" : "ride.ticket_open"))),
      element("p", { class: "soft small" }, reason?.[spoken()] ?? ticket.reason),
      decision ? element("p", {}, t("ride.decided", { what: decision[spoken()] })) : null,
      ticket.said.length ? element("ul", { class: "notes" }, ticket.said.map((said) => element("li", { class: said.author_role === "courier" ? "ours" : "theirs" },
        element("p", {}, said.words ?? templates.find(({ code }) => code === said.template)?.[spoken()] ?? ""),
        element("span", { class: "soft small" }, `${said.author_role === "courier" ? t("ride.you") : t("app.name")}, ${clockTime(said.at)}`)))) : null,
      isClosed ? null : this.#answerForm(ticket));
  }

  #answerForm(ticket) {
    if (this.#answers.has(ticket.id)) return this.#answers.get(ticket.id);
    let key = newKey();
    const words = element("textarea", { rows: "2", maxlength: "2000", required: true, "aria-label": t("ride.answer"), placeholder: t("ride.answer") });
    const send = element("button", { type: "submit" }, t("ride.send"));
    const form = element("form", { class: "composer" }, words, send);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      send.disabled = true;
      try {
        await this.#parts.api.post(`/tickets/${ticket.id}/answer`, { words: words.value.trim() }, key);
        this.#answers.delete(ticket.id);
        await this.look();
      } catch (error) {
        if (error.code !== "network") key = newKey();
        toast(sentenceFor(error));
      }
      send.disabled = false;
    });
    this.#answers.set(ticket.id, form);
    return form;
  }
}
