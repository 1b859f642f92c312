// What shows how it was: photos, and where the courier stood.

import { newKey } from "../js/api.js";
import { element } from "../js/dom.js";
import { clockTime, sentenceFor, t } from "../js/i18n.js";
import { toast } from "../js/page.js";

const shown = new Map();                // media id -> a promise of its object URL, as long as the page is open

/** A picture that opens large. */
export function picture(mediaId, api) {
  const image = element("img", { alt: t("desk.photo"), class: "thumb" });
  if (!shown.has(mediaId)) shown.set(mediaId, api.picture(`/media/${mediaId}`).then((blob) => URL.createObjectURL(blob)));
  const button = element("button", { type: "button", class: "photo", onclick: () => enlarge(image.src) }, image);
  shown.get(mediaId).then((url) => { image.src = url; }, () => {
    shown.delete(mediaId);
    button.replaceWith(element("span", { class: "hint" }, t("desk.no_photo")));
  });
  return button;
}

function enlarge(url) {
  const dialog = element("dialog", { class: "large", onclick: () => dialog.close(), onclose: () => dialog.remove() },
    element("img", { src: url, alt: t("desk.photo") }),
    element("button", { type: "button" }, t("desk.close")));
  document.body.append(dialog);
  dialog.showModal();
}

export function evidenceSection(ticket, { api }, onAdded) {
  const things = ticket.evidence ?? [];
  const photos = things.filter(({ media_id: mediaId }) => mediaId);
  const places = things.filter(({ lat }) => lat !== null && lat !== undefined);
  return [
    element("h2", {}, t("desk.evidence")),
    things.length ? null : element("p", { class: "empty" }, t("desk.no_evidence")),
    photos.length ? element("div", { class: "photos" }, photos.map(({ media_id: mediaId }) => picture(mediaId, api))) : null,
    places.map((place) => element("p", { class: "small" }, t("desk.courier_was", {
      where: `${place.lat.toFixed(5)}, ${place.lng.toFixed(5)}`, when: clockTime(place.fix_time ?? place.at),
    }))),
    ticket.order_id && !["resolved", "dismissed"].includes(ticket.state) ? adder(ticket, api, onAdded) : null,
  ];
}

function adder(ticket, api, onAdded) {
  const input = element("input", { type: "file", accept: "image/jpeg,image/png,image/webp", "aria-label": t("desk.add_photo") });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    input.disabled = true;
    try {
      const { id } = await api.upload(`/orders/${ticket.order_id}/media`, file, newKey());
      await api.post(`/tickets/${ticket.id}/add-evidence`, { media_ids: [id] });
      await onAdded();
    } catch (error) {
      toast(sentenceFor(error));
      input.disabled = false;
    }
  });
  return element("label", { class: "adder" }, element("span", {}, t("desk.add_photo")), input);
}
