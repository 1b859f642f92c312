// The money of a day: what the merchant's account came to, by what it was for, and each line of it.

import { element, show } from "../js/dom.js";
import { clockTime, money, t } from "../js/i18n.js";
import { byReason } from "./sums.js";

const PAGE = 200;
const MOST_PAGES = 10;                   // two thousand lines are more than a day's reading

export class MoneySection {
  #api; #merchantId; #say;
  #day = localDay(new Date());
  #told = null;                          // {entries, sums, isAll}
  #asked = 0;
  node = element("div", { class: "page" });

  constructor({ api, merchantId, say }) {
    this.#api = api;
    this.#merchantId = merchantId;
    this.#say = say;
    this.#look();
  }

  async #look() {
    this.#asked += 1;
    const mine = this.#asked;
    const from = new Date(`${this.#day}T00:00:00`);
    const to = new Date(from);
    to.setDate(to.getDate() + 1);
    const query = { from: from.toISOString(), to: to.toISOString(), limit: PAGE };
    try {
      const told = { entries: [], sums: {}, isAll: false };
      for (let before, number = 0; number < MOST_PAGES && !told.isAll; number += 1) {
        const page = await this.#api.get(`/merchants/${this.#merchantId}/ledger`, { ...query, before });
        told.entries.push(...page.entries);
        told.sums = page.sums;
        before = page.next_before;
        told.isAll = before === null;
      }
      if (mine !== this.#asked) return;
      this.#told = told;
      this.draw();
    } catch (error) {
      if (mine === this.#asked) this.#say(error);
    }
  }

  draw() {
    const day = element("input", {
      type: "date", value: this.#day, max: localDay(new Date()), "aria-label": t("money.day"), onchange: () => {
        if (!day.value) return;
        this.#day = day.value;
        this.#told = null;
        this.draw();
        this.#look();
      },
    });
    show(this.node, element("section", { class: "card form" },
      element("div", { class: "section-head" }, element("h2", {}, t("money.title")), day), this.#content()));
  }

  #content() {
    if (!this.#told) return element("p", { class: "empty" }, "…");
    const { entries, sums, isAll } = this.#told;
    if (!entries.length) return element("p", { class: "empty" }, t("money.none"));
    return element("div", { class: "form" },
      element("p", { class: "day-sum number", id: "day-sum" }, Object.entries(sums).map(([currency, minor]) => money(minor, currency)).join(" + ")),
      element("ul", { class: "sums" }, byReason(entries).map((sum) => element("li", {},
        element("span", {}, t(`ledger.${sum.reason}`)), element("span", { class: "small soft number" }, t("money.times", { n: sum.count })),
        element("span", { class: "number" }, money(sum.amount_minor, sum.currency))))),
      element("details", {}, element("summary", {}, t("money.lines")),
        element("ul", { class: "sums lines" }, entries.map((entry) => element("li", {},
          element("span", { class: "small soft number" }, clockTime(entry.created_at)), element("span", {}, t(`ledger.${entry.reason}`)),
          element("span", { class: "number" }, money(entry.amount_minor, entry.currency))))),
        isAll ? null : element("p", { class: "hint" }, t("money.more"))));
  }
}

/** The date of this place, as a date input has it. */
function localDay(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
