"""The sandbox bank's own books: what was paid and given back, in memory and, line by line, in a file.

They are kept apart from the server's, so that the two can be compared.  What a card does is its word's to say.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec


class Card(StrEnum):
    """The sandbox's cards: each has its own story."""

    OK = "ok"  # paid at once
    SLOW = "slow"  # paid a little later
    LATE = "late"  # paid much later, whatever is cancelled meanwhile
    DECLINED = "declined"
    TWICE = "twice"  # the word of the payment comes twice, under one id
    LOST = "lost"  # … never comes: only who asks hears of it
    REORDERED = "reordered"  # … comes after the word of its first refund
    WRONG_AMOUNT = "wrong_amount"  # a cent less was paid than asked for
    WRONG_CURRENCY = "wrong_currency"
    REFUND_FAILS = "refund_fails"  # the first call fails before anything happens
    REFUND_HANGS = "refund_hangs"  # the first call is carried out, and its answer held back
    REFUND_TWICE = "refund_twice"  # the refund's word comes twice
    REFUND_PENDING = "refund_pending"  # the refund takes its time; its word says when it is done
    REFUND_REFUSED = "refund_refused"  # the account is closed


# What people type into a card's field, as they know it from other sandboxes.
CARD_NUMBERS = {
    "4242424242424242": Card.OK,
    "4000000000000002": Card.DECLINED,
    "4000000000000077": Card.SLOW,
    "4000000000000259": Card.LATE,
    "4000000000005126": Card.REFUND_PENDING,
    "4000000000007726": Card.REFUND_REFUSED,
}


def card_of(text: str) -> Card:
    """The card that was typed, by its number or its word; an unknown one is as good as any."""
    written = "".join(text.split()).lower()
    if written in CARD_NUMBERS:
        return CARD_NUMBERS[written]
    return Card(written) if written in set(Card) else Card.OK


class State(StrEnum):
    """Where a payment is."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RefundState(StrEnum):
    """Where a refund is."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


@dataclass(slots=True, kw_only=True)
class BankPayment:
    """A payment; `reference` is the shop's name for it."""

    id: str
    reference: str
    amount_minor: int
    currency: str
    status: State = State.OPEN
    card: Card = Card.OK
    refunded_minor: int = 0


@dataclass(slots=True, kw_only=True)
class BankRefund:
    """A refund; `key` is the one under which it happens once."""

    id: str
    reference: str | None
    payment_reference: str
    amount_minor: int
    currency: str
    status: RefundState
    key: str = ""


class Books:
    """All payments by reference and all refunds by id."""

    def __init__(self, file: Path | None = None) -> None:
        self.payments: dict[str, BankPayment] = {}
        self.refunds: dict[str, BankRefund] = {}
        self._file = file
        if file is not None and file.exists():
            for line in file.read_bytes().splitlines():
                self._read(msgspec.json.decode(line))

    def put(self, changed: BankPayment | BankRefund) -> None:
        """Keep it as it is now."""
        if isinstance(changed, BankPayment):
            self.payments[changed.reference] = changed
        else:
            self.refunds[changed.id] = changed
        if self._file is not None:
            kind = "payment" if isinstance(changed, BankPayment) else "refund"
            with self._file.open("ab") as opened:
                opened.write(msgspec.json.encode({kind: changed}) + b"\n")

    def by_id(self, payment_id: str) -> BankPayment | None:
        """The payment whose page has this id."""
        return next((one for one in self.payments.values() if one.id == payment_id), None)

    def refund_under(self, key: str) -> BankRefund | None:
        """What happened under this key."""
        return next((one for one in self.refunds.values() if key and one.key == key), None)

    def refunds_of(self, reference: str) -> list[BankRefund]:
        """All refunds of a payment."""
        return [one for one in self.refunds.values() if one.payment_reference == reference]

    def balance_minor(self, currency: str = "EUR") -> int:
        """What lies here for the shop: all that was paid less all that went back."""
        came = sum(one.amount_minor for one in self.payments.values() if _counts(one, currency))
        gone = sum(one.refunded_minor for one in self.payments.values() if _counts(one, currency))
        return came - gone

    def _read(self, line: dict[str, Any]) -> None:
        if "payment" in line:
            payment = msgspec.convert(line["payment"], BankPayment)
            self.payments[payment.reference] = payment
        else:
            refund = msgspec.convert(line["refund"], BankRefund)
            self.refunds[refund.id] = refund


def _counts(payment: BankPayment, currency: str) -> bool:
    return payment.status is State.PAID and payment.currency == currency
