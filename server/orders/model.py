"""Order and its facts, and the commands that move it.  Pure: moments come in as arguments.

Whether a command is possible is the table's to say (lifecycle.py), whether somebody may give it is accounts'.  The
contact an order goes to is not among its facts: personal data stand apart (store.py).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from server.orders.lifecycle import FIRST, HAPPENED, PLACED, TERMINAL, Event, Status, next_status

# One currency for a platform, until merchants bring their own (ISO 4217; the demo city is Helsinki).
CURRENCY = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many of one item, at the price it had when it was ordered (minor units: cents)."""

    item_id: UUID
    name: str
    quantity: int
    price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order at one version.  Moments are UTC; `number` is what people read to each other."""

    id: UUID
    number: int
    merchant_id: UUID
    customer_id: UUID
    status: Status
    version: int
    lines: tuple[Line, ...]
    total_minor: int
    currency: str
    placed_at: datetime
    preparation_s: int | None = None
    reason: str | None = None  # why it was rejected or cancelled
    accepted_at: datetime | None = None
    picked_up_at: datetime | None = None
    delivered_at: datetime | None = None
    ended_at: datetime | None = None

    def after(self, command: "Command", *, at: datetime) -> "tuple[Order, Happening]":
        """The order after `command`, and what happened, for the log; IllegalTransition when the table forbids it."""
        status = next_status(self.status, command.event)
        facts = {"status": status, **command.facts(at)}
        if status in TERMINAL:
            facts["ended_at"] = at
        moved = replace(self, version=self.version + 1, **facts)
        return moved, Happening(HAPPENED[command.event], facts, at)

    def newborn(self) -> "Happening":
        """What happened when this order was placed."""
        return Happening(
            PLACED,
            {
                "status": FIRST,
                "number": self.number,
                "merchant_id": self.merchant_id,
                "customer_id": self.customer_id,
                "total_minor": self.total_minor,
                "currency": self.currency,
                "placed_at": self.placed_at,
            },
            self.placed_at,
        )


@dataclass(frozen=True, slots=True)
class Happening:
    """What a command did: the word of the log, the fields that changed, and when."""

    name: str
    fields: dict[str, Any]
    at: datetime


class Command(Protocol):
    """Something told to an order: which event of the table it is, and the facts it brings."""

    event: ClassVar[Event]

    def facts(self, at: datetime) -> dict[str, Any]:
        """The order's fields that this command sets at the moment `at`."""
        ...


@dataclass(frozen=True, slots=True)
class Accept:
    """The merchant takes it on and says how long the kitchen needs."""

    event: ClassVar[Event] = Event.ACCEPT
    preparation_s: int

    def facts(self, at: datetime) -> dict[str, Any]:
        return {"accepted_at": at, "preparation_s": self.preparation_s}


@dataclass(frozen=True, slots=True)
class Reject:
    """The merchant cannot make it, and says why."""

    event: ClassVar[Event] = Event.REJECT
    reason: str

    def facts(self, at: datetime) -> dict[str, Any]:
        return {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody who may calls it off, and says why."""

    event: ClassVar[Event] = Event.CANCEL
    reason: str

    def facts(self, at: datetime) -> dict[str, Any]:
        return {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class Expire:
    """The merchant said nothing in time."""

    event: ClassVar[Event] = Event.EXPIRE

    def facts(self, at: datetime) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class PickUp:
    """The courier has the bag."""

    event: ClassVar[Event] = Event.PICK_UP

    def facts(self, at: datetime) -> dict[str, Any]:
        return {"picked_up_at": at}


@dataclass(frozen=True, slots=True)
class Deliver:
    """The courier has handed it over."""

    event: ClassVar[Event] = Event.DELIVER

    def facts(self, at: datetime) -> dict[str, Any]:
        return {"delivered_at": at}
