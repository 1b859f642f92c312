// What the background map looks like: a MapLibre style for the demo's GeoJSON, for raster tiles, or somebody's own style.
// Pure.

const LIGHT = {
  land: "#f6f5f1", water: "#bfd9e6", green: "#dcebd3", building: "#e7e2da", buildingLine: "#d9d2c7",
  major: "#ffffff", majorLine: "#e3cfa4", medium: "#ffffff", minor: "#ffffff", roadLine: "#dcd8d0", path: "#ded8ce",
  rail: "#b9b4ac", label: "#5b6570", halo: "#ffffff",
};
const DARK = {
  land: "#182028", water: "#0f2a3b", green: "#1b2c25", building: "#222c36", buildingLine: "#2b3742",
  major: "#4a5663", majorLine: "#10161c", medium: "#3d4854", minor: "#333e49", roadLine: "#141b22", path: "#2a343e",
  rail: "#46515c", label: "#a9b5c0", halo: "#10161c",
};

export function paletteFor(dark) {
  return dark ? DARK : LIGHT;
}

/** The style for a page: `config` as /config.json gives it, with `city` the base map's GeoJSON if there is one. */
export function styleFor(config, dark) {
  if (config.tile_url) return config.tile_url.includes("{z}") ? rasterStyle(config) : config.tile_url;
  return config.city ? cityStyle(config, paletteFor(dark)) : emptyStyle(paletteFor(dark));
}

function emptyStyle(palette) {
  return { version: 8, sources: {}, layers: [background(palette.land)] };
}

function rasterStyle({ tile_url: tileUrl, attribution }) {
  return {
    version: 8,
    sources: { tiles: { type: "raster", tiles: [tileUrl], tileSize: 256, attribution: attribution ?? "" } },
    layers: [{ id: "tiles", type: "raster", source: "tiles" }],
  };
}

function cityStyle({ city, attribution }, colours) {
  const fill = (kind, colour, more = {}) => ({
    id: kind, type: "fill", source: "city", filter: ["==", ["get", "kind"], kind], paint: { "fill-color": colour, ...more },
  });
  const road = (id, className, colour, widths, more = {}) => ({
    id, type: "line", source: "city",
    filter: ["all", ["==", ["get", "kind"], "road"], ["==", ["get", "class"], className]],
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": colour, "line-width": byZoom(widths), ...more },
  });
  return {
    version: 8,
    sources: { city: { type: "geojson", data: city, attribution: attribution ?? "", tolerance: 0.2 } },
    layers: [
      background(colours.land),              // also beyond the map's edge: a city ends in no grey frame
      fill("water", colours.water),
      fill("green", colours.green),
      { ...fill("building", colours.building, { "fill-outline-color": colours.buildingLine }), minzoom: 13.5 },
      road("path", "path", colours.path, [0.3, 0.8, 2.5], { "line-dasharray": [2, 1.4] }),
      road("minor-edge", "minor", colours.roadLine, [1.2, 5, 17]),
      road("medium-edge", "medium", colours.roadLine, [1.6, 6.5, 21]),
      road("major-edge", "major", colours.majorLine, [2.2, 8.5, 26]),
      road("minor", "minor", colours.minor, [0.7, 3.6, 15]),
      road("medium", "medium", colours.medium, [1, 5, 18.5]),
      road("major", "major", colours.major, [1.4, 6.6, 23]),
      {
        id: "rail", type: "line", source: "city", filter: ["==", ["get", "kind"], "rail"],
        paint: { "line-color": colours.rail, "line-width": byZoom([0.4, 0.9, 2]) },
      },
      {
        // There are no glyphs here, and a text layer without them draws nothing: each name is a picture (map.js).
        id: "street-names", type: "symbol", source: "city", minzoom: 13.5, filter: ["==", ["get", "kind"], "name"],
        layout: {
          "symbol-placement": "line", "symbol-spacing": 380, "icon-image": ["concat", "name:", ["get", "name"]],
          "icon-rotation-alignment": "map", "icon-keep-upright": true, "icon-padding": 16,
        },
      },
    ],
  };
}

function background(colour) {
  return { id: "background", type: "background", paint: { "background-color": colour } };
}

/** Widths in pixels at zoom 12, 15 and 18, growing in between as the ground does. */
function byZoom([far, middle, near]) {
  return ["interpolate", ["exponential", 1.6], ["zoom"], 12, far, 15, middle, 18, near];
}
