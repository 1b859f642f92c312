// An archived order with all that was kept of it.

import { element, show } from "../js/dom.js";
import { clockTimeToTheSecond, dayAndTime, money, sentenceFor, t } from "../js/i18n.js";
import { factList, statusChip } from "./order_card.js";
import { stateChip } from "./ticket_words.js";

export class ArchivedPage {
  #parts;
  #order = null;

  /** `parts`: {api, catalogue, panel}.  The look is written down by the server. */
  constructor(parts, orderId) {
    this.#parts = parts;
    show(parts.panel, element("p", { class: "empty" }, t("desk.loading")));
    parts.api.get(`/archive/orders/${orderId}`).then((order) => {
      this.#order = order;
      this.draw();
    }, (error) => show(parts.panel, element("a", { class: "back", href: "#/archive" }, t("desk.back_to_archive")),
      element("p", { class: "problem-box", role: "alert" }, sentenceFor(error))));
  }

  leave() {}

  tick() {}

  hear() {}

  retell() {
    this.draw();
  }

  draw() {
    const order = this.#order;
    if (!order) return;
    const { catalogue, panel } = this.#parts;
    const { facts, contact } = order;
    show(panel, element("a", { class: "back", href: "#/archive" }, t("desk.back_to_archive")),
      element("h1", {}, t("orders.number", { n: order.number }), " ", statusChip(order)),
      element("div", { class: "columns" },
        element("div", {},
          part(t("desk.order"), factList([
            ["desk.placed", dayAndTime(order.placed_at)], ["desk.over", dayAndTime(order.ended_at)],
            ["desk.total", money(order.total_minor, order.currency)], ["orders.reason", facts.reason],
            ["desk.archived", dayAndTime(order.archived_at)], ["desk.erased_at", order.erased_at ? dayAndTime(order.erased_at) : ""],
          ]), element("ul", { class: "plain" }, (facts.items ?? facts.lines ?? []).map((item) => element("li", {}, `${item.quantity} × ${item.name}`)))),
          contact ? part(t("desk.contact"), factList([
            ["desk.name", contact.name], ["desk.phone", contact.phone], ["desk.address", contact.address], ["desk.note", contact.note],
          ])) : part(t("desk.contact"), element("p", { class: "empty" }, t(order.erased_at ? "desk.contact_erased" : "desk.contact_not_now"))),
          part(t("desk.tickets"), order.tickets.length ? element("ul", { class: "plain" }, order.tickets.map((ticket) => element("li", {},
            `#${ticket.number} ${catalogue.nameOf(ticket.kind)} `, stateChip(ticket)))) : element("p", { class: "empty" }, t("desk.no_tickets"))),
          order.review ? part(t("desk.review"), factList([
            ["review.merchant", stars(order.review.merchant_stars)], ["review.courier", stars(order.review.courier_stars)],
            ["review.delivery", stars(order.review.delivery_stars)],
          ])) : null),
        part(t("desk.story"), element("ol", { class: "story" }, order.events.map((event) => element("li", { class: `line ${event.entity}` },
          element("time", { class: "number soft small" }, clockTimeToTheSecond(event.occurred_at ?? event.at)),
          element("div", {}, `${event.entity}: ${event.name}`)))))));
  }
}

const stars = (number) => (number ? `${number} ★` : "");

function part(title, ...content) {
  return element("section", { class: "part" }, element("h2", {}, title), content);
}
