// One order, live: what is going on, what is promised, what may be done about it, and its courier on the map.

import { tickCountdowns } from "../js/countdown.js";
import { element, redraw, show } from "../js/dom.js";
import { ago, sentenceFor, t } from "../js/i18n.js";
import { isOver } from "../js/messages.js";
import { presenceOf } from "../js/motion.js";
import { applyNews, isCancellable } from "../js/order_life.js";
import { answerForm, cancelForm, troubleForm } from "./order_forms.js";
import { OrderMap } from "./order_map.js";
import {
  backLink, codeCard, courierCard, headline, itemList, paymentPart, promiseCard, proofPart, steps, ticketPart, undoBar,
} from "./order_parts.js";
import { Review } from "./review.js";
import { Share } from "./share.js";

const TROUBLE_WHILE = new Set(["accepted", "delivering", "delivery_exception", "completed"]);

export class OrderView {
  #api; #panel; #limits; #orderId; #catalogue; #isGuest;
  #view = null;
  #onMap;
  #refunds = [];
  #tickets = new Map();                  // id -> as REST tells it, with what was said
  #answers = new Map();                  // id -> the form to reply with
  #form = null;
  #review = null;
  #share = null;
  #proofUrl = null;
  #leave; #ticking;
  #problem = "";

  /** `isGuest`: somebody who follows by a link, and so sees less and does less. */
  constructor({ api, connection, map, panel, follow, limits, orderId, catalogue, isGuest = false, onRefused = null }) {
    this.#api = api;
    this.#panel = panel;
    this.#limits = limits;
    this.#orderId = orderId;
    this.#catalogue = catalogue;
    this.#isGuest = isGuest;
    this.#onMap = new OrderMap({ map, follow });
    show(panel, element("div", { class: "view" }, element("p", { class: "empty" }, "…")));
    if (!isGuest) catalogue.load(api).then(() => this.render(), () => {});     // without it codes have no words
    this.#leave = connection.join(`order:${orderId}`, {
      onSnapshot: (snapshot) => this.#begin(snapshot),
      onChange: (change) => this.#change(change),
      onEvent: (event, payload) => {
        if (event !== "position") return;
        this.#onMap.hear(payload);
        this.#showCourierLine();
      },
      onRefused: onRefused ?? ((error) => show(panel, element("div", { class: "view" }, backLink(),
        element("p", { class: "problem-box", role: "alert" }, sentenceFor(error))))),
    });
    this.#ticking = setInterval(() => this.#tick(), 1_000);
  }

  leave() {
    this.#leave();
    clearInterval(this.#ticking);
    this.#onMap.leave();
    if (this.#proofUrl) URL.revokeObjectURL(this.#proofUrl);
    this.#orderId = null;
  }

  #begin(snapshot) {
    if (!snapshot.order) {               // it waits for its payment, and is none yet
      if (!this.#isGuest) location.hash = `#/c/${this.#orderId}`;
      return;
    }
    this.#view = snapshot;
    this.#onMap.take(snapshot);
    if (snapshot.position) this.#onMap.hear(snapshot.position);
    else this.#onMap.forget();
    this.#learnRest();
    this.render();
  }

  #change(change) {
    const before = this.#view;
    if (!before) return;
    if (change.entity === "refund") this.#learnRefunds();
    if (change.entity === "ticket_notice") this.#learnTickets();
    this.#view = applyNews(before, change);
    if (this.#view === before) return;
    this.#onMap.take(this.#view);
    const { assignment, order } = this.#view;
    if (isOver(order.status) || assignment?.id !== before.assignment?.id) this.#onMap.forget();
    if (order.status !== before.order.status) {
      this.#form = null;                 // it was about another moment
      this.#problem = "";
      this.#learnRest();
    }
    if (change.name === "address_corrected") this.#learnAddress();
    this.render();
    if (order.status !== before.order.status) this.#showHeadline();
  }

  /** What has just happened is above what one may be reading; who is typing is left in peace. */
  #showHeadline() {
    if (document.activeElement?.matches("input, textarea, select")) return;
    this.#panel.querySelector("#headline")?.scrollIntoView({ block: "nearest" });
  }

  /** What no event tells: money that goes back, tickets' words, the proof's picture. */
  #learnRest() {
    if (this.#isGuest) return;
    this.#learnRefunds();
    this.#learnTickets();
    this.#learnProof();
  }

  #learnRefunds() {
    this.#learn(`/orders/${this.#orderId}/refunds`, ({ refunds }) => {
      this.#refunds = refunds.filter(({ status }) => status !== "withdrawn");
    });
  }

  #learnTickets() {
    this.#learn(`/orders/${this.#orderId}/tickets`, ({ tickets }) => {
      this.#tickets = new Map(tickets.map((ticket) => [ticket.id, ticket]));
    });
  }

  #learnAddress() {
    this.#learn(`/orders/${this.#orderId}`, ({ dropoff }) => {
      this.#view = { ...this.#view, order: { ...this.#view.order, dropoff } };
    });
  }

  async #learnProof() {
    const { proof } = this.#view.order;
    if (!proof?.media_id || this.#proofUrl) return;
    try {
      this.#proofUrl = URL.createObjectURL(await this.#api.picture(`/media/${proof.media_id}`));
      this.render();
    } catch {
      // It is erased after a while; the page does without.
    }
  }

  async #learn(path, take) {
    if (this.#isGuest) return;
    const id = this.#orderId;
    try {
      const told = await this.#api.get(path);
      if (id !== this.#orderId) return;
      take(told);
      this.render();
    } catch {
      // What stands beside the order is asked for again with its next change.
    }
  }

  /** Draws the panel anew: after a change, and in another language. */
  render() {
    if (!this.#view || !this.#orderId) return;
    const { order, assignment } = this.#view;
    redraw(this.#panel, element("div", { class: "view" },
      this.#isGuest ? null : backLink(),
      headline(order, assignment, this.#reason(order)),
      this.#isGuest ? null : undoBar(order, "customer", this.#api.now(), () => this.#do("undo")),
      promiseCard(order), codeCard(order), courierCard(order, assignment), this.#receipt(order),
      this.#problem ? element("p", { class: "problem-box", role: "alert" }, this.#problem) : null,
      this.#form,
      order.status === "completed" ? this.#reviewing() : null,
      steps(order),
      this.#isGuest ? null : ticketPart(this.#shownTickets(), this.#catalogue, (ticket) => this.#answering(ticket)),
      proofPart(order, this.#proofUrl),
      itemList(order),
      this.#isGuest ? null : paymentPart(order, this.#refunds),
      order.dropoff ? element("section", {}, element("h2", {}, t("shop.contact")), element("p", {}, order.dropoff.address)) : null,
      this.#isGuest ? null : this.#sharing(),
      this.#isGuest ? null : this.#actions(order)));
    this.#showCourierLine();
  }

  /** Everything in another language; what was being typed into a form that closes is lost, a review's words are not. */
  speak() {
    this.#form = null;
    this.#answers.clear();
    this.#review?.draw();
    this.#share?.draw();
    this.render();
  }

  /** Why it ended or went wrong: somebody's own words, or a code, whose words a guest has not. */
  #reason({ status, reason }) {
    if (this.#isGuest && !["rejected", "cancelled"].includes(status)) return "";
    return this.#catalogue.spelled(reason);
  }

  #shownTickets() {
    return (this.#view.tickets ?? []).map((notice) => ({ ...this.#tickets.get(notice.id), ...notice }));
  }

  #answering(ticket) {
    if (!this.#answers.has(ticket.id)) {
      this.#answers.set(ticket.id, answerForm({ api: this.#api, ticket, onSent: () => this.#learnTickets() }));
    }
    return this.#answers.get(ticket.id);
  }

  #receipt(order) {
    if (order.status !== "delivered") return null;
    return element("div", { class: "question" }, element("strong", {}, t("receipt.question")),
      element("div", { class: "buttons" },
        element("button", { type: "button", class: "primary", id: "confirm", onclick: () => this.#do("confirm-receipt") }, t("receipt.yes")),
        this.#isGuest ? null
          : element("button", { type: "button", id: "dispute", onclick: () => this.#open(troubleForm) }, t("receipt.no"))),
      element("p", { class: "hint" }, t("receipt.silence")));
  }

  #reviewing() {
    this.#review ??= new Review({
      api: this.#api, orderId: this.#orderId, hasCourier: () => Boolean(this.#view.order.picked_up_at),
    });
    return this.#review.node;
  }

  #sharing() {
    this.#share ??= new Share({ api: this.#api, orderId: this.#orderId });
    return this.#share.node;
  }

  #actions(order) {
    return element("div", { class: "buttons" },
      TROUBLE_WHILE.has(order.status)
        ? element("button", { type: "button", id: "trouble", onclick: () => this.#open(troubleForm) }, t("trouble.report")) : null,
      isCancellable(order)
        ? element("button", { type: "button", class: "danger", id: "cancel", onclick: () => this.#open(cancelForm) }, t("orders.cancel")) : null);
  }

  #open(makeForm) {
    this.#form = makeForm({
      api: this.#api, order: () => this.#view.order, catalogue: this.#catalogue,
      onClose: () => {
        this.#form = null;
        this.render();
      },
    });
    this.render();
    this.#form.scrollIntoView({ block: "nearest" });
    this.#form.querySelector("input, select, textarea")?.focus({ preventScroll: true });
  }

  /** Says one word to the order, at the version that is shown. */
  async #do(command) {
    try {
      await this.#api.post(`/orders/${this.#orderId}/${command}`, { version: this.#view.order.version });
      this.#problem = "";
    } catch (error) {
      this.#problem = sentenceFor(error);
    }
    this.render();
  }

  #tick() {
    if (tickCountdowns(this.#panel, this.#api.now())) this.render();
    this.#showCourierLine();
  }

  #showCourierLine() {
    const line = this.#panel.querySelector("#courier-line");
    if (!line) return;
    const { position } = this.#onMap;
    const ageS = position ? Math.max(0, (this.#api.now() - position.fix_time) / 1000) : null;
    const stale = ageS !== null && presenceOf(ageS, this.#limits) !== "fresh";
    this.#panel.querySelector("#courier").classList.toggle("stale", stale);
    this.#onMap.look({ stale });
    if (ageS === null) line.textContent = t("courier.waiting_position");
    else if (stale) line.textContent = t("courier.last_seen", { ago: ago(ageS) });
    else if (position.coarse) line.textContent = t("courier.coarse");
    else line.textContent = t("courier.updated", { ago: ago(ageS) });
  }
}
