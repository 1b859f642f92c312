"""What opens and ends tickets without anybody's word: what happens to orders, in its own transactions."""

from collections.abc import Awaitable, Callable
from functools import partial

from server.orders.lifecycle import HAPPENED, Event
from server.orders.log import ENTITY as ORDER
from server.orders.model import Order
from server.orders.moves import PICKUP_LATE, PROMISE_BROKEN, READY_LATE
from server.orders.segments import REASON_OF, segment_at_fault
from server.orders.store import OrderStore
from server.orders.ticket_case import Report, Subject, TicketBook
from server.orders.ticket_endings import ENDINGS
from server.orders.ticket_kinds import Kind, kind_of
from server.orders.ticket_remedies import Hands
from server.orders.ticket_service import reported
from server.orders.trouble import Trouble, Troubles
from server.storage import event_log
from server.storage.unit_of_work import Storage, UnitOfWork

# Where the reason alone does not say: what a courier could not deliver, and what a customer disputes.
OTHERWISE = {HAPPENED[Event.FAIL]: Kind.REFUSAL, HAPPENED[Event.DISPUTE]: Kind.NOT_RECEIVED}

Raise = Callable[[TicketBook, Order], Awaitable[None]]


class TicketTriggers:
    """Follows orders."""

    def __init__(self, storage: Storage, hands: Hands) -> None:
        self._storage = storage
        self._hands = hands

    def register(self, *troubles: Troubles) -> None:
        """Have tickets opened and ended in the transactions of what they are about."""
        for told in troubles:
            told.on(self._trouble)
        on = self._storage.on_event
        on(ORDER, READY_LATE, partial(self._late, self._merchant_late))
        on(ORDER, PICKUP_LATE, partial(self._late, self._delay))
        on(ORDER, PROMISE_BROKEN, partial(self._late, self._delay))
        for happened in ENDINGS:
            on(ORDER, happened, self._follow)

    async def _trouble(self, work: UnitOfWork, trouble: Trouble) -> None:
        """A courier could not deliver, or a customer disputes a delivery."""
        said = trouble.grievance
        kind = said.kind or kind_of(said.reason, otherwise=OTHERWISE[trouble.happened.name])
        report = Report(
            kind=kind,
            reason=said.reason,
            about=Subject.of(trouble.order),
            courier_id=trouble.courier_id,
            by=trouble.by.account_id,
            by_role=trouble.by.role.value,
            reported_at=trouble.happened.at,
        )
        await reported(
            TicketBook(work),
            report,
            trouble.by,
            words=said.note,
            media_ids=said.evidence,
            hands=self._hands,
        )

    async def _late(self, raise_it: Raise, work: UnitOfWork, event: event_log.Event) -> None:
        order = await OrderStore(work.connection).get(event.entity_id)
        await raise_it(TicketBook(work), order)

    async def _merchant_late(self, book: TicketBook, order: Order) -> None:
        courier_id = await self._hands.carrier_of(book.work.connection, order.id)
        await book.report(
            Report(
                kind=Kind.MERCHANT_LATE,
                reason="merchant_late",
                about=Subject.of(order),
                courier_id=courier_id,
                reported_at=book.work.now,
            )
        )

    async def _delay(self, book: TicketBook, order: Order) -> None:
        connection = book.work.connection
        moments = await self._hands.moments_of(connection, order.id)
        segment = segment_at_fault(order, moments, now=book.work.now)
        await book.report(
            Report(
                kind=Kind.DELAY,
                reason=REASON_OF[segment],
                about=Subject.of(order),
                courier_id=await self._hands.carrier_of(connection, order.id),
                reported_at=book.work.now,
                segment=segment,
            )
        )

    async def _follow(self, work: UnitOfWork, event: event_log.Event) -> None:
        book = TicketBook(work)
        tickets = await book.store.open_of_order(event.entity_id)
        if tickets:  # as a rule there are none
            order = await OrderStore(work.connection).get(event.entity_id)
            await book.follow_order(tickets, order, event.name)
