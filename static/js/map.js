// Draws: the background map, pins, the courier of an order, areas and lines.  What is where comes from the callers.
// MapLibre is a classic script that the page loads before it asks for a map; it is the global `maplibregl`.

import { element, icon, ICONS } from "./dom.js";
import { t } from "./i18n.js";
import { paletteFor, styleFor } from "./map_style.js";
import { toLngLat } from "./position.js";

const darkScheme = matchMedia("(prefers-color-scheme: dark)");

export class MapUnsupported extends Error {}

/** What the server says about the map, {tile_url, base_map, center, zoom, attribution}, with the base map as `city`. */
export async function loadConfig() {
  const config = await loadJson("/config.json");
  return config.base_map && !config.tile_url ? { ...config, city: await loadJson(config.base_map) } : config;
}

async function loadJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

/** A map in `container`, ready to draw on; MapUnsupported without WebGL.  `onTrouble()` hears that tiles are missing. */
export async function createMap(container, config, { onTrouble = () => {} } = {}) {
  let map;
  try {
    map = new globalThis.maplibregl.Map({
      container,
      style: styleFor(config, darkScheme.matches),
      ...(config.city?.bbox
        ? { bounds: config.city.bbox, fitBoundsOptions: { padding: 24 } }
        : { center: config.center, zoom: config.zoom }),
      attributionControl: { compact: false },
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxPitch: 0,
      fadeDuration: 0,
      locale: { "Map.Title": t("map.label") },
    });
  } catch (error) {
    throw new MapUnsupported(error.message);
  }
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new globalThis.maplibregl.NavigationControl({ showCompass: false }), "bottom-right");
  map.on("styleimagemissing", ({ id }) => {
    if (id.startsWith("name:")) addNamePicture(map, id);
  });
  map.on("error", () => onTrouble());
  // Somebody else's style may be away: an empty map still shows where everybody is.
  const withoutStyle = () => map.setStyle(styleFor({}, darkScheme.matches));
  map.once("error", withoutStyle);
  await new Promise((resolve) => {
    map.once("style.load", resolve);
  });
  map.off("error", withoutStyle);
  return map;
}

/** Calls `redraw` after the map has changed between light and dark; its style is then new and what was added is gone. */
export function followScheme(map, config, redraw) {
  darkScheme.addEventListener("change", () => {
    map.once("style.load", redraw);
    map.setStyle(styleFor(config, darkScheme.matches), { diff: false });
  });
}

const PIN_ICONS = { pickup: ICONS.bowl, dropoff: ICONS.home, place: ICONS.spot };

/** A pin with a picture and, if given, a name beside it: kinds "pickup", "dropoff", "place". */
export function pin(map, kind, position, { name = "", label = name, draggable = false } = {}) {
  const body = element("div", { class: `pin ${kind}`, role: "img", "aria-label": label },
    element("span", { class: "head" }, icon(PIN_ICONS[kind])),
    name ? element("span", { class: "name" }, name) : null);
  return new globalThis.maplibregl.Marker({ element: body, anchor: "bottom", draggable }).setLngLat(toLngLat(position)).addTo(map);
}

/** The courier of one order: `place({lat, lng, bearing_deg})` each frame, `look({stale})`, `remove()`. */
export function courierMarker(map, label) {
  const arrow = icon(ICONS.arrow, { class: "icon heading" });
  const body = element("div", { class: "courier-marker", role: "img", "aria-label": label },
    element("span", { class: "pulse" }), element("span", { class: "disc" }, arrow));
  const marker = new globalThis.maplibregl.Marker({ element: body, subpixelPositioning: true });
  let onMap = false;
  return {
    place(position) {
      marker.setLngLat(toLngLat(position));
      if (!onMap) marker.addTo(map);
      onMap = true;
      const known = position.bearing_deg !== null && position.bearing_deg !== undefined;
      body.classList.toggle("no-heading", !known);
      if (known) arrow.style.setProperty("rotate", `${position.bearing_deg}deg`);
    },
    look({ stale }) {
      body.classList.toggle("stale", stale);
    },
    remove() {
      marker.remove();
      onMap = false;
    },
  };
}

const COARSE_RADIUS_M = 230;      // an H3 cell of resolution 9 reaches this far from its centre

/** Shades where the courier may be while only his area is told; null takes it away. */
export function showArea(map, position) {
  const data = position ? disc(position, COARSE_RADIUS_M) : nothing();
  setData(map, "area", data, [
    { id: "area", type: "fill", source: "area", paint: { "fill-color": "#0c7c6c", "fill-opacity": 0.12 } },
    {
      id: "area-edge", type: "line", source: "area",
      paint: { "line-color": "#0c7c6c", "line-width": 1.5, "line-dasharray": [2, 2], "line-opacity": 0.7 },
    },
  ]);
}

