// All couriers of the view on the map: asks for the tiles in view, keeps the fleet, draws the layer, counts.

import { CourierLayer } from "../js/courier_layer.js";
import { Fleet } from "../js/fleet.js";
import { cellsInView } from "../js/h3.js";
import { toMercator } from "../js/position.js";
import { Viewing } from "../js/viewing.js";

export const KINDS = ["free", "busy", "off", "ageing", "gone"];
const MAX_CELLS = 400;                    // server/wire/messages.py: MAX_CELLS_IN_VIEW
const MAX_SMALL_CELLS = 120;              // with more than this in view, the larger tiles do
const SETTLED_MS = 200;
const CLICK_REACH_PX = 16;

export class CourierMap {
  #map; #connection; #api; #limits; #onCounts; #onTooWide; #onCouriers;
  #fleet; #viewing; #layer;
  #cells = "";
  #settling = null;

  /** `onCounts(counts)` each second, `onTooWide(bool)` when the view holds more tiles than may be asked for. */
  constructor({ map, connection, api, limits, onCounts, onTooWide, onCouriers = () => {} }) {
    this.#map = map;
    this.#connection = connection;
    this.#api = api;
    this.#limits = limits;
    this.#onCounts = onCounts;
    this.#onTooWide = onTooWide;
    this.#onCouriers = onCouriers;
    const { lat, lng } = map.getCenter();
    this.#fleet = new Fleet({ lat, lng }, Date.now());
    this.#viewing = new Viewing(this.#fleet, () => this.#api.now() - Date.now());
    this.#layer = new CourierLayer(this.#fleet, { limits, ...coloursOfPage() });
    this.addLayer();
    map.on("moveend", () => this.#soonLook());
    setInterval(() => this.#tick(), 1_000);
  }

  /** Puts the layer on the map; again after the map's style was changed. */
  addLayer() {
    Object.assign(this.#layer, coloursOfPage());
    if (!this.#map.getLayer(this.#layer.id)) this.#map.addLayer(this.#layer);
  }

  start() {
    this.#cells = "";
    this.#look();
  }

  /** Forgets everybody: the viewer has signed out. */
  clear() {
    this.#viewing.clear();
    this.#map.triggerRepaint();
  }

  select(courierId) {
    this.#layer.selected = courierId;
    this.#map.triggerRepaint();
  }

  /** Hides the live couriers while a recorded ride is shown. */
  hide(isHidden) {
    this.#layer.hidden = isHidden;
    this.#map.triggerRepaint();
  }

  /** What is known of a courier in the view, with `lat` and `lng` of where he is drawn; null outside of it. */
  get(courierId) {
    const courier = this.#fleet.get(courierId, Date.now());
    return courier && { ...courier, ...fromMercator(courier) };
  }

  /** The courier drawn where the map was clicked; null if none. */
  under({ lng, lat }) {
    const reach = CLICK_REACH_PX / (512 * 2 ** this.#map.getZoom());
    return this.#fleet.nearestTo(toMercator({ lat, lng }), reach, Date.now());
  }

  #soonLook() {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#look(), SETTLED_MS);
  }

  #look() {
    const bounds = this.#map.getBounds();
    const view = { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() };
    const small = cellsInView(view, 6, MAX_SMALL_CELLS);
    const cells = small ?? cellsInView(view, 5, MAX_CELLS);
    this.#onTooWide(cells === null);
    const asked = (cells ?? []).sort();
    if (asked.join() === this.#cells) return;
    this.#cells = asked.join();
    this.#viewing.res = small ? 6 : 5;
    this.#connection.look(asked, {
      onCouriers: (rows) => {
        this.#viewing.takeAll(rows, Date.now());
        this.#map.triggerRepaint();
        this.#count();
        this.#onCouriers();
      },
      onEvent: (event, payload) => {
        if (event !== "positions") return;
        this.#viewing.take(payload, Date.now());
        this.#map.triggerRepaint();          // at most once a frame, however many tiles speak
      },
      onRefused: () => { this.#cells = ""; },  // asked for again with the next move
    });
  }

  #tick() {
    this.#viewing.sweep(Date.now());
    this.#map.triggerRepaint();              // silence shows without any message
    this.#count();
  }

  #count() {
    const bounds = this.#map.getBounds();
    const [west, north] = [bounds.getWest(), bounds.getNorth()];
    const corner = toMercator({ lat: north, lng: west });
    const far = toMercator({ lat: bounds.getSouth(), lng: bounds.getEast() });
    this.#onCounts(this.#fleet.counts(Date.now(), this.#limits,
      (x, y) => x >= corner.x && x <= far.x && y >= corner.y && y <= far.y));
  }
}

function fromMercator({ x, y }) {
  return { lng: x * 360 - 180, lat: (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI };
}

/** The legend's own colours, for the graphics card. */
function coloursOfPage() {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  };
  return { colours: KINDS.map((kind) => rgb(`--${kind}`)), rim: [1, 1, 1] };
}
