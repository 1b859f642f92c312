"""What can be told to an order: each move names its event of the table and the facts it brings.  Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from server.errors import NotAllowed, Refused
from server.orders.kitchen import Kitchen
from server.orders.lifecycle import (
    TRANSITIONS,
    UNDO_WITHIN,
    Event,
    IllegalTransition,
    next_status,
)
from server.orders.model import Order, PaymentMethod, PaymentStatus, Proof
from server.orders.promise import promised_at


class TooLateToUndo(Refused):
    """Only within a minute can a rejection or a cancellation be undone."""

    code = "too_late_to_undo"


class NotYoursToUndo(NotAllowed):
    """A rejection or a cancellation is undone by the role that made it."""

    code = "not_yours_to_undo"


@dataclass(frozen=True, slots=True)
class Release:
    """The time has come to tell the merchant of a scheduled order."""

    event: ClassVar[Event] = Event.RELEASE
    accept_by: datetime

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {"accept_by": self.accept_by}


@dataclass(frozen=True, slots=True)
class Accept:
    """The merchant takes it on and says how long the kitchen needs; now the promise is fixed."""

    event: ClassVar[Event] = Event.ACCEPT
    preparation_s: int
    ride_s: int

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        promise = promised_at(
            at, preparation_s=self.preparation_s, ride_s=self.ride_s, not_before=order.scheduled_to
        )
        return {
            "accepted_at": at,
            "preparation_s": self.preparation_s,
            "kitchen": Kitchen.PREPARING,
            "first_promised_at": promise,
            "promised_at": promise,
        }


@dataclass(frozen=True, slots=True)
class Reject:
    """The merchant cannot make it, and says why."""

    event: ClassVar[Event] = Event.REJECT
    reason: str
    by_role: str

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {"reason": self.reason, "ended_by": self.by_role}


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody who may calls it off, and says why."""

    event: ClassVar[Event] = Event.CANCEL
    reason: str
    by_role: str

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {"reason": self.reason, "ended_by": self.by_role}


@dataclass(frozen=True, slots=True)
class Undo:
    """It was a slip: the order waits for its merchant's answer as if it had just come."""

    event: ClassVar[Event] = Event.UNDO
    accept_by: datetime

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {
            **_NOT_ENDED,
            **dict.fromkeys(
                ("accepted_at", "preparation_s", "kitchen", "ready_at", "first_promised_at", "promised_at")
            ),
            "accept_by": self.accept_by,
        }


@dataclass(frozen=True, slots=True)
class UndoEarly:
    """It was a slip, and the merchant has not heard of the order yet: it goes on waiting for its time."""

    event: ClassVar[Event] = Event.UNDO_EARLY

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return dict(_NOT_ENDED)


_NOT_ENDED: dict[str, Any] = {"reason": None, "ended_by": None}


def undoing(order: Order, role: str, *, at: datetime, accept_by: datetime) -> Undo | UndoEarly:
    """How this role takes its slip back; IllegalTransition, NotYoursToUndo or TooLateToUndo when it cannot."""
    next_status(order.status, Event.UNDO)
    if order.ended_by != role:
        raise NotYoursToUndo(ended_by=order.ended_by)
    if order.ended_at is None or at - order.ended_at > UNDO_WITHIN:
        raise TooLateToUndo(within_s=round(UNDO_WITHIN.total_seconds()))
    early = not order.is_with_merchant and Event.UNDO_EARLY in TRANSITIONS[order.status]
    return UndoEarly() if early else Undo(accept_by)


@dataclass(frozen=True, slots=True)
class Expire:
    """The merchant said nothing in time."""

    event: ClassVar[Event] = Event.EXPIRE

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class PickUp:
    """The courier has the bag."""

    event: ClassVar[Event] = Event.PICK_UP

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        # Whatever the kitchen has said of it: the food has left.
        return {"picked_up_at": at, "kitchen": Kitchen.READY}


@dataclass(frozen=True, slots=True)
class Deliver:
    """The courier has handed it over."""

    event: ClassVar[Event] = Event.DELIVER
    proof: Proof | None = None

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        told: dict[str, Any] = {"delivered_at": at, "proof": self.proof}
        if order.payment_method is PaymentMethod.CASH and order.payment_status is PaymentStatus.DUE:
            told["payment_status"] = PaymentStatus.PAID  # at the door; the books: settling.py
        return told


@dataclass(frozen=True, slots=True)
class Fail:
    """It could not be delivered; `reason` is a code of the catalogue (ticket_reasons.py)."""

    event: ClassVar[Event] = Event.FAIL
    reason: str

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class Redeliver:
    """It is brought once more."""

    event: ClassVar[Event] = Event.REDELIVER

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {"reason": None, **_NOT_DELIVERED}


_NOT_DELIVERED: dict[str, Any] = {"delivered_at": None, "proof": None}


@dataclass(frozen=True, slots=True)
class Remake:
    """The kitchen makes it again, in its usual time; the first promise stays what it was."""

    event: ClassVar[Event] = Event.REMAKE
    preparation_s: int
    ride_s: int

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        began_at = order.accepted_at or at
        return {
            "reason": None,
            **_NOT_DELIVERED,
            "kitchen": Kitchen.PREPARING,
            "preparation_s": self.preparation_s + round((at - began_at) / timedelta(seconds=1)),
            "ready_at": None,
            "picked_up_at": None,
            "promised_at": promised_at(at, preparation_s=self.preparation_s, ride_s=self.ride_s),
        }


@dataclass(frozen=True, slots=True)
class Return:
    """The bag is back with the merchant, or nobody has it any more."""

    event: ClassVar[Event] = Event.RETURN

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Settle:
    """It ends without delivery, by agreement."""

    event: ClassVar[Event] = Event.SETTLE
    reason: str

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class Uphold:
    """The delivery was right after all, whatever its customer says."""

    event: ClassVar[Event] = Event.UPHOLD

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        if order.delivered_at is None:  # it never was delivered, so there is nothing to uphold
            raise IllegalTransition(order.status, self.event)
        return {"reason": None}


@dataclass(frozen=True, slots=True)
class ConfirmReceipt:
    """The customer has it, or has been silent so long that we take it for granted."""

    event: ClassVar[Event] = Event.CONFIRM_RECEIPT

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Dispute:
    """What came was not right, or nothing came; `reason` is a code of the catalogue."""

    event: ClassVar[Event] = Event.DISPUTE
    reason: str

    def facts(self, order: Order, at: datetime) -> dict[str, Any]:
        return {"reason": self.reason}


# What happens to an order beside its statuses, in the log's words.
POSTPONED = "postponed"  # the kitchen needs longer
RE_PROMISED = "re_promised"
ADDRESS_CORRECTED = "address_corrected"
PROOF_WAIVED = "proof_waived"
CODES_LOCKED = "codes_locked"  # too many wrong ones: the staff must see to it
READY_LATE = "ready_late"
PICKUP_LATE = "pickup_late"
PROMISE_BROKEN = "promise_broken"
RECEIPT_REMINDED = "receipt_reminded"
REVIEW_REQUESTED = "review_requested"

NOTES = (
    POSTPONED, RE_PROMISED, ADDRESS_CORRECTED, PROOF_WAIVED, CODES_LOCKED, READY_LATE, PICKUP_LATE, PROMISE_BROKEN,
    RECEIPT_REMINDED, REVIEW_REQUESTED,
)  # fmt: skip
