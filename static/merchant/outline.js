// An outline on the map while it is drawn: a click sets a corner, corners are dragged or moved by the arrow keys, Delete
// takes one away, and a press between two corners sets one there.

import { element } from "../js/dom.js";
import { t } from "../js/i18n.js";
import { showLines, showPolygons } from "../js/map.js";
import { toLngLat } from "../js/position.js";
import { FEWEST, middlesOf, withCorner } from "./area_shape.js";

const { maplibregl } = globalThis;
const DRAWN = "outline";
const COLOUR = "#b3540b";
const STEP_PX = 8;
const MOVES = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

export class Outline {
  #map; #onChange;
  #markers = [];
  #before = [];                          // the outlines before each change, for taking changes back
  #onClick;
  corners;
  isFixed;

  /** `isFixed`: it has parts or holes, and is only looked at. */
  constructor({ map, corners, isFixed, onChange }) {
    this.#map = map;
    this.corners = corners;
    this.isFixed = isFixed;
    this.#onChange = onChange;
    this.#onClick = ({ lngLat }) => this.#change(withCorner(this.corners, { lat: lngLat.lat, lng: lngLat.lng }));
    if (!isFixed) map.on("click", this.#onClick);
    map.getCanvas().classList.toggle("drawing", !isFixed);
    this.#draw();
  }

  leave() {
    this.#map.off("click", this.#onClick);
    this.#map.getCanvas().classList.remove("drawing");
    for (const marker of this.#markers) marker.remove();
    showPolygons(this.#map, DRAWN, [], COLOUR);
    showLines(this.#map, `${DRAWN}-line`, [], COLOUR);
  }

  /** For those without a mouse: a corner in the middle of the map, to be moved by the arrow keys. */
  addAtCentre() {
    if (this.isFixed) return;
    const { lat, lng } = this.#map.getCenter();
    const corner = { lat, lng };
    this.#change(withCorner(this.corners, corner));
    this.#focus(this.corners.indexOf(corner));
  }

  undo() {
    if (!this.#before.length) return;
    this.corners = this.#before.pop();
    this.#draw();
  }

  #change(corners) {
    this.#before.push(this.corners);
    this.corners = corners;
    this.#draw();
  }

  #draw() {
    for (const marker of this.#markers) marker.remove();
    this.#markers = this.isFixed ? [] : [
      ...this.corners.map((corner, index) => this.#corner(corner, index)),
      ...middlesOf(this.corners).map((middle) => this.#middle(middle)),
    ];
    this.#drawShape(this.corners);
  }

  #drawShape(corners) {
    showPolygons(this.#map, DRAWN, corners.length < FEWEST ? [] : [[[...corners, corners[0]]]], COLOUR);
    showLines(this.#map, `${DRAWN}-line`, corners.length < FEWEST ? [corners] : [], COLOUR);
    this.#onChange(corners);
  }

  #corner(corner, index) {
    const body = element("button", { type: "button", class: "corner", role: "button", "aria-label": t("area.corner", { n: index + 1 }), title: t("area.corner_hint") });
    const marker = new maplibregl.Marker({ element: body, draggable: true }).setLngLat(toLngLat(corner)).addTo(this.#map);
    const at = () => {
      const { lat, lng } = marker.getLngLat();
      return replaced(this.corners, index, { lat, lng });
    };
    marker.on("drag", () => this.#drawShape(at()));
    marker.on("dragend", () => this.#change(at()));
    body.addEventListener("click", (event) => event.stopPropagation());
    body.addEventListener("keydown", (event) => this.#key(event, corner, index));
    return marker;
  }

  #key(event, corner, index) {
    const step = MOVES[event.key];
    if (step) {
      const { x, y } = this.#map.project(toLngLat(corner));
      const { lat, lng } = this.#map.unproject([x + step[0] * STEP_PX, y + step[1] * STEP_PX]);
      this.#change(replaced(this.corners, index, { lat, lng }));
      this.#focus(index);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.#change(this.corners.filter((_, one) => one !== index));
      this.#focus(Math.max(0, index - 1));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #middle({ after, lat, lng }) {
    const body = element("button", { type: "button", class: "corner middle", role: "button", "aria-label": t("area.add_between", { n: after + 1 }) });
    body.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#change([...this.corners.slice(0, after + 1), { lat, lng }, ...this.corners.slice(after + 1)]);
      this.#focus(after + 1);
    });
    return new maplibregl.Marker({ element: body }).setLngLat([lng, lat]).addTo(this.#map);
  }

  #focus(index) {
    this.#markers[index]?.getElement().focus();
  }
}

function replaced(corners, index, corner) {
  return corners.map((one, at) => (at === index ? corner : one));
}
