// Tells that something waits for one's role: a number in the tab's title, and a sound for whoever wants one.

import { t } from "./i18n.js";

const TONES_HZ = [660, 880];
const TONE_S = 0.16;

export class Bell {
  #storedAs;
  #audio = null;

  /** `storedAs`: where this browser remembers whether it may sound. */
  constructor(storedAs) {
    this.#storedAs = storedAs;
  }

  get isOn() {
    return localStorage.getItem(this.#storedAs) === "on";
  }

  /** Browsers let a page sound only after somebody has touched it: this is called by a click. */
  switch(isOn) {
    localStorage.setItem(this.#storedAs, isOn ? "on" : "off");
    if (isOn) this.ring();
  }

  ring() {
    if (!this.isOn) return;
    this.#audio ??= new AudioContext();
    if (this.#audio.state === "suspended") this.#audio.resume();
    TONES_HZ.forEach((tone, index) => this.#tone(tone, this.#audio.currentTime + index * TONE_S));
  }

  /** How many wait, in the tab's title. */
  show(waiting) {
    const title = t(document.body.dataset.title);
    document.title = waiting ? `(${waiting}) ${title}` : title;
  }

  #tone(hertz, at) {
    const source = new OscillatorNode(this.#audio, { frequency: hertz });
    const loud = new GainNode(this.#audio, { gain: 0 });
    loud.gain.setValueAtTime(0.2, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
    source.connect(loud).connect(this.#audio.destination);
    source.start(at);
    source.stop(at + TONE_S);
  }
}
