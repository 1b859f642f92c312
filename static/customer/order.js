// One order, live: its steps, who carries it, and where he is on the map.

import { element, icon, ICONS, show } from "../js/dom.js";
import { ago, clockTime, inOtherLanguage, money, sentenceFor, t } from "../js/i18n.js";
import { courierMarker, fit, pin, showArea } from "../js/map.js";
import { applyChange, isOver, stepsOf } from "../js/messages.js";
import { Motion, presenceOf } from "../js/motion.js";
import { toLngLat } from "../js/position.js";

const CANCELLABLE = new Set(["pending_acceptance", "accepted"]);
const COARSE_MAX_ZOOM = 14.8;            // the area he may be in fits the view
const INNER = 0.2;                       // the courier is led back when he nears this share of the map's edge

export class OrderView {
  #api; #connection; #map; #panel; #follow; #limits;
  #view = null;
  #motion = new Motion();
  #position = null;                      // the newest heard, exact or coarse
  #marker = null;
  #pins = [];
  #leave; #ticking; #frame = null;
  #asksToCancel = false;
  #problem = "";

  constructor({ api, connection, map, panel, follow, limits, orderId }) {
    this.#api = api;
    this.#connection = connection;
    this.#map = map;
    this.#panel = panel;
    this.#follow = follow;
    this.#limits = limits;
    show(panel, element("div", { class: "view" }, element("p", { class: "empty" }, "…")));
    this.#leave = connection.join(`order:${orderId}`, {
      onSnapshot: (snapshot) => this.#begin(snapshot),
      onChange: (change) => this.#change(change),
      onEvent: (event, payload) => {
        if (event === "position") this.#hear(payload);
      },
      onRefused: (error) => show(panel, element("div", { class: "view" }, backLink(),
        element("p", { class: "problem-box", role: "alert" }, sentenceFor(error)))),
    });
    this.#ticking = setInterval(() => this.#showCourierLine(), 1_000);
  }

  leave() {
    this.#leave();
    clearInterval(this.#ticking);
    cancelAnimationFrame(this.#frame);
    this.#forgetCourier();
    this.#pins.forEach((marker) => marker.remove());
    this.#follow.hidden = true;
  }

  #begin(snapshot) {
    const isFirst = this.#view === null;
    this.#view = snapshot;
    if (this.#map && isFirst) this.#showPlaces();
    if (snapshot.position) this.#hear(snapshot.position);
    else this.#forgetCourier();
    this.render();
  }

  #change(change) {
    const before = this.#view;
    if (!before) return;
    this.#view = applyChange(before, change);
    if (this.#view === before) return;
    const { assignment, order } = this.#view;
    if (isOver(order.status) || assignment?.id !== before.assignment?.id) this.#forgetCourier();
    if (!CANCELLABLE.has(order.status)) this.#asksToCancel = false;
    this.render();
  }

  #hear(position) {
    if (!this.#view || isOver(this.#view.order.status)) return;
    if (this.#position && position.fix_time < this.#position.fix_time) return;
    const isNewSight = this.#position?.coarse !== position.coarse;   // the first, or exact now
    if (isNewSight) this.#motion.clear();
    this.#position = position;
    if (isNewSight && this.#map) this.#fitAll();
    if (position.coarse) this.#showOnlyArea(position);
    else this.#showExactly(position);
    this.#showCourierLine();
  }

  #showOnlyArea(position) {
    this.#marker?.remove();
    this.#follow.hidden = true;
    if (this.#map) showArea(this.#map, position);
  }

  #showExactly(position) {
    this.#motion.push(position, Date.now());
    if (!this.#map) return;
    showArea(this.#map, null);
    this.#marker ??= courierMarker(this.#map, t("courier.marker"));
    this.#follow.hidden = false;
    this.#frame ??= requestAnimationFrame(() => this.#animate());
  }

  #animate() {
    this.#frame = requestAnimationFrame(() => this.#animate());
    const place = this.#motion.at(Date.now());
    if (!place || !this.#marker) return;
    this.#marker.place(place);
    if (this.#follow.getAttribute("aria-pressed") === "true") this.#keepInView(place);
  }

  #keepInView(place) {
    if (this.#map.isMoving()) return;
    const { x, y } = this.#map.project(toLngLat(place));
    const { clientWidth: width, clientHeight: height } = this.#map.getContainer();
    const isInside = (at, size) => at > size * INNER && at < size * (1 - INNER);
    if (!isInside(x, width) || !isInside(y, height)) this.#fitAll();
  }

  /** Shows the courier and where he rides: from afar both, and nearer as he comes. */
  #fitAll() {
    const { order, assignment } = this.#view;
    const target = assignment?.leg === "to_dropoff" ? [order.dropoff] : [order.merchant, order.dropoff];
    fit(this.#map, [...target, this.#position].filter(Boolean), {
      padding: 110, maxZoom: this.#position?.coarse ? COARSE_MAX_ZOOM : 16.5,
    });
  }

  #forgetCourier() {
    this.#position = null;
    this.#motion.clear();
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.#marker?.remove();
    this.#marker = null;
    this.#follow.hidden = true;
    if (this.#map) showArea(this.#map, null);
  }

  #showPlaces() {
    const { merchant, dropoff } = this.#view.order;
    const places = [merchant, dropoff].filter(Boolean);
    this.#pins = [
      merchant && pin(this.#map, "pickup", merchant, { name: merchant.name }),
      dropoff && pin(this.#map, "dropoff", dropoff, { label: t("map.home") }),
    ].filter(Boolean);
    fit(this.#map, places, { padding: 90 });
  }

  /** Draws the panel anew: after a change, and in another language. */
  render() {
    if (!this.#view) return;
    const { order, assignment } = this.#view;
    show(this.#panel, element("div", { class: "view" },
      backLink(),
      element("div", { class: "headline" },
        element("p", { class: "soft small" }, `${t("orders.number", { n: order.number })} · ${order.merchant?.name ?? ""}`),
        element("h1", { id: "headline", "aria-live": "polite" }, headlineOf(order, assignment)),
        order.reason ? element("p", { class: "soft" }, `${t("orders.reason")}: ${order.reason}`) : null),
      this.#courierCard(),
      element("ol", { class: "steps" }, stepsOf(order).map(stepRow)),
      element("section", {}, element("h2", {}, t("orders.items")), itemList(order)),
      order.dropoff ? element("section", {}, element("h2", {}, t("shop.contact")), element("p", {}, order.dropoff.address)) : null,
      this.#problem ? element("p", { class: "problem-box", role: "alert" }, this.#problem) : null,
      CANCELLABLE.has(order.status) ? this.#cancelling() : null));
    this.#showCourierLine();
  }

  #courierCard() {
    const { order, assignment } = this.#view;
    if (isOver(order.status) || order.status === "pending_acceptance") return null;
    if (!assignment) return element("p", { class: "soft" }, t("courier.none"));
    return element("div", { class: "courier-card", id: "courier" },
      element("span", { class: "avatar", "aria-hidden": "true" }, initialOf(assignment.courier_name)),
      element("strong", {}, assignment.courier_name),
      element("span", { class: "small", id: "courier-line" }));
  }

  #showCourierLine() {
    const line = this.#panel.querySelector("#courier-line");
    if (!line) return;
    const ageS = this.#position ? Math.max(0, (this.#api.now() - this.#position.fix_time) / 1000) : null;
    const stale = ageS !== null && presenceOf(ageS, this.#limits) !== "fresh";
    this.#panel.querySelector("#courier").classList.toggle("stale", stale);
    this.#marker?.look({ stale });
    if (ageS === null) line.textContent = t("courier.waiting_position");
    else if (stale) line.textContent = t("courier.last_seen", { ago: ago(ageS) });
    else if (this.#position.coarse) line.textContent = t("courier.coarse");
    else line.textContent = t("courier.updated", { ago: ago(ageS) });
  }

  #cancelling() {
    const ask = (yes) => () => {
      this.#asksToCancel = yes;
      this.render();
    };
    if (!this.#asksToCancel) {
      const button = element("button", { type: "button", class: "danger", onclick: ask(true) }, t("orders.cancel"));
      return element("div", {}, button);
    }
    const reason = element("input", { maxlength: "200", "aria-label": t("orders.reason"), placeholder: t("orders.reason") });
    return element("div", { class: "question" },
      element("strong", {}, t("orders.cancel_sure")), reason,
      element("div", { class: "buttons" },
        element("button", { type: "button", class: "danger", onclick: () => this.#cancel(reason.value) }, t("orders.cancel_yes")),
        element("button", { type: "button", onclick: ask(false) }, t("orders.cancel_no"))));
  }

  async #cancel(reason) {
    const { id } = this.#view.order;
    try {
      await this.#api.post(`/orders/${id}/cancel`, { reason: reason.trim() || t("orders.cancel") });
      this.#problem = "";
    } catch (error) {
      this.#problem = sentenceFor(error);
    }
    this.#asksToCancel = false;
    this.render();
  }
}

function backLink() {
  return element("a", { class: "back", href: "#/" }, icon(ICONS.back), t("orders.back"));
}

function headlineOf(order, assignment) {
  const courier = assignment?.courier_name ?? "";
  if (order.status === "accepted" && assignment) return t("headline.accepted_assigned", { courier });
  if (order.status === "delivering" && !courier) return t("status.delivering");
  return t(`headline.${order.status}`, { courier });
}

function stepRow({ status, at, state }) {
  const mark = { done: ICONS.check, ended: ICONS.close }[state];
  return element("li", { class: `step ${state}`, "aria-current": state === "current" ? "step" : null },
    element("span", { class: "dot" }, mark ? icon(mark) : null),
    element("span", { class: "names" },
      element("span", { class: "first" }, t(`status.${status}`)),
      element("span", { class: "second" }, inOtherLanguage(`status.${status}`))),
    element("time", { class: "soft small number" }, at ? clockTime(at) : ""));
}

function itemList(order) {
  return element("ul", { class: "sums" },
    (order.items ?? []).map((item) => element("li", {},
      element("span", { class: "soft number" }, `${item.quantity} ×`), element("span", {}, item.name),
      element("span", { class: "number" }, money(item.price_minor * item.quantity, order.currency)))),
    element("li", { class: "total" }, element("span", {}, t("shop.total")),
      element("span", { class: "number" }, money(order.total_minor, order.currency))));
}

function initialOf(name) {
  return [...name.trim()][0]?.toUpperCase() ?? "·";
}
