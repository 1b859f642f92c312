"""What decisions in tickets are carried out with: the ports of orders/ticket_remedies.py, over what stands here."""

from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts.service import AccountService
from server.accounts.standing import Verdict
from server.accounts.viewer import Viewer
from server.clock import from_ms
from server.dispatch.legs import Assignment, State
from server.dispatch.order_moves import OrderMoves
from server.dispatch.rests import RestStore
from server.dispatch.store import AssignmentStore, carriers_of
from server.dispatch.suspensions import Suspensions
from server.geo.nearest import NearestIndex
from server.orders.money_service import MoneyService
from server.orders.refund_service import RefundService
from server.orders.refunds import WAIT_FOR_UNDO
from server.orders.segments import CourierMoments
from server.orders.ticket_money import MoneyTriggers
from server.orders.ticket_remedies import Hands, LastSeen, MoneyRemedies, Paying
from server.orders.ticket_service import TicketService
from server.orders.ticket_triggers import TicketTriggers
from server.orders.trouble import Troubles
from server.settings import Settings
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

# The first of these that he reported is when he took the order on.
_TAKEN = (State.ACCEPTED, State.PICKUP_CONFIRMED, State.EN_ROUTE_TO_PICKUP, State.ARRIVED_AT_PICKUP)


class CourierHands:
    """What becomes of couriers."""

    def __init__(self, accounts: AccountService) -> None:
        self._accounts = accounts

    async def take_offline(self, work: UnitOfWork, courier_id: UUID, until: datetime) -> None:
        """He is offered no work until then."""
        await RestStore(work.connection).rest(courier_id, until)

    async def suspend(
        self, work: UnitOfWork, courier_id: UUID, until: datetime | None, reason: str, by: Viewer
    ) -> None:
        """He may not come in until then, or until somebody says otherwise."""
        await self._accounts.judge_within(work, by, courier_id, Verdict.SUSPEND, reason, until=until)


class MoneyHands:
    """What becomes of money."""

    def __init__(self, money: MoneyService, refunds: RefundService) -> None:
        self._money = money
        self._refunds = refunds

    async def refund(
        self,
        work: UnitOfWork,
        order_id: UUID,
        paying: Paying,
        *,
        reason: str,
        ticket_id: UUID,
        by: Viewer,
        waits: bool,
    ) -> None:
        """So much goes back, and this bearer pays for it; not before an undo could come, if it `waits` for one."""
        await self._refunds.request_refund(
            work,
            order_id,
            amount_minor=paying.amount_minor,
            reason=reason,
            borne_by=paying.borne_by,
            by=by,
            ticket_id=ticket_id,
            due_at=work.now + WAIT_FOR_UNDO if waits else None,
        )

    async def retry_refund(self, work: UnitOfWork, order_id: UUID, by: Viewer) -> None:
        """What does not go through is tried anew."""
        await self._refunds.retry(work, order_id, by)

    async def record_payout(
        self, work: UnitOfWork, order_id: UUID, paying: Paying, *, reason: str, ticket_id: UUID, by: Viewer
    ) -> None:
        """So much was given back by hand."""
        await self._money.record_payout(
            work,
            order_id,
            paying.amount_minor,
            reason=reason,
            borne_by=paying.borne_by,
            by=by,
            ticket_id=ticket_id,
        )


def hands(
    *, moves: OrderMoves, money: MoneyRemedies, accounts: AccountService, nearest: NearestIndex
) -> Hands:
    """All that tickets are given."""

    def last_seen_of(courier_id: UUID) -> LastSeen | None:
        position = nearest.get(courier_id)
        if position is None:
            return None
        return LastSeen(position.lat, position.lng, from_ms(position.fix_time_ms))

    return Hands(
        orders=moves,
        money=money,
        couriers=CourierHands(accounts),
        carrier_of=carrier_of,
        moments_of=moments_of,
        last_seen_of=last_seen_of,
    )


async def carrier_of(connection: Any, order_id: UUID) -> UUID | None:
    """The courier who has the order, or had it last."""
    return next(iter(await carriers_of(connection, order_id)), None)


async def moments_of(connection: Any, order_id: UUID) -> CourierMoments:
    """When the courier who has the order, or had it last, did what."""
    assignment = await AssignmentStore(connection).newest_of_order(order_id)
    return CourierMoments() if assignment is None else courier_moments(assignment)


def courier_moments(assignment: Assignment) -> CourierMoments:
    """An assignment's moments, as a delay is judged by them."""
    moments = assignment.moments
    taken = [moments[state] for state in _TAKEN if state in moments]
    return CourierMoments(
        taken_at=min(taken, default=None),
        arrived_at_pickup_at=moments.get(State.ARRIVED_AT_PICKUP),
        arrived_at_dropoff_at=moments.get(State.ARRIVED_AT_DROPOFF),
    )


def open_tickets(
    storage: Storage, timers: Timers, settings: Settings, *troubles: Troubles, hands: Hands, moves: OrderMoves
) -> TicketService:
    """The tickets, opened and ended by what happens, and looked after by the clock."""
    tickets = TicketService(storage, hands, settings)
    tickets.register(timers)
    TicketTriggers(storage, hands).register(*troubles)
    MoneyTriggers(storage, hands).register(timers)
    Suspensions(storage, moves).register(timers)
    return tickets
