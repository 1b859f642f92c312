// The list of open orders: one row each, changed in place so that the keyboard keeps its place.

import { element } from "../js/dom.js";
import { clockTime, count, inOtherLanguage, t } from "../js/i18n.js";
import { needsCourier } from "../js/order_book.js";

const FILTERS = { all: "dispatch.filter_all", pending_acceptance: "dispatch.filter_new", waiting: "dispatch.filter_waiting",
  delivering: "status.delivering" };

export class OrderList {
  #book; #list; #none; #filters; #count; #nameOf; #onSelect;
  #rows = new Map();                       // order id -> {item, button, parts…}
  #filter = "all";
  #selected = null;

  constructor({ book, nameOf, onSelect }) {
    this.#book = book;
    this.#nameOf = nameOf;
    this.#onSelect = onSelect;
    const byId = (id) => document.getElementById(id);
    [this.#list, this.#none, this.#filters, this.#count] = ["orders", "no-orders", "filters", "order-count"].map(byId);
    this.speak();
  }

  select(orderId) {
    this.#selected = orderId;
    this.draw();
  }

  /** Draws everything in the language of the moment. */
  speak() {
    this.#filters.replaceChildren(...Object.entries(FILTERS).map(([filter, key]) => element("button", {
      type: "button", "aria-pressed": String(filter === this.#filter),
      onclick: () => {
        this.#filter = filter;
        this.speak();
      },
    }, t(key))));
    this.draw();
  }

  draw() {
    const views = this.#book.list(this.#filter);
    const wanted = views.map((view) => this.#row(view));
    for (const [orderId, row] of this.#rows) {
      if (!wanted.includes(row)) {
        row.item.remove();
        this.#rows.delete(orderId);
      }
    }
    wanted.forEach((row, index) => {
      if (this.#list.children[index] !== row.item) this.#list.insertBefore(row.item, this.#list.children[index] ?? null);
    });
    this.#count.textContent = count(this.#book.size);
    this.#none.hidden = views.length > 0;
    this.#none.textContent = t(this.#book.size ? "dispatch.no_match" : "dispatch.no_orders");
  }

  #row(view) {
    const { order, assignment } = view;
    let row = this.#rows.get(order.id);
    if (!row) {
      row = { title: element("span", { class: "title" }), status: element("span"), rider: element("span"), time: element("span") };
      row.button = element("button", { type: "button", class: "order-row", "data-order": order.id,
        onclick: () => this.#onSelect(order.id) }, row.title, row.time, row.rider, row.status);
      row.item = element("li", {}, row.button);
      this.#rows.set(order.id, row);
    }
    row.title.textContent = `${order.number} · ${this.#nameOf(order.merchant_id)}`;
    row.status.className = `status ${order.status}`;
    row.status.textContent = t(`status.${order.status}`);
    row.status.title = inOtherLanguage(`status.${order.status}`);
    row.rider.className = needsCourier(view) ? "rider missing" : "rider";
    row.rider.textContent = assignment?.courier_name ?? t("dispatch.unassigned");
    row.time.className = "time number";
    row.time.textContent = clockTime(order.placed_at);
    row.button.setAttribute("aria-current", String(order.id === this.#selected));
    return row;
  }
}
