// What customers say of the food and the delivery: means, and each review.

import { element, show } from "../js/dom.js";
import { dayAndTime, t } from "../js/i18n.js";

const WHAT = ["merchant", "courier", "delivery"];

export class ReviewsSection {
  #api; #say;
  #told = null;                          // {reviews, summary, next_before}
  node = element("div", { class: "page" });

  constructor({ api, say }) {
    this.#api = api;
    this.#say = say;
    this.#look();
  }

  async #look(before = null) {
    try {
      const page = await this.#api.get("/reviews", { before, limit: 30 });
      this.#told = before ? { ...page, reviews: [...this.#told.reviews, ...page.reviews] } : page;
      this.draw();
    } catch (error) {
      this.#say(error);
    }
  }

  draw() {
    show(this.node, element("section", { class: "card form" }, element("h2", {}, t("kitchen.reviews")), this.#content()));
  }

  #content() {
    if (!this.#told) return element("p", { class: "empty" }, "…");
    const { reviews, summary, next_before: next } = this.#told;
    if (!reviews.length) return element("p", { class: "empty" }, t("reviews.none"));
    return element("div", { class: "form" },
      element("dl", { class: "means" }, WHAT.map((what) => element("div", {}, element("dt", { class: "small soft" }, t(`review.${what}`)),
        element("dd", { class: "number" }, summary[`${what}_stars`] === null ? "–" : `${summary[`${what}_stars`].toFixed(1)} ★`)))),
      element("p", { class: "small soft" }, t("reviews.count", { n: summary.reviews })),
      element("ul", { class: "rows" }, reviews.map((review) => element("li", { class: "review" },
        element("span", { class: "stars-said", role: "img", "aria-label": review.merchant_stars ? t("review.of_five", { n: review.merchant_stars }) : "–" },
          review.merchant_stars ? "★".repeat(review.merchant_stars) + "☆".repeat(5 - review.merchant_stars) : "–"),
        element("span", { class: "small soft number" }, dayAndTime(review.filed_at)),
        review.words ? element("p", {}, review.words) : null,
        element("span", { class: "small soft" }, ["courier", "delivery"].filter((what) => review[`${what}_stars`])
          .map((what) => `${t(`review.${what}`)} ${review[`${what}_stars`]}/5`).join(" · "))))),
      next ? element("button", { type: "button", onclick: () => this.#look(next) }, t("reviews.more")) : null);
  }
}
