"""What a payment provider is to us: the port, and what it tells of a payment and a refund.  Pure.

The adapter that speaks HTTP stands in payment_provider.py, the language it speaks in docs/money.md.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from server.errors import NotAuthenticated, NotFound, Refused, Unavailable
from server.orders.model import PaymentMethod


class ProviderAway(Unavailable):
    """The payment provider does not answer; the same request may be sent again."""

    code = "payment_provider_unavailable"


class ProviderRefused(Refused):
    """The payment provider will not do it, and says so."""

    code = "payment_provider_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class BadSignature(NotAuthenticated):
    """That word is not the payment provider's, or it is too old."""

    code = "bad_signature"


class UnknownPayment(NotFound):
    """No payment of ours has this reference."""

    code = "unknown_payment"


@dataclass(frozen=True, slots=True)
class Money:
    """So much of a currency, in its minor units."""

    amount_minor: int
    currency: str


class PaymentState(StrEnum):
    """Where a payment is, by the provider's word."""

    OPEN = "open"  # nobody has paid yet
    PROCESSING = "processing"  # the customer has done their part; the bank has not
    PAID = "paid"  # the money has come, whatever went back since
    FAILED = "failed"
    CANCELLED = "cancelled"


# Nobody can pay these any more.
CLOSED_STATES = frozenset({PaymentState.PAID, PaymentState.FAILED, PaymentState.CANCELLED})


class RefundState(StrEnum):
    """What became of a refund, by the provider's word."""

    PENDING = "pending"  # taken on
    DONE = "done"
    REFUSED = "refused"  # and trying again will not help


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPayment:
    """A payment as the provider tells it; `payment_id` is our reference, the checkout's id."""

    payment_id: UUID
    state: PaymentState
    money: Money
    provider_id: str
    pay_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRefund:
    """A refund as the provider tells it; `refund_id` is ours, and None when it was made without us."""

    refund_id: UUID | None
    provider_id: str
    state: RefundState
    money: Money
    reason: str = ""


class PaymentProvider(Protocol):
    """Takes money from customers and gives it back.  Each call may be repeated: it happens once.

    ProviderAway when there is no knowing what became of a call, ProviderRefused when nothing did and nothing will.
    """

    async def create(self, payment_id: UUID, money: Money) -> ToldPayment:
        """A payment that the customer makes at its `pay_url`."""
        ...

    async def query(self, payment_id: UUID) -> ToldPayment | None:
        """The payment as it is now; None when the provider has never heard of it."""
        ...

    async def cancel(self, payment_id: UUID) -> ToldPayment | None:
        """Let nobody pay it any more; the payment as it then is, which may be paid."""
        ...

    async def refund(self, payment_id: UUID, refund_id: UUID, money: Money) -> ToldRefund:
        """Give so much back; `refund_id` is the key under which that happens once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money that came in; never more is given back."""

    order_id: UUID
    customer_id: UUID
    merchant_id: UUID
    method: PaymentMethod
    money: Money
    came_at: datetime
    courier_id: UUID | None = None
    provider_id: str | None = None
    shared_at: datetime | None = None  # since when merchant and platform have their shares
    given_back_minor: int = 0  # refunds that are under way included

    @property
    def left_minor(self) -> int:
        """What can still be given back."""
        return self.money.amount_minor - self.given_back_minor
