// The dispatcher's page: joins couriers, orders, the card and the replay.

import { element, oncePerFrame, show } from "../js/dom.js";
import { count, onLanguage, sentenceFor, t } from "../js/i18n.js";
import { bringIntoSight, fit, followScheme, pin } from "../js/map.js";
import { OrderBook } from "../js/order_book.js";
import { startPage, toast } from "../js/page.js";
import { CourierMap, KINDS } from "./couriers.js";
import { Inspector } from "./inspector.js";
import { OrderList } from "./order_list.js";
import { Replay } from "./replay.js";

const LIMITS = { ageing_after_s: 30, gone_after_s: 120 };    // the server's defaults, unless config.json says otherwise

const book = new OrderBook();
const merchants = new Map();
const nameOf = (merchantId) => merchants.get(merchantId)?.name ?? "";
let counts = Object.fromEntries([...KINDS, "all"].map((kind) => [kind, 0]));
let online = null;
let pins = [];
let leaveTopic = null;

const page = await startPage({ roles: ["dispatcher", "operations_manager"], onSignedIn: begin, onSignedOut: end });
const { api, connection, login, map, config } = page;
const limits = { ...LIMITS, ...config };
const zoomNote = document.getElementById("zoom-note");

const couriers = map && new CourierMap({
  map, connection, api, limits,
  onCounts: (now) => {
    counts = now;
    showCounts();
  },
  onTooWide: (isTooWide) => { zoomNote.textContent = isTooWide ? t("dispatch.zoom_in") : ""; },
});
const list = new OrderList({ book, nameOf, onSelect: selectOrder });
const inspector = new Inspector({
  api, book, limits, nameOf, couriers: couriers ?? { get: () => null },
  onClose: deselect, onCourier: selectCourier, onOrder: selectOrder, onReplay: replayRide,
  onFarCourier: (position) => map && bringIntoSight(map, position, inspector.covered),
});
const replay = map && new Replay({ map, api, onClose: () => couriers.hide(false) });
const drawList = oncePerFrame(() => list.draw());

map?.on("click", ({ lngLat }) => {
  if (replay.isOpen) return;
  const courierId = couriers.under(lngLat);
  if (courierId) selectCourier(courierId);
  else selectPlace({ lat: lngLat.lat, lng: lngLat.lng });
});
if (map) followScheme(map, config, () => couriers.addLayer());
addEventListener("keydown", ({ key }) => {
  if (key === "Escape") deselect();
});
onLanguage(() => {
  list.speak();
  inspector.draw();
  replay?.draw();
  showCounts();
});
showCounts();
login.start();

async function begin() {
  couriers?.start();
  leaveTopic = connection.join("dispatch:all", {
    onSnapshot: (snapshot) => {
      book.begin(snapshot.orders);
      online = snapshot.couriers_online;
      showCounts();
      drawList();
    },
    onChange: (change) => {
      const orderId = book.apply(change);
      if (!orderId) return;
      drawList();
      inspector.heard(orderId, change);
    },
    onRefused: (error) => toast(sentenceFor(error)),
  });
  try {
    for (const merchant of (await api.get("/merchants")).merchants) merchants.set(merchant.id, merchant);
    drawList();
  } catch (error) {
    toast(sentenceFor(error));
  }
}

function end() {
  leaveTopic?.();
  book.begin([]);
  online = null;
  couriers?.clear();
  replay?.close();
  deselect();
}

function showCounts() {
  show(document.getElementById("legend"), KINDS.map((kind) => element("div", { "data-kind": kind },
    element("dt", {}, element("span", { class: `swatch ${kind}` }), t(`dispatch.${kind}`)),
    element("dd", {}, count(counts[kind])))));
  const words = [t("dispatch.in_view", { n: count(counts.all) })];
  if (online !== null) words.push(t("dispatch.online", { n: count(online) }));
  document.getElementById("online").textContent = words.join(" · ");
}

function deselect() {
  inspector.close();
  list.select(null);
  couriers?.select(null);
  removePins();
}

function removePins() {
  pins.forEach((marker) => marker.remove());
  pins = [];
}

function selectCourier(courierId) {
  deselect();
  couriers?.select(courierId);
  inspector.showCourier(courierId);
  const place = couriers?.get(courierId);
  if (place) bringIntoSight(map, place, inspector.covered);
}

async function selectOrder(orderId) {
  deselect();
  list.select(orderId);
  let order;
  try {
    order = await api.get(`/orders/${orderId}`);
  } catch (error) {
    toast(sentenceFor(error));
    return;
  }
  const carrier = order.assignment?.courier_id;
  inspector.showOrder(order);
  if (!map) return;
  couriers.select(carrier ?? null);
  pins = [
    pin(map, "pickup", order.merchant, { name: order.merchant.name }),
    order.dropoff && pin(map, "dropoff", order.dropoff, { label: t("map.home") }),
  ].filter(Boolean);
  const places = [order.merchant, order.dropoff, carrier && couriers.get(carrier)].filter(Boolean);
  fit(map, places, { padding: 100, covered: inspector.covered, maxZoom: 16 });
}

function selectPlace(position) {
  deselect();
  inspector.showPlace(position);
  pins = [pin(map, "place", position, { label: t("dispatch.place") })];
}

function replayRide(courierId, name) {
  inspector.close();
  removePins();
  couriers.hide(true);
  replay.open(courierId, name);
}
