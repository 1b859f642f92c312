import assert from "node:assert/strict";
import { test } from "node:test";

import { callsFor, clocksOf, isOverdue, TicketBook } from "./ticket_book.js";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const at = (minutes) => new Date(NOW + minutes * 60_000).toISOString();
const ME = { id: "me", role: "dispatcher" };
const aTicket = (id, given = {}) => ({
  id, version: 1, number: 1, state: "open", severity: "medium", kind: "delay", owner_role: "dispatcher", rung: 0,
  escalate_at: at(2), resolve_by: at(30), paused_until: null, is_overdue: false, assignee_id: null, ...given,
});
const changed = (id, version, name, fields) => ({ entity: "ticket", id, version, name, fields });

function aBook(...tickets) {
  const book = new TicketBook();
  book.begin(tickets);
  return book;
}

const ids = (book, filter = {}, now = NOW) => book.list(filter, ME, now).map(({ id }) => id);

test("the overdue come first, then the worse, then those whose clock runs out sooner", () => {
  const book = aBook(
    aTicket("later", { escalate_at: at(5) }), aTicket("sooner"), aTicket("bad", { severity: "critical" }),
    aTicket("late", { resolve_by: at(-1), state: "acknowledged" }),
  );
  assert.deepEqual(ids(book), ["late", "bad", "sooner", "later"]);
});

test("mine, my role's, a kind, a severity, overdue", () => {
  const book = aBook(
    aTicket("mine", { assignee_id: "me", owner_role: "customer_service", kind: "refusal" }),
    aTicket("role", { severity: "high" }), aTicket("climbed", { rung: 1, owner_role: "customer_service" }),
  );
  assert.deepEqual(ids(book, { whose: "mine" }), ["mine"]);
  assert.deepEqual(ids(book, { whose: "role" }), ["role"]);
  assert.deepEqual(ids(book, { kind: "refusal" }), ["mine"]);
  assert.deepEqual(ids(book, { severity: "high" }), ["role"]);
  assert.deepEqual(ids(book, { overdue: true }), ["climbed"]);
});

test("changes are taken once and in order; what they do not tell is asked for", () => {
  const book = aBook(aTicket("a"));
  assert.equal(book.apply(changed("a", 2, "acknowledged", { state: "acknowledged" })).ticket.state, "acknowledged");
  assert.equal(book.apply(changed("a", 2, "acknowledged", { state: "acknowledged" })), null);
  assert.equal(book.apply(changed("a", 5, "noted", {})), "unknown");
  assert.equal(book.apply(changed("b", 4, "reopened", { state: "open" })), "unknown");
  assert.equal(book.apply({ entity: "order", id: "o", version: 2, fields: {} }), null);
  const { before, ticket } = book.apply(changed("c", 1, "opened", aTicket("c")));
  assert.equal(before, null);
  assert.ok(callsFor("dispatcher", { before, ticket }));
  book.apply(changed("c", 2, "resolved", { state: "resolved" }));
  assert.deepEqual(ids(book), ["a"]);
});

test("it rings for what is new to my role, and for nothing else", () => {
  const before = aTicket("a", { owner_role: "customer_service" });
  assert.ok(callsFor("dispatcher", { before, ticket: aTicket("a", { rung: 1 }) }));
  assert.ok(!callsFor("customer_service", { before, ticket: aTicket("a", { rung: 1 }) }));
  assert.ok(!callsFor("dispatcher", { before: aTicket("a"), ticket: aTicket("a", { severity: "high" }) }));
});

test("an unacknowledged ticket has two clocks, one that is put off says when it comes back, a closed one has none", () => {
  const words = (ticket) => clocksOf(ticket, NOW).map(({ what, state }) => `${what} ${state}`);
  assert.deepEqual(words(aTicket("a", { escalate_at: at(1) })), ["acknowledge soon", "resolve fine"]);
  assert.deepEqual(words(aTicket("a", { state: "snoozed", escalate_at: null, paused_until: at(9), resolve_by: at(-1) })),
    ["back fine", "resolve over"]);
  assert.deepEqual(words(aTicket("a", { state: "resolved" })), []);
  assert.ok(isOverdue(aTicket("a", { resolve_by: at(0) }), NOW));
});
