// What tickets are called, in the page's language: kinds and reasons by the server's catalogue, the rest by ours.

import { element } from "../js/dom.js";
import { countdown } from "../js/countdown.js";
import { spoken, t } from "../js/i18n.js";
import { clocksOf } from "./ticket_book.js";

/** The catalogue of kinds as GET /ticket-kinds tells it. */
export class Catalogue {
  #kinds;

  constructor({ kinds, templates }) {
    this.#kinds = new Map(kinds.map((kind) => [kind.kind, kind]));
    this.templates = templates;
  }

  get kinds() {
    return [...this.#kinds.values()];
  }

  kind(code) {
    return this.#kinds.get(code) ?? null;
  }

  nameOf(code) {
    return this.kind(code)?.[spoken()] ?? code;
  }

  reasonOf(code) {
    const reason = this.kinds.flatMap(({ reasons }) => reasons).find((one) => one.code === code);
    return reason?.[spoken()] ?? code;
  }

  decisionOf(code) {
    const decision = this.kinds.flatMap(({ decisions }) => decisions).find((one) => one.code === code);
    return capital(decision?.[spoken()] ?? code);
  }

  templateOf(code) {
    return this.templates.find((one) => one.code === code)?.[spoken()] ?? code;
  }
}

export const capital = (words) => words.slice(0, 1).toUpperCase() + words.slice(1);

export function severityChip({ severity }) {
  return element("span", { class: `chip severity ${severity}` }, t(`desk.option_${severity}`));
}

export function stateChip({ state }) {
  return element("span", { class: `chip state ${state}` }, t(`desk.state_${state}`));
}

/** The ticket's clocks, each counting down by itself (js/countdown.js). */
export function clockChips(ticket, now) {
  return clocksOf(ticket, now).map(({ what, untilMs, state }) => (state === "over" && what !== "back"
    ? element("span", { class: "chip clock over" }, t(`desk.over_${what}`))
    : countdown(`desk.clock_${what}`, untilMs, now, { class: `chip clock number ${state}` })));
}

/** The names of roles, as people: "dispatcher". */
export function roleName(role) {
  const key = `role.${role}`;
  const words = t(key);
  return words === key ? t("desk.the_system") : words;
}
