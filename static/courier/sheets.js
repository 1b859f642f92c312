// What a courier fills in on the way: codes and proofs, reasons with photos, stars.  Each sheet gives back a form.

import { element, fillChoice, show } from "../js/dom.js";
import { spoken, t } from "../js/i18n.js";
import { cameraButton, signaturePad } from "./pictures.js";

const DECLINE_REASONS = ["too_far", "vehicle", "unwell", "end_of_shift", "other"];
const FAIL_KINDS = ["refusal", "unreachable", "wrong_address", "item_damaged", "accident"];
const HINDRANCES = ["food_not_ready", "wrong_bag", "no_parking", "hard_to_find", "long_stairs", "no_entry", "rude", "unsafe", "other"];
const STARS = [1, 2, 3, 4, 5];

/** A form with a title, its content and two buttons; `read()` gives what to hand to `onSend`, or throws a sentence. */
function sheet(title, content, submit, { read, onSend, onClose, danger = false }) {
  const problem = element("p", { class: "problem-box", role: "alert" });
  const send = element("button", { type: "submit", class: danger ? "danger" : "primary" }, submit);
  const form = element("form", { class: "card sheet", novalidate: true }, element("h2", {}, title), content, problem,
    element("div", { class: "buttons" }, send, element("button", { type: "button", class: "quiet", onclick: onClose }, t("ride.back"))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    send.disabled = true;
    try {
      await onSend(await read());
    } catch (error) {
      problem.textContent = error.message;
      send.disabled = false;
    }
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") onClose();
  });
  return form;
}

function codeInput(name) {
  return element("input", {
    name, inputmode: "numeric", pattern: "[0-9]*", maxlength: "4", autocomplete: "one-time-code", class: "code number", "aria-label": t(`ride.${name}`),
  });
}

function theCode(input) {
  const code = input.value.trim();
  if (!/^\d{4}$/.test(code)) throw new Error(t("ride.four_digits"));
  return code;
}

export function pickUpSheet(parts) {
  const code = codeInput("pickup_code");
  return sheet(t("ride.act_pick_up"), element("label", {}, element("span", {}, t("ride.pickup_code_text")), code), t("ride.act_pick_up"), {
    ...parts, read: () => ({ body: { code: theCode(code) } }),
  });
}

/** By code, photo or signature; where the merchant asks for none, by nothing as well. */
export function deliverSheet({ isNeeded, ...parts }) {
  const ways = ["code", "photo", "signature", ...(isNeeded ? [] : ["none"])];
  let way = "code";
  let photo = null;
  let pad = null;
  const code = codeInput("dropoff_code");
  const body = element("div", { class: "way" });
  const choose = element("div", { class: "ways", role: "group", "aria-label": t("ride.how_proved") });
  const preview = element("div", {});
  const bodies = {
    code: () => element("label", {}, element("span", {}, t("ride.dropoff_code_text")), code),
    photo: () => element("div", {}, element("p", { class: "hint" }, t("ride.photo_text")), cameraButton(t("ride.take_photo"), (blob) => {
      photo = blob;
      show(preview, thumb(blob));
    }), preview),
    signature: () => {
      pad = signaturePad();
      return element("div", {}, element("p", { class: "hint" }, t("ride.sign_here")), pad.node);
    },
    none: () => element("p", { class: "hint" }, t("ride.no_proof_text")),
  };
  const draw = () => {
    show(choose, ways.map((one) => element("button", {
      type: "button", "data-way": one, "aria-pressed": String(one === way), onclick: () => {
        way = one;
        draw();
      },
    }, t(`ride.way_${one}`))));
    show(body, bodies[way]());
  };
  const read = {
    code: () => ({ body: { proof: { code: theCode(code) } } }),
    photo: () => {
      if (!photo) throw new Error(t("ride.photo_first"));
      return { body: {}, pictures: [{ blob: photo, kind: "photo" }] };
    },
    signature: async () => {
      if (pad.isEmpty()) throw new Error(t("ride.signature_first"));
      return { body: {}, pictures: [{ blob: await pad.picture(), kind: "signature" }] };
    },
    none: () => ({ body: {} }),
  };
  draw();
  return sheet(t("ride.act_deliver"), [choose, body], t("ride.act_deliver"), { ...parts, read: () => read[way]() });
}

