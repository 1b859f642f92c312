// The board itself: the kitchen's orders in columns, live.

import { tickCountdowns } from "../js/countdown.js";
import { element, show, sync } from "../js/dom.js";
import { sentenceFor, t } from "../js/i18n.js";
import { COLUMNS, KitchenBook } from "./kitchen_book.js";
import { orderCard, reasonForm, standingOf } from "./order_card.js";

export class OrdersSection {
  #parts; #house; #onCount; #catalogue;
  #book = new KitchenBook();
  #forms = new Map();                    // order id -> the question that is open on its card
  #minutes = new Map();                  // order id -> the minutes chosen, which a new drawing must not forget
  #asked = new Set();                    // orders that are being read whole
  #cards = new Map();                    // order id -> {drawn, node}: a card is drawn anew only when it says something else
  #columns = null;                       // name -> {cards, count}
  #leave;
  #hasBegun = false;
  node = element("div", { class: "board" });

  /** `house()` are the merchant's facts; `onCount(n)` hears how many orders wait for an answer. */
  constructor({ parts, merchantId, house, catalogue, onCount, onHouseChanged }) {
    this.#parts = parts;
    this.#house = house;
    this.#catalogue = catalogue;
    this.#onCount = onCount;
    this.#leave = parts.connection.join(`merchant:${merchantId}`, {
      onSnapshot: ({ orders }) => {
        this.#book.begin(orders);
        this.#hasBegun = true;
        this.#readDone();
        this.draw();
      },
      onChange: (change) => {
        if (change.entity === "merchant") onHouseChanged();
        const unknown = this.#book.apply(change);
        if (unknown) this.#read(unknown);
        this.draw();
      },
      onRefused: (error) => parts.say(error),
    });
    this.ticking = setInterval(() => {
      tickCountdowns(this.node, parts.api.now());
      this.draw();                       // what only time changes: late, urgent, too late to undo
    }, 1_000);
  }

  leave() {
    this.#leave();
    clearInterval(this.ticking);
  }

  /** Draws all columns anew; also in another language. */
  draw() {
    const columns = this.#book.columns();
    this.#onCount(columns.new.length);
    for (const known of [this.#forms, this.#cards]) for (const id of known.keys()) if (!this.#book.get(id)) known.delete(id);
    this.#columns ??= this.#drawColumns();
    for (const name of COLUMNS) {
      const { cards, count, none } = this.#columns[name];
      count.textContent = String(columns[name].length);
      none.textContent = this.#hasBegun ? t(`column.${name}_none`) : "…";
      sync(cards, columns[name].length ? columns[name].map((view) => this.#card(view)) : [none]);
    }
  }

  #card(view) {
    const told = { now: this.#parts.api.now(), usualS: this.#house()?.preparation_s ?? 600, board: this };
    const drawn = JSON.stringify([view, standingOf(view.order, told.now), told.usualS, this.spelled(view.order.reason)]);
    const form = this.form(view.order.id);
    const known = this.#cards.get(view.order.id);
    // A card whose question is being answered stays as it is, whatever the courier does meanwhile.
    if (known && known.form === form && (form || known.drawn === drawn)) return known.node;
    const node = orderCard(view, told);
    this.#cards.set(view.order.id, { drawn, form, node });
    return node;
  }

  #drawColumns() {
    const columns = Object.fromEntries(COLUMNS.map((name) => [name, {
      cards: element("div", { class: "cards" }), count: element("span", { class: "count number" }), none: element("p", { class: "empty small" }),
    }]));
    show(this.node, COLUMNS.map((name) => element("section", { class: `column ${name}`, "aria-label": t(`column.${name}`) },
      element("h2", {}, t(`column.${name}`), columns[name].count), columns[name].cards)));
    return columns;
  }

  speak() {
    for (const kept of [this.#forms, this.#cards]) kept.clear();
    this.#columns = null;
    this.draw();
  }

  // What a card asks of its board

  form(id) {
    return this.#forms.get(id) ?? null;
  }

  minutes(id) {
    return this.#minutes.get(id);
  }

  keepMinutes(id, value) {
    this.#minutes.set(id, value);
  }

  spelled(reason) {
    return this.#catalogue.spelled(reason) || reason || "";
  }

  /** Opens the question that `what` needs. */
  ask(id, what) {
    const onClose = () => {
      this.#forms.delete(id);
      this.draw();
    };
    this.#forms.set(id, reasonForm({ what, onClose, onSay: (body) => this.say(id, what, body) }));
    this.draw();
    this.#forms.get(id).querySelector("select, button")?.focus({ preventScroll: true });
  }

  /** Says one word to an order as it is shown; true once it is done. */
  async say(id, command, body = {}) {
    const { order } = this.#book.get(id);
    this.#cards.get(id)?.node.querySelectorAll("button").forEach((button) => { button.disabled = true; });
    try {
      const moved = await this.#parts.api.post(`/orders/${id}/${command}`, { ...body, version: order.version });
      this.#book.take({ ...moved, assignment: moved.assignment ?? this.#book.get(id)?.assignment ?? null });
      this.#parts.say(null);
      return true;
    } catch (error) {
      this.#parts.say(error);
      this.#read(id);
      return false;
    } finally {
      this.#cards.delete(id);
      this.draw();
    }
  }

  async #read(id) {
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    try {
      this.#book.take(await this.#parts.api.get(`/orders/${id}`));
    } catch (error) {
      if (error.status !== 404) this.#parts.say(error);
    } finally {
      this.#asked.delete(id);
      this.draw();
    }
  }

  /** What was done today before the page was opened. */
  async #readDone() {
    const midnight = new Date();
    midnight.setHours(0, 0, 0, 0);
    try {
      const { orders } = await this.#parts.api.get("/orders", { placed_after: midnight.toISOString(), limit: 60 });
      for (const order of orders) if (!this.#book.get(order.id)) this.#book.take(order);
      this.draw();
    } catch (error) {
      this.#parts.say(error);
    }
  }
}

/** For a message that names nobody's order. */
export function problemText(error) {
  return error ? sentenceFor(error) : "";
}
