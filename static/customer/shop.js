// Choosing: the restaurants, one restaurant's menu, where to bring it, and placing the order.

import { newKey } from "../js/api.js";
import { element, icon, ICONS } from "../js/dom.js";
import { fill, money, sentenceFor, t } from "../js/i18n.js";
import { fit, pin } from "../js/map.js";

const MAX_QUANTITY = 99;

/** The list of restaurants, with those that fit what is typed. */
export function merchantList(merchants) {
  const rows = element("ul", { class: "rows" });
  const none = element("p", { class: "empty" });
  const search = element("input", {
    type: "search", placeholder: t("shop.search"), "aria-label": t("shop.search"), hidden: merchants.length < 8,
  });
  const list = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = merchants.filter(({ name }) => name.toLowerCase().includes(wanted));
    rows.replaceChildren(...found.map(merchantRow));
    none.textContent = found.length ? "" : t(merchants.length ? "shop.no_match" : "shop.none");
    none.hidden = found.length > 0;
  };
  search.addEventListener("input", list);
  list();
  return element("section", {}, element("h2", {}, t("shop.places")), search, rows, none);
}

function merchantRow(merchant) {
  const preparation = t("shop.minutes", { n: Math.round(merchant.preparation_s / 60) });
  const inside = [
    element("span", { class: "title" }, merchant.name),
    merchant.open_now ? null : element("span", { class: "end small soft" }, t("shop.closed")),
    element("span", { class: "small soft" }, merchant.open_now ? `${merchant.address} · ${preparation}` : merchant.address),
  ];
  return element("li", {}, merchant.open_now
    ? element("a", { class: "row", href: `#/m/${merchant.id}` }, inside)
    : element("div", { class: "row closed" }, inside));
}

/** Pins of all restaurants; a click opens one.  Returns a function that takes them away. */
export function merchantPins(map, merchants) {
  const pins = merchants.map((merchant) => {
    const marker = pin(map, "pickup", merchant, { name: merchant.name });
    const body = marker.getElement();
    body.classList.add("small");
    if (merchant.open_now) {
      body.classList.add("clickable");
      body.addEventListener("click", (event) => {
        event.stopPropagation();
        location.hash = `#/m/${merchant.id}`;
      });
    }
    return marker;
  });
  return () => pins.forEach((marker) => marker.remove());
}

/** The menu of one restaurant and the form below it; `onPlaced(order)` follows a placed order. */
export class Menu {
  #api; #map; #merchant; #onPlaced;
  #quantities = new Map();
  #key = newKey();                       // one basket, one order: pressing twice places it once
  #toldMinor = null;                     // what the server says it costs, where that is not what stands here
  #removes = [];
  #dropoff = null;

  constructor({ api, map, merchant, onPlaced }) {
    this.#api = api;
    this.#map = map;
    this.#merchant = merchant;
    this.#onPlaced = onPlaced;
    if (map) this.#showOnMap();
  }

  leave() {
    this.#removes.forEach((remove) => remove());
  }

