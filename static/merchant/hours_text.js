// Opening hours as people write them, "11:00-14:00, 17:00-22:30" for each weekday, to and from the form of the API.  Pure.

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const SPAN = /^([01]?\d|2[0-3])[:.]([0-5]\d)\s*[-–—~至]\s*([01]?\d|2[0-4])[:.]([0-5]\d)$/;

/** The spans of one day's text; none when it is empty; null when it cannot be read. */
export function spansOf(text) {
  const parts = text.split(/[,;，；、]/).map((part) => part.trim()).filter(Boolean);
  const spans = parts.map((part) => {
    const found = SPAN.exec(part);
    if (!found || (found[3] === "24" && found[4] !== "00")) return null;
    const [, openHour, openMinute, closeHour, closeMinute] = found;
    const wall = (hour, minute) => `${String(Number(hour) % 24).padStart(2, "0")}:${minute}`;
    return { opens: wall(openHour, openMinute), closes: wall(closeHour, closeMinute) };
  });
  return spans.includes(null) ? null : spans;
}

/** One day's spans as text. */
export function textOf(spans = []) {
  return spans.map(({ opens, closes }) => `${opens}-${closes === "00:00" ? "24:00" : closes}`).join(", ");
}

/** Hours of the texts by weekday, keeping `exceptions`: {hours, bad}; `bad` are the days that cannot be read. */
export function hoursOf(texts, exceptions = {}) {
  const bad = WEEKDAYS.filter((day) => spansOf(texts[day] ?? "") === null);
  const weekly = Object.fromEntries(WEEKDAYS.map((day) => [day, spansOf(texts[day] ?? "") ?? []]));
  return { bad, hours: { weekly, exceptions } };
}
