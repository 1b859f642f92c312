"""Money that goes back: a refund's own little table, who bears it, and what people see of it on the order.  Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from server.accounts.roles import Role
from server.errors import BadInput, NotFound, Refused
from server.orders.lifecycle import UNDO_WITHIN, IllegalTransition, Status
from server.orders.model import Order, PaymentMethod, PaymentStatus
from server.orders.payments import Payment
from server.orders.tickets import Bearer

STUCK_AFTER = 5  # attempts; then people are told, while we go on trying
LONGEST_RETRY = timedelta(hours=1)
# The minute in which a slip may be undone, and a little: two processes' clocks are not one.
WAIT_FOR_UNDO = UNDO_WITHIN + timedelta(seconds=2)


class RefundNotFound(NotFound):
    """No refund of this order has this id."""

    code = "refund_not_found"


class TooMuch(Refused):
    """More would go back than came in; `left_minor` is what can still be given back."""

    code = "refund_too_much"

    def __init__(self, left_minor: int) -> None:
        super().__init__(left_minor=left_minor)


class NothingPaid(Refused):
    """No money has come in for this order, so none can go back."""

    code = "nothing_paid"


class MoneyIsGone(Refused):
    """The money is on its way back to the customer: this cannot be undone any more."""

    code = "money_is_gone"


class BadAmount(BadInput):
    """A refund is of an amount, or `full`; not both."""

    code = "bad_amount"


class NoBearer(Refused):
    """No courier had this order, so none can bear it."""

    code = "no_bearer"


class RefundStatus(StrEnum):
    """Where a refund is."""

    REQUESTED = "requested"  # decided; the undo minute may still have to pass, or the cash to be paid out
    SENT = "sent"  # the provider has been asked, once at least
    CONFIRMED = "confirmed"  # the money is back
    FAILED = "failed"  # the provider will not; people must find another way
    WITHDRAWN = "withdrawn"  # the order lives on, or something else was decided


class RefundEvent(StrEnum):
    """What can happen to it."""

    SEND = "send"
    CONFIRM = "confirm"
    FAIL = "fail"
    WITHDRAW = "withdraw"


# fmt: off
REFUND_TRANSITIONS: dict[RefundStatus, dict[RefundEvent, RefundStatus]] = {
    RefundStatus.REQUESTED: {
        RefundEvent.SEND: RefundStatus.SENT, RefundEvent.WITHDRAW: RefundStatus.WITHDRAWN,
        RefundEvent.CONFIRM: RefundStatus.CONFIRMED,  # paid out by hand
    },
    RefundStatus.SENT: {
        RefundEvent.SEND: RefundStatus.SENT, RefundEvent.CONFIRM: RefundStatus.CONFIRMED,
        RefundEvent.FAIL: RefundStatus.FAILED,
    },
    # It was done after all.  Trying once more is a new refund: this one's key is used up.
    RefundStatus.FAILED: {RefundEvent.CONFIRM: RefundStatus.CONFIRMED},
    RefundStatus.CONFIRMED: {}, RefundStatus.WITHDRAWN: {},
}
# fmt: on
REFUND_HAPPENED: dict[RefundEvent, str] = {
    RefundEvent.SEND: "sent",
    RefundEvent.CONFIRM: "confirmed",
    RefundEvent.FAIL: "refund_stuck",  # as when it does not go through for long: people must look
    RefundEvent.WITHDRAW: "withdrawn",
}
REQUESTED = "requested"
REFUND_STUCK = "refund_stuck"
UNDER_WAY = frozenset({RefundStatus.REQUESTED, RefundStatus.SENT})
# What counts against the money that came in.
RESERVED = UNDER_WAY | {RefundStatus.CONFIRMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One refund at one version."""

    id: UUID
    order_id: UUID
    amount_minor: int
    currency: str
    method: PaymentMethod  # the way it goes: usually the one it came
    status: RefundStatus
    version: int
    reason: str  # a code, such as those of ticket_reasons.py
    borne_by: Bearer
    requested_at: datetime
    bearer_id: UUID | None = None  # which merchant or courier
    decided_by: UUID | None = None  # None: by the rules, nobody had to decide
    ticket_id: UUID | None = None
    attempts: int = 0
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    failure: str | None = None

    def after(self, event: RefundEvent, *, at: datetime, failure: str | None = None) -> "Refund":
        """The refund after `event`; IllegalTransition when the table forbids it."""
        try:
            status = REFUND_TRANSITIONS[self.status][event]
        except KeyError:
            raise IllegalTransition(self.status, event) from None
        sends = event is RefundEvent.SEND
        return replace(
            self,
            status=status,
            version=self.version + 1,
            attempts=self.attempts + sends,
            sent_at=at if sends else self.sent_at,
            ended_at=None if status in UNDER_WAY else at,
            failure=failure,
        )


def retry_after(attempts: int, first: timedelta) -> timedelta:
    """How long to wait for what becomes of the attempt with this number."""
    doublings = min(max(attempts - 1, 0), 20)
    return min(first * (1 << doublings), LONGEST_RETRY)


def payment_status(payment: Payment | None, refunds: Iterable[Refund]) -> PaymentStatus:
    """What people see of an order's money."""
    if payment is None:
        return PaymentStatus.DUE
    told = list(refunds)
    if any(refund.status in UNDER_WAY for refund in told):
        return PaymentStatus.REFUND_PENDING
    back_minor = confirmed_minor(told)
    if back_minor == 0:
        return PaymentStatus.PAID
    whole = back_minor >= payment.money.amount_minor
    return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTLY_REFUNDED


def confirmed_minor(refunds: Iterable[Refund]) -> int:
    """What is back with the customer."""
    return sum(refund.amount_minor for refund in refunds if refund.status is RefundStatus.CONFIRMED)


def check_amount(payment: Payment | None, amount_minor: int | None) -> int:
    """How much goes back, None being all that is left; NothingPaid, TooMuch."""
    if payment is None:
        raise NothingPaid
    wanted_minor = payment.left_minor if amount_minor is None else amount_minor
    if not 0 < wanted_minor <= payment.left_minor:
        raise TooMuch(payment.left_minor)
    return wanted_minor


@dataclass(frozen=True, slots=True)
class Giving:
    """That an order's end gives all its money back by itself: why, who bears it, and whether an undo could come."""

    reason: str
    borne_by: Bearer
    waits: bool


def giving_back(order: Order) -> Giving | None:
    """Whether this order's money goes back by the rules, and how.

    A merchant who will not or cannot make it forgoes the sale.  What else ends an order is the platform's to bear until
    somebody decides otherwise, who is given the same minute that an undo has.
    """
    match order.status:
        case Status.EXPIRED:
            return Giving("expired", Bearer.MERCHANT, waits=False)
        case Status.REJECTED:
            return Giving("rejected", Bearer.MERCHANT, waits=True)
        case Status.CANCELLED:
            by_merchant = order.ended_by == Role.MERCHANT.value
            return Giving("cancelled", Bearer.MERCHANT if by_merchant else Bearer.PLATFORM, waits=True)
        case Status.RETURNED | Status.CLOSED:
            return Giving(order.status.value, Bearer.PLATFORM, waits=True)
        case _:
            return None


def is_earned(order: Order) -> bool:
    """Whether the merchant has earned its share by the way the order ended: it made the food, and is not to blame
    that nobody got it.
    """
    match order.status:
        case Status.COMPLETED | Status.RETURNED | Status.CLOSED:
            return True
        case Status.CANCELLED:
            return order.accepted_at is not None and order.ended_by != Role.MERCHANT.value
        case _:
            return False
