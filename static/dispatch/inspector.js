// The card over the map: the order, the courier or the place that was picked, and what can be done with it.

import { newKey } from "../js/api.js";
import { element, icon, ICONS, show } from "../js/dom.js";
import { ago, clockTime, distance, inOtherLanguage, sentenceFor, t } from "../js/i18n.js";
import { presenceOf } from "../js/motion.js";
import { needsCourier } from "../js/order_book.js";
import { toast } from "../js/page.js";
import { CourierNames } from "./courier_names.js";

const NEAREST = 6;

export class Inspector {
  #card = document.getElementById("inspector");
  #parts;
  #subject = null;                         // {kind: "order" | "courier" | "place", …}
  #nearest = null;                         // {couriers} or {problem}, of the subject
  #key = newKey();
  #names;

  /**
   * `parts`: {api, book, couriers, limits, nameOf, onClose, onCourier(id), onOrder(id), onReplay(id, name),
   * onFarCourier(position)}; the last one hears where a chosen courier is who is not in the view.
   */
  constructor(parts) {
    this.#parts = parts;
    this.#names = new CourierNames(parts.api);
    setInterval(() => this.#tick(), 1_000);
  }

  showOrder(order) {
    this.#open({ kind: "order", id: order.id, order });
    if (order.merchant) this.#askNearest(order.merchant);
  }

  showCourier(courierId) {
    this.#open({ kind: "courier", id: courierId, told: null });
    this.#askCourier(courierId);
  }

  showPlace(position) {
    this.#open({ kind: "place", position });
    this.#askNearest(position);
  }

  /** What the card hides of the map, in pixels: its right side, on a phone its lower part. */
  get covered() {
    const { offsetWidth: width, offsetHeight: height, offsetParent: frame } = this.#card;
    return frame && width > frame.clientWidth / 2 ? { right: 0, bottom: height } : { right: width, bottom: 0 };
  }

  close() {
    this.#subject = null;
    this.#card.hidden = true;
  }

  /** The book has heard this change of an order: draws anew if it concerns what is shown. */
  heard(orderId, change) {
    const subject = this.#subject;
    if (subject?.kind === "order" && subject.id === orderId) {
      const view = this.#parts.book.get(orderId);
      if (!view) {
        toast(`${t("orders.number", { n: subject.order.number })}: ${t(`status.${change.fields.status}`)}`);
        return this.#parts.onClose();
      }
      subject.order = { ...subject.order, ...view.order, assignment: view.assignment };
      if (needsCourier(view) && !this.#nearest) this.#askNearest(subject.order.merchant);
      this.draw();
    } else if (subject?.kind === "courier") {
      this.draw();
    }
    return undefined;
  }

  draw() {
    const subject = this.#subject;
    if (!subject) return;
    const content = {
      order: () => this.#order(subject),
      courier: () => this.#courier(subject),
      place: () => this.#place(subject),
    };
    show(this.#card, ...content[subject.kind]());
    this.#card.hidden = false;
  }

  #open(subject) {
    this.#subject = subject;
    this.#nearest = null;
    this.#key = newKey();
    this.draw();
  }

  #tick() {
    const subject = this.#subject;
    if (subject?.kind !== "courier") return;
    if (subject.isInView !== Boolean(this.#parts.couriers.get(subject.id))) this.draw();
    else this.#card.querySelector("#seen").replaceChildren(...this.#seen(subject));
  }

  #head(title, ...more) {
    return element("header", {}, element("div", {}, element("h1", {}, title), ...more),
      element("button", {
        type: "button", class: "quiet round", "aria-label": t("dispatch.close"), onclick: this.#parts.onClose,
      }, icon(ICONS.close)));
  }

  #order({ order }) {
    const view = { order, assignment: order.assignment };
    const carrier = order.assignment;
    return [
      this.#head(t("orders.number", { n: order.number }), element("span", { class: `status ${order.status}` },
        `${t(`status.${order.status}`)} · ${inOtherLanguage(`status.${order.status}`)}`)),
      facts([
        ["dispatch.from", order.merchant?.name ?? this.#parts.nameOf(order.merchant_id)],
        ["dispatch.to", order.dropoff?.address],
        ["dispatch.placed", clockTime(order.placed_at)],
        ["courier.marker", carrier ? this.#courierLink(carrier.courier_id, carrier.courier_name) : t("dispatch.unassigned")],
      ]),
      needsCourier(view) ? this.#nearestList(order) : null,
    ];
  }

  #courier(subject) {
    const { id, told } = subject;
    const courier = this.#parts.couriers.get(id);
    subject.isInView = Boolean(courier);
    const carried = this.#parts.book.ofCourier(id);
    const name = this.#names.of(id);
    return [
      this.#head(name, courier
        ? element("span", { class: "presence small soft" },
          element("span", { class: `swatch ${courier.state}` }), t(`dispatch.${courier.state}`))
        : element("p", { class: "small soft" }, t("dispatch.not_in_view"))),
      facts([
        ["dispatch.seen", element("span", { id: "seen", class: "presence" }, this.#seen(subject))],
        ["dispatch.rides_for", carried && element("button", {
          type: "button", class: "quiet", onclick: () => this.#parts.onOrder(carried.order.id),
        }, `${t("orders.number", { n: carried.order.number })} · ${this.#parts.nameOf(carried.order.merchant_id)}`)],
      ]),
      told?.problem ? element("p", { class: "problem-box", role: "alert" }, told.problem) : null,
      element("button", { type: "button", onclick: () => this.#parts.onReplay(id, name) }, t("replay.show")),
    ];
  }

  /** How long ago he was heard of: from the map if he is on it, else from what the server told when he was chosen. */
  #seen({ id, told }) {
    const courier = this.#parts.couriers.get(id);
    if (!courier && !told?.position) return [told ? t("presence.gone") : "…"];
    const silentMs = courier ? Date.now() - courier.heardAt : this.#parts.api.now() - Date.parse(told.position.fix_time);
    const ageS = Math.max(0, silentMs / 1000);
    const presence = presenceOf(ageS, this.#parts.limits);
    return presence === "fresh" ? [ago(ageS)]
      : [element("span", { class: `swatch ${presence}` }), `${t(`presence.${presence}`)}, ${ago(ageS)}`];
  }

  #place({ position }) {
    return [
      this.#head(t("dispatch.place"), element("p", { class: "small soft number" },
        `${position.lat.toFixed(5)}, ${position.lng.toFixed(5)}`)),
      this.#nearestList(null),
    ];
  }