export function declineSheet(parts) {
  const reason = fillChoice(element("select", { name: "reason" }), DECLINE_REASONS.map((one) => [one, t(`ride.decline_${one}`)]), "");
  return sheet(t("ride.decline"), element("label", {}, element("span", {}, t("ride.why")), reason), t("ride.decline"), {
    ...parts, danger: true, read: () => ({ body: { reason: reason.value } }),
  });
}

/** Why it cannot be delivered, by the catalogue, with words and photos. */
export function failSheet({ kinds, ...parts }) {
  const known = kinds.filter(({ kind }) => FAIL_KINDS.includes(kind));
  return troubleSheet({
    ...parts, title: t("ride.fail"), danger: true, known,
    toBody: ({ reason, words }) => ({ reason, ...(words ? { note: words } : {}) }),
  });
}

/** Any other trouble with this order: a ticket. */
export function reportSheet({ kinds, ...parts }) {
  const known = kinds.filter(({ reported_by: by }) => by.includes("courier"));
  return troubleSheet({
    ...parts, title: t("ride.report"), known, toBody: ({ kind, reason, words }) => ({ kind, reason, ...(words ? { words } : {}) }),
  });
}

function troubleSheet({ title, known, toBody, ...parts }) {
  const select = element("select", { name: "reason" }, element("option", { value: "" }, t("ride.choose")), known.map((kind) => element("optgroup", {
    label: kind[spoken()],
  }, kind.reasons.map(({ code, ...words }) => element("option", { value: `${kind.kind}/${code}` }, words[spoken()])))));
  const words = element("textarea", { name: "words", rows: "3", maxlength: "1000" });
  const photos = [];
  const shown = element("div", { class: "photos" });
  return sheet(title, [
    element("label", {}, element("span", {}, t("ride.why")), select),
    element("label", {}, element("span", {}, t("ride.words")), words),
    cameraButton(t("ride.add_photo"), (blob) => {
      photos.push({ blob, kind: "photo" });
      shown.append(thumb(blob));
    }), shown,
  ], t("ride.send"), {
    ...parts,
    read: () => {
      if (!select.value) throw new Error(t("ride.choose_reason"));
      const [kind, reason] = select.value.split("/");
      return { body: toBody({ kind, reason, words: words.value.trim() }), pictures: photos };
    },
  });
}

/** Stars for both handovers, and what hindered. */
export function rateSheet(parts) {
  const stars = (name) => element("fieldset", { class: "stars" }, element("legend", {}, t(`ride.rate_${name}`)), STARS.map((n) => element("label", {
    class: "star",
  }, element("input", { type: "radio", name, value: String(n), "aria-label": t("review.of_five", { n }) }), element("span", { "aria-hidden": "true" }, "★"))));
  const boxes = HINDRANCES.map((one) => element("label", { class: "box" }, element("input", { type: "checkbox", value: one }), element("span", {}, t(`ride.hindered_${one}`))));
  const words = element("textarea", { rows: "2", maxlength: "2000" });
  const content = element("div", { class: "rating" }, stars("pickup_stars"), stars("dropoff_stars"),
    element("fieldset", {}, element("legend", {}, t("ride.hindered")), boxes), element("label", {}, element("span", {}, t("ride.words")), words));
  return sheet(t("ride.rate"), content, t("ride.send"), {
    ...parts,
    read: () => {
      const given = Object.fromEntries(["pickup_stars", "dropoff_stars"].map((name) => [name, Number(content.querySelector(`[name=${name}]:checked`)?.value) || null]));
      const hindrances = [...content.querySelectorAll("[type=checkbox]:checked")].map(({ value }) => value);
      if (!given.pickup_stars && !given.dropoff_stars && !hindrances.length && !words.value.trim()) throw new Error(t("ride.nothing_rated"));
      return { ...given, hindrances, words: words.value.trim() };
    },
  });
}

function thumb(blob) {
  return element("img", { class: "thumb", src: URL.createObjectURL(blob), alt: t("ride.photo") });
}
