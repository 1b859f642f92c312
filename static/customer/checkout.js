// A checkout that waits for its payment: the way to pay, the time that is left, and what became of it.

import { countdown, tickCountdowns } from "../js/countdown.js";
import { element, icon, ICONS, show } from "../js/dom.js";
import { money, sentenceFor, t } from "../js/i18n.js";

const LOOK_AGAIN_MS = 5_000;             // the topic tells at once; this is for when the socket is away
const WAITING = "awaiting_payment";

export class CheckoutView {
  #api; #panel; #id; #onPaid;
  #checkout = null;
  #problem = "";
  #looking; #ticking; #leave;

  /** `onPaid(id)` follows when it has become an order. */
  constructor({ api, connection, panel, checkoutId, onPaid }) {
    this.#api = api;
    this.#panel = panel;
    this.#id = checkoutId;
    this.#onPaid = onPaid;
    show(panel, element("div", { class: "view" }, element("p", { class: "empty" }, "…")));
    this.#look();
    this.#leave = connection.join(`order:${checkoutId}`, {
      onSnapshot: () => this.#look(), onChange: () => this.#look(), onRefused: () => {},      // REST says why
    });
    this.#looking = setInterval(() => {
      if (!document.hidden && (!this.#checkout || this.#checkout.status === WAITING)) this.#look();
    }, LOOK_AGAIN_MS);
    this.#ticking = setInterval(() => tickCountdowns(this.#panel, this.#api.now()), 1_000);
    this.onShown = () => { if (!document.hidden) this.#look(); };
    document.addEventListener("visibilitychange", this.onShown);
  }

  leave() {
    this.#id = null;
    this.#leave();
    clearInterval(this.#looking);
    clearInterval(this.#ticking);
    document.removeEventListener("visibilitychange", this.onShown);
  }

  async #look() {
    const id = this.#id;
    try {
      const checkout = await this.#api.get(`/checkouts/${id}`);
      if (id !== this.#id) return;
      this.#take(checkout);
    } catch (error) {
      if (id !== this.#id || (this.#checkout && error.code === "network")) return;
      this.#problem = sentenceFor(error);
      this.render();
    }
  }

  #take(checkout) {
    const isNew = checkout.version !== this.#checkout?.version || this.#problem !== "";
    this.#checkout = checkout;
    this.#problem = "";
    if (checkout.status === "paid") this.#onPaid(checkout.id);
    else if (isNew) this.render();
  }

  render() {
    const { status } = this.#checkout ?? {};
    const back = element("a", { class: "back", href: "#/" }, icon(ICONS.back), t("orders.back"));
    const problem = this.#problem ? element("p", { class: "problem-box", role: "alert" }, this.#problem) : null;
    if (!status) {
      show(this.#panel, element("div", { class: "view" }, back, problem));
      return;
    }
    const { total_minor: total, currency, items, lapses_at: lapsesAt, pay_url: payUrl, merchant_id: merchantId } = this.#checkout;
    const sum = money(total, currency);
    const isWaiting = status === WAITING;
    show(this.#panel, element("div", { class: "view" }, back,
      element("div", { class: "headline" },
        element("h1", { id: "headline", "aria-live": "polite" }, t(`checkout.${status}`)),
        element("p", { class: "soft" }, t(`checkout.${status}_text`, { total: sum }))),
      isWaiting ? element("div", { class: "big-card" },
        element("strong", { class: "big number" }, sum),
        countdown("checkout.left", Date.parse(lapsesAt), this.#api.now(), { class: "soft number" }),
        payUrl
          ? element("a", { class: "button primary", id: "pay-link", href: payUrl, target: "_blank", rel: "noopener noreferrer" }, t("checkout.pay"))
          : element("p", { class: "soft" }, t("checkout.preparing")),
        element("p", { class: "hint" }, t("checkout.other_tab"))) : null,
      element("ul", { class: "sums" }, items.map((item) => element("li", {},
        element("span", { class: "soft number" }, `${item.quantity} ×`), element("span", {}, item.name),
        element("span", { class: "number" }, money(item.price_minor * item.quantity, currency))))),
      problem,
      element("div", { class: "buttons" }, isWaiting
        ? element("button", { type: "button", class: "danger", onclick: () => this.#cancel() }, t("checkout.cancel"))
        : element("a", { class: "button", href: `#/m/${merchantId}` }, t("checkout.again")))));
  }

  async #cancel() {
    try {
      this.#take(await this.#api.post(`/checkouts/${this.#id}/cancel`));
    } catch (error) {
      await this.#look();
      this.#problem = sentenceFor(error);
      this.render();
    }
  }
}