/** Draws lines through `stretches` of positions; none takes them away. */
export function showLines(map, id, stretches, colour) {
  const lines = stretches.filter((stretch) => stretch.length > 1).map((stretch) => feature("LineString", stretch.map(toLngLat)));
  setData(map, id, { type: "FeatureCollection", features: lines }, [{
    id, type: "line", source: id, layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": colour, "line-width": 4, "line-opacity": 0.75 },
  }]);
}

/** Fills `polygons`, each a list of rings of positions; none takes them away. */
export function showPolygons(map, id, polygons, colour) {
  const shapes = polygons.map((rings) => feature("Polygon", rings.map((ring) => ring.map(toLngLat))));
  setData(map, id, { type: "FeatureCollection", features: shapes }, [
    { id, type: "fill", source: id, paint: { "fill-color": colour, "fill-opacity": 0.15 } },
    { id: `${id}-edge`, type: "line", source: id, paint: { "line-color": colour, "line-width": 2 } },
  ]);
}

const UNCOVERED = { right: 0, bottom: 0 };
const mayMove = () => !matchMedia("(prefers-reduced-motion: reduce)").matches;
const WIDEST_PADDING = 0.2;       // of a side of the map: a phone's map is small, and its middle is what one looks at

/**
 * Moves the view to hold all `positions`, `padding` pixels off the edges; `covered` {right, bottom} are the pixels that a
 * card hides there.
 */
export function fit(map, positions, { padding = 64, covered = UNCOVERED, maxZoom = 16, animate = true } = {}) {
  const [first, ...others] = positions;
  if (!first) return;
  const bounds = new globalThis.maplibregl.LngLatBounds(toLngLat(first), toLngLat(first));
  for (const position of others) bounds.extend(toLngLat(position));
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const [across, down] = [width - covered.right, height - covered.bottom].map((side) => Math.min(padding, side * WIDEST_PADDING));
  const around = { left: across, right: across + covered.right, top: down, bottom: down + covered.bottom };
  map.fitBounds(bounds, { padding: around, maxZoom, animate: animate && mayMove() });
}

/** Moves the view to `position` only if it is not in sight; `covered` as for `fit`. */
export function bringIntoSight(map, position, covered = UNCOVERED) {
  const { x, y } = map.project(toLngLat(position));
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  if (x >= 0 && x <= width - covered.right && y >= 0 && y <= height - covered.bottom) return;
  map.easeTo({ center: toLngLat(position), offset: [-covered.right / 2, -covered.bottom / 2], animate: mayMove() });
}

function setData(map, id, data, layers) {
  const source = map.getSource(id);
  if (source) {
    source.setData(data);
    return;
  }
  map.addSource(id, { type: "geojson", data });
  for (const layer of layers) map.addLayer(layer, map.getLayer("couriers") ? "couriers" : undefined);
}

const nothing = () => ({ type: "FeatureCollection", features: [] });
const feature = (type, coordinates) => ({ type: "Feature", properties: {}, geometry: { type, coordinates } });
const M_PER_DEG = 111_195;

function disc({ lat, lng }, radiusM) {
  const ring = Array.from({ length: 49 }, (_, step) => {
    const angle = (step / 48) * 2 * Math.PI;
    const northDeg = (radiusM / M_PER_DEG) * Math.cos(angle);
    const eastDeg = ((radiusM / M_PER_DEG) * Math.sin(angle)) / Math.cos((lat * Math.PI) / 180);
    return toLngLat({ lat: lat + northDeg, lng: lng + eastDeg });
  });
  return feature("Polygon", [ring]);
}

const NAME_FONT = "500 12px system-ui, 'Noto Sans', 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif";

function addNamePicture(map, id) {
  const text = id.slice("name:".length);
  const scale = Math.ceil(devicePixelRatio);
  const canvas = document.createElement("canvas");
  let brush = canvas.getContext("2d");
  brush.font = NAME_FONT;
  canvas.width = Math.ceil((brush.measureText(text).width + 8) * scale);
  canvas.height = 20 * scale;
  brush = canvas.getContext("2d", { willReadFrequently: true });
  brush.scale(scale, scale);
  brush.font = NAME_FONT;
  brush.textBaseline = "middle";
  brush.lineJoin = "round";
  brush.lineWidth = 3;
  const colours = paletteFor(darkScheme.matches);
  brush.strokeStyle = colours.halo;
  brush.strokeText(text, 4, 10);
  brush.fillStyle = colours.label;
  brush.fillText(text, 4, 10);
  map.addImage(id, brush.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: scale });
}
