// What a courier did today on this phone: order numbers and merchants only, nobody's name or address.

import { element, redraw } from "../js/dom.js";
import { clockTime, t } from "../js/i18n.js";

const STORED_AS = "songda.today";

export class Today {
  #place; #onRate;
  #account = null;
  #orders = [];

  /** `onRate(id)` is asked for when he wants to rate a handover. */
  constructor(place, onRate) {
    this.#place = place;
    this.#onRate = onRate;
  }

  begin(accountId) {
    this.#account = accountId;
    this.#orders = accountId ? read(this.#key()) : [];
    this.draw();
  }

  /** `how`: the state in which his assignment ended. */
  add(order, how, at) {
    this.#orders = [{ id: order.id, number: order.number, merchant: order.merchant?.name ?? "", how, at, rated: false },
      ...this.#orders.filter(({ id }) => id !== order.id)];
    this.#keep();
  }

  rated(orderId) {
    this.#orders = this.#orders.map((order) => (order.id === orderId ? { ...order, rated: true } : order));
    this.#keep();
  }

  draw() {
    redraw(this.#place, element("h2", {}, t("ride.today")), this.#orders.length
      ? element("ul", { class: "today" }, this.#orders.map((order) => element("li", {},
        element("time", { class: "number soft small" }, clockTime(order.at)),
        element("span", {}, element("strong", {}, t("orders.number", { n: order.number })), ` ${order.merchant}`),
        element("span", { class: "chip" }, t(`ride.state_${order.how}`)),
        ["delivered", "returned"].includes(order.how) && !order.rated
          ? element("button", { type: "button", class: "quiet", onclick: () => this.#onRate(order.id) }, t("ride.rate")) : null)))
      : element("p", { class: "empty" }, t("ride.nothing_today")));
  }

  #key() {
    return `${STORED_AS}.${this.#account}`;
  }

  #keep() {
    localStorage.setItem(this.#key(), JSON.stringify({ day: new Date().toDateString(), orders: this.#orders }));
    this.draw();
  }
}

function read(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "null");
    return kept?.day === new Date().toDateString() ? kept.orders : [];
  } catch {
    return [];
  }
}
