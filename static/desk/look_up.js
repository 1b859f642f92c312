// Looking orders up: those of today live, older ones in the archive.

import { element, fillChoice, show } from "../js/dom.js";
import { dayAndTime, money, sentenceFor, t } from "../js/i18n.js";
import { statusChip } from "./order_card.js";

const SEES_ARCHIVE = new Set(["customer_service", "operations_manager", "data_analyst"]);
const LIVE = ["number", "merchant_id", "courier_id", "status"];
const ARCHIVED = ["number", "phone", "day", "merchant_id", "courier_id"];
const STATUSES = ["scheduled", "pending_acceptance", "accepted", "delivering", "delivered", "delivery_exception", "completed",
  "rejected", "expired", "cancelled", "returned", "closed"];

export class LookUp {
  #parts; #where;
  #given = {};
  #found = [];
  #next = null;
  #merchants = [];
  #results = element("div", { class: "results" });

  /** `parts`: {api, account, panel}; `where`: "live" or "archive". */
  constructor(parts, where = "live") {
    this.#parts = parts;
    this.#where = where;
    this.draw();
    this.#askMerchants();
    if (where === "live") this.#ask();
  }

  leave() {}

  tick() {}

  hear() {}

  retell() {
    this.draw();
    this.#show();
  }

  draw() {
    const { panel, account } = this.#parts;
    const tabs = ["live", "archive"].filter((one) => one === "live" || SEES_ARCHIVE.has(account.role));
    const fields = this.#where === "live" ? LIVE : ARCHIVED;
    const form = element("form", { class: "look-up" }, fields.map((name) => element("label", {},
      element("span", {}, t(`desk.by_${name}`)), this.#input(name))),
    element("button", { type: "submit", class: "primary" }, t("desk.look_up")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()).map(([name, value]) => [name, value.trim()]));
      this.#ask();
    });
    show(panel, element("h1", {}, t("desk.orders")),
      tabs.length > 1 ? element("div", { class: "filters" }, tabs.map((one) => element("a", {
        class: "button", href: one === "live" ? "#/orders" : "#/archive", "aria-current": one === this.#where ? "page" : null,
      }, t(`desk.${one}`)))) : null,
      element("p", { class: "hint" }, t(`desk.${this.#where}_text`)), form, this.#results);
  }

  #input(name) {
    const value = this.#given[name] ?? "";
    if (name === "status") return fillChoice(element("select", { name }), [["", t("desk.any_status")], ...STATUSES.map((one) => [one, t(`status.${one}`)])], value);
    if (name === "merchant_id") {
      return fillChoice(element("select", { name }), [["", t("desk.any_merchant")], ...this.#merchants.map((one) => [one.id, one.name])], value);
    }
    const types = { number: { inputmode: "numeric", pattern: "[0-9]*" }, phone: { type: "tel" }, day: { type: "date" } };
    return element("input", { name, value, ...(types[name] ?? { pattern: "[0-9a-fA-F\\-]{36}", title: t("desk.an_id") }) });
  }

  async #askMerchants() {
    try {
      this.#merchants = (await this.#parts.api.get("/merchants", { limit: 200 })).merchants;
      const select = this.#parts.panel.querySelector("select[name=merchant_id]");
      if (select) fillChoice(select, this.#merchants.map((one) => [one.id, one.name]), this.#given.merchant_id);
    } catch {
      // The number does as well.
    }
  }

  async #ask(before = undefined) {
    const { api } = this.#parts;
    if (!before) show(this.#results, element("p", { class: "empty" }, t("desk.loading")));
    try {
      const page = this.#where === "live"
        ? await api.get("/orders", { ...this.#given, before, contact: "false", limit: 50 })
        : await api.get("/archive/orders", { ...this.#given, before, limit: 50 });
      this.#found = before ? [...this.#found, ...page.orders] : page.orders;
      this.#next = page.next_before;
      const [only] = this.#found;
      if (!before && this.#found.length === 1 && this.#given.number) {
        location.hash = this.#where === "live" ? `#/orders/${only.id}` : `#/archive/${only.order_id}`;
        return;
      }
      this.#show();
    } catch (error) {
      show(this.#results, element("p", { class: "problem-box", role: "alert" }, sentenceFor(error)));
    }
  }

  #show() {
    const isLive = this.#where === "live";
    show(this.#results, this.#found.length ? element("ul", { class: "order-rows" }, this.#found.map((order) => element("li", {},
      element("a", { class: "order-row", href: isLive ? `#/orders/${order.id}` : `#/archive/${order.order_id}` },
        element("strong", { class: "number" }, t("orders.number", { n: order.number })), statusChip(order),
        element("span", {}, order.merchant?.name ?? this.#nameOf(order.merchant_id)),
        element("span", { class: "soft" }, order.assignment?.courier_name ?? ""),
        element("span", { class: "number" }, money(order.total_minor, order.currency)),
        element("time", { class: "soft small number" }, dayAndTime(order.placed_at))))))
      : element("p", { class: "empty" }, t(`desk.none_found_${this.#where}`)),
    this.#next ? element("button", { type: "button", class: "quiet", onclick: () => this.#ask(this.#next) }, t("desk.more")) : null);
  }

  #nameOf(merchantId) {
    return this.#merchants.find(({ id }) => id === merchantId)?.name ?? "";
  }
}
