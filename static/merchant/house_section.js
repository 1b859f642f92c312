// The house: its usual preparation time, sums and hours, and its menu with what is sold out.

import { element, show } from "../js/dom.js";
import { money, sentenceFor, t } from "../js/i18n.js";
import { HoursEditor } from "./hours_editor.js";
import { minorOf, textOfMinor } from "./sums.js";

export class HouseSection {
  #api; #house; #change; #look; #say;
  #facts = element("section", { class: "card" });
  #menu = element("section", { class: "card" });
  #removing = null;                      // the dish that is asked about
  #drawnVersion = null;
  node = element("div", { class: "page" }, this.#menu, this.#facts);

  constructor({ api, house, change, look, say }) {
    this.#api = api;
    this.#house = house;
    this.#change = change;
    this.#look = look;
    this.#say = say;
  }

  draw() {
    if (!this.#house()) return;
    this.#drawMenu();
    this.#drawFacts();
  }

  /** The facts have changed: the form is drawn anew only where nobody is writing in it. */
  onHouse(house) {
    this.#drawMenu();
    if (house.version !== this.#drawnVersion && !this.#facts.contains(document.activeElement)) this.#drawFacts();
  }

  #drawFacts() {
    const house = this.#house();
    this.#drawnVersion = house.version;
    const { currency } = house;
    const field = (key, name, value, given = {}) => element("label", {}, element("span", {}, t(key)), element("input", { name, value, ...given }));
    const check = (key, name) => element("label", { class: "check" }, element("input", { type: "checkbox", name, checked: house[name] }), element("span", {}, t(key)));
    const hours = new HoursEditor(house.hours, "hours.always");
    const problem = element("p", { class: "problem", role: "alert" });
    const done = element("span", { class: "small soft", role: "status" });
    const form = element("form", { class: "form", novalidate: true }, element("h2", {}, t("kitchen.house")),
      element("div", { class: "fields" },
        field("house.preparation", "preparation", String(Math.round(house.preparation_s / 60)), { type: "number", min: "0", max: "240", inputmode: "numeric" }),
        field("house.fee", "fee", textOfMinor(house.delivery_fee_minor, currency), { inputmode: "decimal" }),
        field("house.minimum", "minimum", textOfMinor(house.minimum_order_minor, currency), { inputmode: "decimal" })),
      check("house.cash", "cash_on_delivery"), check("house.pickup_code", "pickup_code_required"), check("house.dropoff_proof", "dropoff_proof_required"),
      hours.node, problem,
      element("div", { class: "acts" }, element("button", { type: "submit", class: "primary" }, t("kitchen.save")), done));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      const given = form.elements;
      const week = hours.value();
      const fee = minorOf(given.fee.value, currency);
      const minimum = minorOf(given.minimum.value, currency);
      const minutes = Number(given.preparation.value);
      if (week === undefined) return;
      if (fee === null || minimum === null || !(minutes >= 0)) {
        problem.textContent = t("house.bad_number");
        return;
      }
      try {
        await this.#change({
          preparation_s: Math.round(minutes * 60), delivery_fee_minor: fee, minimum_order_minor: minimum, hours: week,
          cash_on_delivery: given.cash_on_delivery.checked, pickup_code_required: given.pickup_code_required.checked,
          dropoff_proof_required: given.dropoff_proof_required.checked,
        });
        this.#drawnVersion = this.#house().version;
        done.textContent = t("kitchen.saved");
      } catch (error) {
        problem.textContent = error.faults?.map(sentenceFor).join(" ") || sentenceFor(error);
      }
    });
    show(this.#facts, form);
  }

  #drawMenu() {
    const { menu, currency } = this.#house();
    if (this.#menu.contains(document.activeElement) && document.activeElement.matches("input[name=name], input[name=price]")) return;
    show(this.#menu, element("h2", {}, t("shop.menu")), menu.length
      ? element("ul", { class: "menu" }, menu.map((item) => this.#dish(item, currency)))
      : element("p", { class: "empty" }, t("menu.none")), this.#adding(currency));
  }

  #dish(item, currency) {
    const path = `/merchants/${this.#house().id}/menu/${item.id}`;
    const soldOut = item.available && !item.orderable;
    const change = (changed) => () => this.#act(() => this.#api.patch(path, changed));
    const button = (key, onclick, kind = "") => element("button", { type: "button", class: kind, "data-act": key, onclick }, t(key));
    const acts = this.#removing === item.id
      ? [element("span", { class: "small" }, t("menu.remove_sure")), button("menu.remove_yes", () => this.#act(() => this.#api.remove(path)), "danger"),
        button("kitchen.back", () => { this.#removing = null; this.#drawMenu(); })]
      : [soldOut ? button("menu.back_today", change({ sold_out_today: false }), "primary") : item.available && button("menu.sold_out", change({ sold_out_today: true })),
        item.available ? button("menu.take_off", change({ available: false }), "quiet") : button("menu.put_on", change({ available: true }), "primary"),
        button("menu.remove", () => { this.#removing = item.id; this.#drawMenu(); }, "quiet danger")];
    return element("li", { "data-item": item.id, class: item.orderable ? "" : "off" },
      element("span", { class: "title" }, item.name),
      element("span", { class: "number soft" }, money(item.price_minor, currency)),
      element("span", { class: `status ${item.orderable ? "delivered" : "rejected"}` },
        t(item.orderable ? "menu.on" : soldOut ? "menu.sold_out_today" : "menu.off")),
      element("div", { class: "acts" }, acts));
  }

  #adding(currency) {
    const name = element("input", { name: "name", maxlength: "200", required: true, placeholder: t("menu.name"), "aria-label": t("menu.name") });
    const price = element("input", { name: "price", inputmode: "decimal", required: true, placeholder: t("menu.price", { currency }), "aria-label": t("menu.price", { currency }) });
    const problem = element("p", { class: "problem", role: "alert" });
    const form = element("form", { class: "adding", novalidate: true }, name, price, element("button", { type: "submit" }, t("menu.add")), problem);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const minor = minorOf(price.value, currency);
      if (!name.value.trim() || minor === null) {
        problem.textContent = t("menu.bad");
        return;
      }
      document.activeElement?.blur();
      await this.#act(() => this.#api.post(`/merchants/${this.#house().id}/menu`, { name: name.value.trim(), price_minor: minor }));
      this.#menu.querySelector("input[name=name]")?.focus();
    });
    return form;
  }

  async #act(what) {
    try {
      await what();
      this.#removing = null;
      this.#say(null);
    } catch (error) {
      this.#say(error);
    }
    await this.#look();
  }
}
