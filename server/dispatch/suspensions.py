"""A courier who may not come in any more cannot carry: what he was to fetch is given to another at once, and for a bag
that is with him already somebody of dispatch is called, by a ticket.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from server.accounts.log import ACCOUNT
from server.accounts.standing import HAPPENED, Verdict
from server.dispatch.order_moves import OrderMoves
from server.dispatch.store import AssignmentStore
from server.orders.lifecycle import Status
from server.orders.store import OrderStore
from server.orders.ticket_case import Report, Subject, TicketBook
from server.orders.ticket_kinds import Kind
from server.storage.event_log import Event
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

UNASSIGN = "unassign"  # the timer of a courier who was barred
REASON = "courier_barred"


class Suspensions:
    """Follows what is decided about accounts.  `moves` take an order from its courier."""

    def __init__(self, storage: Storage, moves: OrderMoves) -> None:
        self._storage = storage
        self._moves = moves

    def register(self, timers: Timers) -> None:
        """Act right after a courier was suspended or dismissed."""
        for verdict in (Verdict.SUSPEND, Verdict.DISMISS):
            self._storage.on_event(ACCOUNT, HAPPENED[verdict], self._barred)
        timers.on(UNASSIGN, self._unassign)

    async def _barred(self, work: UnitOfWork, event: Event) -> None:
        # In a transaction of its own: whoever judges holds his account, and orders are held before all else.
        await work.set_timer(UNASSIGN, event.entity_id, work.now)

    async def _unassign(self, work: UnitOfWork, courier_id: UUID, payload: Mapping[str, Any]) -> None:
        assignment = await AssignmentStore(work.connection).open_of_courier(courier_id)
        if assignment is None:
            return
        order = await OrderStore(work.connection).lock(assignment.order_id)
        if order.status is Status.ACCEPTED:
            await self._moves.reassign(work, order, REASON, None)
            return
        await TicketBook(work).report(
            Report(
                kind=Kind.ACCIDENT,
                reason=REASON,
                about=Subject.of(order),
                courier_id=courier_id,
                reported_at=work.now,
            )
        )
