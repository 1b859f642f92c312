// The merchant's page: joins the sections (orders, house, areas, money, reviews, keys) and the bell.  The address after #
// says which section is shown.

import { Catalogue } from "../customer/catalogue.js";
import { element, icon, ICONS, show } from "../js/dom.js";
import { clockTime, onLanguage, t } from "../js/i18n.js";
import { startPage } from "../js/page.js";
import { AreasSection } from "./areas_section.js";
import { Bell } from "./bell.js";
import { HouseSection } from "./house_section.js";
import { KeysSection } from "./keys_section.js";
import { MoneySection } from "./money_section.js";
import { OrdersSection, problemText } from "./orders_section.js";
import { ReviewsSection } from "./reviews_section.js";

const byId = (id) => document.getElementById(id);
const bell = new Bell();
const catalogue = new Catalogue();
const PAUSES_MIN = [15, 30, 60];
let page = null;
let house = null;                        // the merchant's facts with its menu, as the server last said
let orders = null;                       // listens all the time: a new order rings in every section
let section = null;                      // {node, draw, leave}
let problem = null;

page = await startPage({ roles: ["merchant"], withMap: false, onSignedIn: () => page && begin(), onSignedOut: leave });
byId("bell").addEventListener("click", () => {
  bell.toggle();
  showBell();
});
addEventListener("hashchange", route);
onLanguage(() => {
  showBell();
  showTitle();
  showStanding();
  say(problem);
  orders?.speak();
  if (section !== orders) section?.draw();
});
page.login.start();

async function begin() {
  byId("bell").hidden = false;
  showBell();
  catalogue.load(page.api).then(() => orders?.draw(), () => {});
  const parts = { ...page, say };
  const merchantId = page.login.account.merchant_id;
  orders = new OrdersSection({
    parts, merchantId, catalogue, house: () => house, onHouseChanged: look,
    onCount: (count) => {
      bell.wait(count);
      showTitle();
    },
  });
  orders.draw();
  route();
  await look();
}

function leave() {
  section?.leave?.();
  if (section !== orders) orders?.leave();
  section = orders = house = null;
  bell.stop();
  byId("bell").hidden = true;
  byId("standing").hidden = true;
  byId("house-name").textContent = "";
  say(null);
  show(byId("section"));
}

/** Reads the merchant's facts anew. */
async function look() {
  try {
    house = await page.api.get(`/merchants/${page.login.account.merchant_id}`);
    byId("house-name").textContent = house.name;
    showStanding();
    section?.onHouse?.(house);
  } catch (error) {
    say(error);
  }
}

/** Changes the merchant; says what was wrong with it and shows what it is now. */
async function change(changed) {
  try {
    await page.api.patch(`/merchants/${house.id}`, { ...changed, version: house.version });
    say(null);
  } catch (error) {
    say(error);
    throw error;
  } finally {
    await look();
  }
}

const SECTIONS = {
  house: HouseSection, areas: AreasSection, money: MoneySection, reviews: ReviewsSection, keys: KeysSection,
};

function route() {
  if (!page.login.account) return;
  const name = location.hash.split("/")[1] || "orders";
  if (section !== orders) section?.leave?.();
  const Section = SECTIONS[name];
  const merchantId = page.login.account.merchant_id;
  section = Section ? new Section({ ...page, merchantId, house: () => house, change, look, say, catalogue }) : orders;
  for (const link of document.querySelectorAll(".tabs a")) {
    const isHere = link.getAttribute("href") === `#/${Section ? name : "orders"}`;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  say(null);
  show(byId("section"), section.node);
  section.draw();
}

/** Whether orders come in, and the switches for it: always in sight. */
function showStanding() {
  if (!house) return;
  const now = page.api.now();
  const isPaused = house.paused_until && Date.parse(house.paused_until) > now;
  const words = !house.open ? "standing.closed" : isPaused ? "standing.paused" : house.open_now ? "standing.open" : "standing.off_hours";
  const button = (key, changed, kind = "") => element("button", { type: "button", class: kind, "data-act": key, onclick: () => change(changed).catch(() => {}) }, t(key));
  const pause = (minutes) => element("button", {
    type: "button", onclick: () => change({ paused_until: new Date(page.api.now() + minutes * 60_000).toISOString() }).catch(() => {}),
  }, t("standing.pause_for", { n: minutes }));
  byId("standing").hidden = false;
  byId("standing").dataset.state = house.open && !isPaused && house.open_now ? "open" : "shut";
  show(byId("standing"),
    element("strong", { role: "status" }, t(words, {
      when: isPaused ? clockTime(house.paused_until) : house.opens_at ? clockTime(house.opens_at) : "–",
    })),
    element("span", { class: "space" }),
    !house.open ? button("standing.open_up", { open: true }, "primary") : [
      isPaused ? button("standing.resume", { paused_until: null }, "primary") : [
        element("span", { class: "small soft" }, t("standing.pause")), PAUSES_MIN.map(pause)].flat(),
      button("standing.close", { open: false }, "danger"),
    ].flat());
}

function showBell() {
  byId("bell").setAttribute("aria-pressed", String(bell.isOn));
  const words = t(bell.isOn ? "bell.on" : "bell.off");
  byId("bell").setAttribute("aria-label", words);
  byId("bell").title = words;
  show(byId("bell"), icon(bell.isOn ? ICONS.bell : ICONS.silence));
}

function showTitle() {
  document.title = bell.badge(t(document.body.dataset.title));
}

function say(error) {
  problem = error;
  byId("problem").textContent = problemText(error);
}

setInterval(() => { if (house && !document.hidden) showStanding(); }, 30_000);
