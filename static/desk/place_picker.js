// A small map on which somebody points out a place; without WebGL the numbers can still be typed.

import { element } from "../js/dom.js";
import { t } from "../js/i18n.js";
import { placeOf } from "./decision_forms.js";

/** Shows a map in `frame`; a click or the dragged pin writes its place into `input`, and typing moves the pin. */
export async function pickPlace(frame, input) {
  const note = element("p", { class: "hint" }, "…");
  const canvas = element("div", { class: "pick-map" });
  frame.replaceChildren(note, canvas);
  try {
    await loadMapLibre();
    const { createMap, loadConfig, pin } = await import("../js/map.js");
    const config = await loadConfig();
    const map = await createMap(canvas, config);
    const start = placeOf(input.value) ?? { lng: config.center[0], lat: config.center[1] };
    const marker = pin(map, "dropoff", start, { label: t("desk.field_place"), draggable: true });
    const write = ({ lat, lng }) => { input.value = `${lat.toFixed(5)}, ${lng.toFixed(5)}`; };
    map.jumpTo({ center: [start.lng, start.lat], zoom: 15 });
    map.on("click", ({ lngLat }) => {
      marker.setLngLat(lngLat);
      write(lngLat);
    });
    marker.on("dragend", () => write(marker.getLngLat()));
    input.addEventListener("change", () => {
      const place = placeOf(input.value);
      if (!place) return;
      marker.setLngLat([place.lng, place.lat]);
      map.easeTo({ center: [place.lng, place.lat] });
    });
    note.textContent = t("desk.pick_hint");
  } catch {
    note.textContent = t("desk.no_map");
    canvas.remove();
  }
}

/** The drawing code is a classic script of a megabyte: only who needs a map loads it. */
function loadMapLibre() {
  if (globalThis.maplibregl) return Promise.resolve();
  return new Promise((resolve, reject) => {
    document.head.append(
      element("link", { rel: "stylesheet", href: "/vendor/maplibre-gl.css" }),
      element("script", { src: "/vendor/maplibre-gl.js", onload: resolve, onerror: reject }),
    );
  });
}
