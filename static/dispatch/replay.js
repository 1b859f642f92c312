// A courier's recorded ride on the map, with a slider for the time.

import { element, fillChoice, icon, ICONS, show } from "../js/dom.js";
import { clockTimeToTheSecond, count, sentenceFor, t } from "../js/i18n.js";
import { courierMarker, fit, showLines } from "../js/map.js";
import { placeAt, stretches } from "../js/track.js";

const PERIODS_MIN = { "replay.last_15": 15, "replay.last_60": 60, "replay.last_360": 360 };
const SPEEDS = [1, 5, 20, 60];
const TRACK_COLOUR = "#7c3aed";            // no courier's colour: this is the past

export class Replay {
  #map; #api; #onClose;
  #card = document.getElementById("replay");
  #courier = null;                         // {id, name}
  #fixes = [];
  #time = 0;
  #speed = 20;
  #minutes = 15;
  #playing = false;
  #frame = null;
  #marker = null;
  #loads = 0;

  constructor({ map, api, onClose }) {
    this.#map = map;
    this.#api = api;
    this.#onClose = onClose;
  }

  get isOpen() {
    return this.#courier !== null;
  }

  open(id, name) {
    this.close();
    this.#courier = { id, name };
    this.#marker = courierMarker(this.#map, t("courier.marker"));
    this.#load();
  }

  close() {
    if (!this.#courier) return;
    this.#courier = null;
    this.#stop();
    this.#marker.remove();
    showLines(this.#map, "track", [], TRACK_COLOUR);
    this.#card.hidden = true;
    this.#onClose();
  }

  async #load() {
    this.#loads += 1;
    const load = this.#loads;
    this.#stop();
    this.#fixes = [];
    this.draw(t("dispatch.loading"));
    const to = this.#api.now();
    let problem = "";
    try {
      const track = await this.#api.get(`/couriers/${this.#courier.id}/track`, {
        from: new Date(to - this.#minutes * 60_000).toISOString(), to: new Date(to).toISOString(), format: "json",
      });
      if (load !== this.#loads || !this.#courier) return;
      this.#fixes = track.fixes;
      problem = this.#fixes.length ? "" : t("replay.none");
    } catch (error) {
      if (load !== this.#loads || !this.#courier) return;
      problem = sentenceFor(error);
    }
    this.#time = this.#fixes[0]?.fix_time ?? 0;
    showLines(this.#map, "track", stretches(this.#fixes), TRACK_COLOUR);
    fit(this.#map, this.#fixes, { padding: 60, covered: { right: 0, bottom: this.#card.offsetHeight } });
    this.draw(problem);
    this.#place();
  }

  draw(words = "") {
    if (!this.#courier) return;
    const has = this.#fixes.length > 0;
    const periods = Object.entries(PERIODS_MIN).map(([key, minutes]) => [minutes, t(key)]);
    const speeds = SPEEDS.map((speed) => [speed, `× ${speed}`]);
    const choice = (key, options, chosen, act) => fillChoice(
      element("select", { "aria-label": t(key), onchange: ({ target }) => act(Number(target.value)) }), options, chosen);
    this.button = element("button", { type: "button", class: "round primary", disabled: !has, onclick: () => this.#toggle() });
    this.slider = element("input", {
      type: "range", disabled: !has, step: "1000", "aria-label": t("replay.time"),
      min: String(this.#fixes[0]?.fix_time ?? 0), max: String(this.#fixes.at(-1)?.fix_time ?? 1), value: String(this.#time),
      oninput: ({ target }) => {
        this.#time = Number(target.value);
        this.#place();
      },
    });
    this.clock = element("output", { class: "number" });
    show(this.#card,
      element("div", { class: "top" }, element("strong", {}, this.#courier.name),
        element("span", { class: "small soft" }, words || t("replay.fixes", { n: count(this.#fixes.length) })),
        element("span", { class: "space" }),
        choice("replay.period", periods, this.#minutes, (minutes) => {
          this.#minutes = minutes;
          this.#load();
        }),
        choice("replay.speed", speeds, this.#speed, (speed) => { this.#speed = speed; }),
        element("button", { type: "button", onclick: () => this.close() }, t("replay.close"))),
      element("div", { class: "time-line" }, this.button, this.slider, this.clock));
    this.#card.hidden = false;
    this.#showPlaying();
  }

  #toggle() {
    if (this.#playing) {
      this.#stop();
    } else {
      if (this.#time >= this.#fixes.at(-1).fix_time) this.#time = this.#fixes[0].fix_time;
      this.#playing = true;
      let last = performance.now();
      const step = (now) => {
        this.#time = Math.min(this.#fixes.at(-1).fix_time, this.#time + (now - last) * this.#speed);
        last = now;
        this.#place();
        if (this.#time >= this.#fixes.at(-1).fix_time) this.#stop();
        else this.#frame = requestAnimationFrame(step);
      };
      this.#frame = requestAnimationFrame(step);
    }
    this.#showPlaying();
  }

  #stop() {
    cancelAnimationFrame(this.#frame);
    this.#playing = false;
    if (this.button) this.#showPlaying();
  }

  #showPlaying() {
    this.button.replaceChildren(icon(this.#playing ? ICONS.pause : ICONS.play));
    this.button.setAttribute("aria-label", t(this.#playing ? "replay.pause" : "replay.play"));
  }

  #place() {
    const place = placeAt(this.#fixes, this.#time);
    if (!place) return;
    this.#marker.place(place);
    this.#marker.look({ stale: !place.known });
    this.slider.value = String(this.#time);
    this.slider.setAttribute("aria-valuetext", clockTimeToTheSecond(this.#time));
    this.clock.textContent = clockTimeToTheSecond(this.#time);
  }
}
