"""The payment provider's words: proved to be its own, heeded once each, in whatever order they come."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from server.clock import Clock
from server.orders.checkout_service import CheckoutService
from server.orders.checkouts import CHECKOUT_HAPPENED, CheckoutEvent, CheckoutNotFound, CheckoutStatus
from server.orders.payment_language import Word, read_word
from server.orders.payment_store import PaymentStore
from server.orders.payments import BadSignature, PaymentState, RefundState, UnknownPayment
from server.orders.refund_service import RefundService
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork
from server.wire.standard_webhooks import TOLERANCE_S, NotSigned, check

FORGET_WORDS = "forget_provider_words"
FORGET_EVERY = timedelta(hours=6)
# A word older than the tolerance is not believed anyway; a day more lets people look.
KEEP_WORDS = timedelta(seconds=TOLERANCE_S) + timedelta(days=1)
_NOBODY_S = UUID(int=0)


class PaymentService:
    """What reaches us by webhook."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        secrets: list[bytes],
        checkouts: CheckoutService,
        refunds: RefundService,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._secrets = secrets
        self._checkouts = checkouts
        self._refunds = refunds

    async def register(self, timers: Timers) -> None:
        """Forget old words from now on."""
        timers.on(FORGET_WORDS, _forget)
        async with self._storage.unit_of_work() as work:
            await work.set_timer(FORGET_WORDS, _NOBODY_S, work.now)

    async def listen(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Take a word of the provider's; False when it had taken effect before.

        BadSignature, BadWord; UnknownPayment for a payment that is not ours.
        """
        try:
            word_id = check(self._secrets, headers, body, now_s=self._clock.now_ms() / 1000)
        except NotSigned as error:
            raise BadSignature from error
        word = read_word(word_id, body)
        async with self._storage.unit_of_work() as work:
            if not await PaymentStore(work.connection).heed(
                word.id, word.type, word.payment.payment_id, work.now
            ):
                return False
            await self._heed(work, word)
        return True

    async def _heed(self, work: UnitOfWork, word: Word) -> None:
        """A word tells the payment as it then was, so that a refund's word does not need the payment's before it."""
        gone_minor = 0
        refund = word.refund
        if refund is not None and refund.state is RefundState.DONE:
            gone_minor = word.refunded_minor
        try:
            checkout = await self._checkouts.heard(work, word.payment, given_back_minor=gone_minor)
        except CheckoutNotFound as error:
            raise UnknownPayment from error
        if refund is not None and word.payment.state is PaymentState.PAID:
            await self._refunds.heard(work, word.payment.payment_id, refund)
        if gone_minor and checkout.status in (CheckoutStatus.PAID_LATE, CheckoutStatus.PAID_WRONGLY):
            await self._refunds.give_back_rest(
                work, checkout.id, reason=CHECKOUT_HAPPENED[CheckoutEvent.PAY_LATE]
            )


async def _forget(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
    await PaymentStore(work.connection).forget_words(work.now - KEEP_WORDS)
    await work.set_timer(FORGET_WORDS, entity_id, work.now + FORGET_EVERY)
