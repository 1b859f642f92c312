// A week of opening hours to be edited: a line of text for each day, or at any hour.

import { element, show } from "../js/dom.js";
import { t } from "../js/i18n.js";
import { hoursOf, textOf, WEEKDAYS } from "./hours_text.js";

export class HoursEditor {
  #hours; #anyKey;
  #fields = new Map();
  node = element("fieldset", { class: "hours" });

  /** `anyKey` are the words for having no hours of one's own. */
  constructor(hours, anyKey) {
    this.#hours = hours;
    this.#anyKey = anyKey;
    this.#draw();
  }

  /** The hours as they stand here; undefined, with the days marked, when one cannot be read. */
  value() {
    if (this.#any.checked) return null;
    const texts = Object.fromEntries([...this.#fields].map(([day, input]) => [day, input.value]));
    const { hours, bad } = hoursOf(texts, this.#hours?.exceptions);
    for (const [day, input] of this.#fields) input.setAttribute("aria-invalid", String(bad.includes(day)));
    this.problem.textContent = bad.length ? t("hours.bad") : "";
    if (bad.length) this.#fields.get(bad[0]).focus();
    return bad.length ? undefined : hours;
  }

  #any;

  #draw() {
    this.#any = element("input", { type: "checkbox", checked: this.#hours === null, onchange: () => { days.hidden = this.#any.checked; } });
    this.problem = element("p", { class: "problem", role: "alert" });
    const days = element("div", { class: "days", hidden: this.#hours === null }, WEEKDAYS.map((day) => {
      const input = element("input", { value: textOf(this.#hours?.weekly?.[day]), placeholder: t("hours.none"), spellcheck: "false", name: `hours-${day}` });
      this.#fields.set(day, input);
      return element("label", {}, element("span", {}, t(`day.${day}`)), input);
    }), element("p", { class: "hint" }, t("hours.hint")));
    show(this.node, element("legend", {}, t("hours.title")),
      element("label", { class: "check" }, this.#any, element("span", {}, t(this.#anyKey))), days, this.problem);
  }
}
