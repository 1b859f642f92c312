// The administrator's corner: an account looked up by its id, kept out or let in again; who did and looked at what.

import { element, fillChoice, show } from "../js/dom.js";
import { clockTimeToTheSecond, dayAndTime, dayName, sentenceFor, t } from "../js/i18n.js";
import { factList } from "./order_card.js";
import { roleName } from "./ticket_words.js";

const REASONS = ["misconduct", "fraud", "left", "mistake", "other"];
const DAY_MS = 86_400_000;
const ENTITIES = ["account", "order", "ticket", "merchant", "media"];

export class Administration {
  #parts;
  #told = null;                        // the account that was looked up
  #asked = {};
  #entries = [];
  #next = null;
  #accountPart = element("section", { class: "part" });
  #auditPart = element("section", { class: "part" });
  #log = element("div", {});

  /** `parts`: {api, account, panel}. */
  constructor(parts) {
    this.#parts = parts;
    show(parts.panel, element("h1", { "data-t": "desk.administration" }, t("desk.administration")), this.#accountPart, this.#auditPart);
    this.retell();
    this.#read();
  }

  leave() {}

  tick() {}

  hear() {}

  retell() {
    this.#drawAccount();
    this.#drawAudit();
  }

  #drawAccount(problem = "") {
    const id = element("input", { name: "account", required: true, pattern: "[0-9a-fA-F\\-]{36}", title: t("desk.an_id"), value: this.#told?.id ?? "" });
    const form = element("form", { class: "look-up" }, element("label", {}, element("span", {}, t("desk.account_id")), id),
      element("button", { type: "submit", class: "primary" }, t("desk.look_up")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#askAccount(id.value.trim());
    });
    show(this.#accountPart, element("h2", {}, t("desk.accounts")), element("p", { class: "hint" }, t("desk.accounts_text")), form,
      problem ? element("p", { class: "problem-box", role: "alert" }, problem) : null, this.#told ? this.#account() : null);
  }

  #account() {
    const told = this.#told;
    const may = told.id !== this.#parts.account.id;
    return element("div", { class: "decision" }, factList([
      ["desk.name", told.display_name ?? ""], ["login.login", told.login ?? ""], ["desk.role", told.role ? roleName(told.role) : ""],
      ["desk.standing", told.status ? t(`desk.standing_${told.status}`) : ""],
    ]), may ? this.#verdicts(told) : null);
  }

  #verdicts(told) {
    const reason = fillChoice(element("select", { "aria-label": t("desk.field_reason") }), REASONS.map((one) => [one, t(`desk.because_${one}`)]), "");
    const days = element("input", { type: "number", min: "1", max: "365", "aria-label": t("desk.field_days"), placeholder: t("desk.open_ended_short") });
    const row = element("div", { class: "buttons" });
    const first = () => show(row, told.status === "suspended"
      ? element("button", { type: "button", class: "primary", onclick: () => act("reinstate") }, t("desk.reinstate"))
      : element("button", { type: "button", class: "danger", onclick: sure }, t("desk.suspend")));
    const sure = () => show(row, element("strong", {}, t("desk.suspend_sure")),
      element("button", { type: "button", class: "danger", onclick: () => act("suspend") }, t("desk.suspend")),
      element("button", { type: "button", onclick: first }, t("desk.never_mind")));
    const act = async (verdict) => {
      const until = verdict === "suspend" && days.value > 0 ? { until: new Date(this.#parts.api.now() + days.value * DAY_MS).toISOString() } : {};
      try {
        this.#told = await this.#parts.api.post(`/accounts/${told.id}/${verdict}`, { reason: reason.value, ...until });
        this.#drawAccount();
      } catch (error) {
        this.#drawAccount(sentenceFor(error));
      }
    };
    first();
    return element("div", { class: "choices" }, reason, told.status === "suspended" ? null : days, row);
  }

  async #askAccount(id) {
    const { api, account } = this.#parts;
    this.#told = null;
    try {
      // Operations judge couriers, whom they see; only administrators see every account.
      this.#told = account.role === "administrator" ? await api.get(`/accounts/${id}`)
        : await api.get(`/couriers/${id}`).then((courier) => ({ ...courier, role: "courier", status: courier.active ? "active" : "suspended" }));
      this.#drawAccount();
    } catch (error) {
      this.#drawAccount(sentenceFor(error));
    }
  }

  #drawAudit() {
    const entity = fillChoice(element("select", { name: "entity" }), [["", t("desk.anything")], ...ENTITIES.map((one) => [one, t(`desk.entity_${one}`)])], this.#asked.entity ?? "");
    const about = element("input", { name: "entity_id", value: this.#asked.entity_id ?? "", pattern: "[0-9a-fA-F\\-]{36}", title: t("desk.an_id") });
    const actor = element("input", { name: "actor_id", value: this.#asked.actor_id ?? "", pattern: "[0-9a-fA-F\\-]{36}", title: t("desk.an_id") });
    const form = element("form", { class: "look-up" },
      [["desk.audit_entity", entity], ["desk.audit_about", about], ["desk.audit_actor", actor]].map(([key, input]) => element("label", {}, element("span", {}, t(key)), input)),
      element("button", { type: "submit", class: "primary" }, t("desk.read")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#asked = { entity: entity.value || undefined, entity_id: about.value.trim() || undefined, actor_id: actor.value.trim() || undefined };
      this.#read();
    });
    show(this.#auditPart, element("h2", {}, t("desk.audit")), element("p", { class: "hint" }, t("desk.audit_text")), form, this.#log);
    this.#drawLog();
  }

  async #read(before = undefined) {
    try {
      const page = await this.#parts.api.get("/audit", { ...this.#asked, before, limit: 50 });
      this.#entries = before ? [...this.#entries, ...page.entries] : page.entries;
      this.#next = page.next_before;
      this.#drawLog();
    } catch (error) {
      show(this.#log, element("p", { class: "problem-box", role: "alert" }, sentenceFor(error)));
    }
  }

  #drawLog() {
    show(this.#log, this.#entries.length ? element("div", { class: "scroll" }, element("table", { class: "books audit" },
      element("thead", {}, element("tr", {}, ["when", "who", "what", "about"].map((name) => element("th", {}, t(`desk.audit_${name}`))))),
      element("tbody", {}, this.#entries.map((entry) => element("tr", {},
        element("td", { class: "number small", title: dayAndTime(entry.at) }, `${dayName(entry.at.slice(0, 10))} ${clockTimeToTheSecond(entry.at)}`),
        element("td", {}, entry.actor_role ? roleName(entry.actor_role) : t("desk.the_system"), entry.actor_id ? element("code", {}, entry.actor_id.slice(-6)) : null),
        element("td", {}, entry.what.replaceAll("_", " ")),
        element("td", {}, entry.entity, " ", element("code", { title: entry.entity_ids.join(" ") },
          entry.entity_ids.length > 1 ? `×${entry.entity_ids.length}` : (entry.entity_ids[0] ?? "").slice(-6))))))))
      : element("p", { class: "empty" }, t("desk.nothing_written")),
    this.#next ? element("button", { type: "button", class: "quiet", onclick: () => this.#read(this.#next) }, t("desk.more")) : null);
  }
}
