// How long to wait before trying again.  Pure.

const STEPS_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/** Milliseconds to wait before try number `tries` (1 is the first): all phones return at once, so spread them. */
export function backoffMs(tries, random = Math.random) {
  const stepMs = STEPS_MS[Math.min(Math.max(tries, 1), STEPS_MS.length) - 1];
  return stepMs * (0.5 + random() / 2);
}

/** The wait a server asked for in its close reason (`{"retry_in_ms": …}`), spread over as long again; null if none. */
export function askedWaitMs(reason, random = Math.random) {
  try {
    const asked = JSON.parse(reason)?.retry_in_ms;
    return Number.isFinite(asked) && asked >= 0 ? Math.min(asked, 60_000) * (1 + random()) : null;
  } catch {
    return null;                         // no JSON: a reason for people
  }
}
