// A form made of fields (decision_forms.js): it says what is wrong beside each field, and asks twice where nothing takes it back.

import { newKey } from "../js/api.js";
import { element, fillChoice, show } from "../js/dom.js";
import { clockTime, money, sentenceFor, spoken, t } from "../js/i18n.js";
import { bodyOf } from "./decision_forms.js";
import { pickPlace } from "./place_picker.js";

let made = 0;

/**
 * `about`: {currency, totalMinor, templates, address, place, now()}; `act(body, key)` says it to the server; `onDone(answer)`,
 * `onCancel()`.  `title` and `submit` are words.
 */
export function formFor({ fields, sure = false, about, title, submit, act, onDone, onCancel }) {
  made += 1;
  const prefix = `form-${made}`;
  let key = newKey();
  const problem = element("p", { class: "problem-box", role: "alert" });
  const rows = new Map(fields.map((field) => [field.name, fieldRow(field, `${prefix}-${field.name}`, about)]));
  const buttons = element("div", { class: "buttons" });
  const form = element("form", { class: "decision", novalidate: true },
    element("h3", {}, title), [...rows.values()].map(({ row }) => row), problem, buttons);

  const digits = about.currency
    ? new Intl.NumberFormat("en", { style: "currency", currency: about.currency }).resolvedOptions().maximumFractionDigits : 2;
  const read = () => {
    const given = Object.fromEntries([...rows].map(([name, { input }]) => [name, input.value]));
    return bodyOf(fields, given, { now: about.now(), currencyDigits: digits });
  };
  const mark = (faults) => {
    for (const [name, { input, fault }] of rows) {
      fault.textContent = faults[name] ? t(`desk.fault_${faults[name]}`) : "";
      input.setAttribute("aria-invalid", String(name in faults));
    }
    const first = [...rows].find(([name]) => name in faults);
    first?.[1].input.focus();
    return !first;
  };
  const askOnce = () => {
    show(buttons, element("button", { type: "submit", class: sure ? "" : "primary" }, submit),
      element("button", { type: "button", class: "quiet", onclick: onCancel }, t("desk.never_mind")));
  };
  const askTwice = (body) => {
    const yes = element("button", { type: "button", class: "danger", onclick: () => send(body) }, t("desk.yes_do", { what: submit }));
    show(buttons, element("p", { class: "sure" }, `${t("desk.no_way_back")} ${summary(body, about)}`), yes,
      element("button", { type: "button", onclick: askOnce }, t("desk.not_yet")));
    yes.focus();
  };
  const send = async (body) => {
    for (const button of buttons.querySelectorAll("button")) button.disabled = true;
    problem.textContent = "";
    try {
      onDone(await act(body, key));
    } catch (error) {
      if (error.code !== "network") key = newKey();     // else the same may have been heard
      problem.textContent = sentenceFor(error);
      for (const fault of error.faults ?? []) {
        const name = fault.pointer?.split("/").pop();
        const row = rows.get(["lat", "lng"].includes(name) ? "place" : name);
        if (row) row.fault.textContent = sentenceFor(fault);
      }
      askOnce();
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { body, faults } = read();
    if (!mark(faults)) return;
    if (sure) askTwice(body);
    else send(body);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") onCancel();
  });
  askOnce();
  queueMicrotask(() => form.querySelector("input, select, textarea, button")?.focus());
  return form;
}

function fieldRow(field, id, about) {
  const fault = element("span", { class: "problem", role: "alert" });
  const given = { id, name: field.name };
  const optional = field.optional ? ` (${t("desk.optional")})` : "";
  const caption = element("span", {}, t(`desk.field_${field.label ?? field.name}`) + optional);
  const [input, ...beside] = INPUTS[field.type](field, given, about);
  return { input, fault, row: element("div", { class: "field" }, element("label", { for: id }, caption, input), beside, fault) };
}

const INPUTS = {
  line: ({ name }, given, about) => [element("input", { ...given, maxlength: "500", value: about[name] ?? "" })],
  words: (field, given) => [element("textarea", { ...given, rows: "3", maxlength: "2000" })],
  money: (field, given, about) => {
    const input = element("input", { ...given, inputmode: "decimal", autocomplete: "off", placeholder: about.currency ?? "" });
    if (!about.totalMinor) return [input];
    const all = element("button", {
      type: "button", class: "quiet", onclick: () => { input.value = plainSum(about.totalMinor, about.currency); },
    }, t("desk.all_of_it", { sum: money(about.totalMinor, about.currency) }));
    return [input, all];
  },
  minutes: ({ usual }, given, about) => {
    const hint = element("span", { class: "hint number" });
    const input = element("input", { ...given, type: "number", min: "1", max: "720", value: String(usual ?? "") });
    const tell = () => { hint.textContent = input.value > 0 ? t("desk.that_is", { when: clockTime(about.now() + input.value * 60_000) }) : ""; };
    input.addEventListener("input", tell);
    tell();
    return [input, hint];
  },
  days: (field, given) => [element("input", { ...given, type: "number", min: "1", max: "365" }),
    element("span", { class: "hint" }, t("desk.open_ended"))],
  choice: ({ options, optional }, given) => [fillChoice(element("select", given),
    [...(optional ? [["", "—"]] : [["", t("desk.choose")]]), ...options.map((one) => [one, t(`desk.option_${one}`)])], "")],
  template: (field, given, about) => [fillChoice(element("select", given),
    [["", t("desk.usual_words")], ...about.templates.map(({ code, ...words }) => [code, words[spoken()]])], "")],
  place: (field, given, about) => {
    const { lat, lng } = about.place ?? {};
    const input = element("input", { ...given, value: about.place ? `${lat.toFixed(5)}, ${lng.toFixed(5)}` : "", placeholder: "60.1699, 24.9384" });
    const map = element("div", { class: "pick" });
    const open = element("button", {
      type: "button",
      onclick: () => {
        open.hidden = true;
        pickPlace(map, input);
      },
    }, t("desk.on_the_map"));
    return [input, open, map];
  },
};

function plainSum(minor, currency) {
  const digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  return (minor / 10 ** digits).toFixed(digits);
}

/** What is about to happen, in words: the sum and who bears it. */
function summary(body, about) {
  const sum = body.amount_minor ?? body.refund_minor;
  return [
    sum ? money(sum, about.currency) : "", body.borne_by ? t(`desk.bears_${body.borne_by}`) : "",
  ].filter(Boolean).join(" · ");
}
