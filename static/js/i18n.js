// English and Chinese: words by key, filled into elements marked data-t…, and numbers, money and times as each says them.

import { EN } from "./words/en.js";
import { ZH } from "./words/zh.js";

export const LANGUAGES = { en: EN, zh: ZH };
const LOCALES = { en: "en-GB", zh: "zh-CN" };
const STORED_AS = "songda.language";

let language = "en";
const listeners = new Set();

/** The language kept from the last visit, else the browser's, else English. */
export function preferredLanguage(stored, browserLanguages) {
  if (stored in LANGUAGES) return stored;
  const known = browserLanguages.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag in LANGUAGES);
  return known ?? "en";
}

export function startLanguage() {
  setLanguage(preferredLanguage(localStorage.getItem(STORED_AS) ?? "", navigator.languages ?? []));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      localStorage.setItem(STORED_AS, button.dataset.language);
      setLanguage(button.dataset.language);
    });
  }
}

function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = LOCALES[chosen];
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
  }
  fill(document);
  for (const listener of listeners) listener();
}

/** Calls `listener` whenever the language changes. */
export function onLanguage(listener) {
  listeners.add(listener);
}

/** Fills elements below `root`: data-t the text, data-t-label the aria-label, data-t-placeholder the placeholder. */
export function fill(root) {
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  }
  for (const element of root.querySelectorAll("[data-t-placeholder]")) {
    element.placeholder = t(element.dataset.tPlaceholder);
  }
}

/** The words of `key` with its {places} filled. */
export function t(key, values = {}, spoken = language) {
  const words = LANGUAGES[spoken][key] ?? EN[key];
  if (words === undefined) return key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The words of `key` in the other language: statuses are shown in both. */
export function inOtherLanguage(key) {
  return t(key, {}, language === "en" ? "zh" : "en");
}

/** Which of the two is shown now. */
export function spoken() {
  return language;
}

/** A sentence for an error or a fault: ours if we know its code, else the server's, else that something went wrong. */
export function sentenceFor(error) {
  const key = [`error.${error.code}`, `fault.${error.code}`].find((known) => known in EN);
  if (key) return t(key);
  return error.title || error.detail || error.message || t("error.unknown");
}

/** The sentence of one field's fault: ours, which may name sums and moments, or the server's. */
export function faultSentence(fault, currency) {
  const { values = {} } = fault;
  const sums = Object.entries(values).filter(([name]) => name.endsWith("_minor"))
    .map(([name, minor]) => [name, money(minor, values.currency ?? currency)]);
  const key = `fault.${fault.code}`;
  return key in EN ? t(key, { ...values, ...Object.fromEntries(sums) }) : sentenceFor(fault);
}

export function money(minor, currency) {
  const format = new Intl.NumberFormat(LOCALES[language], { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export function clockTime(moment) {
  return new Intl.DateTimeFormat(LOCALES[language], { hour: "2-digit", minute: "2-digit" }).format(new Date(moment));
}

/** "Mon 24 Nov, 12:30": a moment that need not be today. */
export function dayAndTime(moment) {
  const parts = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(LOCALES[language], parts).format(new Date(moment));
}

/** "Mon 24 Nov" of a date like "2026-11-24". */
export function dayName(day) {
  const parts = { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" };
  return new Intl.DateTimeFormat(LOCALES[language], parts).format(new Date(`${day}T00:00:00Z`));
}

/** The clock at a place: "12:30" in `timeZone`. */
export function clockTimeIn(moment, timeZone) {
  return new Intl.DateTimeFormat(LOCALES[language], { hour: "2-digit", minute: "2-digit", timeZone }).format(new Date(moment));
}

export function clockTimeToTheSecond(moment) {
  const parts = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return new Intl.DateTimeFormat(LOCALES[language], parts).format(new Date(moment));
}

/** "12 s ago", "3 min ago", "2 h ago". */
export function ago(seconds) {
  if (seconds < 2) return t("time.now");
  if (seconds < 100) return t("time.seconds_ago", { n: Math.round(seconds) });
  if (seconds < 5_400) return t("time.minutes_ago", { n: Math.round(seconds / 60) });
  return t("time.hours_ago", { n: Math.round(seconds / 3_600) });
}

export function distance(metres) {
  if (metres < 950) return t("distance.m", { n: Math.round(metres / 10) * 10 });
  return t("distance.km", { n: (metres / 1000).toFixed(1) });
}

export function count(number) {
  return new Intl.NumberFormat(LOCALES[language]).format(number);
}
