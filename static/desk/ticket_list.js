// The desk's left side: filters, and the tickets that fit them with their clocks.

import { tickCountdowns } from "../js/countdown.js";
import { element, fillChoice, redraw, show } from "../js/dom.js";
import { count, sentenceFor, t } from "../js/i18n.js";
import { isOverdue } from "./ticket_book.js";
import { capital, clockChips, roleName, severityChip, stateChip } from "./ticket_words.js";

const WHOSE = ["role", "mine", "all"];
const SEVERITIES = ["critical", "high", "medium", "low"];
const STORED_AS = "songda.desk.filter";

export class TicketList {
  #parts;
  #filter = { whose: "role", kind: "", severity: "", overdue: false, closed: false, ...stored() };
  #closed = [];                       // the newest closed ones, asked for when they are wanted
  #nextBefore = null;
  #problem = "";
  #selected = null;

  /** `parts`: {api, book, bell, catalogue, account, filters, list, empty}; elements are where to draw. */
  constructor(parts) {
    this.#parts = parts;
    this.drawFilters();
    this.draw();
    if (this.#filter.closed) this.#askClosed();
  }

  select(ticketId) {
    this.#selected = ticketId;
    this.draw();
  }

  drawFilters() {
    const { catalogue, bell, filters } = this.#parts;
    const whose = element("div", { class: "filters", role: "group", "aria-label": t("desk.whose") }, WHOSE.map((one) => element("button", {
      type: "button", "aria-pressed": String(this.#filter.whose === one), onclick: () => this.#change({ whose: one }),
    }, t(`desk.whose_${one}`))));
    const choice = (name, options) => {
      const select = fillChoice(element("select", { "aria-label": t(`desk.filter_${name}`), name }),
        [["", t(`desk.any_${name}`)], ...options], this.#filter[name]);
      select.addEventListener("change", () => this.#change({ [name]: select.value }));
      return select;
    };
    const box = (name, words, isOn, change) => element("label", { class: "box" }, element("input", {
      type: "checkbox", name, checked: isOn, onchange: (event) => change(event.target.checked),
    }), element("span", {}, words));
    show(filters, whose,
      element("div", { class: "choices" },
        choice("kind", catalogue.kinds.map(({ kind }) => [kind, catalogue.nameOf(kind)])),
        choice("severity", SEVERITIES.map((one) => [one, t(`desk.option_${one}`)]))),
      element("div", { class: "choices" },
        box("overdue", t("desk.only_overdue"), this.#filter.overdue, (overdue) => this.#change({ overdue })),
        box("closed", t("desk.closed"), this.#filter.closed, (closed) => this.#change({ closed })),
        box("sound", t("desk.sound"), bell.isOn, (isOn) => bell.switch(isOn))));
  }

  draw() {
    const { book, account, list, empty, bell, api } = this.#parts;
    const tickets = this.#filter.closed ? this.#closed : book.list(this.#filter, account, api.now());
    redraw(list, tickets.map((ticket) => this.#row(ticket)),
      this.#filter.closed && this.#nextBefore ? element("li", {}, element("button", {
        type: "button", class: "quiet", onclick: () => this.#askClosed(this.#nextBefore),
      }, t("desk.more"))) : null);
    empty.textContent = this.#problem || (tickets.length ? "" : t(this.#isNarrow() ? "desk.none_fit" : "desk.none"));
    const waiting = book.waitingFor(account.role);
    document.getElementById("waiting").textContent = count(waiting);
    bell.show(waiting);
  }

  /** Each second: a clock that has just run out moves its ticket. */
  tick() {
    if (tickCountdowns(this.#parts.list, this.#parts.api.now())) this.draw();
  }

  #row(ticket) {
    const { catalogue, account, api } = this.#parts;
    const now = api.now();
    const whose = ticket.assignee_id === account.id ? t("desk.yours")
      : ticket.assignee_id ? t("desk.a_colleague") : roleName(ticket.owner_role);
    return element("li", {}, element("a", {
      class: `ticket-row ${isOverdue(ticket, now) ? "overdue" : ""}`, href: `#/tickets/${ticket.id}`, "data-ticket": ticket.id,
      "aria-current": ticket.id === this.#selected ? "true" : null,
    },
    element("span", { class: "title" }, element("span", { class: "number soft" }, `#${ticket.number}`), " ", capital(catalogue.nameOf(ticket.kind))),
    severityChip(ticket),
    element("span", { class: "soft small why" }, catalogue.reasonOf(ticket.reason)),
    element("span", { class: "small whose" }, whose, ticket.rung > 0 ? element("span", { class: "climbed" }, ` ↑${ticket.rung}`) : null),
    element("span", { class: "chips" }, stateChip(ticket), clockChips(ticket, now))));
  }

  #isNarrow() {
    const { whose, kind, severity, overdue } = this.#filter;
    return whose !== "all" || kind || severity || overdue;
  }

  #change(what) {
    this.#filter = { ...this.#filter, ...what };
    localStorage.setItem(STORED_AS, JSON.stringify({ ...this.#filter, closed: false }));
    this.drawFilters();
    this.#problem = "";
    if (this.#filter.closed) this.#askClosed();
    this.draw();
  }

  async #askClosed(before = undefined) {
    const { api, account } = this.#parts;
    const { whose, kind, severity, overdue } = this.#filter;
    try {
      const found = await api.get("/tickets", {
        state: "resolved,dismissed", kind: kind || undefined, severity: severity || undefined, before,
        mine: whose === "mine" ? "true" : undefined, owner_role: whose === "role" ? account.role : undefined,
        overdue: overdue ? "true" : undefined, limit: 50,
      });
      this.#closed = before ? [...this.#closed, ...found.tickets] : found.tickets;
      this.#nextBefore = found.next_before;
    } catch (error) {
      this.#problem = sentenceFor(error);
    }
    this.draw();
  }
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORED_AS) ?? "{}");
  } catch {
    return {};
  }
}
