"""Order and its facts.  Pure: moments come in as arguments.  The commands that move it stand in moves.py.

Whether a command is possible is the table's to say (lifecycle.py), whether somebody may give it is accounts'.  The
contact an order goes to is not among its facts: personal data stand apart (store.py).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, TypedDict
from uuid import UUID

from server.orders.kitchen import COOKS_WHILE, Kitchen, KitchenEvent, next_kitchen
from server.orders.kitchen import HAPPENED as COOKED
from server.orders.lifecycle import (
    ENDED,
    HAPPENED,
    PLACED,
    Event,
    IllegalTransition,
    Status,
    next_status,
)

# One currency for a platform, until merchants bring their own (ISO 4217; the demo city is Helsinki).
CURRENCY = "EUR"
NOBODY = UUID(int=0)  # no account and no merchant has this id
INTRODUCED = (
    "number", "merchant_id", "customer_id", "total_minor", "currency", "placed_at", "payment_method",
    "payment_status", "scheduled_from", "scheduled_to",
)  # fmt: skip


class OrderPeople(TypedDict):
    """Whose an order is."""

    order_id: UUID
    customer_id: UUID
    merchant_id: UUID
    courier_id: UUID | None


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
    release_at: datetime | None = None  # … and its merchant hears of it then
    accept_by: datetime | None = (
        None  # its merchant has, or had, to answer by then; None: has not heard of it
    )
    kitchen: Kitchen | None = None  # what the merchant says of the food; None before acceptance
    preparation_s: int | None = None  # counted from acceptance
    first_promised_at: datetime | None = None  # what the customer was told at acceptance …
    promised_at: datetime | None = None  # … and is told now
    reason: str | None = None  # why it was rejected, cancelled, failed or disputed
    proof: Proof | None = None  # of delivery
    waived: tuple[str, ...] = ()  # the codes and proofs that somebody of the staff does without
    ended_by: str | None = None  # the role that rejected or cancelled it, and may undo that
    accepted_at: datetime | None = None
    ready_at: datetime | None = None
    picked_up_at: datetime | None = None
    delivered_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def ready_by(self) -> datetime | None:
        """When the food is to be ready, by the kitchen's newest word."""
        if self.accepted_at is None or self.preparation_s is None:
            return None
        return self.accepted_at + timedelta(seconds=self.preparation_s)

    @property
    def is_with_merchant(self) -> bool:
        """Whether its merchant has heard of it: not of one that is scheduled, nor of one cancelled before its time."""
        return self.accept_by is not None

    def people(self, courier_id: UUID | None = None) -> "OrderPeople":
        """Whose it is, as accounts/permissions.py asks; `courier_id` has it on him now."""
        return {
            "order_id": self.id,
            "customer_id": self.customer_id,
            "merchant_id": self.merchant_id if self.is_with_merchant else NOBODY,
            "courier_id": courier_id,
        }

    def after(self, command: "Command", *, at: datetime) -> "tuple[Order, Happening]":
        """The order after `command`, and what happened, for the log; IllegalTransition when the table forbids it."""
        status = next_status(self.status, command.event)
        facts = {"status": status, **command.facts(self, at)}
        if status in ENDED:
            facts["ended_at"] = at
        elif self.ended_at is not None:
            facts["ended_at"] = None  # undone
        return self.noted(HAPPENED[command.event], at, facts)

    def noted(self, name: str, at: datetime, facts: dict[str, Any]) -> "tuple[Order, Happening]":
        """The order with these facts, and that this happened; its status is not asked."""
        return replace(self, version=self.version + 1, **facts), Happening(name, facts, at)

    def require_cooking(self, event: str) -> None:
        """IllegalTransition unless the food is being made."""
        if self.kitchen is not Kitchen.PREPARING or self.status not in COOKS_WHILE:
            raise IllegalTransition(self.status, event)

    def require_open(self, event: str) -> None:
        """IllegalTransition when nothing is under way any more."""
        if self.ended_at is not None:
            raise IllegalTransition(self.status, event)

    def cooked(self, event: KitchenEvent, *, at: datetime) -> tuple[str, dict[str, Any]]:
        """What the log says of this news from the kitchen, and the facts it makes; IllegalTransition."""
        kitchen = next_kitchen(self.status, self.kitchen, event)
        return COOKED[event], {"kitchen": kitchen, "ready_at": at if kitchen is Kitchen.READY else None}

    def introduction(self) -> dict[str, Any]:
        """What those must be told of it, beside its status, who have it on no list yet, or no longer."""
        return {name: getattr(self, name) for name in INTRODUCED}

    def newborn(self) -> "Happening":
        """What happened when this order was placed."""
        facts = {"status": self.status, "accept_by": self.accept_by, **self.introduction()}
        return Happening(PLACED, facts, self.placed_at)


@dataclass(frozen=True, slots=True)
class Happening:
    """What a command did: the word of the log, the fields that changed, and when.

    `more` is for those who listen: the reason for a new promise, say, which is no fact of the order.
    """

    name: str
    fields: dict[str, Any]
    at: datetime
    more: dict[str, Any] = field(default_factory=dict)


class Command(Protocol):
    """Something told to an order: which event of the table it is, and the facts it brings."""

    event: ClassVar[Event]

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        """The fields that this command sets of `order` at the moment `at`."""
        ...
