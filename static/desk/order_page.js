// One order for the staff: facts, story, money, tickets; raise a ticket, let the courier go on without a code, undo a slip.

import { newKey } from "../js/api.js";
import { countdown, tickCountdowns } from "../js/countdown.js";
import { element, fillChoice, redraw, show } from "../js/dom.js";
import { dayAndTime, money, sentenceFor, spoken, t } from "../js/i18n.js";
import { undoUntil } from "../js/order_life.js";
import { toast } from "../js/page.js";
import { picture } from "./evidence.js";
import { factList, OrderCard } from "./order_card.js";
import { storySection } from "./story.js";
import { capital, severityChip, stateChip } from "./ticket_words.js";

const LOOK_EACH_MS = 5_000;             // of an order that is under way; its contact is not asked for again
const SEES_MONEY = new Set(["customer_service", "operations_manager"]);
const WAIVERS = ["pickup_code", "dropoff_proof"];

export class OrderPage {
  #parts; #id; #card;
  #version = 0;
  #timer;
  #places = Object.fromEntries(["order", "acts", "form", "tickets", "money", "pictures", "story"]
    .map((name) => [name, element("section", { class: `part ${name}` })]));

  /** `parts`: {api, account, catalogue, panel}. */
  constructor(parts, orderId) {
    this.#parts = parts;
    this.#id = orderId;
    const { order, acts, form, tickets, money: sums, pictures, story } = this.#places;
    show(parts.panel, element("a", { class: "back", href: "#/orders" }, t("desk.back_to_orders")),
      element("div", { class: "columns" }, element("div", {}, order, acts, form, tickets), element("div", {}, sums, pictures, story)));
    this.#card = new OrderCard({
      api: parts.api, account: parts.account, catalogue: parts.catalogue, place: order, orderId, isWhole: true,
    });
    this.look();
    this.#timer = setInterval(() => {
      if (!document.hidden) this.look();
    }, LOOK_EACH_MS);
  }

  leave() {
    clearInterval(this.#timer);
    this.#card.leave();
  }

  tick() {
    if (tickCountdowns(this.#places.acts, this.#parts.api.now())) this.#drawActs();
  }

  hear() {
    this.look();
  }

  retell() {
    this.#version = 0;
    this.#card.draw();
    this.look();
  }

  async look() {
    const { api, account } = this.#parts;
    const order = await this.#card.look();
    if (!order || this.#version === order.version) return;
    this.#version = order.version;
    this.#drawActs();
    const path = `/orders/${this.#id}`;
    await Promise.all([
      this.#fill("story", api.get(`${path}/story`, { lang: spoken() }), ({ story }) => storySection(story, api)),
      this.#fill("tickets", api.get(`${path}/tickets`), ({ tickets }) => this.#tickets(tickets)),
      this.#fill("pictures", api.get(`${path}/media`), ({ media }) => (media.length ? [element("h2", {}, t("desk.pictures")),
        element("div", { class: "photos" }, media.map(({ id }) => picture(id, api)))] : [])),
      SEES_MONEY.has(account.role) ? this.#fill("money", api.get(`${path}/money`), (books) => moneyPart(books, order)) : null,
    ]);
  }

  async #fill(name, asked, draw) {
    try {
      redraw(this.#places[name], draw(await asked));
    } catch (error) {
      show(this.#places[name], element("p", { class: "problem" }, sentenceFor(error)));
    }
  }

  #tickets(tickets) {
    const { catalogue } = this.#parts;
    return [element("h2", {}, t("desk.tickets")), tickets.length
      ? element("ul", { class: "plain" }, tickets.map((ticket) => element("li", {},
        element("a", { href: `#/tickets/${ticket.id}` }, `#${ticket.number} ${catalogue.nameOf(ticket.kind)}`), " ",
        ticket.severity ? severityChip(ticket) : null, " ", stateChip(ticket))))
      : element("p", { class: "empty" }, t("desk.no_tickets"))];
  }

  #drawActs() {
    const { order } = this.#card;
    const { account, api } = this.#parts;
    if (!order) return;
    const undo = undoUntil(order, account.role, api.now());
    const isOpen = !order.ended_at;
    const mayOverride = isOpen && ["dispatcher", "customer_service"].includes(account.role);
    show(this.#places.acts, element("div", { class: "buttons" },
      element("button", { type: "button", "data-act": "raise", onclick: () => this.#openReport() }, t("desk.raise")),
      mayOverride ? element("button", { type: "button", "data-act": "override", onclick: () => this.#openOverride() }, t("desk.override")) : null,
      undo ? element("button", { type: "button", class: "primary", onclick: (event) => this.#undo(event.target) }, t("undo.do")) : null),
    undo ? countdown("undo.left", undo, api.now(), { class: "hint number" }) : null);
  }

  #openReport() {
    const { catalogue, account, api } = this.#parts;
    const kinds = catalogue.kinds.filter(({ reported_by: by }) => by.includes(account.role));
    const kind = fillChoice(element("select", { name: "kind", required: true }),
      [["", t("desk.choose")], ...kinds.map((one) => [one.kind, one[spoken()]])], "");
    const reason = element("select", { name: "reason", required: true });
    const fillReasons = () => {
      reason.replaceChildren();
      fillChoice(reason, (catalogue.kind(kind.value)?.reasons ?? []).map(({ code, ...both }) => [code, capital(both[spoken()])]), "");
    };
    kind.addEventListener("change", fillReasons);
    const words = element("textarea", { name: "words", rows: "3", maxlength: "2000" });
    this.#openForm(t("desk.raise"), [["desk.field_kind", kind], ["desk.field_reason", reason], ["desk.field_words", words]], async (key) => {
      const body = { kind: kind.value, reason: reason.value, ...(words.value.trim() ? { words: words.value.trim() } : {}) };
      const ticket = await api.post(`/orders/${this.#id}/tickets`, body, key);
      location.hash = `#/tickets/${ticket.id}`;
    });
  }

  #openOverride() {
    const { api } = this.#parts;
    const { order } = this.#card;
    const what = fillChoice(element("select", { name: "what" }),
      WAIVERS.filter((one) => !order.waived.includes(one)).map((one) => [one, t(`desk.option_${one}`)]), "");
    const reason = element("input", { name: "reason", required: true, maxlength: "200" });
    this.#openForm(t("desk.override"), [["desk.field_what", what], ["desk.field_why", reason]], async (key) => {
      await api.post(`/orders/${this.#id}/override`, { what: what.value, reason: reason.value.trim(), version: order.version }, key);
      toast(t("desk.override_done"));
      await this.look();
    }, t("desk.override_sure"));
  }

  #openForm(title, rows, act, hint = "") {
    let key = newKey();
    const problem = element("p", { class: "problem-box", role: "alert" });
    const submit = element("button", { type: "submit", class: "primary" }, title);
    const close = () => show(this.#places.form);
    const form = element("form", { class: "decision" }, element("h3", {}, title), hint ? element("p", { class: "hint" }, hint) : null,
      rows.map(([label, input]) => element("label", {}, element("span", {}, t(label)), input)), problem,
      element("div", { class: "buttons" }, submit, element("button", { type: "button", class: "quiet", onclick: close }, t("desk.never_mind"))));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      try {
        await act(key);
        close();
      } catch (error) {
        if (error.code !== "network") key = newKey();
        problem.textContent = sentenceFor(error);
        submit.disabled = false;
      }
    });
    show(this.#places.form, form);
    rows[0][1].focus();
  }

  async #undo(button) {
    button.disabled = true;
    try {
      await this.#parts.api.post(`/orders/${this.#id}/undo`, { version: this.#card.order.version });
    } catch (error) {
      toast(sentenceFor(error));
    }
    await this.look();
  }
}

