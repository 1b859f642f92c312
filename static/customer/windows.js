// When food can be ordered for: half-hour windows of a day, by the merchant's own wall clock and hours.  Pure.
// The server has the last word; server/orders/hours.py says what hours mean.

export const SLOT_MS = 30 * 60_000;
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const DAY_MS = 86_400_000;
const formats = new Map();

/** The date ("2026-11-23") that calendars in `zone` show at `moment` (Unix ms). */
export function dayIn(zone, moment) {
  return new Date(moment + offsetMs(zone, moment)).toISOString().slice(0, 10);
}

/** `day` and those after it, `count` in all. */
export function daysFrom(day, count) {
  return Array.from({ length: count }, (_, number) => dayAfter(day, number));
}

/** The windows of `day` that lie within `hours` (null: open at any hour) and begin no sooner than `notBefore`: {from, to}. */
export function slotsOf(day, { hours, zone, notBefore }) {
  const open = joined([dayAfter(day, -1), day].flatMap((one) => intervalsOf(one, hours, zone)));
  const slots = [];
  for (let minute = 0; minute < 1440; minute += SLOT_MS / 60_000) {
    const from = momentOf(day, minute, zone);
    const to = from + SLOT_MS;
    const isOpen = hours === null || open.some(([opens, closes]) => opens <= from && to <= closes);
    // Where the clock jumps forward, two wall times are one moment.
    if (from >= notBefore && isOpen && !(from <= slots.at(-1)?.from)) slots.push({ from, to });
  }
  return slots;
}

/** The moment (Unix ms) at which clocks in `zone` show `minute` (after midnight) on `day`. */
export function momentOf(day, minute, zone) {
  const wall = Date.parse(`${day}T00:00:00Z`) + minute * 60_000;
  const guess = wall - offsetMs(zone, wall);
  return wall - offsetMs(zone, guess);
}

function intervalsOf(day, hours, zone) {
  if (hours === null) return [];
  const spans = hours.exceptions?.[day] ?? hours.weekly?.[WEEKDAYS[new Date(`${day}T00:00:00Z`).getUTCDay()]] ?? [];
  return spans.map(({ opens, closes }) => [
    momentOf(day, minutesOf(opens), zone),
    momentOf(closes > opens ? day : dayAfter(day, 1), minutesOf(closes), zone),
  ]);
}

/** Spans that touch are one. */
function joined(intervals) {
  const whole = [];
  for (const [opens, closes] of [...intervals].sort(([a], [b]) => a - b)) {
    if (whole.length && opens <= whole.at(-1)[1]) whole.at(-1)[1] = Math.max(whole.at(-1)[1], closes);
    else whole.push([opens, closes]);
  }
  return whole;
}

function dayAfter(day, number) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + number * DAY_MS).toISOString().slice(0, 10);
}

function minutesOf(wall) {
  const [hours, minutes] = wall.split(":").map(Number);
  return hours * 60 + minutes;
}

/** How far clocks in `zone` are ahead of UTC at `moment`. */
function offsetMs(zone, moment) {
  if (!formats.has(zone)) {
    formats.set(zone, new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
      second: "2-digit",
    }));
  }
  const shown = Object.fromEntries(formats.get(zone).formatToParts(moment).map(({ type, value }) => [type, value]));
  const wall = Date.parse(`${shown.year}-${shown.month}-${shown.day}T${shown.hour}:${shown.minute}:${shown.second}Z`);
  return wall - Math.floor(moment / 1000) * 1000;
}
