"""A checkout: a wish that waits for its money, and becomes an order when that has come.  Pure.

Prices are those of the moment it was opened.  Until it is paid, nobody but its customer knows of it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.errors import NotFound, Refused
from server.orders.lifecycle import IllegalTransition
from server.orders.model import Line, PaymentMethod
from server.orders.payments import Money, ToldPayment
from server.orders.placing import Checked, Window

# Between two questions to a provider whose word does not come: 15 s, 30 s, 1 min …
FIRST_LOOK_S = 15.0
# … and when a payment could still come late: from a quarter of an hour on, for three days.
FIRST_LATE_LOOK_S = 900.0
LOOK_FOR = timedelta(days=3)
ASK_BEFORE_LAPSING = 3  # times that a silent provider is asked, before a checkout lapses without its word


class CheckoutNotFound(NotFound):
    """No checkout has this id, or it is not yours to know about."""

    code = "checkout_not_found"


class CheckoutOver(Refused):
    """The checkout waits for no payment any more."""

    code = "checkout_over"


class CheckoutStatus(StrEnum):
    """Where a checkout is."""

    AWAITING_PAYMENT = "awaiting_payment"  # 待支付
    PAID = "paid"  # 已支付: there is an order of this id
    LAPSED = "lapsed"  # 已超时
    FAILED = "failed"  # 支付失败
    ABANDONED = "abandoned"  # 已放弃
    PAID_LATE = "paid_late"  # 超时后支付: the money goes back
    PAID_WRONGLY = "paid_wrongly"  # 支付异常: another sum than asked for; the money goes back
    REFUNDED = "refunded"  # 已退款


class CheckoutEvent(StrEnum):
    """What can happen to it."""

    PAY = "pay"
    PAY_WRONGLY = "pay_wrongly"
    LAPSE = "lapse"
    FAIL = "fail"
    ABANDON = "abandon"
    PAY_LATE = "pay_late"
    REFUND = "refund"


# fmt: off
_TOO_LATE = {
    CheckoutEvent.PAY_LATE: CheckoutStatus.PAID_LATE, CheckoutEvent.PAY_WRONGLY: CheckoutStatus.PAID_WRONGLY,
}
CHECKOUT_TRANSITIONS: dict[CheckoutStatus, dict[CheckoutEvent, CheckoutStatus]] = {
    CheckoutStatus.AWAITING_PAYMENT: {
        CheckoutEvent.PAY: CheckoutStatus.PAID, CheckoutEvent.PAY_WRONGLY: CheckoutStatus.PAID_WRONGLY,
        # Paid and given back at the provider before we heard of either.
        CheckoutEvent.PAY_LATE: CheckoutStatus.PAID_LATE,
        CheckoutEvent.LAPSE: CheckoutStatus.LAPSED, CheckoutEvent.FAIL: CheckoutStatus.FAILED,
        CheckoutEvent.ABANDON: CheckoutStatus.ABANDONED,
    },
    CheckoutStatus.LAPSED: _TOO_LATE, CheckoutStatus.FAILED: _TOO_LATE, CheckoutStatus.ABANDONED: _TOO_LATE,
    CheckoutStatus.PAID_LATE: {CheckoutEvent.REFUND: CheckoutStatus.REFUNDED},
    CheckoutStatus.PAID_WRONGLY: {CheckoutEvent.REFUND: CheckoutStatus.REFUNDED},
    CheckoutStatus.PAID: {}, CheckoutStatus.REFUNDED: {},
}
# fmt: on
CHECKOUT_HAPPENED: dict[CheckoutEvent, str] = {
    CheckoutEvent.PAY: "paid",
    CheckoutEvent.PAY_WRONGLY: "payment_trouble",
    CheckoutEvent.LAPSE: "lapsed",
    CheckoutEvent.FAIL: "failed",
    CheckoutEvent.ABANDON: "abandoned",
    CheckoutEvent.PAY_LATE: "paid_late",
    CheckoutEvent.REFUND: "refunded",
}
OPENED = "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """One checkout at one version."""

    id: UUID
    customer_id: UUID
    merchant_id: UUID
    status: CheckoutStatus
    version: int
    lines: tuple[Line, ...]
    items_minor: int
    delivery_fee_minor: int
    total_minor: int
    currency: str
    scheduled_from: datetime | None
    scheduled_to: datetime | None
    created_at: datetime
    lapses_at: datetime
    ended_at: datetime | None = None
    pay_url: str | None = None
    closed_at_provider: bool = False

    @property
    def money(self) -> Money:
        """What is to be paid."""
        return Money(self.total_minor, self.currency)

    @property
    def is_waiting(self) -> bool:
        """Whether a payment would make it an order."""
        return self.status is CheckoutStatus.AWAITING_PAYMENT

    @property
    def window(self) -> Window | None:
        """When the food is wanted, if not at once."""
        if self.scheduled_from is None or self.scheduled_to is None:
            return None
        return Window(self.scheduled_from, self.scheduled_to)

    def after(self, event: CheckoutEvent, *, at: datetime) -> "Checkout":
        """The checkout after `event`; IllegalTransition when the table forbids it."""
        try:
            status = CHECKOUT_TRANSITIONS[self.status][event]
        except KeyError:
            raise IllegalTransition(self.status, event) from None
        return replace(self, status=status, version=self.version + 1, ended_at=self.ended_at or at)


def opened(
    checkout_id: UUID, customer_id: UUID, checked: Checked, *, at: datetime, lapses_after: timedelta
) -> Checkout:
    """A new checkout of what was checked at the door."""
    window = checked.scheduled_for
    return Checkout(
        id=checkout_id,
        customer_id=customer_id,
        merchant_id=checked.merchant.id,
        status=CheckoutStatus.AWAITING_PAYMENT,
        version=1,
        lines=checked.lines,
        items_minor=checked.items_minor,
        delivery_fee_minor=checked.delivery_fee_minor,
        total_minor=checked.total_minor,
        currency=checked.currency,
        scheduled_from=None if window is None else window.begins,
        scheduled_to=None if window is None else window.ends,
        created_at=at,
        lapses_at=at + lapses_after,
    )


def what_payment_means(checkout: Checkout, told: ToldPayment, *, untouched: bool) -> CheckoutEvent:
    """What it means for the checkout that its money has come; `untouched`: nothing of either is gone."""
    if told.money != checkout.money:
        return CheckoutEvent.PAY_WRONGLY
    return CheckoutEvent.PAY if checkout.is_waiting and untouched else CheckoutEvent.PAY_LATE


def next_look_at(checkout: Checkout, *, now: datetime, looks: int, retry: timedelta) -> datetime | None:
    """When to ask the provider again, after `looks` questions; None: there is nothing left to ask."""
    if checkout.is_waiting:
        if now >= checkout.lapses_at:
            return now + retry
        return min(now + timedelta(seconds=FIRST_LOOK_S * 2.0 ** min(looks, 20)), checkout.lapses_at)
    unpaid = checkout.status in (CheckoutStatus.LAPSED, CheckoutStatus.FAILED, CheckoutStatus.ABANDONED)
    if not unpaid or checkout.closed_at_provider:
        return None
    late_at = now + timedelta(seconds=FIRST_LATE_LOOK_S * 2.0 ** min(looks, 10))
    return late_at if late_at <= checkout.created_at + LOOK_FOR else None


def checked_again(checkout: Checkout, checked_parts: dict[str, Any]) -> Checked:
    """What was checked when the checkout was opened, at the prices of then; the parts are its merchant and contact."""
    return Checked(
        lines=checkout.lines,
        items_minor=checkout.items_minor,
        delivery_fee_minor=checkout.delivery_fee_minor,
        total_minor=checkout.total_minor,
        currency=checkout.currency,
        scheduled_for=checkout.window,
        payment_method=PaymentMethod.CARD,
        **checked_parts,
    )
