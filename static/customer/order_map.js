// An order on the map: where it comes from, where it goes, and its courier as far as the viewer may see him.

import { courierMarker, fit, pin, showArea } from "../js/map.js";
import { t } from "../js/i18n.js";
import { isOver } from "../js/messages.js";
import { Motion } from "../js/motion.js";
import { toLngLat } from "../js/position.js";

const COARSE_MAX_ZOOM = 14.8;            // the area he may be in fits the view
const INNER = 0.2;                       // the courier is led back when he nears this share of the map's edge

export class OrderMap {
  #map; #follow;
  #motion = new Motion();
  #view = null;
  #marker = null;
  #pins = [];
  #frame = null;
  position = null;                       // the newest heard, exact or coarse

  constructor({ map, follow }) {
    this.#map = map;
    this.#follow = follow;
  }

  leave() {
    this.forget();
    this.#pins.forEach((marker) => marker.remove());
  }

  /** Takes what is known of the order now; the first time, its places come into view. */
  take(view) {
    const isFirst = this.#view === null;
    this.#view = view;
    if (this.#map && isFirst) this.#showPlaces();
  }

  hear(position) {
    if (!this.#view || isOver(this.#view.order.status)) return;
    if (this.position && position.fix_time < this.position.fix_time) return;
    const isNewSight = this.position?.coarse !== position.coarse;   // the first, or exact now
    if (isNewSight) this.#motion.clear();
    this.position = position;
    if (isNewSight && this.#map) this.#fitAll();
    if (position.coarse) this.#showOnlyArea(position);
    else this.#showExactly(position);
  }

  look({ stale }) {
    this.#marker?.look({ stale });
  }

  /** The courier is nobody's to see any more. */
  forget() {
    this.position = null;
    this.#motion.clear();
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.#marker?.remove();
    this.#marker = null;
    this.#follow.hidden = true;
    if (this.#map) showArea(this.#map, null);
  }

  #showOnlyArea(position) {
    this.#marker?.remove();
    this.#marker = null;
    this.#follow.hidden = true;
    if (this.#map) showArea(this.#map, position);
  }

  #showExactly(position) {
    this.#motion.push(position, Date.now());
    if (!this.#map) return;
    showArea(this.#map, null);
    this.#marker ??= courierMarker(this.#map, t("courier.marker"));
    this.#follow.hidden = false;
    this.#frame ??= requestAnimationFrame(() => this.#animate());
  }

  #animate() {
    this.#frame = requestAnimationFrame(() => this.#animate());
    const place = this.#motion.at(Date.now());
    if (!place || !this.#marker) return;
    this.#marker.place(place);
    if (this.#follow.getAttribute("aria-pressed") === "true") this.#keepInView(place);
  }

  #keepInView(place) {
    if (this.#map.isMoving()) return;
    const { x, y } = this.#map.project(toLngLat(place));
    const { clientWidth: width, clientHeight: height } = this.#map.getContainer();
    const isInside = (at, size) => at > size * INNER && at < size * (1 - INNER);
    if (!isInside(x, width) || !isInside(y, height)) this.#fitAll();
  }

  /** Shows the courier and where he rides: from afar both, and nearer as he comes. */
  #fitAll() {
    const { order, assignment } = this.#view;
    const target = assignment?.leg === "to_dropoff" ? [order.dropoff] : [order.merchant, order.dropoff];
    fit(this.#map, [...target, this.position].filter(Boolean), {
      padding: 110, maxZoom: this.position?.coarse ? COARSE_MAX_ZOOM : 16.5,
    });
  }

  #showPlaces() {
    const { merchant, dropoff } = this.#view.order;
    this.#pins = [
      merchant && pin(this.#map, "pickup", merchant, { name: merchant.name }),
      dropoff && pin(this.#map, "dropoff", dropoff, { label: t("map.home") }),
    ].filter(Boolean);
    fit(this.#map, [merchant, dropoff].filter(Boolean), { padding: 90 });
  }
}
