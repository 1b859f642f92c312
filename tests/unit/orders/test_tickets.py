"""A ticket's table and its clocks, without a database."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.accounts.roles import Role
from server.orders.lifecycle import IllegalTransition
from server.orders.ticket_kinds import KINDS, Kind, Severity
from server.orders.tickets import (
    CLOSED,
    HAPPENED,
    LONGEST_PAUSE,
    TRANSITIONS,
    BadPause,
    Outcome,
    TicketEvent,
    TicketState,
    next_state,
)
from tests.builders import a_ticket
from tests.fakes import NOON

SOMEBODY = uuid4()


def after(**parts: float) -> object:
    return NOON + timedelta(**parts)


@pytest.mark.parametrize(
    ("state", "event"),
    [(state, event) for state in TicketState for event in TicketEvent if event not in TRANSITIONS[state]],
)
def test_what_the_table_does_not_name_is_illegal(state, event):
    with pytest.raises(IllegalTransition):
        next_state(state, event)


def test_every_event_has_its_word_and_every_state_a_way_on():
    assert set(HAPPENED) == set(TicketEvent)
    assert all(TRANSITIONS[state] for state in TicketState)


def test_a_delay_climbs_from_dispatcher_to_operations_until_somebody_acknowledges():
    ticket = a_ticket(Kind.DELAY)
    seen = [ticket.owner_role]
    while ticket.due_at is not None and ticket.escalate_at is not None:
        ticket, happening = ticket.at_the_clock(now=ticket.escalate_at)
        seen.append(ticket.owner_role)
        assert happening.name == "escalated"
    assert seen == [Role.DISPATCHER, Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER]
    assert ticket.due_at == ticket.resolve_by


def test_an_acknowledged_ticket_waits_for_its_own_clock_only():
    ticket, happening = a_ticket(Kind.DELAY).acknowledge(SOMEBODY, at=after(minutes=1))
    assert (happening.name, happening.fields["state"]) == ("acknowledged", TicketState.ACKNOWLEDGED)
    assert (ticket.assignee_id, ticket.escalate_at, ticket.due_at) == (SOMEBODY, None, ticket.resolve_by)
    assert ticket.at_the_clock(now=after(minutes=29)) is None


def test_what_is_not_resolved_in_time_is_overdue_once_and_at_least_of_high_severity():
    ticket, _ = a_ticket(Kind.DELAY).acknowledge(SOMEBODY, at=NOON)
    ticket, happening = ticket.at_the_clock(now=ticket.resolve_by)
    assert happening.name == "overdue"
    assert (ticket.is_overdue, ticket.severity, ticket.owner_role) == (
        True,
        Severity.HIGH,
        Role.CUSTOMER_SERVICE,
    )
    assert ticket.due_at is None
    assert ticket.at_the_clock(now=after(days=9)) is None


def test_a_worse_ticket_is_not_made_less_bad_by_being_overdue():
    ticket, _ = a_ticket(Kind.ACCIDENT).acknowledge(SOMEBODY, at=NOON)
    assert ticket.at_the_clock(now=ticket.resolve_by)[0].severity is Severity.CRITICAL


def test_a_snoozed_ticket_wakes_open_and_climbs_anew_from_where_it_was():
    ticket, _ = a_ticket(Kind.DELAY).snooze(after(minutes=10), at=NOON)
    assert (ticket.state, ticket.escalate_at, ticket.due_at) == (
        TicketState.SNOOZED,
        None,
        after(minutes=10),
    )
    ticket, happening = ticket.at_the_clock(now=after(minutes=10))
    assert (happening.name, ticket.state, ticket.paused_until) == ("woken", TicketState.OPEN, None)
    assert ticket.escalate_at == after(minutes=12)


def test_waiting_for_an_answer_ends_in_somebodys_hands_again():
    ticket, _ = a_ticket(Kind.UNREACHABLE).wait("customer", after(minutes=5), SOMEBODY, at=NOON)
    assert (ticket.waiting_for, ticket.assignee_id) == ("customer", SOMEBODY)
    ticket, happening = ticket.at_the_clock(now=after(minutes=5))
    assert (happening.name, ticket.state, ticket.waiting_for) == ("resumed", TicketState.ACKNOWLEDGED, None)


@pytest.mark.parametrize("until", [NOON, NOON - timedelta(1), NOON + LONGEST_PAUSE + timedelta(seconds=1)])
def test_nothing_is_put_off_into_the_past_or_for_ever(until):
    with pytest.raises(BadPause):
        a_ticket().snooze(until, at=NOON)
    with pytest.raises(BadPause):
        a_ticket().wait("customer", until, SOMEBODY, at=NOON)


def test_the_same_trouble_again_wakes_a_snoozed_ticket_and_disturbs_no_other():
    snoozed, _ = a_ticket(Kind.DELAY).snooze(after(minutes=10), at=NOON)
    woken, _ = snoozed.reported_again("traffic", at=after(minutes=1))
    assert (woken.state, woken.occurrences, woken.reason, woken.paused_until) == (
        TicketState.OPEN,
        2,
        "traffic",
        None,
    )
    held, _ = a_ticket(Kind.DELAY).acknowledge(SOMEBODY, at=NOON)
    assert held.reported_again("traffic", at=after(minutes=1))[0].state is TicketState.ACKNOWLEDGED


def test_a_reopened_ticket_begins_at_the_foot_of_its_ladder():
    ticket = a_ticket(Kind.DELAY)
    ticket, _ = ticket.at_the_clock(now=ticket.escalate_at)
    ticket, _ = ticket.resolve(Outcome.SOLVED, at=after(minutes=9))
    assert ticket.due_at is None
    ticket, _ = ticket.reopen(at=after(minutes=20))
    assert (ticket.owner_role, ticket.outcome, ticket.closed_at) == (Role.DISPATCHER, None, None)
    assert (ticket.escalate_at, ticket.resolve_by) == (after(minutes=22), after(minutes=50))


class Lives(RuleBasedStateMachine):
    """Random people and a random clock on one ticket."""

    @initialize(kind=st.sampled_from(list(Kind)))
    def begins(self, kind):
        self.now = NOON
        self.ticket = a_ticket(kind)
        self.climbed = 0

    def took(self, done):
        moved, happening = done
        assert moved.version == self.ticket.version + 1
        assert "version" not in happening.fields
        if happening.name in ("escalated", "overdue"):
            self.climbed += 1
        self.ticket = moved

    def attempted(self, event, act):
        if event in TRANSITIONS[self.ticket.state]:
            self.took(act())
        else:
            with pytest.raises(IllegalTransition):
                act()

    @rule(minutes=st.integers(1, 400))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)
        before = self.climbed
        for _ in range(20):
            done = self.ticket.at_the_clock(now=self.now)
            if done is None:
                break
            self.took(done)
        else:
            raise AssertionError("the clock never comes to rest")
        # A ladder is climbed a rung at a time, and no faster than its clock.
        assert self.climbed - before <= len(KINDS[self.ticket.kind].ladder) + 1

    @rule()
    def somebody_acknowledges(self):
        self.attempted(TicketEvent.ACKNOWLEDGE, lambda: self.ticket.acknowledge(SOMEBODY, at=self.now))

    @rule(minutes=st.integers(1, 720))
    def somebody_snoozes(self, minutes):
        until = self.now + timedelta(minutes=minutes)
        self.attempted(TicketEvent.SNOOZE, lambda: self.ticket.snooze(until, at=self.now))

    @rule(minutes=st.integers(1, 720))
    def somebody_waits(self, minutes):
        until = self.now + timedelta(minutes=minutes)
        self.attempted(TicketEvent.WAIT, lambda: self.ticket.wait("customer", until, SOMEBODY, at=self.now))

    @rule()
    def an_answer_comes(self):
        self.attempted(TicketEvent.RESUME, lambda: self.ticket.resume(at=self.now))

    @precondition(lambda self: not self.ticket.is_closed)
    @rule()
    def it_happens_again(self):
        self.took(self.ticket.reported_again("other", at=self.now))

    @rule()
    def somebody_resolves(self):
        self.attempted(TicketEvent.RESOLVE, lambda: self.ticket.resolve(Outcome.SOLVED, at=self.now))

    @rule()
    def somebody_dismisses(self):
        self.attempted(TicketEvent.DISMISS, lambda: self.ticket.dismiss(at=self.now))

    @rule()
    def somebody_reopens(self):
        self.attempted(TicketEvent.REOPEN, lambda: self.ticket.reopen(at=self.now))

    @invariant()
    def it_is_never_forgotten_and_never_half_anything(self):
        ticket = self.ticket
        assert (ticket.state in CLOSED) == (ticket.closed_at is not None) == (ticket.outcome is not None)
        assert (ticket.paused_until is not None) == (
            ticket.state in (TicketState.WAITING, TicketState.SNOOZED)
        )
        assert (ticket.waiting_for is not None) == (ticket.state is TicketState.WAITING)
        assert ticket.escalate_at is None or ticket.state is TicketState.OPEN
        assert ticket.owner_role is KINDS[ticket.kind].ladder[ticket.rung]
        if ticket.state in CLOSED:
            assert ticket.due_at is None
        elif ticket.state is TicketState.OPEN and ticket.escalate_at is None:
            assert ticket.rung == len(KINDS[ticket.kind].ladder) - 1


TestLives = Lives.TestCase
