"""Giving money back, exactly once whatever dies in between.

A timer a refund is the truth.  Its handler marks the attempt and sets the next one in one transaction; the call
follows the commit, and what came of it is recorded in a transaction of its own.  So a process may die anywhere: the
timer makes the call again, under the same key, and the provider answers what it answered before.

An order's payment status follows in a transaction of its own, right after: whoever moves an order holds the order
first and its money second, and what happens to money must not want them the other way round.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import structlog

from server.accounts.permissions import OrderNotFound
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.ids import new_id
from server.orders.alarms import Patience
from server.orders.checkout_store import CheckoutStore
from server.orders.checkouts import CHECKOUT_HAPPENED, CHECKOUT_TRANSITIONS, CheckoutEvent, CheckoutNotFound
from server.orders.ledger import borne, went_back
from server.orders.ledger_store import LedgerStore
from server.orders.media import CarriersOf
from server.orders.model import PaymentMethod, PaymentStatus
from server.orders.money_log import PAYMENT_CHANGED, checkout_event, refund_event
from server.orders.payment_store import PaymentStore
from server.orders.payments import (
    Money,
    Payment,
    PaymentProvider,
    ProviderAway,
    ProviderRefused,
    RefundState,
    ToldRefund,
)
from server.orders.record import Story, record
from server.orders.refunds import (
    REFUND_HAPPENED,
    REFUND_STUCK,
    REQUESTED,
    RESERVED,
    STUCK_AFTER,
    UNDER_WAY,
    NoBearer,
    NothingPaid,
    Refund,
    RefundEvent,
    RefundNotFound,
    RefundStatus,
    TooMuch,
    check_amount,
    confirmed_minor,
    payment_status,
    retry_after,
)
from server.orders.store import OrderStore
from server.orders.tickets import Bearer
from server.settings import Settings
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

REFUND_DUE = "refund"  # the timer of a refund that goes through the provider
MONEY_MOVED = "money_moved"  # the timer of an order whose payment status is to follow
AT_PROVIDER = "at_provider"  # the reason of a refund that was made without us
# What people's decision takes the place of, while it waits.
REPLACEABLE = frozenset({"returned", "closed"})
_FOREIGN = UUID("7d0c1f5e-4e0b-4f4a-8a55-0f6f2f0d9a01")  # the space of such refunds' ids

log = structlog.get_logger(__name__)


class RefundService:
    """Refunds from their decision to their confirmation."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        settings: Settings,
        provider: PaymentProvider | None,
        carriers_of: CarriersOf,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._provider = provider
        self._carriers_of = carriers_of
        self._patience = Patience.of(settings)
        self._retry = timedelta(seconds=settings.payment_retry_s)

    def register(self, timers: Timers) -> None:
        """Let the clock send what is due."""
        timers.on(REFUND_DUE, self._due)
        timers.on(MONEY_MOVED, self._follow)

    async def request_refund(
        self,
        work: UnitOfWork,
        order_id: UUID,
        *,
        amount_minor: int | None,
        reason: str,
        borne_by: Bearer,
        by: Viewer | None,
        ticket_id: UUID | None = None,
        due_at: datetime | None = None,
        method: PaymentMethod | None = None,
    ) -> Refund:
        """Have so much (None: all that is left) go back, at once or at `due_at`; TooMuch, NothingPaid, NoBearer.

        Within a unit of work that holds the order, if there is one.  `by` decided it; None: the rules did.
        """
        store = PaymentStore(work.connection)
        payment = await store.find(order_id, lock=True)
        if by is not None and payment is not None:
            payment = await self._make_way(work, payment)
        wanted_minor = check_amount(payment, amount_minor)
        assert payment is not None  # or check_amount would have said so
        refund = Refund(
            id=new_id(self._clock.now_ms()),
            order_id=order_id,
            amount_minor=wanted_minor,
            currency=payment.money.currency,
            method=method or payment.method,
            status=RefundStatus.REQUESTED,
            version=1,
            reason=reason,
            borne_by=borne_by,
            bearer_id=await self.bearer_id(work, payment, borne_by),
            decided_by=None if by is None else by.account_id,
            ticket_id=ticket_id,
            requested_at=work.now,
        )
        await store.reserve(order_id, wanted_minor)
        await store.put_refund(refund)
        await work.append(refund_event(refund, REQUESTED, at=work.now, actor_id=refund.decided_by))
        if refund.method is PaymentMethod.CARD:
            await work.set_timer(REFUND_DUE, refund.id, due_at or work.now)
        await work.set_timer(MONEY_MOVED, order_id, work.now)
        return refund

    async def give_back_rest(self, work: UnitOfWork, order_id: UUID, *, reason: str) -> None:
        """No order will come of this money: what of it is neither back nor on its way goes back."""
        payment = await PaymentStore(work.connection).find(order_id, lock=True)
        if payment is not None and payment.left_minor:
            await self.request_refund(
                work, order_id, amount_minor=None, reason=reason, borne_by=Bearer.PLATFORM, by=None
            )

    async def bearer_id(self, work: UnitOfWork, payment: Payment, borne_by: Bearer) -> UUID | None:
        """Which merchant or courier that is; NoBearer when no courier had the order."""
        match borne_by:
            case Bearer.MERCHANT:
                return payment.merchant_id
            case Bearer.COURIER:
                carriers = await self._carriers_of(work.connection, payment.order_id)
                if not carriers:
                    raise NoBearer
                return carriers[0]
            case Bearer.PLATFORM:
                return None

    async def pay_out(self, work: UnitOfWork, refund: Refund, by: Viewer) -> Refund:
        """A refund in cash was given to the customer; its order's money is held."""
        payment = await PaymentStore(work.connection).find(refund.order_id, lock=True)
        assert payment is not None  # there would be no refund
        return await self._confirm(work, payment, refund, actor_id=by.account_id)

    async def retry(self, work: UnitOfWork, order_id: UUID, by: Viewer) -> Refund:
        """Try again what does not go through: a failed refund anew, one under way at once; RefundNotFound."""
        store = PaymentStore(work.connection)
        await store.find(order_id, lock=True)
        refunds = [refund for refund in await store.refunds(order_id) if refund.method is PaymentMethod.CARD]
        last = refunds[-1] if refunds else None
        if last is not None and last.status is RefundStatus.SENT:
            await work.set_timer(REFUND_DUE, last.id, work.now)
            return last
        if last is None or last.status is not RefundStatus.FAILED:
            raise RefundNotFound
        return await self.request_refund(
            work, order_id, amount_minor=last.amount_minor, reason=last.reason, borne_by=last.borne_by, by=by,
            ticket_id=last.ticket_id,
        )  # fmt: skip

    async def withdraw(self, work: UnitOfWork, refund: Refund) -> None:
        """The money stays after all; nobody has been asked for it yet."""
        store = PaymentStore(work.connection)
        await store.reserve(refund.order_id, -refund.amount_minor)
        await self._step(work, refund, RefundEvent.WITHDRAW)
        await work.clear_timer(REFUND_DUE, refund.id)
        await work.set_timer(MONEY_MOVED, refund.order_id, work.now)

    async def _make_way(self, work: UnitOfWork, payment: Payment) -> Payment | None:
        """Withdraw what would have gone back by the rules alone, as somebody decides now."""
        store = PaymentStore(work.connection)
        waiting = [
            refund
            for refund in await store.refunds(payment.order_id)
            if refund.status is RefundStatus.REQUESTED
            and refund.decided_by is None
            and refund.reason in REPLACEABLE
        ]
        for refund in waiting:
            await self.withdraw(work, refund)
        return await store.find(payment.order_id) if waiting else payment

    async def _due(self, work: UnitOfWork, refund_id: UUID, payload: dict[str, Any]) -> None:
        """A refund's timer has fired: mark the attempt, and make the call once that is committed."""
        store = PaymentStore(work.connection)
        await store.find((await store.refund(refund_id)).order_id, lock=True)
        refund = await store.refund(refund_id)
        if refund.status not in UNDER_WAY:
            return
        attempts = refund.attempts + 1
        name = REFUND_STUCK if attempts == STUCK_AFTER + 1 else None
        sent = await self._step(work, refund, RefundEvent.SEND, name=name)
        await work.set_timer(REFUND_DUE, refund_id, work.now + retry_after(attempts, self._retry))
        work.after_commit(partial(self._call, sent))

    async def _call(self, refund: Refund) -> None:
        """Ask the provider, and record what it says; when it says nothing, the timer asks again."""
        money = Money(refund.amount_minor, refund.currency)
        if self._provider is None:
            log.error("a refund waits, and there is no payment provider any more", refund_id=str(refund.id))
            return
        try:
            told = await self._provider.refund(refund.order_id, refund.id, money)
        except ProviderAway:
            log.warning("a refund will be tried again", refund_id=str(refund.id), attempts=refund.attempts)
            return
        except ProviderRefused as refusal:
            told = ToldRefund(
                refund_id=refund.id,
                provider_id="",
                state=RefundState.REFUSED,
                money=money,
                reason=refusal.reason,
            )
        async with self._storage.unit_of_work() as work:
            await self.heard(work, refund.order_id, told)

    async def heard(self, work: UnitOfWork, order_id: UUID, told: ToldRefund) -> None:
        """What the provider says of a refund, as an answer or by itself, once or twice."""
        store = PaymentStore(work.connection)
        payment = await store.find(order_id, lock=True)
        if payment is None:
            raise NothingPaid
        refund = await self._known(store, order_id, told)
        if refund is None:
            await self._made_without_us(work, payment, told)
            return
        if told.money != Money(refund.amount_minor, refund.currency):
            log.error(
                "the payment provider speaks of another sum than the refund's", refund_id=str(refund.id)
            )
            told = replace(told, state=RefundState.REFUSED, reason="wrong_amount")
        match told.state:
            case RefundState.DONE if refund.status is not RefundStatus.CONFIRMED:
                await self._confirm(work, payment, refund)
            case RefundState.REFUSED if refund.status is RefundStatus.SENT:
                await store.reserve(order_id, -refund.amount_minor)
                await self._step(work, refund, RefundEvent.FAIL, failure=told.reason or "refused")
                await work.clear_timer(REFUND_DUE, refund.id)
                await work.set_timer(MONEY_MOVED, order_id, work.now)

    async def _known(self, store: PaymentStore, order_id: UUID, told: ToldRefund) -> Refund | None:
        try:
            refund = await store.refund(told.refund_id or uuid5(_FOREIGN, told.provider_id))
        except RefundNotFound:
            return None
        return refund if refund.order_id == order_id else None

    async def _confirm(
        self, work: UnitOfWork, payment: Payment, refund: Refund, *, actor_id: UUID | None = None
    ) -> Refund:
        """The money is back: book it, with who bears it if the shares are given out already."""
        if refund.status not in RESERVED:  # given up, and done after all
            if payment.left_minor < refund.amount_minor:
                raise TooMuch(payment.left_minor)
            await PaymentStore(work.connection).reserve(refund.order_id, refund.amount_minor)
        confirmed = await self._step(work, refund, RefundEvent.CONFIRM, actor_id=actor_id)
        transfers = went_back(confirmed, payment)
        if payment.shared_at is not None:
            transfers += borne(confirmed, payment)
        await LedgerStore(work.connection).book(transfers, work.now)
        await work.clear_timer(REFUND_DUE, refund.id)
        await work.set_timer(MONEY_MOVED, refund.order_id, work.now)
        return confirmed

    async def _made_without_us(self, work: UnitOfWork, payment: Payment, told: ToldRefund) -> None:
        """Somebody has given money back at the provider itself; the books follow.  TooMuch: say it again later."""
        if told.state is not RefundState.DONE:
            return
        store = PaymentStore(work.connection)
        for refund in await store.refunds(payment.order_id):
            if refund.status is RefundStatus.REQUESTED:
                await self.withdraw(work, refund)
        payment = await store.find(payment.order_id) or payment
        if told.money.currency != payment.money.currency or told.money.amount_minor > payment.left_minor:
            raise TooMuch(payment.left_minor)
        refund = Refund(
            id=told.refund_id or uuid5(_FOREIGN, told.provider_id),
            order_id=payment.order_id,
            amount_minor=told.money.amount_minor,
            currency=told.money.currency,
            method=PaymentMethod.CARD,
            status=RefundStatus.REQUESTED,
            version=1,
            reason=AT_PROVIDER,
            borne_by=Bearer.PLATFORM,
            requested_at=work.now,
        )
        await store.reserve(payment.order_id, refund.amount_minor)
        await work.append(refund_event(refund, REQUESTED, at=work.now))
        await self._confirm(work, payment, refund)

    async def _step(
        self,
        work: UnitOfWork,
        refund: Refund,
        event: RefundEvent,
        *,
        name: str | None = None,
        failure: str | None = None,
        actor_id: UUID | None = None,
    ) -> Refund:
        moved = refund.after(event, at=work.now, failure=failure)
        await PaymentStore(work.connection).put_refund(moved)
        told = refund_event(moved, name or REFUND_HAPPENED[event], at=work.now, actor_id=actor_id)
        await work.append(told)
        return moved

    async def _follow(self, work: UnitOfWork, order_id: UUID, payload: dict[str, Any]) -> None:
        """Money of an order has moved: everybody sees its payment status; a checkout's end is that all is back."""
        store = PaymentStore(work.connection)
        try:
            held = await OrderStore(work.connection).hold(order_id)
        except OrderNotFound:
            await self._follow_checkout(work, order_id)
            return
        payment, refunds = await store.find(order_id), await store.refunds(order_id)
        status = payment_status(payment, refunds)
        back_minor = confirmed_minor(refunds)
        if status is held.order.payment_status and status is not PaymentStatus.PARTLY_REFUNDED:
            return
        story = Story(held)
        story.note(PAYMENT_CHANGED, at=work.now, facts={"payment_status": status}, refunded_minor=back_minor)
        await record(work, story, patience=self._patience, by=None)

    async def _follow_checkout(self, work: UnitOfWork, checkout_id: UUID) -> None:
        store = CheckoutStore(work.connection)
        try:
            checkout = await store.lock(checkout_id)
        except CheckoutNotFound:
            return  # the archive has it
        money = PaymentStore(work.connection)
        status = payment_status(await money.find(checkout_id), await money.refunds(checkout_id))
        may_end = CheckoutEvent.REFUND in CHECKOUT_TRANSITIONS[checkout.status]
        if status is PaymentStatus.REFUNDED and may_end:
            moved = checkout.after(CheckoutEvent.REFUND, at=work.now)
            await store.replace(moved)
            await work.append(checkout_event(moved, CHECKOUT_HAPPENED[CheckoutEvent.REFUND], at=work.now))
