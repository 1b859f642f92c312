// Links by which somebody without an account follows the order: made, copied, ended.

import { element, show } from "../js/dom.js";
import { dayAndTime, sentenceFor, t } from "../js/i18n.js";

export class Share {
  #api; #orderId;
  #made = null;                          // the newest, whose address is told this once
  #links = [];
  #problem = "";
  #said = "";

  constructor({ api, orderId }) {
    this.#api = api;
    this.#orderId = orderId;
    this.node = element("section", { id: "share" });
    this.#look();
  }

  draw() {
    const others = this.#links.filter(({ id }) => id !== this.#made?.id);
    show(this.node, element("h2", {}, t("share.title")),
      element("p", { class: "small soft" }, t("share.text")),
      this.#made ? this.#address() : null,
      others.length ? element("ul", { class: "sums" }, others.map((link) => this.#row(link))) : null,
      element("p", { class: "problem", role: "alert" }, this.#problem),
      element("div", { class: "buttons" },
        element("button", { type: "button", id: "make-link", onclick: () => this.#act(() => this.#make()) }, t("share.make"))));
  }

  #address() {
    const url = new URL(this.#made.url, location.href).href;
    const input = element("input", { readonly: true, value: url, "aria-label": t("share.title"), id: "link-url", onfocus: () => input.select() });
    const copy = async () => {
      input.select();
      try {
        await navigator.clipboard.writeText(url);
        this.#said = t("share.copied");
      } catch {
        this.#said = t("share.copy_by_hand");        // no clipboard without https
      }
      said.textContent = this.#said;
    };
    const said = element("span", { class: "small soft", role: "status" }, this.#said);
    return element("div", { class: "question" }, input, element("div", { class: "buttons" },
      element("button", { type: "button", class: "primary", onclick: copy }, t("share.copy")),
      navigator.share ? element("button", { type: "button", onclick: () => navigator.share({ url }).catch(() => {}) }, t("share.send")) : null,
      this.#endButton(this.#made.id), said));
  }

  #row(link) {
    return element("li", { class: "line" }, element("span", { class: "small soft" }, t("share.made_at", { when: dayAndTime(link.created_at) })),
      this.#endButton(link.id));
  }

  #endButton(id) {
    return element("button", { type: "button", class: "danger", onclick: () => this.#act(async () => {
      await this.#api.remove(`/orders/${this.#orderId}/links/${id}`);
      if (this.#made?.id === id) this.#made = null;
    }) }, t("share.end"));
  }

  async #make() {
    this.#made = await this.#api.post(`/orders/${this.#orderId}/links`);
    this.#said = "";
  }

  async #act(what) {
    try {
      await what();
      this.#problem = "";
    } catch (error) {
      this.#problem = sentenceFor(error);
    }
    await this.#look();
  }

  async #look() {
    try {
      this.#links = (await this.#api.get(`/orders/${this.#orderId}/links`)).links;
    } catch {
      this.#links = [];                  // the list is a convenience; making one says what is wrong
    }
    this.draw();
  }
}
