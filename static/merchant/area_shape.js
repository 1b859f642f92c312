// The outline of a delivery area while it is drawn: a list of corners {lat, lng}, without the first one again at the end.
// Pure.  GeoJSON has lng before lat, and closes its rings.

import { distanceM } from "../js/position.js";

export const FEWEST = 3;
const M_PER_DEG = 111_195;

/** The corners of a GeoJSON polygon's outer ring; null for one of several parts or with holes, which is not edited here. */
export function cornersOf(polygon) {
  if (polygon.type !== "Polygon" || polygon.coordinates.length !== 1) return null;
  return polygon.coordinates[0].slice(0, -1).map(([lng, lat]) => ({ lat, lng }));
}

/** All rings of a GeoJSON polygon, of several parts or one, as lists of positions: to be shown. */
export function partsOf(polygon) {
  const parts = polygon.type === "Polygon" ? [polygon.coordinates] : polygon.coordinates;
  return parts.map((rings) => rings.map((ring) => ring.map(([lng, lat]) => ({ lat, lng }))));
}

/** The corners as a GeoJSON polygon. */
export function polygonOf(corners) {
  const ring = corners.map(({ lat, lng }) => [round(lng), round(lat)]);
  return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
}

/** Where a new corner can be set between two: {after, lat, lng}, `after` the index of the corner before it. */
export function middlesOf(corners) {
  if (corners.length < 2) return [];
  const edges = corners.length < FEWEST ? corners.slice(0, -1) : corners;
  return edges.map(({ lat, lng }, index) => {
    const next = corners[(index + 1) % corners.length];
    return { after: index, lat: (lat + next.lat) / 2, lng: (lng + next.lng) / 2 };
  });
}

/** The corners with one more: into the edge that it is nearest to, or at the end while there are too few for an edge. */
export function withCorner(corners, place) {
  if (corners.length < FEWEST) return [...corners, place];
  const detour = (index) => {
    const [from, to] = [corners[index], corners[(index + 1) % corners.length]];
    return distanceM(from, place) + distanceM(place, to) - distanceM(from, to);
  };
  const nearest = corners.map((_, index) => index).reduce((best, index) => (detour(index) < detour(best) ? index : best), 0);
  return [...corners.slice(0, nearest + 1), place, ...corners.slice(nearest + 1)];
}

/** How large it is, in km², to 1 % over a city. */
export function sizeKm2(corners) {
  if (corners.length < FEWEST) return 0;
  const narrowing = Math.cos((corners[0].lat * Math.PI) / 180);
  const twice = corners.reduce((sum, { lat, lng }, index) => {
    const next = corners[(index + 1) % corners.length];
    return sum + lng * next.lat - next.lng * lat;
  }, 0);
  return (Math.abs(twice) / 2) * narrowing * (M_PER_DEG / 1000) ** 2;
}

function round(degrees) {
  return Math.round(degrees * 1e6) / 1e6;
}
