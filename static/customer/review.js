// How it was: stars for the food, the courier and the delivery, and words; to be changed for a day.

import { element, show } from "../js/dom.js";
import { dayAndTime, sentenceFor, t } from "../js/i18n.js";

const EDITABLE_MS = 24 * 3_600_000;
const WHAT = ["merchant", "courier", "delivery"];

export class Review {
  #api; #orderId; #hasCourier;
  #filed = null;
  #isOpen = false;

  constructor({ api, orderId, hasCourier }) {
    this.#api = api;
    this.#orderId = orderId;
    this.#hasCourier = hasCourier;
    this.node = element("section", { id: "review" });
    this.#load();
  }

  async #load() {
    try {
      this.#filed = await this.#api.get(`/orders/${this.#orderId}/review`);
    } catch (error) {
      if (error.status !== 404) {
        show(this.node, element("p", { class: "problem" }, sentenceFor(error)));
        return;
      }
    }
    this.#isOpen = this.#filed === null;
    this.draw();
  }

  draw() {
    show(this.node, element("h2", {}, t("review.title")), this.#isOpen ? this.#form() : this.#said());
  }

  #said() {
    if (!this.#filed) return element("p", { class: "empty" }, "…");
    const editableUntil = Date.parse(this.#filed.filed_at) + EDITABLE_MS;
    return element("div", { class: "question" },
      WHAT.filter((what) => this.#filed[`${what}_stars`]).map((what) => element("p", {}, `${t(`review.${what}`)}: `,
        element("span", { class: "stars-said", role: "img", "aria-label": t("review.of_five", { n: this.#filed[`${what}_stars`] }) },
          "★".repeat(this.#filed[`${what}_stars`]) + "☆".repeat(5 - this.#filed[`${what}_stars`])))),
      this.#filed.words ? element("p", { id: "review-words" }, this.#filed.words) : null,
      this.#api.now() < editableUntil ? element("div", { class: "buttons" },
        element("button", { type: "button", onclick: () => { this.#isOpen = true; this.draw(); } }, t("review.change")),
        element("span", { class: "hint" }, t("review.until", { when: dayAndTime(editableUntil) }))) : null);
  }

  #form() {
    const asked = WHAT.filter((what) => what !== "courier" || this.#hasCourier());
    const words = element("textarea", { name: "words", rows: "3", maxlength: "2000", placeholder: t("review.words"), "aria-label": t("review.words") });
    words.value = this.node.querySelector("textarea")?.value ?? this.#filed?.words ?? "";
    const problem = element("p", { class: "problem", role: "alert" });
    const form = element("form", { class: "question" }, asked.map((what) => this.#stars(what)), words, problem,
      element("div", { class: "buttons" }, element("button", { type: "submit", class: "primary" }, t("review.send"))));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      const given = Object.fromEntries(asked.map((what) => {
        const chosen = form.querySelector(`input[name=${what}]:checked`);
        return [`${what}_stars`, chosen ? Number(chosen.value) : null];
      }));
      try {
        this.#filed = await this.#api.put(`/orders/${this.#orderId}/review`, { ...given, words: words.value.trim() });
        this.#isOpen = false;
        this.draw();
      } catch (error) {
        problem.textContent = sentenceFor(error);
      }
    });
    return form;
  }

  #stars(what) {
    const chosen = this.#filed?.[`${what}_stars`];
    // From the right to the left in the document, so that CSS can light all up to the chosen one; read by their labels.
    return element("fieldset", { class: "stars" }, element("legend", {}, t(`review.${what}`)),
      element("span", { class: "star-row" }, [5, 4, 3, 2, 1].flatMap((n) => [
        element("input", { type: "radio", name: what, value: String(n), id: `${what}-${n}`, checked: chosen === n, "aria-label": t("review.of_five", { n }) }),
        element("label", { for: `${what}-${n}`, title: t("review.of_five", { n }) }, "★")])));
  }
}
