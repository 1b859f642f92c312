"""What an order's life does to its money, in the very transactions in which it happens.

Delivered: cash is collected.  Over: merchant and platform get their shares, or the money goes back by itself.
Undone within its minute: it stays.
"""

from typing import Any
from uuid import UUID

from server.orders.ledger import borne, came_in, shares
from server.orders.ledger_store import LedgerStore
from server.orders.lifecycle import HAPPENED, UNDOABLE, Event, Status
from server.orders.log import ENTITY
from server.orders.model import Order, PaymentMethod
from server.orders.payment_store import PaymentStore
from server.orders.refund_service import REPLACEABLE, RefundService
from server.orders.refunds import (
    RESERVED,
    WAIT_FOR_UNDO,
    MoneyIsGone,
    RefundStatus,
    giving_back,
    is_earned,
)
from server.orders.store import OrderStore
from server.settings import Settings
from server.storage import event_log
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

SHARE = "share_money"  # the timer of a cancelled order whose merchant made the food
_COURIER = "courier:"
ENDINGS = (Event.REJECT, Event.EXPIRE, Event.CANCEL, Event.RETURN, Event.SETTLE)


class Settling:
    """Handlers of orders' events."""

    def __init__(self, storage: Storage, settings: Settings, refunds: RefundService) -> None:
        self._storage = storage
        self._commission_basis_points = settings.commission_basis_points
        self._refunds = refunds

    def register(self, timers: Timers) -> None:
        """Act inside the transactions of orders, and when the minute for an undo is over."""
        on = self._storage.on_event
        on(ENTITY, HAPPENED[Event.DELIVER], self._delivered)
        on(ENTITY, HAPPENED[Event.CONFIRM_RECEIPT], self._completed)
        for ending in ENDINGS:
            on(ENTITY, HAPPENED[ending], self._ended)
        for undo in (Event.UNDO, Event.UNDO_EARLY):
            on(ENTITY, HAPPENED[undo], self._undone)
        timers.on(SHARE, self._share_if_earned)

    async def _delivered(self, work: UnitOfWork, event: event_log.Event) -> None:
        """The courier has the price of an order for cash."""
        payment = await PaymentStore(work.connection).collect(event.entity_id, _courier_of(event), work.now)
        if payment is not None:
            await LedgerStore(work.connection).book(came_in(payment), work.now)

    async def _completed(self, work: UnitOfWork, event: event_log.Event) -> None:
        await self._share(work, await OrderStore(work.connection).get(event.entity_id))

    async def _ended(self, work: UnitOfWork, event: event_log.Event) -> None:
        """Nothing more will happen to the order, but for an undo: whose is the money?"""
        store = PaymentStore(work.connection)
        payment = await store.find(event.entity_id, lock=True)
        if payment is None:
            return
        order = await OrderStore(work.connection).get(event.entity_id)
        if order.status in UNDOABLE:
            await work.set_timer(SHARE, order.id, work.now + WAIT_FOR_UNDO)
        elif is_earned(order):
            await self._share(work, order)
        giving = giving_back(order)
        if giving is None or payment.left_minor == 0:
            return
        decided = any(
            refund.decided_by is not None and refund.status in RESERVED
            for refund in await store.refunds(order.id)
        )
        if decided and giving.reason in REPLACEABLE:
            return  # what goes back has been decided
        await self._refunds.request_refund(
            work,
            order.id,
            amount_minor=None,
            reason=giving.reason,
            borne_by=giving.borne_by,
            by=None,
            due_at=work.now + WAIT_FOR_UNDO if giving.waits else work.now,
        )

    async def _undone(self, work: UnitOfWork, event: event_log.Event) -> None:
        """The order lives on; MoneyIsGone when its money does not."""
        store = PaymentStore(work.connection)
        if await store.find(event.entity_id, lock=True) is None:
            return
        await work.clear_timer(SHARE, event.entity_id)
        by_the_rules = (Status.REJECTED.value, Status.CANCELLED.value)
        for refund in await store.refunds(event.entity_id):
            # What the bank has not been asked for yet was decided for an order that is over, or with its end.
            if refund.status is RefundStatus.REQUESTED and refund.method is PaymentMethod.CARD:
                await self._refunds.withdraw(work, refund)
            elif refund.decided_by is None and refund.reason in by_the_rules and refund.status in RESERVED:
                raise MoneyIsGone

    async def _share_if_earned(self, work: UnitOfWork, order_id: UUID, payload: dict[str, Any]) -> None:
        order = await OrderStore(work.connection).lock(order_id)
        if is_earned(order):
            await self._share(work, order)

    async def _share(self, work: UnitOfWork, order: Order) -> None:
        """Merchant and platform get their parts, and who bears what went back before makes it good."""
        store = PaymentStore(work.connection)
        payment = await store.share(order.id, work.now)
        if payment is None:
            return
        transfers = shares(order, commission_basis_points=self._commission_basis_points)
        if payment.given_back_minor:
            for refund in await store.refunds(order.id):
                if refund.status is RefundStatus.CONFIRMED:
                    transfers += borne(refund, payment)
        await LedgerStore(work.connection).book(transfers, work.now)


def _courier_of(event: event_log.Event) -> UUID | None:
    """Who brought it: his topic is among those that hear of it."""
    found = (topic.removeprefix(_COURIER) for topic in event.topics if topic.startswith(_COURIER))
    return next((UUID(courier_id) for courier_id in found), None)
