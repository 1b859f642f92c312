// The facts of an order beside its ticket; its contact only when somebody asks for it, since that is written down.

import { element, show } from "../js/dom.js";
import { clockTime, dayAndTime, inOtherLanguage, money, sentenceFor, t } from "../js/i18n.js";

const SEES_CONTACT = new Set(["dispatcher", "customer_service"]);

export class OrderCard {
  #parts;
  #contact = null;                     // {contact, dropoff}, once it was asked for
  #problem = "";
  order = null;

  /** `parts`: {api, account, catalogue, place, orderId, isWhole}; `isWhole`: on the order's own page, without a link to it. */
  constructor(parts) {
    this.#parts = parts;
    this.look();
  }

  leave() {
    this.#contact = null;
  }

  async look() {
    const { api, orderId } = this.#parts;
    try {
      this.order = await api.get(`/orders/${orderId}`, { contact: "false" });
      this.#problem = "";
    } catch (error) {
      this.#problem = error.code === "order_not_found" ? t("desk.order_gone") : sentenceFor(error);
    }
    this.draw();
    return this.order;
  }

  /** What forms must know of the order. */
  async facts({ withContact = false } = {}) {
    if (!this.order) await this.look();
    if (withContact && !this.#contact) await this.#ask();
    const { dropoff } = this.#contact ?? {};
    return { currency: this.order?.currency, totalMinor: this.order?.total_minor, address: dropoff?.address, place: dropoff ?? null };
  }

  draw() {
    const { order } = this;
    const { place, isWhole } = this.#parts;
    if (!order) {
      show(place, element("h2", {}, t("desk.order")), element("p", { class: this.#problem ? "problem" : "empty" }, this.#problem || t("desk.loading")));
      return;
    }
    const number = t("orders.number", { n: order.number });
    show(place,
      element("h2", {}, t("desk.order")),
      element("p", { class: "order-head" }, isWhole ? element("strong", {}, number)
        : element("a", { href: `#/orders/${order.id}` }, number), " ", statusChip(order)),
      factList(orderFacts(order, this.#parts.catalogue)),
      element("ul", { class: "plain items" }, order.items.map((item) => element("li", {},
        element("span", { class: "number" }, `${item.quantity} × ${item.name}`),
        element("span", { class: "number" }, money(item.price_minor * item.quantity, order.currency))))),
      this.#contactPart());
  }

  #contactPart() {
    if (!SEES_CONTACT.has(this.#parts.account.role)) return null;
    if (!this.#contact) {
      return element("div", {}, element("button", { type: "button", "data-act": "show-contact", onclick: () => this.#show() }, t("desk.show_contact")),
        element("p", { class: "hint" }, t("desk.contact_is_written_down")));
    }
    const { contact, dropoff } = this.#contact;
    if (!contact) return element("p", { class: "hint" }, t("desk.contact_not_now"));
    return element("div", { class: "contact" }, factList([
      ["desk.name", contact.name],
      ["desk.phone", element("a", { href: `tel:${contact.phone}` }, contact.phone)],
      ["desk.address", contact.address],
      ["desk.note", contact.note],
      ["desk.field_place", dropoff ? `${dropoff.lat.toFixed(5)}, ${dropoff.lng.toFixed(5)}` : ""],
    ]), element("button", { type: "button", class: "quiet", onclick: () => {
      this.#contact = null;
      this.draw();
    } }, t("desk.hide_contact")));
  }

  async #show() {
    try {
      await this.#ask();
    } catch (error) {
      this.#problem = sentenceFor(error);
    }
    this.draw();
  }

  async #ask() {
    const { contact, dropoff } = await this.#parts.api.get(`/orders/${this.#parts.orderId}`);
    this.#contact = { contact, dropoff };
  }
}

export function statusChip({ status }) {
  const key = `status.${status}`;
  return element("span", { class: `status ${status}` }, `${t(key)} · ${inOtherLanguage(key)}`);
}

function orderFacts(order, catalogue) {
  const promised = order.promised_at ? clockTime(order.promised_at) : "";
  const first = order.first_promised_at && order.first_promised_at !== order.promised_at
    ? ` (${t("promise.first", { when: clockTime(order.first_promised_at) })})` : "";
  return [
    ["desk.merchant", order.merchant?.name],
    ["desk.courier", order.assignment ? `${order.assignment.courier_name} · ${t(`ride.state_${order.assignment.state}`)}` : ""],
    ["desk.placed", dayAndTime(order.placed_at)],
    ["desk.promised", promised + first],
    ["desk.delivered", order.delivered_at ? dayAndTime(order.delivered_at) : ""],
    ["desk.proof", order.proof ? t(`desk.proof_${order.proof.kind}`) : ""],
    ["desk.waived", order.waived?.length ? order.waived.map((one) => t(`desk.option_${one}`)).join(", ") : ""],
    ["desk.total", money(order.total_minor, order.currency)],
    ["desk.payment", `${t(`pay.${order.payment_method}`)} · ${t(`payment.${order.payment_status}`)}`],
    ["orders.reason", order.reason ? catalogue.reasonOf(order.reason) : ""],
  ];
}

export function factList(pairs) {
  return element("dl", { class: "facts" }, pairs.filter(([, value]) => value)
    .flatMap(([key, value]) => [element("dt", {}, t(key)), element("dd", {}, value)]));
}
