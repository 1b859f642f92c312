// The list of restaurants, and their pins on the map.

import { element } from "../js/dom.js";
import { clockTime, dayAndTime, t } from "../js/i18n.js";
import { pin } from "../js/map.js";

const TODAY_MS = 12 * 3_600_000;         // further off than this an opening needs its day

/** The list of restaurants, with those that fit what is typed. */
export function merchantList(merchants) {
  const rows = element("ul", { class: "rows" });
  const none = element("p", { class: "empty" });
  const search = element("input", {
    type: "search", placeholder: t("shop.search"), "aria-label": t("shop.search"), hidden: merchants.length < 8,
  });
  const list = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = merchants.filter(({ name }) => name.toLowerCase().includes(wanted));
    rows.replaceChildren(...found.map(merchantRow));
    none.textContent = found.length ? "" : t(merchants.length ? "shop.no_match" : "shop.none");
    none.hidden = found.length > 0;
  };
  search.addEventListener("input", list);
  list();
  return element("section", {}, element("h2", {}, t("shop.places")), search, rows, none);
}

/** Whether somebody may order there: now, or for later. */
function takesOrders(merchant) {
  return merchant.open_now || Boolean(merchant.opens_at);
}

/** When a restaurant that is closed takes orders again, in words. */
export function opensAt({ opens_at: moment }) {
  if (!moment) return t("shop.closed");
  const isSoon = Date.parse(moment) - Date.now() < TODAY_MS;
  return t("shop.opens_at", { when: isSoon ? clockTime(moment) : dayAndTime(moment) });
}

function merchantRow(merchant) {
  const preparation = t("shop.minutes", { n: Math.round(merchant.preparation_s / 60) });
  const inside = [
    element("span", { class: "title" }, merchant.name),
    element("span", { class: "small soft" }, `${merchant.address} · ${merchant.open_now ? preparation : opensAt(merchant)}`),
  ];
  return element("li", {}, takesOrders(merchant)
    ? element("a", { class: `row ${merchant.open_now ? "" : "closed"}`, href: `#/m/${merchant.id}` }, inside)
    : element("div", { class: "row closed" }, inside));
}

/** Pins of all restaurants; a click opens one.  Returns a function that takes them away. */
export function merchantPins(map, merchants) {
  const pins = merchants.map((merchant) => {
    const marker = pin(map, "pickup", merchant, { name: merchant.name });
    const body = marker.getElement();
    body.classList.add("small");
    if (takesOrders(merchant)) {
      body.classList.add("clickable");
      body.addEventListener("click", (event) => {
        event.stopPropagation();
        location.hash = `#/m/${merchant.id}`;
      });
    }
    return marker;
  });
  return () => pins.forEach((marker) => marker.remove());
}
