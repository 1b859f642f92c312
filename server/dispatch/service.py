"""Who gets which order: by a dispatcher's hand or by the clock, and what follows from what happens to orders.

Exactly one courier gets an order and one order a courier: the constraints of the assignments table decide, no lock in
Redis.  Whatever moves an assignment holds its order's row first (orders/store.py), so that the two move together.
What couriers report stands in reports.py, what the staff decides about an order under way in order_moves.py.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from server.accounts.permissions import Permission, require
from server.accounts.store import AccountStore
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.dispatch.candidates import nearest_free
from server.dispatch.legs import Act, Assignment, State
from server.dispatch.log import log_event
from server.dispatch.order_moves import OrderMoves, withdraw
from server.dispatch.reports import ASSIGN, TAKE_BY, CourierReports
from server.dispatch.rests import RestStore
from server.dispatch.store import AssignmentStore, assignment_of
from server.dispatch.views import assignment_json
from server.errors import NotFound, Refused
from server.geo.nearest import NearestIndex
from server.ids import new_id
from server.orders import log as order_log
from server.orders.codes import Codes
from server.orders.commands import fingerprint, once
from server.orders.lifecycle import HAPPENED, Event, Status
from server.orders.merchants import MerchantStore
from server.orders.model import Order
from server.orders.store import OrderStore, require_version
from server.orders.trouble import Troubles
from server.orders.views import Json, order_json
from server.settings import Settings
from server.storage import event_log
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

# Events of an order after which nobody is on his way with it any more, and those after which somebody should be.
FREES = (Event.CANCEL, Event.SETTLE, Event.REMAKE)
NEEDS_COURIER = (Event.ACCEPT, Event.REMAKE)


class CourierNotFound(NotFound):
    """No active courier has this id."""

    code = "courier_not_found"


class OrderNotAssignable(Refused):
    """Only an accepted order is given to a courier."""

    code = "order_not_assignable"


class OrderAlreadyAssigned(Refused):
    """Another courier has the order."""

    code = "order_already_assigned"


class CourierBusy(Refused):
    """The courier has another order."""

    code = "courier_busy"


class DispatchService:
    """Giving orders to couriers; with what couriers report and what the staff decides as parts of it."""

    def __init__(self, storage: Storage, nearest: NearestIndex, clock: Clock, settings: Settings) -> None:
        self.troubles = Troubles()  # told when a delivery fails
        self.reports = CourierReports(storage, Codes(settings.secret), self.troubles, settings)
        self.moves = OrderMoves(settings)
        self._storage = storage
        self._nearest = nearest
        self._clock = clock
        self._settings = settings

    def register(self, timers: Timers) -> None:
        """Follow orders inside their own transactions, and let the clock look for couriers."""
        for frees in FREES:
            self._storage.on_event(order_log.ENTITY, HAPPENED[frees], self._withdraw)
        for needs in NEEDS_COURIER:
            self._storage.on_event(order_log.ENTITY, HAPPENED[needs], self._look_for_courier)
        timers.on(ASSIGN, self._assign_nearest)
        timers.on(TAKE_BY, self._lapse)

    async def assign(
        self,
        viewer: Viewer,
        order_id: UUID,
        courier_id: UUID,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """A dispatcher gives the order to a courier; OrderAlreadyAssigned or CourierBusy when somebody was faster."""
        require(viewer, Permission.ASSIGN_COURIER)

        async def act(work: UnitOfWork) -> Json:
            held = await OrderStore(work.connection).hold(order_id)
            order = held.order
            require_version(order, version)
            if order.status is not Status.ACCEPTED:
                raise OrderNotAssignable(current=order.status.value)
            if held.courier_id is not None:
                raise OrderAlreadyAssigned
            name = (await AccountStore(work.connection).active_couriers([courier_id])).get(courier_id)
            if name is None:
                raise CourierNotFound
            assignment = await self._give(work, order, courier_id, name, by=viewer)
            if assignment is None:
                raise CourierBusy
            return {**order_json(order), "assignment": assignment_json(assignment)}

        told = fingerprint("assign", order_id, courier_id, version)
        return await once(self._storage, viewer, key, told, act)

    async def _look_for_courier(self, work: UnitOfWork, event: event_log.Event) -> None:
        """An order was accepted, or is made again: somebody must carry it."""
        await work.set_timer(ASSIGN, event.entity_id, work.now)

    async def _assign_nearest(self, work: UnitOfWork, order_id: UUID, payload: Mapping[str, Any]) -> None:
        """Give the order to the nearest free courier; when nobody is free, look again a little later."""
        candidates = await self._candidates(work, order_id)  # nothing is held meanwhile
        held = await OrderStore(work.connection).hold(order_id)
        if held.order.status is not Status.ACCEPTED or held.courier_id is not None:
            return  # cancelled, or a dispatcher was faster
        for courier_id, name in candidates:
            if await self._give(work, held.order, courier_id, name, by=None):
                return  # else somebody took him in this moment: the next one
        again_at = work.now + timedelta(seconds=self._settings.assign_again_s)
        await work.set_timer(ASSIGN, order_id, again_at)

    async def _candidates(self, work: UnitOfWork, order_id: UUID) -> list[tuple[UUID, str]]:
        """Who could carry the order, nearest first, with the names they are shown by.

        Nobody is asked twice: who has declined it, or has not answered, is passed over, as is who rests.
        """
        order = await OrderStore(work.connection).get(order_id)
        merchant = await MerchantStore(work.connection).get(order.merchant_id)
        now_ms = self._clock.now_ms()
        found = nearest_free(
            self._nearest, lat=merchant.lat, lng=merchant.lng, now_ms=now_ms, settings=self._settings
        )
        if not found:
            return []
        names = await AccountStore(work.connection).active_couriers(found)
        passed_over = await AssignmentStore(work.connection).refused_by(order_id)
        passed_over |= await RestStore(work.connection).resting(found, work.now)
        return [
            (courier_id, names[courier_id])
            for courier_id in found
            if courier_id in names and courier_id not in passed_over
        ]

    async def _give(
        self, work: UnitOfWork, order: Order, courier_id: UUID, courier_name: str, *, by: Viewer | None
    ) -> Assignment | None:
        """The new assignment, announced; None when the courier is taken.  The order is held, and has none."""
        assignment = Assignment(
            id=new_id(self._clock.now_ms()),
            order_id=order.id,
            courier_id=courier_id,
            courier_name=courier_name,
            state=State.ASSIGNED,
            version=1,
            created_at=work.now,
        )
        if not await AssignmentStore(work.connection).take(assignment):
            return None
        await work.append(log_event(assignment, order, by=by, at=work.now))
        take_by = work.now + timedelta(seconds=self._settings.take_within_s)
        await work.set_timer(TAKE_BY, order.id, take_by, {"assignment_id": str(assignment.id)})
        return assignment

    async def _lapse(self, work: UnitOfWork, order_id: UUID, payload: Mapping[str, Any]) -> None:
        """The courier has not answered in time: the next one is looked for."""
        held = await OrderStore(work.connection).hold(order_id)
        assignment = assignment_of(held)
        if (
            assignment is None
            or str(assignment.id) != payload["assignment_id"]
            or assignment.state is not State.ASSIGNED
        ):
            return  # he was faster by a moment
        moved = assignment.after(Act.LAPSE, at=work.now)
        await AssignmentStore(work.connection).replace(assignment, moved)
        await work.append(log_event(moved, held.order, by=None, at=work.now))
        await work.set_timer(ASSIGN, order_id, work.now)

    async def _withdraw(self, work: UnitOfWork, event: event_log.Event) -> None:
        """Nobody has to fetch or bring the order any more."""
        held = await OrderStore(work.connection).hold(event.entity_id)
        await withdraw(work, held, by=event)
