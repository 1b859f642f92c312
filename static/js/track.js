// A recorded ride and the place on it at a time.  Pure.  Fixes are {lat, lng, fix_time}, oldest first.

import { bearingDeg } from "./position.js";

const GAP_MS = 60_000;                   // longer without a fix: nobody knows where he rode

/** The parts of the ride without gaps. */
export function stretches(fixes) {
  const parts = [];
  for (const [index, fix] of fixes.entries()) {
    if (index === 0 || fix.fix_time - fixes[index - 1].fix_time > GAP_MS) parts.push([]);
    parts.at(-1).push(fix);
  }
  return parts;
}

/** Where he was at `time`: {lat, lng, bearing_deg, known}; in a gap where he was last seen, with `known` false. */
export function placeAt(fixes, time) {
  if (!fixes.length) return null;
  let low = 0;
  let high = fixes.length - 1;
  while (low < high) {                   // the last fix at or before `time`
    const middle = Math.ceil((low + high) / 2);
    if (fixes[middle].fix_time <= time) low = middle;
    else high = middle - 1;
  }
  const from = fixes[low];
  const to = fixes[low + 1];
  const bearing = (given) => from.bearing_deg ?? given;
  if (!to || time <= from.fix_time) return { ...spot(from), bearing_deg: bearing(to ? bearingDeg(from, to) : null), known: true };
  if (to.fix_time - from.fix_time > GAP_MS) return { ...spot(from), bearing_deg: bearing(null), known: false };
  const share = (time - from.fix_time) / (to.fix_time - from.fix_time);
  return {
    lat: from.lat + (to.lat - from.lat) * share,
    lng: from.lng + (to.lng - from.lng) * share,
    bearing_deg: bearing(bearingDeg(from, to)),
    known: true,
  };
}

const spot = ({ lat, lng }) => ({ lat, lng });
