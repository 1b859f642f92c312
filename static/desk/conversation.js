// What was written in a ticket (inside, and to each of the order's people), attempts to reach somebody, and a place to write.

import { newKey } from "../js/api.js";
import { element, fillChoice, redraw, show } from "../js/dom.js";
import { clockTime, sentenceFor, spoken, t } from "../js/i18n.js";
import { roleName } from "./ticket_words.js";

const ROOMS = ["staff", "customer", "merchant", "courier"];

export class Conversation {
  #parts;
  #room = "staff";
  #ticket = null;
  #key = newKey();
  #tabs = element("div", { class: "filters", role: "tablist" });
  #notes = element("ul", { class: "notes" });
  #tried = element("div", {});
  #composer = element("form", { class: "composer" });
  #drafts = {};                        // room -> words not sent yet

  /** `parts`: {api, catalogue, place, say(command, body, key), canWork, openForm(name)}. */
  constructor(parts) {
    this.#parts = parts;
    this.retell();
  }

  show(ticket) {
    this.#ticket = ticket;
    this.#draw();
  }

  /** In another language: the frame anew, what was typed stays. */
  retell() {
    show(this.#parts.place, element("h2", {}, t("desk.conversation")), this.#tabs, this.#notes, this.#composer, this.#tried);
    this.#compose();
    if (this.#ticket) this.#draw();
  }

  #draw() {
    const notes = this.#ticket.notes ?? [];
    redraw(this.#tabs, ROOMS.map((room) => {
      const inIt = notes.filter(({ seen_by: seenBy }) => seenBy === room).length;
      return element("button", {
        type: "button", role: "tab", "data-room": room, "aria-selected": String(room === this.#room),
        "aria-pressed": String(room === this.#room), onclick: () => this.#enter(room),
      }, t(`desk.room_${room}`), inIt ? ` ${inIt}` : "");
    }));
    const here = notes.filter(({ seen_by: seenBy }) => seenBy === this.#room);
    redraw(this.#notes, here.length ? here.map((note) => this.#note(note)) : element("li", { class: "empty" }, t(`desk.empty_${this.#room}`)));
    const tried = this.#ticket.contacts ?? [];
    redraw(this.#tried, element("h2", {}, t("desk.attempts")),
      tried.length ? element("ul", { class: "plain" }, tried.map((one) => element("li", {},
        element("time", { class: "number soft small" }, clockTime(one.at)), " ",
        `${roleName(one.whom)} · ${t(`desk.option_${one.how}`)} · ${t(`desk.option_${one.result}`)}`,
        one.words ? element("q", {}, one.words) : null))) : element("p", { class: "empty" }, t("desk.no_attempts")),
      this.#parts.canWork ? element("button", { type: "button", onclick: () => this.#parts.openForm("log_contact") }, t("desk.act_log_contact")) : null);
  }

  #note(note) {
    const words = note.words ?? (note.template ? this.#parts.catalogue.templateOf(note.template) : t("desk.erased"));
    const isOurs = !["customer", "merchant", "courier"].includes(note.author_role);
    return element("li", { class: isOurs ? "ours" : "theirs" }, element("p", {}, words),
      element("span", { class: "soft small" }, `${roleName(note.author_role)}, ${clockTime(note.at)}`));
  }

  #enter(room) {
    this.#drafts[this.#room] = this.#composer.querySelector("textarea")?.value ?? "";
    this.#room = room;
    this.#compose();
    this.#draw();
    this.#tabs.querySelector(`[data-room="${room}"]`)?.focus();
  }

  #compose() {
    if (!this.#parts.canWork) return show(this.#composer);
    const words = element("textarea", { rows: "2", maxlength: "2000", "aria-label": t(`desk.write_${this.#room}`), placeholder: t(`desk.write_${this.#room}`) });
    words.value = this.#drafts[this.#room] ?? "";
    const templates = this.#room === "customer" ? fillChoice(element("select", { "aria-label": t("desk.field_template") }),
      [["", t("desk.own_words_or")], ...this.#parts.catalogue.templates.map(({ code, ...both }) => [code, both[spoken()]])], "") : null;
    const problem = element("p", { class: "problem", role: "alert" });
    const send = element("button", { type: "submit", class: "primary" }, t("desk.send"));
    this.#composer.onsubmit = async (event) => {
      event.preventDefault();
      const body = words.value.trim() ? { words: words.value.trim() } : templates?.value ? { template: templates.value } : null;
      problem.textContent = body ? "" : t("desk.fault_missing");
      if (!body) return words.focus();
      send.disabled = true;
      try {
        await this.#parts.say("note", { ...body, ...(this.#room === "staff" ? {} : { to: this.#room }) }, this.#key);
        this.#key = newKey();
        this.#drafts[this.#room] = "";
        this.#compose();
      } catch (error) {
        if (error.code !== "network") this.#key = newKey();
        problem.textContent = sentenceFor(error);
        send.disabled = false;
      }
      return undefined;
    };
    return show(this.#composer, templates, words, problem, element("div", { class: "buttons" }, send));
  }
}
