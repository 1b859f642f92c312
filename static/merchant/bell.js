// Tells a kitchen that looks elsewhere of a new order: two tones, again and again until somebody answers, and a number
// in the page's title.  The tones are made here; no sound file is loaded.

const STORED_AS = "songda.bell";
const AGAIN_MS = 9_000;
const TONES = [[880, 0], [1175, 0.18], [880, 0.36]];      // Hz, and seconds from the beginning
const TONE_S = 0.16;
const LOUDNESS = 0.25;

export class Bell {
  #sound = null;
  #waiting = 0;
  #again = null;
  #isOn = localStorage.getItem(STORED_AS) !== "off";

  constructor() {
    // Browsers let a page sound only once somebody has touched it.
    addEventListener("pointerdown", () => this.#wake(), { once: true });
    addEventListener("keydown", () => this.#wake(), { once: true });
  }

  get isOn() {
    return this.#isOn;
  }

  /** Switches the tones on or off; switched on, it rings once, so that one hears what it will be like. */
  toggle() {
    this.#isOn = !this.#isOn;
    localStorage.setItem(STORED_AS, this.#isOn ? "on" : "off");
    if (this.#isOn) this.#ring();
  }

  /** So many orders wait for an answer: one more than before rings, and it goes on until there are none. */
  wait(count) {
    const isMore = count > this.#waiting;
    this.#waiting = count;
    if (isMore) this.#ring();
    if (count && this.#again === null) this.#again = setInterval(() => this.#ring(), AGAIN_MS);
    if (!count) this.stop();
  }

  stop() {
    clearInterval(this.#again);
    this.#again = null;
    this.#waiting = 0;
  }

  /** `title` with the number of orders that wait before it. */
  badge(title) {
    return this.#waiting ? `(${this.#waiting}) ${title}` : title;
  }

  #wake() {
    this.#sound ??= new AudioContext();
    this.#sound.resume().catch(() => {});
  }

  #ring() {
    if (!this.#isOn || this.#sound?.state !== "running") return;
    const now = this.#sound.currentTime;
    for (const [hertz, afterS] of TONES) {
      const tone = new OscillatorNode(this.#sound, { frequency: hertz });
      const loudness = new GainNode(this.#sound, { gain: 0 });
      loudness.gain.setValueAtTime(0, now + afterS);
      loudness.gain.linearRampToValueAtTime(LOUDNESS, now + afterS + 0.02);
      loudness.gain.linearRampToValueAtTime(0, now + afterS + TONE_S);
      tone.connect(loudness).connect(this.#sound.destination);
      tone.start(now + afterS);
      tone.stop(now + afterS + TONE_S);
    }
  }
}
