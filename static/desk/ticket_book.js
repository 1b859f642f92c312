// The tickets that the desk works on, as snapshot and changes tell them: which are shown, in which order, whose clock
// runs.  Pure: the time comes in as an argument.

const SEVERITIES = ["low", "medium", "high", "critical"];
const CLOSED = new Set(["resolved", "dismissed"]);
const SOON_MS = 120_000;

export class TicketBook {
  #tickets = new Map();

  /** Takes a list of whole tickets: these are the open ones. */
  begin(tickets) {
    this.#tickets = new Map(tickets.map((ticket) => [ticket.id, ticket]));
  }

  /** One whole ticket, as the server has just told it; an older one than ours is passed over. */
  put(ticket) {
    if ((this.#tickets.get(ticket.id)?.version ?? 0) > ticket.version) return;
    this.#tickets.set(ticket.id, { ...this.#tickets.get(ticket.id), ...ticket });
  }

  /**
   * Takes one change.  {ticket, before} when it told something new (`before` null for a new ticket), "unknown" when the
   * change alone does not tell enough of its ticket, null when it told nothing.
   */
  apply(change) {
    if (change.entity !== "ticket") return null;
    const before = this.#tickets.get(change.id) ?? null;
    if (!before && !("number" in change.fields && "resolve_by" in change.fields)) return "unknown";
    if (before && before.version >= change.version) return null;
    if (before && change.version > before.version + 1) return "unknown";
    const ticket = { decisions: [], ...before, ...change.fields, id: change.id, version: change.version };
    this.#tickets.set(change.id, ticket);
    return { ticket, before };
  }

  get(ticketId) {
    return this.#tickets.get(ticketId) ?? null;
  }

  /** Those that fit `filter` {whose: "mine" | "role" | "all", kind, severity, overdue}, the most urgent first. */
  list(filter, me, now) {
    return [...this.#tickets.values()]
      .filter((ticket) => !isClosed(ticket) && fits(ticket, filter, me, now))
      .sort((a, b) => urgency(b, now) - urgency(a, now) || dueMs(a) - dueMs(b) || b.number - a.number);
  }

  /** How many of this role's nobody sees to yet. */
  waitingFor(role) {
    return [...this.#tickets.values()].filter((ticket) => ticket.owner_role === role && ticket.state === "open").length;
  }
}

export function isClosed(ticket) {
  return CLOSED.has(ticket.state);
}

/** Whether its time to be resolved is over, or it has climbed and still nobody sees to it. */
export function isOverdue(ticket, now) {
  if (isClosed(ticket)) return false;
  return ticket.is_overdue || Date.parse(ticket.resolve_by) <= now || (ticket.rung > 0 && ticket.state === "open");
}

export function fits(ticket, { whose = "all", kind = "", severity = "", overdue = false }, me, now) {
  if (whose === "mine" && ticket.assignee_id !== me.id) return false;
  if (whose === "role" && ticket.owner_role !== me.role) return false;
  if (kind && ticket.kind !== kind) return false;
  if (severity && ticket.severity !== severity) return false;
  return !overdue || isOverdue(ticket, now);
}

/** The clocks that run for a ticket: {what: "acknowledge" | "resolve" | "back", untilMs, state: "fine" | "soon" | "over"}. */
export function clocksOf(ticket, now) {
  if (isClosed(ticket)) return [];
  const clock = (what, moment) => {
    const untilMs = Date.parse(moment);
    return { what, untilMs, state: untilMs <= now ? "over" : untilMs - now < SOON_MS ? "soon" : "fine" };
  };
  return [
    ticket.state === "open" && ticket.escalate_at ? clock("acknowledge", ticket.escalate_at) : null,
    ticket.paused_until ? clock("back", ticket.paused_until) : null,
    clock("resolve", ticket.resolve_by),
  ].filter(Boolean);
}

/** Whether this change is one to ring for: a new ticket of the role, or one that has come to it. */
export function callsFor(role, { ticket, before }) {
  if (isClosed(ticket) || ticket.owner_role !== role) return false;
  return before === null || before.owner_role !== role || isClosed(before);
}

const urgency = (ticket, now) => (isOverdue(ticket, now) ? 10 : 0) + SEVERITIES.indexOf(ticket.severity);

function dueMs(ticket) {
  const moments = [ticket.state === "open" ? ticket.escalate_at : null, ticket.paused_until ?? ticket.resolve_by];
  return Math.min(...moments.filter(Boolean).map(Date.parse));
}
