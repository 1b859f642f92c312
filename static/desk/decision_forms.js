// What is asked for with each thing that can be said to a ticket, and the body that is made of the answers.  Pure.
// Which of them are allowed is the server's word (its kind's `decisions` with their roles); here is only how they look.

/** Fields by type: "words", "line" (one line), "money", "minutes" (from now), "days", "choice", "template", "place". */
const TELL = [{ name: "template", type: "template" }, { name: "words", type: "words", optional: true, label: "own_words" }];
const WORDS = [{ name: "words", type: "words" }];
const BEARER = { name: "borne_by", type: "choice", options: ["merchant", "platform", "courier"] };
const WHOM = { name: "whom", type: "choice", options: ["customer", "merchant", "courier"] };

export const FORMS = {
  // Acts; `sure`: cannot be taken back, so it is asked twice
  wait: { fields: [WHOM, { name: "until", type: "minutes", usual: 10 }] },
  snooze: { fields: [{ name: "until", type: "minutes", usual: 15 }, ...WORDS] },
  raise_severity: { fields: [{ name: "severity", type: "choice", options: ["low", "medium", "high", "critical"] }] },
  log_contact: {
    fields: [
      WHOM, { name: "how", type: "choice", options: ["phone", "message", "door", "other"] },
      { name: "result", type: "choice", options: ["reached", "no_answer", "busy", "wrong_number", "left_word"] },
      { name: "words", type: "words", optional: true, label: "remark" },
    ],
  },
  resolve: {
    fields: [
      { name: "outcome", type: "choice", options: ["solved", "delivered", "refunded", "paid_out", "warned", "recovered"] },
      { name: "words", type: "words", optional: true, label: "remark" },
    ],
  },
  dismiss: { fields: WORDS },
  reopen: { fields: WORDS },
  // Decisions
  re_promise: { fields: [{ name: "promised_at", type: "minutes", usual: 20 }, ...TELL] },
  reassign: { fields: TELL, sure: true },
  re_route: { fields: WORDS },
  correct_address: { fields: [{ name: "address", type: "line" }, { name: "place", type: "place" }, ...TELL] },
  redeliver: { fields: TELL },
  remake: { fields: TELL, sure: true },
  return: { fields: TELL, sure: true },
  refund: { fields: [{ name: "amount_minor", type: "money" }, BEARER, ...TELL], sure: true },
  settle: { fields: [{ name: "refund_minor", type: "money", optional: true }, { ...BEARER, optional: true }, ...TELL], sure: true },
  uphold: { fields: TELL, sure: true },
  cancel: { fields: [{ name: "refund_minor", type: "money", optional: true }, { ...BEARER, optional: true }, ...TELL], sure: true },
  take_offline: { fields: [{ name: "until", type: "minutes", usual: 60 }], sure: true },
  warn: { fields: WORDS, sure: true },
  suspend: { fields: [...WORDS, { name: "until", type: "days", optional: true }], sure: true },
  retry_refund: { fields: [] },
  record_payout: { fields: [{ name: "amount_minor", type: "money" }, BEARER, ...WORDS], sure: true },
};

const MOMENTS = { minutes: 60_000, days: 86_400_000 };

/**
 * The body of a command from what stands in its form, {name: text}: {body, faults}, faults {name: the word for it}.
 * `currencyDigits`: how many digits the currency has behind its point.
 */
export function bodyOf(fields, given, { now, currencyDigits = 2 }) {
  const body = {};
  const faults = {};
  for (const { name, type, optional = false } of fields) {
    const text = (given[name] ?? "").trim();
    if (text === "") {
      if (!optional && type !== "template") faults[name] = "missing";
      continue;
    }
    if (type === "money") {
      const minor = minorOf(text, currencyDigits);
      if (minor === null || minor <= 0) faults[name] = "bad_sum";
      else body[name] = minor;
    } else if (type in MOMENTS) {
      const ahead = Number(text.replace(",", "."));
      if (!(ahead > 0)) faults[name] = "bad_number";
      else body[name] = new Date(now + ahead * MOMENTS[type]).toISOString();
    } else if (type === "place") {
      const place = placeOf(text);
      if (place) Object.assign(body, place);
      else faults[name] = "bad_place";
    } else {
      body[name] = text;
    }
  }
  // One's own words take the template's place: the customer is told one thing, once.
  if ("template" in body && "words" in body && fields.some(({ type }) => type === "template")) delete body.template;
  return { body, faults };
}

/** "12.90" or "12,9" in minor units; null when it is no such sum. */
export function minorOf(text, digits) {
  const found = /^(\d{1,9})(?:[.,](\d+))?$/.exec(text.replace(/\s/g, ""));
  if (!found || (found[2] ?? "").length > digits) return null;
  return Number(found[1]) * 10 ** digits + Number((found[2] ?? "").padEnd(digits, "0") || 0);
}

/** "60.17, 24.94" as {lat, lng}; null when it is no place on earth. */
export function placeOf(text) {
  const found = /^(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)$/.exec(text.trim());
  if (!found) return null;
  const [lat, lng] = [Number(found[1]), Number(found[2])];
  return Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? { lat, lng } : null;
}

/** The decisions of this kind of ticket that `role` may take, as the catalogue has them. */
export function decisionsFor(kind, role) {
  return (kind?.decisions ?? []).filter(({ roles }) => roles.includes(role));
}

const ACTS = {
  open: ["acknowledge", "wait", "snooze", "raise_severity", "resolve", "dismiss"],
  acknowledged: ["wait", "snooze", "raise_severity", "resolve", "dismiss"],
  waiting: ["resume", "snooze", "raise_severity", "resolve", "dismiss"],
  snoozed: ["acknowledge", "raise_severity", "resolve", "dismiss"],
  resolved: ["reopen"],
  dismissed: ["reopen"],
};

/** What may be said to a ticket in its state beside decisions; a courier's conduct is for operations only. */
export function actsFor(ticket, me) {
  if (!worksOn(ticket, me)) return [];
  const isOpen = !["resolved", "dismissed"].includes(ticket.state);
  return [...(isOpen && ticket.assignee_id !== me.id ? ["assign"] : []), ...ACTS[ticket.state]];
}

export function worksOn(ticket, me) {
  return ticket.kind !== "misconduct" || me.role === "operations_manager";
}
