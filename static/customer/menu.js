// One restaurant's menu and the form below it: what, where to, when, how it is paid; and placing the order.

import { newKey } from "../js/api.js";
import { element, icon, ICONS } from "../js/dom.js";
import { faultSentence, money, sentenceFor, t } from "../js/i18n.js";
import { fit, pin } from "../js/map.js";
import { distanceM } from "../js/position.js";
import { opensAt } from "./shop.js";
import { When } from "./when.js";

const MAX_QUANTITY = 99;
const NEARBY_M = 3_000;
const ASK_AFTER_MS = 500;                // what it costs is asked for once the customer pauses

/** The view of one restaurant; `onPlaced(order)` follows an order paid at the door, `onCheckout(checkout)` one by card. */
export class Menu {
  #api; #map; #merchant; #onPlaced; #onCheckout;
  #quantities = new Map();
  #key = newKey();                       // one basket, one order: pressing twice places it once
  #quote = null;                         // what the server says it costs: {items_minor, delivery_fee_minor, total_minor}
  #asking = null;
  #removes = [];
  #dropoff = null;
  #when; #method; #given;

  /** `contact` of the last order, if there is one, stands in the fields. */
  constructor({ api, map, merchant, contact, onPlaced, onCheckout }) {
    this.#api = api;
    this.#map = map;
    this.#merchant = merchant;
    this.#onPlaced = onPlaced;
    this.#onCheckout = onCheckout;
    this.#method = merchant.cash_on_delivery ? "cash" : "card";
    this.#given = { name: contact?.name ?? "", phone: contact?.phone ?? "", address: contact?.address ?? "", note: contact?.note ?? "" };
    this.#when = new When({ merchant, now: () => api.now(), onChange: () => this.#changed() });
    if (map) this.#showOnMap(contact);
  }

