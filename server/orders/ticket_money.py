"""Tickets about money, opened while it is where it should not be, and ended when it is back.

The record of payments and refunds is asked, not the event: so an event that comes twice, or late, does no harm.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from server.accounts.permissions import OrderNotFound
from server.orders.checkout_store import CheckoutStore
from server.orders.checkouts import CHECKOUT_HAPPENED, CheckoutEvent, CheckoutNotFound, CheckoutStatus
from server.orders.model import PaymentMethod
from server.orders.money_log import CHECKOUT, REFUND
from server.orders.payment_store import PaymentStore
from server.orders.refunds import (
    REFUND_HAPPENED,
    REFUND_STUCK,
    REQUESTED,
    STUCK_AFTER,
    UNDER_WAY,
    RefundEvent,
    RefundStatus,
)
from server.orders.store import OrderStore
from server.orders.ticket_case import Report, Subject, TicketBook
from server.orders.ticket_kinds import Kind
from server.orders.ticket_remedies import Hands
from server.orders.tickets import Outcome
from server.storage import event_log
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

MONEY_LOOK = "ticket_money"  # the timer that looks at an order's money
MONEY_MATTERS = (
    (REFUND, REQUESTED),
    (REFUND, REFUND_STUCK),
    (REFUND, REFUND_HAPPENED[RefundEvent.FAIL]),
    (REFUND, REFUND_HAPPENED[RefundEvent.CONFIRM]),
    (CHECKOUT, CHECKOUT_HAPPENED[CheckoutEvent.PAY_WRONGLY]),
    (CHECKOUT, CHECKOUT_HAPPENED[CheckoutEvent.REFUND]),
)
CASH = "cash_to_give_back"  # nobody does that but people
MONEY_REASONS = frozenset({REFUND_STUCK, CASH, "payment_trouble"})  # what the system itself reported


class MoneyTriggers:
    """Follows money."""

    def __init__(self, storage: Storage, hands: Hands) -> None:
        self._storage = storage
        self._hands = hands

    def register(self, timers: Timers) -> None:
        """Look at an order's money when something has happened to it."""
        for entity, name in dict.fromkeys(MONEY_MATTERS):
            self._storage.on_event(entity, name, self._moved)
        timers.on(MONEY_LOOK, self._look)

    async def _moved(self, work: UnitOfWork, event: event_log.Event) -> None:
        """Look at it in a transaction of its own: here the money is held, which ticket commands want after tickets."""
        order_id = event.entity_id if event.entity == CHECKOUT else UUID(event.fields["order_id"])
        await work.set_timer(MONEY_LOOK, order_id, work.now)

    async def _look(self, work: UnitOfWork, order_id: UUID, payload: Mapping[str, Any]) -> None:
        """Open a ticket while money is where it should not be, and end it when it is back."""
        reason = await money_trouble(work.connection, order_id)
        book = TicketBook(work)
        tickets = await book.store.open_of_order(order_id)
        held = next((ticket for ticket in tickets if ticket.kind is Kind.PAYMENT_TROUBLE), None)
        if reason is None:
            if held is not None and held.reason in MONEY_REASONS:
                await book.save(held, held.resolve(Outcome.REFUNDED, at=work.now), actor_id=None)
            return
        if held is not None and held.reason == reason:
            return  # known
        about = await _whose(work.connection, order_id)
        if about is not None:
            courier_id = await self._hands.carrier_of(work.connection, order_id)
            await book.report(
                Report(
                    kind=Kind.PAYMENT_TROUBLE,
                    reason=reason,
                    about=about,
                    courier_id=courier_id,
                    reported_at=work.now,
                )
            )


async def money_trouble(connection: Any, order_id: UUID) -> str | None:
    """The reason for a ticket, by what the record says of this order's (or checkout's) money; None: all is well."""
    refunds = await PaymentStore(connection).refunds(order_id)
    last = next((one for one in reversed(refunds) if one.status is not RefundStatus.WITHDRAWN), None)
    if last is not None and last.status in UNDER_WAY | {RefundStatus.FAILED}:
        stuck = last.status is RefundStatus.FAILED or last.attempts > STUCK_AFTER
        if stuck:
            return REFUND_STUCK
    if any(one.method is PaymentMethod.CASH and one.status is RefundStatus.REQUESTED for one in refunds):
        return CASH
    try:
        checkout = await CheckoutStore(connection).get(order_id)
    except CheckoutNotFound:
        return None
    return "payment_trouble" if checkout.status is CheckoutStatus.PAID_WRONGLY else None


async def _whose(connection: Any, order_id: UUID) -> Subject | None:
    try:
        return Subject.of(await OrderStore(connection).get(order_id))
    except OrderNotFound:
        pass
    try:
        checkout = await CheckoutStore(connection).get(order_id)
    except CheckoutNotFound:
        return None  # the archive has it
    return Subject(order_id=checkout.id, customer_id=checkout.customer_id, merchant_id=None)
