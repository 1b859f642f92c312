// Names the H3 cells of a map view, so that a page can say what it looks at.  Pure; only this direction is here.
// The tables come from h3_tables.js; tests/browser/test_h3_js.py compares thousands of points with h3-py.

import { BASE_CELLS, FACES, PENTAGONS } from "./h3_tables.js";

const TURN_LEFT = [0, 5, 3, 1, 6, 4, 2];       // digits 0, K, J, JK, I, IK, IJ after a sixth of a turn
const TURN_RIGHT = [0, 3, 6, 2, 5, 1, 4];
const K_AXIS = 1;
const SQRT3 = Math.sqrt(3);
const SQRT7 = Math.sqrt(7);
const ODD_SIN = Math.sqrt(3 / 28);             // odd resolutions are turned by asin(√(3/28)), about 19.1°
const ODD_COS = Math.sqrt(25 / 28);

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const less = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const times = (a, factor) => [a[0] * factor, a[1] * factor, a[2] * factor];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

// Each face's plane: its centre, two axes in it, and the length of a resolution-0 step.
const PLANES = FACES.map((numbers) => {
  const centre = numbers.slice(0, 3);
  const corner = numbers.slice(3);
  const toCorner = less(times(corner, 1 / dot(corner, centre)), centre);
  const distance = Math.hypot(...toCorner);
  const xAxis = times(toCorner, 1 / distance);
  return { centre, xAxis, yAxis: cross(centre, xAxis), step: distance / 2 };
});

/** The id of the H3 cell of resolution `res` that holds a place, as 15 hexadecimal digits. */
export function cellOf(lat, lng, res) {
  return ancestorOf(lat, lng, res, res);
}

/** The ancestor of resolution `res` of a place's cell of resolution `fineRes`: near an edge it may be a neighbour. */
export function ancestorOf(lat, lng, fineRes, res) {
  const phi = (lat * Math.PI) / 180;
  const lambda = (lng * Math.PI) / 180;
  const point = [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
  const face = nearestFace(point);
  let ijk = hexagonOn(PLANES[face], point, fineRes);
  const digits = new Array(fineRes);
  for (let level = fineRes; level > 0; level -= 1) {
    const parent = level % 2 ? parentOfOdd(ijk) : parentOfEven(ijk);
    const [i, j, k] = normalised(less(ijk, level % 2 ? childOfEven(parent) : childOfOdd(parent)));
    digits[level - 1] = 4 * i + 2 * j + k;
    ijk = parent;
  }
  const entry = BASE_CELLS[face][ijk[0] * 9 + ijk[1] * 3 + ijk[2]];
  const baseCell = Math.floor(entry / 12);
  turn(digits, entry % 6, PENTAGONS.has(baseCell), entry % 12 >= 6);
  return asText(res, baseCell, digits);
}

// Sizes every cell keeps everywhere on Earth (H3 cells differ by up to a factor of two in area).  The server counts a
// courier to the ancestor of his small cell, which may stick out of it a little: hence the generous reach.
const INRADIUS_M = { 5: 5_600, 6: 2_100 };
const CIRCUMRADIUS_M = { 5: 13_500, 6: 5_100 };
const M_PER_DEG = 111_195;

/** The cells of resolution `res` that touch the view {west, south, east, north}; null when more than `limit`. */
export function cellsInView({ west, south, east, north }, res, limit) {
  const marginDeg = CIRCUMRADIUS_M[res] / M_PER_DEG;
  const top = Math.min(90, north + marginDeg);
  const bottom = Math.max(-90, south - marginDeg);
  const stepDeg = (INRADIUS_M[res] * Math.SQRT2) / M_PER_DEG;   // a grid this fine has a point in every cell
  if ((top - bottom) / stepDeg > limit) return null;
  const cells = new Set();
  for (let lat = bottom; lat < top + stepDeg; lat += stepDeg) {
    const shrink = Math.max(Math.cos((Math.min(Math.abs(lat), 89.9) * Math.PI) / 180), 0.002);
    const lngMarginDeg = Math.min(180, marginDeg / shrink);
    const width = Math.min(360, east - west + 2 * lngMarginDeg);
    const columns = Math.ceil((width * shrink) / stepDeg);
    if (columns > limit) return null;
    for (let column = 0; column <= columns; column += 1) {
      const lng = west - lngMarginDeg + (width * column) / Math.max(columns, 1);
      cells.add(cellOf(Math.min(lat, 90), lng, res));
    }
    if (cells.size > limit) return null;
  }
  return [...cells];
}

function nearestFace(point) {
  let best = 0;
  for (let face = 1; face < PLANES.length; face += 1) {
    if (dot(point, PLANES[face].centre) > dot(point, PLANES[best].centre)) best = face;
  }
  return best;
}

/** The hexagon of the face's grid at `res` that holds `point`, as i, j, k with at least one of them zero. */
function hexagonOn(plane, point, res) {
  const scale = SQRT7 ** res / plane.step / dot(point, plane.centre);
  let x = dot(point, plane.xAxis) * scale;
  let y = dot(point, plane.yAxis) * scale;
  if (res % 2) [x, y] = [x * ODD_COS + y * ODD_SIN, y * ODD_COS - x * ODD_SIN];
  const q = x - y / SQRT3;
  const r = (2 * y) / SQRT3;
  let nearQ = Math.round(q);
  let nearR = Math.round(r);
  const nearS = Math.round(-q - r);
  const offQ = Math.abs(nearQ - q);
  const offR = Math.abs(nearR - r);
  const offS = Math.abs(nearS + q + r);
  if (offQ > offR && offQ > offS) nearQ = -nearR - nearS;
  else if (offR > offS) nearR = -nearQ - nearS;
  return normalised([nearQ + nearR, nearR, 0]);
}

function normalised([i, j, k]) {
  const least = Math.min(i, j, k);
  return [i - least, j - least, k - least];
}

const parentOfOdd = ([i, j, k]) =>
  normalised([Math.round((3 * (i - k) - (j - k)) / 7), Math.round((i - k + 2 * (j - k)) / 7), 0]);
const parentOfEven = ([i, j, k]) =>
  normalised([Math.round((2 * (i - k) + (j - k)) / 7), Math.round((3 * (j - k) - (i - k)) / 7), 0]);
// The middle child, in the finer grid.
const childOfEven = ([i, j, k]) => [3 * i + j, 3 * j + k, i + 3 * k];
const childOfOdd = ([i, j, k]) => [3 * i + k, i + 3 * j, j + 3 * k];

function turn(digits, turns, isPentagon, clockwise) {
  const all = (table) => digits.forEach((digit, at) => { digits[at] = table[digit]; });
  const onMissingAxis = () => isPentagon && digits.find((digit) => digit > 0) === K_AXIS;
  if (onMissingAxis()) all(clockwise ? TURN_RIGHT : TURN_LEFT);
  for (let step = 0; step < turns; step += 1) {
    all(TURN_LEFT);
    if (onMissingAxis()) all(TURN_LEFT);
  }
}

function asText(res, baseCell, digits) {
  let bits = (1n << 59n) | (BigInt(res) << 52n) | (BigInt(baseCell) << 45n);
  for (let level = 1; level <= 15; level += 1) {
    bits |= BigInt(level <= res ? digits[level - 1] : 7) << BigInt(3 * (15 - level));
  }
  return bits.toString(16);
}
