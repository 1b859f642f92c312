"""What a decision in a ticket may need of the rest of the program, as ports; dispatch/ticket_hands.py has them all.

All is done within the unit of work of the decision.  Who may decide has been asked before.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from server.accounts.viewer import Viewer
from server.orders.model import Order
from server.orders.segments import CourierMoments
from server.orders.tickets import Bearer
from server.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Where a courier was when last heard of."""

    lat: float
    lng: float
    fix_time: datetime


class OrderRemedies(Protocol):
    """What becomes of an order, which is locked; IllegalTransition and its like."""

    async def re_promise(
        self, work: UnitOfWork, order: Order, promised_at: datetime, by: Viewer, *, why: str | None = None
    ) -> object:
        """The customer is told another time; `why` is a code."""
        ...

    async def reassign(self, work: UnitOfWork, order: Order, reason: str, by: Viewer) -> object:
        """Take the order from its courier, and look for another."""
        ...

    async def correct_address(
        self, work: UnitOfWork, order: Order, *, address: str, lat: float, lng: float, by: Viewer
    ) -> object:
        """It goes elsewhere; refused when that is too far."""
        ...

    async def redeliver(self, work: UnitOfWork, order: Order, by: Viewer) -> object:
        """Bring it once more."""
        ...

    async def remake(self, work: UnitOfWork, order: Order, by: Viewer) -> object:
        """The kitchen makes it again."""
        ...

    async def send_back(self, work: UnitOfWork, order: Order, by: Viewer) -> object:
        """Back to the merchant."""
        ...

    async def settle(self, work: UnitOfWork, order: Order, reason: str, by: Viewer) -> object:
        """It ends without delivery."""
        ...

    async def uphold(self, work: UnitOfWork, order: Order, by: Viewer) -> object:
        """The delivery was right."""
        ...

    async def dispute(self, work: UnitOfWork, order: Order, reason: str, by: Viewer) -> object:
        """What came was not right, or nothing came."""
        ...

    async def cancel(self, work: UnitOfWork, order: Order, reason: str, by: Viewer) -> object:
        """It is called off."""
        ...


class MoneyRemedies(Protocol):
    """What becomes of the money of an order, or of a checkout that never became one."""

    async def refund(
        self,
        work: UnitOfWork,
        order_id: UUID,
        paying: "Paying",
        *,
        reason: str,
        ticket_id: UUID,
        by: Viewer,
        waits: bool,
    ) -> object:
        """So much goes back to the customer, once, and this bearer pays for it; refused when it is too much.

        `waits`: not before what was decided with it can be undone no more.
        """
        ...

    async def retry_refund(self, work: UnitOfWork, order_id: UUID, by: Viewer) -> object:
        """What does not go through is tried anew."""
        ...

    async def record_payout(
        self, work: UnitOfWork, order_id: UUID, paying: "Paying", *, reason: str, ticket_id: UUID, by: Viewer
    ) -> object:
        """So much was given back by hand."""
        ...


@dataclass(frozen=True, slots=True)
class Paying:
    """How much goes back to the customer, and who bears it."""

    amount_minor: int
    borne_by: Bearer


class CourierRemedies(Protocol):
    """What becomes of its courier."""

    async def take_offline(self, work: UnitOfWork, courier_id: UUID, until: datetime) -> object:
        """He is offered no work until then."""
        ...

    async def suspend(
        self, work: UnitOfWork, courier_id: UUID, until: datetime | None, reason: str, by: Viewer
    ) -> object:
        """No offers, no streaming: until then, or until somebody lets him in again."""
        ...


# (a connection, an order) -> the courier who has it, or had it last
CarrierOf = Callable[[Any, UUID], Awaitable[UUID | None]]
# (a connection, an order) -> when that courier did what
MomentsOf = Callable[[Any, UUID], Awaitable[CourierMoments]]
# a courier -> where he was when last heard of
LastSeenOf = Callable[[UUID], LastSeen | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """All that tickets are given from above."""

    orders: OrderRemedies
    money: MoneyRemedies
    couriers: CourierRemedies
    carrier_of: CarrierOf
    moments_of: MomentsOf
    last_seen_of: LastSeenOf