  #nearestList(order) {
    const found = this.#nearest;
    const body = !found ? element("p", { class: "hint" }, t("dispatch.loading"))
      : found.problem ? element("p", { class: "problem-box", role: "alert" }, found.problem)
        : !found.couriers.length ? element("p", { class: "hint" }, t("dispatch.nearest_none"))
          : element("ul", { class: "near" }, found.couriers.map((courier) => this.#nearRow(courier, order)));
    return element("section", { class: "near" }, element("h2", {}, t("dispatch.nearest")), body);
  }

  #nearRow(courier, order) {
    const id = courier.courier_id;
    return element("li", { class: "near-row" },
      element("span", { class: `swatch ${courier.presence === "fresh" ? "free" : courier.presence}` }),
      element("span", {}, this.#courierLink(id, this.#names.of(id)), " ",
        element("span", { class: "soft small number" }, distance(courier.distance_m))),
      order ? element("button", { type: "button", class: "primary", onclick: (event) => this.#assign(order, id, event.target) },
        t("dispatch.assign")) : element("span"));
  }

  #courierLink(courierId, name) {
    return element("button", { type: "button", class: "quiet link", onclick: () => this.#parts.onCourier(courierId) }, name);
  }

  async #askNearest({ lat, lng }) {
    const subject = this.#subject;
    let answer;
    try {
      answer = await this.#parts.api.get("/couriers/nearest", { lat, lng, limit: NEAREST });
      await this.#names.ask(answer.couriers.map((courier) => courier.courier_id));
    } catch (error) {
      answer = { problem: sentenceFor(error) };
    }
    if (this.#subject !== subject) return;
    this.#nearest = answer;
    this.draw();
  }

  async #askCourier(courierId) {
    const subject = this.#subject;
    const { api, couriers, onFarCourier } = this.#parts;
    try {
      subject.told = await api.get(`/couriers/${courierId}`);
      this.#names.learn(courierId, subject.told.display_name);
    } catch (error) {
      subject.told = { problem: sentenceFor(error) };
    }
    if (this.#subject !== subject) return;
    this.draw();
    if (subject.told.position && !couriers.get(courierId)) onFarCourier(subject.told.position);
  }

  async #assign(order, courierId, button) {
    button.disabled = true;
    button.textContent = t("dispatch.assigning");
    try {
      await this.#parts.api.post(`/orders/${order.id}/assign`, { courier_id: courierId }, this.#key);
      toast(t("dispatch.assigned", { courier: this.#names.of(courierId), n: order.number }));
    } catch (error) {
      this.#key = newKey();
      toast(sentenceFor(error));
      this.#askNearest(order.merchant);
    }
  }
}

function facts(pairs) {
  return element("dl", { class: "facts" }, pairs.filter(([, value]) => value)
    .flatMap(([key, value]) => [element("dt", {}, t(key)), element("dd", {}, value)]));
}
