"""The books: who has what to get and to give, as transfers that add up to nothing.  Pure.

A positive amount is the account's to get, a negative one its to give: a provider that holds 19.00 of ours has to give
them, so its account says -1900, and the customer's says 1900, until the order is completed and they are the merchant's
and the platform's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5

from server.orders.model import Order, PaymentMethod
from server.orders.payments import Payment
from server.orders.refunds import Refund
from server.orders.tickets import Bearer

_TRANSFERS = UUID("5b1a6a5e-8d0e-4d57-9f0c-6a5f3d0a7c11")  # the space of their names
BASIS_POINTS = 10_000


class Account(StrEnum):
    """Whose account it is; customers, merchants and couriers have one each."""

    PROVIDER = "provider"
    CASH_IN_HAND = "cash_in_hand"  # what a courier has collected, and the cash box
    CUSTOMER = "customer"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    COURIER = "courier"


class Why(StrEnum):
    """What a transfer is for."""

    PAYMENT = "payment"
    CASH_COLLECTED = "cash_collected"
    MERCHANT_SHARE = "merchant_share"
    DELIVERY_FEE = "delivery_fee"
    REFUND = "refund"
    REFUND_BORNE = "refund_borne"
    COMPENSATION = "compensation"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a transfer does to one account."""

    account: Account
    amount_minor: int
    owner_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Entries that add up to nothing, about one order.  The same happening always makes the same id."""

    id: UUID
    order_id: UUID
    why: Why
    currency: str
    entries: tuple[Entry, ...]
    borne_by: Bearer | None = None
    refund_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """Something beyond the price: a voucher or a credit."""

    id: UUID
    order_id: UUID
    beneficiary: Account
    beneficiary_id: UUID
    amount_minor: int
    currency: str
    borne_by: Bearer
    bearer_id: UUID | None


class Unbalanced(AssertionError):
    """A transfer does not add up: a mistake of ours, never of a caller's."""


def transfer(
    order_id: UUID,
    why: Why,
    currency: str,
    entries: Iterable[Entry],
    *,
    about: UUID,
    borne_by: Bearer | None = None,
    refund_id: UUID | None = None,
) -> list[Transfer]:
    """The transfer `about` this thing, without entries of nothing; none when nothing is left."""
    told = tuple(entry for entry in entries if entry.amount_minor)
    if sum(entry.amount_minor for entry in told) != 0:
        raise Unbalanced(why)
    if not told:
        return []
    named = uuid5(_TRANSFERS, f"{why.value}:{about}")
    return [
        Transfer(
            id=named,
            order_id=order_id,
            why=why,
            currency=currency,
            entries=told,
            borne_by=borne_by,
            refund_id=refund_id,
        )
    ]


def holder(method: PaymentMethod) -> Account:
    """Where money lies that comes, or from where it goes, this way."""
    return Account.CASH_IN_HAND if method is PaymentMethod.CASH else Account.PROVIDER


def came_in(payment: Payment) -> list[Transfer]:
    """The customer has paid: their money lies with the provider, or in the courier's hand."""
    amount_minor = payment.money.amount_minor
    why = Why.CASH_COLLECTED if payment.method is PaymentMethod.CASH else Why.PAYMENT
    entries = (
        Entry(holder(payment.method), -amount_minor, payment.courier_id),
        Entry(Account.CUSTOMER, amount_minor, payment.customer_id),
    )
    return transfer(payment.order_id, why, payment.money.currency, entries, about=payment.order_id)


def commission_minor(items_minor: int, basis_points: int) -> int:
    """The platform's part of the items' price, rounded to the nearest minor unit, halves in the merchant's favour."""
    return (items_minor * basis_points + BASIS_POINTS // 2 - 1) // BASIS_POINTS


def shares(order: Order, *, commission_basis_points: int) -> list[Transfer]:
    """The order is over, and merchant and platform have earned their parts of what the customer paid."""
    platform_minor = commission_minor(order.items_minor, commission_basis_points)
    items = (
        Entry(Account.CUSTOMER, -order.items_minor, order.customer_id),
        Entry(Account.MERCHANT, order.items_minor - platform_minor, order.merchant_id),
        Entry(Account.PLATFORM, platform_minor),
    )
    fee = (
        Entry(Account.CUSTOMER, -order.delivery_fee_minor, order.customer_id),
        Entry(Account.PLATFORM, order.delivery_fee_minor),
    )
    return [
        *transfer(order.id, Why.MERCHANT_SHARE, order.currency, items, about=order.id),
        *transfer(order.id, Why.DELIVERY_FEE, order.currency, fee, about=order.id),
    ]


def went_back(refund: Refund, payment: Payment) -> list[Transfer]:
    """The customer has the money of a refund."""
    entries = (
        Entry(Account.CUSTOMER, -refund.amount_minor, payment.customer_id),
        Entry(holder(refund.method), refund.amount_minor),
    )
    return transfer(
        refund.order_id, Why.REFUND, refund.currency, entries,
        about=refund.id, borne_by=refund.borne_by, refund_id=refund.id,
    )  # fmt: skip


def borne(refund: Refund, payment: Payment) -> list[Transfer]:
    """Somebody makes good what went back of money that merchant and platform have shared."""
    entries = (
        Entry(Account(refund.borne_by.value), -refund.amount_minor, refund.bearer_id),
        Entry(Account.CUSTOMER, refund.amount_minor, payment.customer_id),
    )
    return transfer(
        refund.order_id, Why.REFUND_BORNE, refund.currency, entries,
        about=refund.id, borne_by=refund.borne_by, refund_id=refund.id,
    )  # fmt: skip


def compensated(given: Compensation) -> list[Transfer]:
    """Somebody gets something for the trouble, and somebody pays for it; nobody from themselves."""
    if given.beneficiary.value == given.borne_by.value:
        return []
    entries = (
        Entry(Account(given.borne_by.value), -given.amount_minor, given.bearer_id),
        Entry(given.beneficiary, given.amount_minor, given.beneficiary_id),
    )
    return transfer(
        given.order_id, Why.COMPENSATION, given.currency, entries, about=given.id, borne_by=given.borne_by
    )
