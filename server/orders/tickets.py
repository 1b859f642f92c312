"""A ticket: the case that people work on when something went wrong; its table, its clocks, its facts.  Pure.

What is particular to a kind of trouble stands in ticket_kinds.py, how a ticket ends by itself in ticket_endings.py.
Words about people are not among its facts: they stand apart (ticket_store.py), where they can be erased.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.accounts.roles import Role
from server.errors import BadInput, NotFound, Refused
from server.orders.lifecycle import IllegalTransition
from server.orders.model import Happening
from server.orders.segments import Segment
from server.orders.ticket_kinds import KINDS, Decision, Kind, KindRule, Severity

LONGEST_PAUSE = timedelta(hours=12)  # of a snooze, or of waiting for somebody: no ticket is put off for ever


class TicketNotFound(NotFound):
    """No ticket has this id, or it is not yours to know about."""

    code = "ticket_not_found"


class TicketClosed(Refused):
    """This ticket is closed; reopen it first."""

    code = "ticket_closed"


class BadPause(BadInput):
    """A ticket is put off until a moment within the next 12 hours."""

    code = "bad_pause"


class TicketState(StrEnum):
    """Where a ticket is."""

    OPEN = "open"  # 待处理: nobody has said yet that he sees to it
    ACKNOWLEDGED = "acknowledged"  # 处理中
    WAITING = "waiting"  # 等待回复: for the customer's, merchant's or courier's word
    SNOOZED = "snoozed"  # 已搁置
    RESOLVED = "resolved"  # 已解决
    DISMISSED = "dismissed"  # 已驳回: there was nothing in it


class TicketEvent(StrEnum):
    """What moves it."""

    ACKNOWLEDGE = "acknowledge"
    WAIT = "wait"
    RESUME = "resume"
    SNOOZE = "snooze"
    WAKE = "wake"
    RESOLVE = "resolve"
    DISMISS = "dismiss"
    REOPEN = "reopen"


# fmt: off
_END = {TicketEvent.RESOLVE: TicketState.RESOLVED, TicketEvent.DISMISS: TicketState.DISMISSED}
_PAUSE = {TicketEvent.WAIT: TicketState.WAITING, TicketEvent.SNOOZE: TicketState.SNOOZED}
TRANSITIONS: dict[TicketState, dict[TicketEvent, TicketState]] = {
    TicketState.OPEN: {TicketEvent.ACKNOWLEDGE: TicketState.ACKNOWLEDGED, **_PAUSE, **_END},
    TicketState.ACKNOWLEDGED: {**_PAUSE, **_END},
    TicketState.WAITING: {
        TicketEvent.RESUME: TicketState.ACKNOWLEDGED, TicketEvent.SNOOZE: TicketState.SNOOZED, **_END,
    },
    # When a snooze is over nobody has it in hand any more: somebody must acknowledge it anew.
    TicketState.SNOOZED: {
        TicketEvent.ACKNOWLEDGE: TicketState.ACKNOWLEDGED, TicketEvent.WAKE: TicketState.OPEN, **_END,
    },
    TicketState.RESOLVED: {TicketEvent.REOPEN: TicketState.OPEN},
    TicketState.DISMISSED: {TicketEvent.REOPEN: TicketState.OPEN},
}
# fmt: on
CLOSED = frozenset({TicketState.RESOLVED, TicketState.DISMISSED})
HAPPENED: dict[TicketEvent, str] = {
    TicketEvent.ACKNOWLEDGE: "acknowledged",
    TicketEvent.WAIT: "waiting",
    TicketEvent.RESUME: "resumed",
    TicketEvent.SNOOZE: "snoozed",
    TicketEvent.WAKE: "woken",
    TicketEvent.RESOLVE: "resolved",
    TicketEvent.DISMISS: "dismissed",
    TicketEvent.REOPEN: "reopened",
}
OPENED = "opened"
REPORTED = "reported"  # once more
ESCALATED = "escalated"
OVERDUE = "overdue"
SEVERITY_RAISED = "severity_raised"
HANDED_TO = "handed_to"
NOTED = "noted"
ANSWERED = "answered"
CONTACT_TRIED = "contact_tried"
EVIDENCE_ADDED = "evidence_added"
DECIDED = "decided"
ACKNOWLEDGED = HAPPENED[TicketEvent.ACKNOWLEDGE]
CLOSED_WORDS = frozenset(
    HAPPENED[event] for event in (TicketEvent.RESOLVE, TicketEvent.DISMISS, TicketEvent.REOPEN)
)


class Outcome(StrEnum):
    """How a ticket ended."""

    RECOVERED = "recovered"  # the promise was kept after all
    DELIVERED_LATE = "delivered_late"
    DELIVERED = "delivered"
    READY = "ready"
    RETURNED = "returned"
    SETTLED = "settled"
    CANCELLED = "cancelled"
    UPHELD = "upheld"
    REFUNDED = "refunded"
    PAID_OUT = "paid_out"
    WARNED = "warned"
    SUSPENDED = "suspended"
    SOLVED = "solved"  # in a way that has no word of its own
    UNFOUNDED = "unfounded"


class Bearer(StrEnum):
    """Who bears what it cost."""

    MERCHANT = "merchant"
    PLATFORM = "platform"
    COURIER = "courier"


def next_state(state: TicketState, event: TicketEvent) -> TicketState:
    """Where `event` takes a ticket in `state`; IllegalTransition if nowhere."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(state, event) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One ticket at one version.  `owner_role` is whose matter it is now: the rung of its kind's ladder it is on."""

    id: UUID
    number: int  # what people read to each other
    kind: Kind
    state: TicketState
    severity: Severity
    version: int
    reason: str  # a code of ticket_reasons.py
    order_id: UUID | None
    merchant_id: UUID | None
    customer_id: UUID | None
    courier_id: UUID | None
    opened_by: UUID | None  # None: the system
    opened_by_role: str
    first_reported_at: datetime
    last_reported_at: datetime
    opened_at: datetime  # the last time
    owner_role: Role
    rung: int = 0
    occurrences: int = 1
    assignee_id: UUID | None = None
    acknowledged_at: datetime | None = None
    escalate_at: datetime | None = None  # while nobody acknowledges it
    paused_until: datetime | None = None  # snoozed, or waiting
    resolve_by: datetime
    is_overdue: bool = False
    waiting_for: str | None = None
    segment: Segment | None = None  # of the order's time, at fault
    decision: Decision | None = None  # the last
    outcome: Outcome | None = None
    borne_by: Bearer | None = None
    refund_minor: int = 0  # all that was decided in it
    closed_at: datetime | None = None
    notices: int = 0  # how often the order's own people were told (log.py of tickets)

    @property
    def rule(self) -> KindRule:
        """What is particular to its kind."""
        return KINDS[self.kind]

    @property
    def is_closed(self) -> bool:
        """Whether nobody works on it any more."""
        return self.state in CLOSED

    @property
    def due_at(self) -> datetime | None:
        """When the clock has to look at it next."""
        if self.is_closed:
            return None
        moments = [self.escalate_at, self.paused_until, None if self.is_overdue else self.resolve_by]
        return min((moment for moment in moments if moment is not None), default=None)

    def require_open(self) -> None:
        """TicketClosed unless somebody can still work on it."""
        if self.is_closed:
            raise TicketClosed(current=self.state.value)

    def with_(self, name: str, at: datetime, **facts: Any) -> "tuple[Ticket, Happening]":
        """One version further, and what happened, with the fields that changed."""
        moved = replace(self, version=self.version + 1, **facts)
        changed = {
            field.name: getattr(moved, field.name)
            for field in fields(moved)
            if field.name not in ("version", "notices")
            and getattr(moved, field.name) != getattr(self, field.name)
        }
        return moved, Happening(name, changed, at)

    def newborn(self) -> Happening:
        """What happened when it was opened: all that is needed to list it."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        del facts["id"], facts["version"], facts["notices"]
        return Happening(OPENED, facts, self.opened_at)

    # What people and clocks do

    def acknowledge(self, by: UUID, *, at: datetime) -> "tuple[Ticket, Happening]":
        """Somebody sees to it."""
        return self._moved(
            TicketEvent.ACKNOWLEDGE, at, assignee_id=by, acknowledged_at=self.acknowledged_at or at
        )

    def wait(self, whom: str, until: datetime, by: UUID, *, at: datetime) -> "tuple[Ticket, Happening]":
        """Nothing can be done before `whom` has answered, or until then."""
        return self._moved(
            TicketEvent.WAIT,
            at,
            paused_until=_bounded(until, at),
            waiting_for=whom,
            assignee_id=self.assignee_id or by,
            acknowledged_at=self.acknowledged_at or at,
        )

    def resume(self, *, at: datetime) -> "tuple[Ticket, Happening]":
        """The answer is there, or the time for it is over."""
        return self._moved(TicketEvent.RESUME, at)

    def snooze(self, until: datetime, *, at: datetime) -> "tuple[Ticket, Happening]":
        """Leave it until then."""
        return self._moved(TicketEvent.SNOOZE, at, paused_until=_bounded(until, at))

    def reported_again(self, reason: str, *, at: datetime) -> "tuple[Ticket, Happening]":
        """The same trouble once more: it joins this ticket; a snoozed one wakes."""
        facts: dict[str, Any] = {
            "occurrences": self.occurrences + 1,
            "last_reported_at": max(at, self.last_reported_at),
            "reason": reason,
        }
        if self.state is TicketState.SNOOZED:
            facts |= {
                "state": TicketState.OPEN,
                "paused_until": None,
                "escalate_at": self.escalation_after(at),
            }
        return self.with_(REPORTED, at, **facts)

    def decided(
        self, decision: Decision, by: UUID, *, at: datetime, **facts: Any
    ) -> "tuple[Ticket, Happening]":
        """Somebody has decided this: whoever decides sees to it."""
        self.require_open()
        seen_to = {
            "state": TicketState.ACKNOWLEDGED,
            "assignee_id": self.assignee_id or by,
            "acknowledged_at": self.acknowledged_at or at,
            "escalate_at": None,
            "paused_until": None,
            "waiting_for": None,
        }
        moved, happening = self.with_(DECIDED, at, decision=decision, **seen_to, **facts)
        return moved, replace(happening, fields={**happening.fields, "decision": decision})

    def raise_severity(self, severity: Severity, *, at: datetime) -> "tuple[Ticket, Happening]":
        """It is worse, or less bad, than it seemed."""
        return self.with_(SEVERITY_RAISED, at, severity=severity)

    def resolve(self, outcome: Outcome, *, at: datetime) -> "tuple[Ticket, Happening]":
        """It is over."""
        return self._moved(TicketEvent.RESOLVE, at, outcome=outcome, closed_at=at)

    def dismiss(self, *, at: datetime) -> "tuple[Ticket, Happening]":
        """There was nothing in it."""
        return self._moved(TicketEvent.DISMISS, at, outcome=Outcome.UNFOUNDED, closed_at=at)

    def reopen(self, *, at: datetime) -> "tuple[Ticket, Happening]":
        """It was not over: it begins anew at the foot of its ladder, with fresh clocks."""
        rule = self.rule
        return self._moved(
            TicketEvent.REOPEN,
            at,
            outcome=None,
            closed_at=None,
            opened_at=at,
            rung=0,
            owner_role=rule.owner,
            acknowledged_at=None,
            assignee_id=None,
            escalate_at=replace(self, rung=0).escalation_after(at),
            resolve_by=at + timedelta(seconds=rule.resolve_within_s),
            is_overdue=False,
        )

    def at_the_clock(self, *, now: datetime) -> "tuple[Ticket, Happening] | None":
        """What the clock does to it at `now`; None when nothing is due.  One thing at a time, the pause first."""
        if self.is_closed:
            return None
        if self.paused_until is not None and self.paused_until <= now:
            waited = self.state is TicketState.WAITING
            return self.resume(at=now) if waited else self._moved(TicketEvent.WAKE, now)
        if self.escalate_at is not None and self.escalate_at <= now:
            return self._climbed(ESCALATED, now)
        if not self.is_overdue and self.resolve_by <= now:
            severity = max(self.severity, Severity.HIGH, key=list(Severity).index)
            return self._climbed(OVERDUE, now, is_overdue=True, severity=severity)
        return None

    def _climbed(self, name: str, at: datetime, **facts: Any) -> "tuple[Ticket, Happening]":
        """One rung up its ladder, if there is one: the next role has it now, and its own time to acknowledge."""
        rung = min(self.rung + 1, len(self.rule.ladder) - 1)
        climbed = {"rung": rung, "owner_role": self.rule.ladder[rung]} if rung > self.rung else {}
        if self.escalate_at is not None:
            facts["escalate_at"] = replace(self, rung=rung).escalation_after(at)
        return self.with_(name, at, **climbed, **facts)

    def escalation_after(self, at: datetime) -> datetime | None:
        """When the next role is asked, if nobody acknowledges; None at the ladder's top."""
        if self.rung >= len(self.rule.ladder) - 1:
            return None
        return at + timedelta(seconds=self.rule.acknowledge_within_s)

    def _moved(self, event: TicketEvent, at: datetime, **facts: Any) -> "tuple[Ticket, Happening]":
        state = next_state(self.state, event)
        paused = state in (TicketState.WAITING, TicketState.SNOOZED)
        given: dict[str, Any] = {"paused_until": None} if not paused else {}
        given |= {"waiting_for": None} if state is not TicketState.WAITING else {}
        given["escalate_at"] = self.escalation_after(at) if state is TicketState.OPEN else None
        return self.with_(HAPPENED[event], at, **{"state": state, **given, **facts})


