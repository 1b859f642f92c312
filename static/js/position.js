// A position in our words is {lat, lng}.  Only these two functions turn it into what a map wants.  Pure.

/** [lng, lat], as GeoJSON and MapLibre want it. */
export function toLngLat({ lat, lng }) {
  return [lng, lat];
}

const MAX_MERCATOR_LAT = 85.051129;

/** Web Mercator: x and y from 0 to 1, the north-west corner of the world being 0, 0. */
export function toMercator({ lat, lng }) {
  const phi = (Math.max(-MAX_MERCATOR_LAT, Math.min(MAX_MERCATOR_LAT, lat)) * Math.PI) / 180;
  return { x: (lng + 180) / 360, y: (1 - Math.log(Math.tan(phi) + 1 / Math.cos(phi)) / Math.PI) / 2 };
}

const EARTH_RADIUS_M = 6_371_008.8;      // IUGG mean radius

/** Metres between two places, along the sphere (within 0.6 % of the ellipsoid). */
export function distanceM(a, b) {
  const rad = Math.PI / 180;
  const sinLat = Math.sin(((b.lat - a.lat) * rad) / 2);
  const sinLng = Math.sin(((b.lng - a.lng) * rad) / 2);
  const h = sinLat * sinLat + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * sinLng * sinLng;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Degrees clockwise from north, from `a` towards `b`. */
export function bearingDeg(a, b) {
  const rad = Math.PI / 180;
  const y = Math.sin((b.lng - a.lng) * rad) * Math.cos(b.lat * rad);
  const x = Math.cos(a.lat * rad) * Math.sin(b.lat * rad)
    - Math.sin(a.lat * rad) * Math.cos(b.lat * rad) * Math.cos((b.lng - a.lng) * rad);
  return ((Math.atan2(y, x) / rad) + 360) % 360;
}
