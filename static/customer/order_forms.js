// What a customer says to an order: calls it off, reports trouble, disputes what came.  Forms that live as long as they
// are open, however often the page is drawn anew around them.

import { element, show } from "../js/dom.js";
import { sentenceFor, t } from "../js/i18n.js";

const MAX_PHOTOS = 5;
const PHOTO_TYPES = "image/jpeg,image/png,image/webp";
// Of a delivered order these say that it was not right: a dispute.  The others are reported beside it.
const DISPUTED = ["not_received", "item_missing", "item_damaged"];
const KINDS_BY_STATUS = {
  delivered: [...DISPUTED, "misconduct", "payment_trouble"],
  completed: ["misconduct", "payment_trouble"],
};
const KINDS_ON_THE_WAY = ["delay", "merchant_late", "wrong_address", "misconduct", "payment_trouble"];

const FIRST_REASON = { delay: "late" };   // where the catalogue's first is not what customers mean

/** A form with its buttons; `act()` does it, and what it refuses is said inside. */
function form({ title, yes, no, danger, parts, act, onClose }) {
  const problem = element("p", { class: "problem", role: "alert" });
  const submit = element("button", { type: "submit", class: danger ? "danger" : "primary" }, yes);
  const node = element("form", { class: "question", novalidate: true }, element("strong", {}, title), parts, problem,
    element("div", { class: "buttons" }, submit,
      element("button", { type: "button", onclick: onClose }, no)));
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = "";
    try {
      await act();
      onClose();
    } catch (error) {
      problem.textContent = sentenceFor(error);
    } finally {
      submit.disabled = false;
    }
  });
  return node;
}

/** Calling the order off, with a reason if there is one to give. */
export function cancelForm({ api, order, onClose }) {
  const reason = element("input", { maxlength: "200", "aria-label": t("orders.reason"), placeholder: t("orders.reason") });
  return form({
    title: t("orders.cancel_sure"), yes: t("orders.cancel_yes"), no: t("orders.cancel_no"), danger: true, parts: [reason], onClose,
    act: () => api.post(`/orders/${order().id}/cancel`, {
      reason: reason.value.trim() || t("orders.cancel_why"), version: order().version,
    }),
  });
}

/** What is wrong, by kind and reason, with words and photos. */
export function troubleForm({ api, order, catalogue, onClose }) {
  const { status, id } = order();
  const wanted = KINDS_BY_STATUS[status] ?? KINDS_ON_THE_WAY;
  const kinds = wanted.map((code) => catalogue.kinds.find(({ kind }) => kind === code))
    .filter((kind) => kind?.reported_by.includes("customer"));
  const reasons = element("select", { "aria-label": t("trouble.reason") });
  const choose = (kind) => show(reasons, kind.reasons.map(({ code }) => element("option", {
    value: code, selected: code === FIRST_REASON[kind.kind],
  }, catalogue.reason(code))));
  const choices = kinds.map((kind, index) => element("label", { class: "choice" },
    element("input", { type: "radio", name: "kind", value: kind.kind, checked: index === 0, onchange: () => choose(kind) }),
    element("span", {}, catalogue.kind(kind.kind))));
  if (kinds.length) choose(kinds[0]);
  const words = element("textarea", { rows: "3", maxlength: "1000", "aria-label": t("trouble.words"), placeholder: t("trouble.words") });
  const photos = element("input", { type: "file", accept: PHOTO_TYPES, multiple: true });
  const parts = [
    element("div", { class: "when", role: "radiogroup", "aria-label": t("trouble.title") }, choices),
    element("label", {}, element("span", {}, t("trouble.reason")), reasons),
    words, element("label", {}, element("span", {}, t("trouble.photos")), photos),
  ];
  const uploaded = new Map();            // so that trying again brings no photo twice
  const act = async () => {
    const kind = node.querySelector("input[name=kind]:checked").value;
    for (const file of [...photos.files].slice(0, MAX_PHOTOS)) {
      if (!uploaded.has(file)) uploaded.set(file, (await api.upload(`/orders/${id}/media`, file)).id);
    }
    const pictures = [...uploaded.values()];
    const { status: now, version } = order();
    if (now === "delivered" && DISPUTED.includes(kind)) {
      await api.post(`/orders/${id}/dispute`, { reason: reasons.value, kind, note: words.value.trim(), evidence: pictures, version });
    } else {
      await api.post(`/orders/${id}/tickets`, {
        kind, reason: reasons.value, media_ids: pictures, ...(words.value.trim() ? { words: words.value.trim() } : {}),
      });
    }
  };
  const node = form({ title: t("trouble.title"), yes: t("trouble.send"), no: t("trouble.close"), parts, act, onClose });
  return node;
}

/** A reply in a ticket of one's own. */
export function answerForm({ api, ticket, onSent }) {
  const words = element("input", { maxlength: "1000", placeholder: t("ticket.reply"), "aria-label": t("ticket.reply") });
  const problem = element("p", { class: "problem", role: "alert" });
  const node = element("form", { class: "reply" }, words, element("button", { type: "submit" }, t("ticket.send")), problem);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!words.value.trim()) return;
    problem.textContent = "";
    try {
      await api.post(`/tickets/${ticket.id}/answer`, { words: words.value.trim() });
      words.value = "";
      onSent();
    } catch (error) {
      problem.textContent = sentenceFor(error);
    }
  });
  return node;
}