def _bounded(until: datetime, at: datetime) -> datetime:
    if not at < until <= at + LONGEST_PAUSE:
        raise BadPause
    return until


def opened(
    kind: Kind,
    *,
    ticket_id: UUID,
    reason: str,
    at: datetime,
    reported_at: datetime,
    opened_by: UUID | None,
    opened_by_role: str,
    order_id: UUID | None,
    merchant_id: UUID | None,
    customer_id: UUID | None,
    courier_id: UUID | None,
    segment: Segment | None = None,
) -> Ticket:
    """A new ticket of this kind, at the foot of its ladder.  Its number is the record's to give."""
    rule = KINDS[kind]
    ticket = Ticket(
        id=ticket_id,
        number=0,
        kind=kind,
        state=TicketState.OPEN,
        severity=rule.severity,
        version=1,
        reason=reason,
        order_id=order_id,
        merchant_id=merchant_id,
        customer_id=customer_id,
        courier_id=courier_id,
        opened_by=opened_by,
        opened_by_role=opened_by_role,
        first_reported_at=reported_at,
        last_reported_at=reported_at,
        opened_at=at,
        owner_role=rule.owner,
        resolve_by=at + timedelta(seconds=rule.resolve_within_s),
        segment=segment,
    )
    return replace(ticket, escalate_at=ticket.escalation_after(at))
