"""The language between us and a payment provider: its JSON, read and judged.  Pure.  docs/money.md describes it.

What we do not know we do not fail at: a provider may add members and kinds of words at any time.
"""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.errors import BadInput
from server.orders.payments import Money, PaymentState, RefundState, ToldPayment, ToldRefund

MAX_WORD_BYTES = 64 * 1024
MAX_MINOR = 10**15

Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
ProviderId = Annotated[str, Meta(max_length=200)]


class BadWord(BadInput):
    """The payment provider's word is not of the form that docs/money.md describes."""

    code = "bad_provider_word"


class PaymentJson(msgspec.Struct, frozen=True):
    """A payment.  `reference` is ours, `id` the provider's."""

    reference: UUID
    id: ProviderId
    status: PaymentState
    amount_minor: Minor
    currency: Currency
    refunded_minor: Minor = 0
    pay_url: Annotated[str, Meta(max_length=2000)] = ""

    def told(self) -> ToldPayment:
        """As the rest of us speaks of it."""
        return ToldPayment(
            payment_id=self.reference,
            state=self.status,
            money=Money(self.amount_minor, self.currency),
            provider_id=self.id,
            pay_url=self.pay_url,
        )


class RefundJson(msgspec.Struct, frozen=True):
    """A refund.  `reference` is ours, and empty when it was made without us; `id` is the provider's."""

    id: ProviderId
    status: RefundState
    amount_minor: Minor
    currency: Currency
    reference: UUID | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""

    def told(self) -> ToldRefund:
        """As the rest of us speaks of it."""
        return ToldRefund(
            refund_id=self.reference,
            provider_id=self.id,
            state=self.status,
            money=Money(self.amount_minor, self.currency),
            reason=self.reason,
        )


class WordData(msgspec.Struct, frozen=True):
    """What a word is about: always the payment as it then was, and the refund if it is about one."""

    payment: PaymentJson
    refund: RefundJson | None = None


class WordJson(msgspec.Struct, frozen=True):
    """A word: `payment.…` or `refund.…`.  The states in `data` say all; the type is for people and logs."""

    type: Annotated[str, Meta(max_length=100)]
    data: WordData


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What the provider tells us by itself, once proved to be its own."""

    id: str
    type: str
    payment: ToldPayment
    refund: ToldRefund | None
    refunded_minor: int  # of the payment, in all


def read_word(word_id: str, body: bytes) -> Word:
    """The word in the body of a webhook; BadWord."""
    try:
        said = msgspec.json.decode(body, type=WordJson)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadWord from error
    refund = said.data.refund
    return Word(
        id=word_id,
        type=said.type,
        payment=said.data.payment.told(),
        refund=None if refund is None else refund.told(),
        refunded_minor=said.data.payment.refunded_minor,
    )
