"""Order and its facts, and the commands that move it.  Pure: moments come in as arguments.

Whether a command is possible is the table's to say (lifecycle.py), whether somebody may give it is accounts'.  The
contact an order goes to is not among its facts: personal data stand apart (store.py).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from server.orders.kitchen import Kitchen
from server.orders.lifecycle import ENDED, HAPPENED, PLACED, Event, Status, next_status

# One currency for a platform, until merchants bring their own (ISO 4217; the demo city is Helsinki).
CURRENCY = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many of one item, at the price it had when it was ordered (minor units: cents)."""

    item_id: UUID
    name: str
    quantity: int
    price_minor: int


class PaymentMethod(StrEnum):
    """How the customer pays."""

    CASH = "cash"  # 货到付款
    CARD = "card"  # in advance, through a provider


class PaymentStatus(StrEnum):
    """Where the money of an order is, as people need to know; the ledger knows the sums."""

    DUE = "due"  # to be collected at the door
    PAID = "paid"
    REFUND_PENDING = "refund_pending"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


class ProofKind(StrEnum):
    """How we know that the bag reached its people."""

    CODE = "code"
    PHOTO = "photo"
    SIGNATURE = "signature"
    NONE = "none"  # where the merchant asks for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Proof of delivery; `media_id` names the photo or signature."""

    kind: ProofKind
    media_id: UUID | None = None


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
    total_minor: int  # lines and delivery fee
    currency: str
    placed_at: datetime
    items_minor: int = 0
    delivery_fee_minor: int = 0
    payment_method: PaymentMethod = PaymentMethod.CASH
    payment_status: PaymentStatus = PaymentStatus.DUE
    scheduled_from: datetime | None = None  # wanted then, not as soon as possible
    scheduled_to: datetime | None = None
    kitchen: Kitchen | None = None  # what the merchant says of the food; None before acceptance
    preparation_s: int | None = None
    first_promised_at: datetime | None = None  # what the customer was told at acceptance …
    promised_at: datetime | None = None  # … and is told now
    reason: str | None = None  # why it was rejected, cancelled, failed or disputed
    proof: Proof | None = None  # of delivery
    ended_by: str | None = None  # the role that rejected or cancelled it, and may undo that
    accepted_at: datetime | None = None
    ready_at: datetime | None = None
    picked_up_at: datetime | None = None
    delivered_at: datetime | None = None
    ended_at: datetime | None = None

    def after(self, command: "Command", *, at: datetime) -> "tuple[Order, Happening]":
        """The order after `command`, and what happened, for the log; IllegalTransition when the table forbids it."""
        status = next_status(self.status, command.event)
        facts = {"status": status, **command.facts(at)}
        if status in ENDED:
            facts["ended_at"] = at
        elif self.ended_at is not None:
            facts["ended_at"] = None  # undone
        moved = replace(self, version=self.version + 1, **facts)
        return moved, Happening(HAPPENED[command.event], facts, at)

    def newborn(self) -> "Happening":
        """What happened when this order was placed."""
        return Happening(
            PLACED,
            {
                "status": self.status,
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
        return {"accepted_at": at, "preparation_s": self.preparation_s, "kitchen": Kitchen.PREPARING}


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