function moneyPart(books, order) {
  const sum = (minor, currency = order.currency) => money(minor, currency);
  return [
    element("h2", {}, t("desk.money")),
    factList([
      ["desk.total", sum(order.total_minor)],
      ["desk.paid_in", books.payment ? `${sum(books.payment.amount_minor)} · ${t(`pay.${books.payment.method}`)}` : t("desk.nothing_came")],
      ["desk.given_back", books.refunded_minor ? sum(books.refunded_minor) : ""],
    ]),
    books.refunds.length ? element("ul", { class: "plain" }, books.refunds.map((refund) => element("li", {},
      `${sum(refund.amount_minor, refund.currency)} · ${t(`refund.${refund.status}`)}`,
      refund.borne_by ? ` · ${t(`desk.bears_${refund.borne_by}`)}` : "", " ",
      element("span", { class: "soft small" }, refund.reason ?? "")))) : null,
    books.compensations.length ? element("ul", { class: "plain" }, books.compensations.map((one) => element("li", {},
      `${sum(one.amount_minor, one.currency)} · ${t(`desk.form_${one.form}`)} · ${t(`desk.bears_${one.borne_by}`)}`))) : null,
    books.entries.length ? element("details", {}, element("summary", {}, t("desk.books", { n: books.entries.length })),
      element("table", { class: "books" }, element("tbody", {}, books.entries.map((entry) => element("tr", {},
        element("td", { class: "soft small" }, dayAndTime(entry.created_at)), element("td", {}, entry.account),
        element("td", { class: "soft" }, entry.reason),
        element("td", { class: "number" }, sum(entry.amount_minor, entry.currency))))))) : null,
  ];
}
