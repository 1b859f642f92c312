// One ticket: how it stands, what may be said to it, what may be decided, and below what is known of it.

import { newKey } from "../js/api.js";
import { tickCountdowns } from "../js/countdown.js";
import { element, redraw, show } from "../js/dom.js";
import { clockTime, dayAndTime, money, sentenceFor, spoken, t } from "../js/i18n.js";
import { toast } from "../js/page.js";
import { Conversation } from "./conversation.js";
import { actsFor, decisionsFor, FORMS, worksOn } from "./decision_forms.js";
import { evidenceSection } from "./evidence.js";
import { formFor } from "./forms.js";
import { OrderCard } from "./order_card.js";
import { storySection } from "./story.js";
import { capital, clockChips, roleName, severityChip, stateChip } from "./ticket_words.js";

const LOOK_AGAIN_MS = 150;            // one decision is several changes

export class TicketPage {
  #parts; #id;
  #ticket = null;
  #story = [];
  #orderCard = null;
  #conversation = null;
  #form = null;                       // the name of what is being filled in
  #timer = null;
  #places = Object.fromEntries(["head", "acts", "form", "questions", "decisions", "order", "evidence", "talk", "story"]
    .map((name) => [name, element("section", { class: `part ${name}` })]));

  /** `parts`: {api, account, catalogue, book, panel}. */
  constructor(parts, ticketId) {
    this.#parts = parts;
    this.#id = ticketId;
    show(parts.panel, element("p", { class: "empty" }, t("desk.loading")));
    this.look();
  }

  leave() {
    clearTimeout(this.#timer);
    this.#orderCard?.leave();
  }

  /** Something has changed in this ticket or its order: looks again, once for changes that come together. */
  hear(change) {
    if (change.id === this.#id && change.version <= this.#ticket?.version) return;   // each look is written down
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), LOOK_AGAIN_MS);
  }

  tick() {
    if (tickCountdowns(this.#places.head, this.#parts.api.now())) this.#drawHead();
  }

  async look() {
    const { api, panel, book } = this.#parts;
    try {
      const [ticket, told] = await Promise.all([
        api.get(`/tickets/${this.#id}`), api.get(`/tickets/${this.#id}/story`, { lang: spoken() }),
      ]);
      const isFirst = this.#ticket === null;
      this.#ticket = ticket;
      this.#story = told.story;
      book.put(ticket);
      if (isFirst) this.#begin();
      this.draw();
      this.#orderCard?.look();
    } catch (error) {
      const box = element("p", { class: "problem-box", role: "alert" }, sentenceFor(error));
      const again = element("button", { type: "button", onclick: () => this.look() }, t("orders.again"));
      if (this.#ticket) toast(sentenceFor(error));
      else show(panel, box, again);
    }
  }

  /** Draws all anew, but for a form that is being filled in. */
  draw() {
    if (!this.#ticket) return;
    this.#drawHead();
    this.#drawActs();
    show(this.#places.questions, this.#questions());
    show(this.#places.decisions, this.#decisions());
    redraw(this.#places.evidence, evidenceSection(this.#ticket, this.#parts, () => this.look()));
    this.#conversation.show(this.#ticket);
    redraw(this.#places.story, storySection(this.#story, this.#parts.api));
  }

  /** In another language: what is only drawn, and the server's words again. */
  retell() {
    this.#closeForm();
    this.#conversation?.retell();
    this.look();
  }

  #begin() {
    const { panel, api, account, catalogue } = this.#parts;
    const { head, acts, form, questions, decisions, order, evidence, talk, story } = this.#places;
    show(panel, element("a", { class: "back", href: "#/" }, t("desk.back_to_list")), head, acts, form,
      element("div", { class: "columns" },
        element("div", {}, decisions, questions, talk), element("div", {}, order, evidence, story)));
    this.#conversation = new Conversation({
      api, catalogue, place: talk, say: (command, body, key) => this.#say(command, body, key),
      canWork: worksOn(this.#ticket, account), openForm: (name) => this.#open(name),
    });
    if (this.#ticket.order_id) this.#orderCard = new OrderCard({ api, account, catalogue, place: order, orderId: this.#ticket.order_id });
    panel.scrollTop = 0;
  }

  #drawHead() {
    const { catalogue, account, api } = this.#parts;
    const ticket = this.#ticket;
    const assignee = ticket.assignee_id === account.id ? t("desk.you") : ticket.assignee_id ? t("desk.another") : t("desk.nobody");
    redraw(this.#places.head,
      element("h1", {}, element("span", { class: "soft number" }, `#${ticket.number} `), capital(catalogue.nameOf(ticket.kind))),
      element("p", {}, capital(catalogue.reasonOf(ticket.reason))),
      element("p", { class: "chips" }, severityChip(ticket), stateChip(ticket), clockChips(ticket, api.now())),
      element("p", { class: "soft small" }, [
        t("desk.owner_is", { role: roleName(ticket.owner_role) }),
        t("desk.assignee_is", { who: assignee }),
        ticket.rung > 0 ? t("desk.climbed", { n: ticket.rung }) : "",
        ticket.occurrences > 1 ? t("desk.reported_times", { n: ticket.occurrences }) : "",
        t("desk.opened_at", { when: dayAndTime(ticket.opened_at), who: roleName(ticket.opened_by_role) }),
        ticket.waiting_for ? t("desk.waits_for", { who: roleName(ticket.waiting_for) }) : "",
      ].filter(Boolean).join(" · ")),
      ticket.decision ? element("p", { class: "outcome" }, t("desk.decided", { what: catalogue.decisionOf(ticket.decision) }),
        ticket.refund_minor ? ` · ${t("desk.refund_sum", { sum: this.#sum(ticket.refund_minor) })}` : "",
        ticket.borne_by ? ` · ${t(`desk.bears_${ticket.borne_by}`)}` : "") : null,
      ticket.outcome ? element("p", { class: "outcome" }, t("desk.ended", {
        how: t(`desk.outcome_${ticket.outcome}`), when: clockTime(ticket.closed_at),
      })) : null);
  }

  #sum(minor) {
    const currency = this.#orderCard?.order?.currency;
    return currency ? money(minor, currency) : String(minor);
  }

  #drawActs() {
    const { account } = this.#parts;
    const plain = {
      acknowledge: () => this.#do("acknowledge", {}), resume: () => this.#do("resume", {}),
      assign: () => this.#do("assign", { account_id: account.id }),
    };
    const acts = actsFor(this.#ticket, account);
    redraw(this.#places.acts, acts.length
      ? element("div", { class: "buttons" }, acts.map((name) => element("button", {
        type: "button", "data-act": name, class: name === "acknowledge" || name === "resume" ? "primary" : "",
        onclick: plain[name] ?? (() => this.#open(name)),
      }, t(`desk.act_${name}`))))
      : element("p", { class: "hint" }, t("desk.not_yours_to_judge")));
  }

  #questions() {
    const questions = this.#parts.catalogue.kind(this.#ticket.kind)?.questions ?? [];
    return [element("h2", {}, t("desk.to_find_out")), element("ul", { class: "plain" },
      questions.map((question) => element("li", {}, question[spoken()])))];
  }

  #decisions() {
    const { catalogue, account } = this.#parts;
    if (["resolved", "dismissed"].includes(this.#ticket.state) || !worksOn(this.#ticket, account)) return [];
    const allowed = decisionsFor(catalogue.kind(this.#ticket.kind), account.role);
    const others = (catalogue.kind(this.#ticket.kind)?.decisions ?? []).filter((one) => !allowed.includes(one));
    return [
      element("h2", {}, t("desk.decide")),
      allowed.length ? element("div", { class: "buttons" }, allowed.map(({ code, ...words }) => element("button", {
        type: "button", "data-decision": code, "aria-pressed": String(this.#form === code), onclick: () => this.#open(code),
      }, capital(words[spoken()])))) : element("p", { class: "hint" }, t("desk.nothing_to_decide")),
      others.length ? element("p", { class: "hint" }, t("desk.others_decide", {
        what: others.map((one) => `${one[spoken()]} (${one.roles.map(roleName).join(", ")})`).join("; "),
      })) : null,
    ];
  }

  /** Opens the form of `name` above everything else; what needs no answer is only asked for. */
  async #open(name) {
    const { api, catalogue } = this.#parts;
    const form = FORMS[name] ?? { fields: [] };
    let about = { templates: catalogue.templates, now: () => api.now() };
    try {
      if (this.#orderCard) about = { ...about, ...await this.#orderCard.facts({ withContact: name === "correct_address" }) };
    } catch (error) {
      toast(sentenceFor(error));
    }
    this.#form = name;
    const isDecision = catalogue.kinds.some(({ decisions }) => decisions.some(({ code }) => code === name));
    const title = isDecision ? catalogue.decisionOf(name) : t(`desk.act_${name}`);
    show(this.#places.form, formFor({
      ...form, about, title, submit: title,
      act: (body, key) => this.#say(name, body, key),
      onDone: () => this.#closeForm(),
      onCancel: () => this.#closeForm(),
    }));
    this.#places.form.scrollIntoView({ block: "nearest" });
    show(this.#places.decisions, this.#decisions());
  }

  #closeForm() {
    this.#form = null;
    show(this.#places.form);
    if (this.#ticket) show(this.#places.decisions, this.#decisions());
  }

  async #do(command, body) {
    try {
      await this.#say(command, body, newKey());
    } catch (error) {
      toast(sentenceFor(error));
    }
  }

  /** Says it to the ticket as it was seen: who comes second is shown the ticket as it is now. */
  async #say(command, body, key) {
    const { api, book } = this.#parts;
    const path = `/tickets/${this.#id}/${command.replaceAll("_", "-")}`;
    try {
      const answer = await api.post(path, { ...body, version: this.#ticket.version }, key);
      book.put(answer);
      await this.look();
      return answer;
    } catch (error) {
      if (error.code === "ticket_changed" || error.code === "ticket_closed") await this.look();
      throw error;
    }
  }
}
