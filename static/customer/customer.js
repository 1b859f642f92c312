// The customer's page: joins the lists, the menu, the order and the map.  The address after # says what is shown.

import { element, show } from "../js/dom.js";
import { clockTime, inOtherLanguage, money, onLanguage, sentenceFor, t } from "../js/i18n.js";
import { fit, followScheme } from "../js/map.js";
import { startPage } from "../js/page.js";
import { Catalogue } from "./catalogue.js";
import { CheckoutView } from "./checkout.js";
import { Menu } from "./menu.js";
import { OrderView } from "./order.js";
import { merchantList, merchantPins } from "./shop.js";

const NAMES_FROM_ZOOM = 15;              // further out the names of the restaurants would cover each other
const LOOK_AGAIN_MS = 15_000;            // the list of orders is no socket topic; an open order is

const panel = document.getElementById("panel");
const follow = document.getElementById("follow");
const catalogue = new Catalogue();
let page = null;
let current = null;                      // {leave, speak?}
let shown = 0;                           // counts views, so that a late answer does not draw over a newer one

page = await startPage({ roles: ["customer"], onSignedIn: () => page && route(), onSignedOut: leave });
page.map?.on("zoom", showNames);
if (page.map) followScheme(page.map, page.config, () => {});      // the courier's area comes with his next fix
showNames();
follow.addEventListener("click", () => {
  follow.setAttribute("aria-pressed", String(follow.getAttribute("aria-pressed") !== "true"));
});
page.map?.on("dragstart", () => follow.setAttribute("aria-pressed", "false"));
addEventListener("hashchange", route);
onLanguage(() => (current?.speak ? current.speak() : route()));
page.login.start();

function showNames() {
  document.getElementById("map-frame").classList.toggle("far", Boolean(page.map) && page.map.getZoom() < NAMES_FROM_ZOOM);
}

function leave() {
  shown += 1;
  current?.leave();
  current = null;
  show(panel);
}

async function route() {
  if (!page.login.account) return;
  leave();
  const mine = shown;
  const [, kind, id] = location.hash.split("/");
  follow.setAttribute("aria-pressed", "true");
  if (kind === "o" && id) {
    current = new OrderView({ ...page, panel, follow, limits: page.config, orderId: id, catalogue });
    return;
  }
  if (kind === "c" && id) {
    const view = new CheckoutView({ ...page, panel, checkoutId: id, onPaid: (orderId) => { location.hash = `#/o/${orderId}`; } });
    current = { leave: () => view.leave(), speak: () => view.render() };
    return;
  }
  try {
    const next = kind === "m" && id ? await menu(id) : await home();
    if (mine !== shown) return;
    current = next();
  } catch (error) {
    if (mine !== shown) return;
    show(panel, element("div", { class: "view" },
      element("p", { class: "problem-box", role: "alert" }, sentenceFor(error)),
      element("button", { type: "button", onclick: route }, t("orders.again"))));
  }
}

async function menu(merchantId) {
  const [merchant, contact] = await Promise.all([page.api.get(`/merchants/${merchantId}`), lastContact()]);
  return () => {
    const view = new Menu({
      ...page, merchant, contact,
      onPlaced: (order) => { location.hash = `#/o/${order.id}`; },
      onCheckout: (checkout) => { location.hash = `#/c/${checkout.id}`; },
    });
    show(panel, view.render());
    return { leave: () => view.leave(), speak: () => show(panel, view.render()) };
  };
}

/** Where the last order went: most people order to the same door. */
async function lastContact() {
  try {
    const { orders: [last] } = await page.api.get("/orders", { limit: 1 });
    return last ? (await page.api.get(`/orders/${last.id}`)).contact : null;
  } catch {
    return null;                         // the fields can be filled in by hand
  }
}

async function home() {
  const [{ merchants }, { orders }] = await Promise.all([
    page.api.get("/merchants"), page.api.get("/orders", { limit: 10 }),
  ]);
  return () => {
    const orderSection = element("section");
    const draw = (list) => show(orderSection, element("h2", {}, t("orders.mine")), list.length
      ? element("ul", { class: "rows" }, list.map(orderRow))
      : element("p", { class: "empty" }, t("orders.none")));
    draw(orders);
    show(panel, element("div", { class: "view" }, orderSection, merchantList(merchants)));
    const removePins = page.map ? merchantPins(page.map, merchants) : () => {};
    if (page.map && merchants.length) fit(page.map, merchants, { padding: 60, maxZoom: 15, animate: false });
    const again = setInterval(() => {
      // A miss is no news: the connection's light shows it, and the next look comes by itself.
      page.api.get("/orders", { limit: 10 }).then((newer) => draw(newer.orders), () => {});
    }, LOOK_AGAIN_MS);
    return { leave: () => { clearInterval(again); removePins(); } };
  };
}

function orderRow(order) {
  return element("li", {}, element("a", { class: "row", href: `#/o/${order.id}` },
    element("span", { class: "title" }, order.merchant?.name ?? t("orders.number", { n: order.number })),
    element("span", { class: "end" }, element("span", {
      class: `status ${order.status}`, title: inOtherLanguage(`status.${order.status}`),
    }, t(`status.${order.status}`))),
    element("span", { class: "small soft" }, [
      t("orders.number", { n: order.number }), clockTime(order.placed_at), money(order.total_minor, order.currency),
    ].join(" · "))));
}