  render() {
    const { menu } = this.#merchant;
    this.submit = element("button", { type: "submit", class: "primary" });
    this.problem = element("p", { class: "problem-box", role: "alert" });
    this.form = element("form", { novalidate: true },
      element("div", { class: "view" },
        element("a", { class: "back", href: "#/" }, icon(ICONS.back), t("orders.back")),
        element("div", {}, element("h1", {}, this.#merchant.name), element("p", { class: "soft" }, this.#merchant.address)),
        element("section", {}, element("h2", {}, t("shop.menu")), menu.length
          ? element("ul", {}, menu.map((item) => this.#dish(item)))
          : element("p", { class: "empty" }, t("shop.no_menu"))),
        element("section", {}, element("h2", {}, t("shop.contact")), this.#fields())),
      element("div", { class: "pay" }, this.problem, this.submit));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#place();
    });
    this.#showTotal();
    fill(this.form);
    return this.form;
  }

  #showOnMap() {
    const { lng, lat } = this.#map.getCenter();
    this.#dropoff = pin(this.#map, "dropoff", { lat, lng }, { label: t("shop.pin_label"), draggable: true });
    const restaurant = pin(this.#map, "pickup", this.#merchant, { name: this.#merchant.name });
    const onClick = ({ lngLat }) => this.#dropoff.setLngLat(lngLat);
    this.#map.on("click", onClick);
    this.#removes.push(() => this.#dropoff.remove(), () => restaurant.remove(), () => this.#map.off("click", onClick));
    fit(this.#map, [this.#merchant, { lat, lng }], { padding: 90, maxZoom: 15 });
  }

  #dish(item) {
    const output = element("output", {}, String(this.#quantities.get(item.id) ?? 0));
    const change = (by) => {
      const quantity = Math.min(MAX_QUANTITY, Math.max(0, (this.#quantities.get(item.id) ?? 0) + by));
      this.#quantities.set(item.id, quantity);
      output.textContent = String(quantity);
      this.#key = newKey();
      this.#toldMinor = null;
      this.#showTotal();
    };
    const button = (sign, key, by) => element("button", {
      type: "button", class: "round", "aria-label": t(key, { item: item.name }), onclick: () => change(by),
    }, sign);
    return element("li", { class: "dish" },
      element("span", {}, item.name),
      element("span", { class: "soft number" }, money(item.price_minor, this.#merchant.currency)),
      item.orderable
        ? element("span", { class: "stepper" }, button("−", "shop.less", -1), output, button("+", "shop.more", 1))
        : element("span", { class: "small soft" }, t("shop.sold_out")));
  }

  #fields() {
    const field = (name, given = {}, wide = false) => element("label", { class: wide ? "wide" : "" },
      element("span", { "data-t": `shop.${name}` }), element("input", { name, ...given }),
      element("small", { class: "problem", id: `problem-${name}` }));
    return element("div", { class: "fields" },
      field("name", { autocomplete: "name", required: true, maxlength: "200" }),
      field("phone", { autocomplete: "tel", type: "tel", required: true, maxlength: "40" }),
      field("address", { autocomplete: "street-address", required: true, maxlength: "400" }, true),
      field("note", { maxlength: "500" }, true),
      this.#map ? element("p", { class: "hint wide", "data-t": "shop.pin" }) : null);
  }

  #basket() {
    return this.#merchant.menu.filter((item) => this.#quantities.get(item.id) > 0);
  }

  #totalMinor() {
    const itemsMinor = this.#basket().reduce((sum, item) => sum + item.price_minor * this.#quantities.get(item.id), 0);
    return this.#toldMinor ?? itemsMinor + this.#merchant.delivery_fee_minor;
  }

  #showTotal() {
    this.submit.textContent = t("shop.order", { total: money(this.#totalMinor(), this.#merchant.currency) });
  }

  async #place() {
    this.#showFaults([]);
    const basket = this.#basket();
    if (!basket.length) {
      this.problem.textContent = t("shop.empty_basket");
      return;
    }
    const given = Object.fromEntries(new FormData(this.form));
    const place = this.#dropoff ? this.#dropoff.getLngLat() : this.#merchant;
    this.submit.disabled = true;
    this.submit.textContent = t("shop.ordering");
    try {
      const order = await this.#api.post("/orders", {
        merchant_id: this.#merchant.id,
        items: basket.map((item) => ({ item_id: item.id, quantity: this.#quantities.get(item.id) })),
        contact: { ...given, lat: place.lat, lng: place.lng },
        total_minor: this.#totalMinor(),
      }, this.#key);
      this.#onPlaced(order);
    } catch (error) {
      if (error.status) this.#key = newKey();        // it was judged; the next try is another order
      const dearer = (error.faults ?? []).find(({ code }) => code === "wrong_total");
      this.#toldMinor = dearer?.values?.total_minor ?? null;   // as the fee to that door is: seen, it may be ordered
      this.#showFaults(error.faults ?? []);
      this.problem.textContent = sentenceFor(error);
    } finally {
      this.submit.disabled = false;
      this.#showTotal();
    }
  }

  /** Marks the fields the server found wrong; what has no field of its own goes above the button. */
  #showFaults(faults) {
    this.problem.textContent = "";
    for (const input of this.form.querySelectorAll("input[name]")) {
      const fault = faults.find(({ pointer }) => pointer === `/contact/${input.name}`);
      input.setAttribute("aria-invalid", String(Boolean(fault)));
      const words = this.form.querySelector(`#problem-${input.name}`);
      words.textContent = fault ? sentenceFor(fault) : "";
      if (fault) input.setAttribute("aria-describedby", words.id);
    }
    this.form.querySelector('[aria-invalid="true"]')?.focus();
  }
}
