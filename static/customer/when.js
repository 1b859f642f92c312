// When the food shall come: as soon as possible, or in a half-hour that the customer chooses.

import { element, show } from "../js/dom.js";
import { clockTime, clockTimeIn, dayName, t } from "../js/i18n.js";
import { dayIn, daysFrom, slotsOf } from "./windows.js";

const DAYS = 7;
const USUAL_LEAD_MS = 45 * 60_000;       // how long before its beginning a window can be ordered; the server says if not

/** The two choices as a node; `value()` is the window {from, to} as the API has it, or null for as soon as possible. */
export class When {
  #merchant; #now; #onChange;
  #later; #day = ""; #slot = null;
  #leadMs = USUAL_LEAD_MS;

  constructor({ merchant, now, onChange }) {
    this.#merchant = merchant;
    this.#now = now;
    this.#onChange = onChange;
    this.#later = !merchant.open_now;
    this.problem = element("p", { class: "problem", role: "alert", id: "problem-when" });
    this.node = element("div", { class: "when", role: "group", "aria-describedby": "problem-when" });
    this.draw();
  }

  value() {
    if (!this.#later || !this.#slot) return null;
    return { from: new Date(this.#slot.from).toISOString(), to: new Date(this.#slot.to).toISOString() };
  }

  /** Whether a time was asked for, and there is none to choose. */
  get isWithoutChoice() {
    return this.#later && !this.#slot;
  }

  /** The server asks for more time than we thought. */
  needsLead(minutes) {
    this.#leadMs = minutes * 60_000 + 60_000;
    this.draw();
  }

  draw() {
    const { open_now: isOpen } = this.#merchant;
    const choice = (later, words) => element("label", { class: "choice" },
      element("input", {
        type: "radio", name: "when", checked: this.#later === later, disabled: !later && !isOpen,
        onchange: () => this.#choose(later),
      }), element("span", {}, words));
    show(this.node,
      choice(false, isOpen ? t("when.asap") : t("when.not_now")),
      choice(true, t("when.later")),
      this.#later ? this.#slots() : null, this.problem);
  }

  #choose(later) {
    this.#later = later;
    this.draw();
    this.node.querySelector(later ? "select" : "input")?.focus();
    this.#onChange();
  }

  #slots() {
    const { time_zone: zone, hours } = this.#merchant;
    const notBefore = this.#now() + this.#leadMs;
    const days = daysFrom(dayIn(zone, this.#now()), DAYS)
      .map((day) => [day, slotsOf(day, { hours, zone, notBefore })]).filter(([, slots]) => slots.length);
    if (!days.length) {
      this.#slot = null;
      return element("p", { class: "empty" }, t("when.none"));
    }
    const [day, slots] = days.find(([one]) => one === this.#day) ?? days[0];
    this.#day = day;
    this.#slot = slots.find(({ from }) => from === this.#slot?.from) ?? slots[0];
    const words = ({ from, to }) => `${clockTimeIn(from, zone)} – ${clockTimeIn(to, zone)}`;
    return element("div", { class: "fields" },
      this.#select("when.day", days.map(([one]) => [one, dayName(one)]), day, (value) => { this.#day = value; }),
      this.#select("when.time", slots.map((slot) => [String(slot.from), words(slot)]), String(this.#slot.from), (value) => {
        this.#slot = slots.find(({ from }) => String(from) === value);
      }),
      clockTimeIn(this.#slot.from, zone) === clockTime(this.#slot.from) ? null : element("p", { class: "hint wide" }, t("when.their_clock")));
  }

  #select(key, options, chosen, take) {
    const select = element("select", {
      onchange: () => {
        take(select.value);
        this.draw();
        this.#onChange();
        this.node.querySelector(`[data-name="${key}"]`)?.focus();
      }, "data-name": key,
    }, options.map(([value, words]) => element("option", { value, selected: value === chosen }, words)));
    return element("label", {}, element("span", {}, t(key)), select);
  }
}
