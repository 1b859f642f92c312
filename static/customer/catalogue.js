// The words of tickets, as the server's catalogue has them in both languages: kinds, reasons, decisions, what is told.

import { spoken } from "../js/i18n.js";

export class Catalogue {
  #words = new Map();                    // "reason:late" -> {en, zh}
  kinds = [];

  /** Reads it, for those who may; the others get no words. */
  async load(api) {
    if (this.kinds.length) return;
    const { kinds, templates } = await api.get("/ticket-kinds");
    for (const kind of kinds) {
      this.#words.set(`kind:${kind.kind}`, kind);
      for (const reason of kind.reasons) this.#words.set(`reason:${reason.code}`, reason);
      for (const decision of kind.decisions) this.#words.set(`decision:${decision.code}`, decision);
    }
    for (const template of templates) this.#words.set(`template:${template.code}`, template);
    this.kinds = kinds;
  }

  kind = (code) => this.#of("kind", code);
  reason = (code) => this.#of("reason", code);
  decision = (code) => this.#of("decision", code);
  template = (code) => this.#of("template", code);

  /** The words of a reason that is a code, or the reason as somebody wrote it; nothing for a code without words. */
  spelled(reason) {
    if (!reason) return "";
    return this.#of("reason", reason) || (/^[a-z]+(_[a-z]+)+$/.test(reason) ? "" : reason);
  }

  #of(what, code) {
    const words = this.#words.get(`${what}:${code}`)?.[spoken()] ?? "";
    return words && words[0].toUpperCase() + words.slice(1);
  }
}