  leave() {
    clearTimeout(this.#asking);
    this.#removes.forEach((remove) => remove());
  }

  render() {
    if (this.form) this.#given = this.#typed();           // in another language
    const { menu } = this.#merchant;
    this.submit = element("button", { type: "submit", class: "primary" });
    this.problem = element("p", { class: "problem-box", role: "alert" });
    this.sums = element("div", { class: "small number" });
    this.payProblem = element("p", { class: "problem", role: "alert", id: "problem-pay" });
    this.menuProblem = element("p", { class: "problem", role: "alert", id: "problem-menu" });
    this.#when.draw();
    this.form = element("form", { novalidate: true },
      element("div", { class: "view" },
        element("a", { class: "back", href: "#/" }, icon(ICONS.back), t("orders.back")),
        element("div", {}, element("h1", {}, this.#merchant.name), element("p", { class: "soft" }, this.#merchant.address),
          this.#merchant.open_now ? null : element("p", { class: "notice" }, opensAt(this.#merchant))),
        element("section", {}, element("h2", {}, t("shop.menu")), menu.length
          ? element("ul", {}, menu.map((item) => this.#dish(item)))
          : element("p", { class: "empty" }, t("shop.no_menu")), this.menuProblem),
        element("section", {}, element("h2", {}, t("shop.contact")), this.#fields()),
        element("section", {}, element("h2", {}, t("when.title")), this.#when.node),
        element("section", {}, element("h2", {}, t("pay.title")), this.#methods())),
      element("div", { class: "pay" }, this.problem, this.sums, this.submit));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#place();
    });
    this.form.addEventListener("input", (event) => {
      if (event.target.name in this.#given) this.#changed();
    });
    this.#showSums();
    return this.form;
  }

  #showOnMap(contact) {
    const { lng, lat } = contact ?? this.#nearby();
    this.#dropoff = pin(this.#map, "dropoff", { lat, lng }, { label: t("shop.pin_label"), draggable: true });
    const restaurant = pin(this.#map, "pickup", this.#merchant, { name: this.#merchant.name });
    const onClick = ({ lngLat }) => {
      this.#dropoff.setLngLat(lngLat);
      this.#changed();
    };
    this.#map.on("click", onClick);
    this.#dropoff.on("dragend", () => this.#changed());
    this.#removes.push(() => this.#dropoff.remove(), () => restaurant.remove(), () => this.#map.off("click", onClick));
    fit(this.#map, [this.#merchant, { lat, lng }], { padding: 90, maxZoom: 15 });
  }

  /** Where the pin stands until somebody moves it: what one looks at, unless that is another town. */
  #nearby() {
    const { lng, lat } = this.#map.getCenter();
    return distanceM(this.#merchant, { lat, lng }) < NEARBY_M ? { lat, lng } : this.#merchant;
  }

  #dish(item) {
    const output = element("output", {}, String(this.#quantities.get(item.id) ?? 0));
    const change = (by) => {
      const quantity = Math.min(MAX_QUANTITY, Math.max(0, (this.#quantities.get(item.id) ?? 0) + by));
      this.#quantities.set(item.id, quantity);
      output.textContent = String(quantity);
      this.#changed();
    };
    const button = (sign, key, by) => element("button", {
      type: "button", class: "round", "aria-label": t(key, { item: item.name }), onclick: () => change(by),
    }, sign);
    return element("li", { class: "dish", "data-item": item.id },
      element("span", {}, item.name),
      element("span", { class: "soft number" }, money(item.price_minor, this.#merchant.currency)),
      item.orderable
        ? element("span", { class: "stepper" }, button("−", "shop.less", -1), output, button("+", "shop.more", 1))
        : element("span", { class: "small soft" }, t("shop.sold_out")),
      element("small", { class: "problem" }));
  }

  #fields() {
    const field = (name, given = {}, wide = false) => element("label", { class: wide ? "wide" : "" },
      element("span", {}, t(`shop.${name}`)), element("input", { name, value: this.#given[name], ...given }),
      element("small", { class: "problem", id: `problem-${name}` }));
    return element("div", { class: "fields" },
      field("name", { autocomplete: "name", required: true, maxlength: "200" }),
      field("phone", { autocomplete: "tel", type: "tel", required: true, maxlength: "40" }),
      field("address", { autocomplete: "street-address", required: true, maxlength: "400" }, true),
      field("note", { maxlength: "500" }, true),
      this.#map ? element("p", { class: "hint wide" }, t("shop.pin")) : null);
  }

  #methods() {
    const choice = (method, isTaken) => element("label", { class: "choice" },
      element("input", {
        type: "radio", name: "method", value: method, checked: this.#method === method, disabled: !isTaken,
        onchange: () => {
          this.#method = method;
          this.#changed();
        },
      }),
      element("span", {}, t(`pay.${method}`), element("small", { class: "soft" }, t(isTaken ? `pay.${method}_text` : "pay.no_cash"))));
    return element("div", { class: "when", role: "group", "aria-describedby": "problem-pay" },
      choice("cash", this.#merchant.cash_on_delivery), choice("card", true), this.payProblem);
  }

  #typed() {
    return Object.fromEntries(Object.keys(this.#given).map((name) => [name, this.form.elements[name].value]));
  }

  #basket() {
    return this.#merchant.menu.filter((item) => this.#quantities.get(item.id) > 0);
  }

  /** What was asked for is another order now; what it costs is asked for when the customer pauses. */
  #changed() {
    this.#key = newKey();
    this.#quote = null;
    this.#showSums();
    clearTimeout(this.#asking);
    this.#asking = setTimeout(() => this.#ask(), ASK_AFTER_MS);
  }

  /** Asks the server what this costs, and shows what it finds wrong with what has been filled in. */
  async #ask() {
    const typed = this.#typed();
    if (!this.#basket().length || !typed.name.trim() || !typed.phone.trim() || !typed.address.trim()) return;
    const key = this.#key;
    try {
      const quote = await this.#api.post("/orders/check", this.#wish());
      if (key !== this.#key) return;
      this.#quote = quote;
      this.#showFaults([]);
    } catch (error) {
      if (key === this.#key && error.faults?.length) this.#showFaults(error.faults);
    }
    this.#showSums();
  }

  #wish() {
    const place = this.#dropoff ? this.#dropoff.getLngLat() : this.#merchant;
    const window = this.#when.value();
    return {
      merchant_id: this.#merchant.id,
      items: this.#basket().map((item) => ({ item_id: item.id, quantity: this.#quantities.get(item.id) })),
      contact: { ...this.#typed(), lat: place.lat, lng: place.lng },
      payment: { method: this.#method },
      ...(window ? { scheduled_for: window } : {}),
    };
  }

  /** What the customer is shown: the server's word, or what it will be unless the door is a dear one. */
  #shownSums() {
    if (this.#quote) return this.#quote;
    const items = this.#basket().reduce((sum, item) => sum + item.price_minor * this.#quantities.get(item.id), 0);
    const fee = this.#merchant.delivery_fee_minor;
    return { items_minor: items, delivery_fee_minor: fee, total_minor: items + fee };
  }

  #showSums() {
    const { items_minor: items, delivery_fee_minor: fee, total_minor: total } = this.#shownSums();
    const { currency } = this.#merchant;
    this.sums.textContent = t("shop.sums", { items: money(items, currency), fee: money(fee, currency) });
    this.submit.textContent = t(this.#method === "card" ? "shop.to_pay" : "shop.order", { total: money(total, currency) });
  }

  async #place() {
    this.#showFaults([]);
    if (!this.#basket().length) {
      this.problem.textContent = t("shop.empty_basket");
      return;
    }
    if (this.#when.isWithoutChoice) {
      this.problem.textContent = t("when.none");
      return;
    }
    clearTimeout(this.#asking);
    const { total_minor: total } = this.#shownSums();
    const byCard = this.#method === "card";
    const tab = byCard ? open("", "_blank") : null;        // now, while it is the customer's own click
    this.submit.disabled = true;
    this.submit.textContent = t("shop.ordering");
    try {
      const made = await this.#api.post(byCard ? "/checkouts" : "/orders", { ...this.#wish(), total_minor: total }, this.#key);
      if (!byCard) {
        this.#onPlaced(made);
        return;
      }
      if (tab && made.pay_url) tab.location = made.pay_url;
      else tab?.close();
      this.#onCheckout(made);
    } catch (error) {
      tab?.close();
      if (error.status) this.#key = newKey();        // it was judged; the next try is another order
      const dearer = (error.faults ?? []).find(({ code }) => code === "wrong_total");
      // As the fee to that door is: seen, it may be ordered.
      this.#quote = dearer ? this.#quoteOf(dearer.values.total_minor) : null;
      this.#showFaults(error.faults ?? []);
      this.form.querySelector('[aria-invalid="true"]')?.focus();
      this.problem.textContent = sentenceFor(error);
    } finally {
      this.submit.disabled = false;
      this.#showSums();
    }
  }

  #quoteOf(total) {
    const items = this.#shownSums().items_minor;
    return { items_minor: items, delivery_fee_minor: total - items, total_minor: total };
  }

  /** Says what the server found wrong beside what it is about; what has no place of its own, above the button. */
  #showFaults(faults) {
    const { currency } = this.#merchant;
    const told = (fits) => faults.filter(({ pointer }) => fits(pointer)).map((fault) => faultSentence(fault, currency)).join(" ");
    for (const name of Object.keys(this.#given)) {
      const input = this.form.elements[name];
      const words = this.form.querySelector(`#problem-${name}`);
      words.textContent = told((pointer) => pointer === `/contact/${name}`);
      input.setAttribute("aria-invalid", String(Boolean(words.textContent)));
      if (words.textContent) input.setAttribute("aria-describedby", words.id);
    }
    for (const [index, item] of this.#basket().entries()) {
      const words = this.form.querySelector(`[data-item="${item.id}"] .problem`);
      words.textContent = told((pointer) => pointer.startsWith(`/items/${index}/`));
    }
    this.menuProblem.textContent = told((pointer) => pointer === "/items");
    this.payProblem.textContent = told((pointer) => pointer.startsWith("/payment"));
    this.#when.problem.textContent = told((pointer) => pointer.startsWith("/scheduled_for"));
    const tooSoon = faults.find(({ code }) => code === "window_too_soon");
    if (tooSoon) this.#when.needsLead(tooSoon.values.lead_minutes);
    const placeless = ["/merchant_id", "/total_minor", "/delivery_fee_minor", "/contact", "/contact/lat", "/contact/lng"];
    this.problem.textContent = told((pointer) => placeless.includes(pointer));
  }
}
