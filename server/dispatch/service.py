"""What dispatchers, couriers and the clock do about assignments.

Exactly one courier gets an order and one order a courier: the constraints of the assignments table decide, no lock in
Redis.  Whatever moves an assignment holds its order's row first (orders/store.py), so that the two move together.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.accounts.permissions import Permission, require, require_for_order
from server.accounts.store import AccountStore
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.dispatch.candidates import nearest_free
from server.dispatch.legs import ENDED, ORDER_COMMANDS, Act, Assignment, State, believed_moment
from server.dispatch.log import log_event
from server.dispatch.store import AssignmentStore
from server.dispatch.views import assignment_json
from server.errors import NotFound, Refused
from server.geo.nearest import NearestIndex
from server.ids import new_id
from server.orders import log as order_log
from server.orders.commands import fingerprint, once
from server.orders.lifecycle import HAPPENED, Event, Status
from server.orders.merchants import MerchantStore
from server.orders.model import Order
from server.orders.service import require_version
from server.orders.store import OrderStore
from server.orders.views import Json, order_json
from server.settings import Settings
from server.storage import event_log
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

# The timer that looks for a courier.  Nobody clears it: it fires soon, and ends where there is nothing to do.
ASSIGN = "assign"


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
    """Giving orders to couriers, by hand or by the clock, and what the couriers report."""

    def __init__(self, storage: Storage, nearest: NearestIndex, clock: Clock, settings: Settings) -> None:
        self._storage = storage
        self._nearest = nearest
        self._clock = clock
        self._settings = settings

    def register(self, timers: Timers) -> None:
        """Follow orders inside their own transactions, and let the clock look for couriers."""
        self._storage.on_event(order_log.ENTITY, HAPPENED[Event.ACCEPT], self._look_for_courier)
        self._storage.on_event(order_log.ENTITY, HAPPENED[Event.CANCEL], self._withdraw)
        timers.on(ASSIGN, self._assign_nearest)

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
            order = await OrderStore(work.connection).lock(order_id)
            require_version(order, version)
            if order.status is not Status.ACCEPTED:
                raise OrderNotAssignable(current=order.status.value)
            name = (await AccountStore(work.connection).active_couriers([courier_id])).get(courier_id)
            if name is None:
                raise CourierNotFound
            assignment = await self._give(work, order, courier_id, name, actor_id=viewer.account_id)
            if assignment is None:
                raise OrderAlreadyAssigned if await self._has_courier(work, order_id) else CourierBusy
            return {**order_json(order), "assignment": assignment_json(assignment)}

        told = fingerprint("assign", order_id, courier_id, version)
        return await once(self._storage, viewer, key, told, act)

    async def pick_up(
        self, viewer: Viewer, order_id: UUID, occurred_at: datetime | None = None, *, key: str | None = None
    ) -> Json:
        """The courier has fetched the bag, at `occurred_at` by his phone."""
        return await self._report(viewer, order_id, Act.PICK_UP, occurred_at, key)

    async def deliver(
        self, viewer: Viewer, order_id: UUID, occurred_at: datetime | None = None, *, key: str | None = None
    ) -> Json:
        """The courier has handed the bag over, at `occurred_at` by his phone."""
        return await self._report(viewer, order_id, Act.DELIVER, occurred_at, key)

    async def _report(
        self, viewer: Viewer, order_id: UUID, act: Act, occurred_at: datetime | None, key: str | None
    ) -> Json:
        require(viewer, Permission.CARRY_ORDER)

        async def report(work: UnitOfWork) -> Json:
            orders, assignments = OrderStore(work.connection), AssignmentStore(work.connection)
            order = await orders.lock(order_id)
            assignment = await assignments.newest_of_order(order_id)
            require_for_order(
                viewer,
                Permission.CARRY_ORDER,
                customer_id=order.customer_id,
                merchant_id=order.merchant_id,
                courier_id=None if assignment is None else assignment.courier_id,
            )
            assert assignment is not None  # else it were nobody's to carry
            not_before = order.picked_up_at or assignment.created_at
            at = believed_moment(occurred_at, not_before=not_before, now=work.now)
            moved_assignment = assignment.after(act, at=at)
            moved_order, happening = order.after(ORDER_COMMANDS[act], at=at)
            await assignments.replace(assignment, moved_assignment)
            await orders.replace(order, moved_order)
            await work.append(
                order_log.log_event(
                    moved_order, happening, actor_id=viewer.account_id, courier_id=assignment.courier_id
                ),
                log_event(moved_assignment, moved_order, actor_id=viewer.account_id, at=at),
            )
            return {**order_json(moved_order), "assignment": assignment_json(moved_assignment)}

        told = fingerprint(act, order_id, occurred_at)
        return await once(self._storage, viewer, key, told, report)

    async def _look_for_courier(self, work: UnitOfWork, event: event_log.Event) -> None:
        """An order was accepted: somebody must carry it."""
        await work.set_timer(ASSIGN, event.entity_id, work.now)

    async def _assign_nearest(self, work: UnitOfWork, order_id: UUID, payload: Mapping[str, Any]) -> None:
        """Give the order to the nearest free courier; when nobody is free, look again a little later."""
        candidates = await self._candidates(work, order_id)  # nothing is held meanwhile
        order = await OrderStore(work.connection).lock(order_id)
        if order.status is not Status.ACCEPTED or await self._has_courier(work, order_id):
            return  # cancelled, or a dispatcher was faster
        for courier_id, name in candidates:
            if await self._give(work, order, courier_id, name, actor_id=None):
                return  # else somebody took him in this moment: the next one
        again_at = work.now + timedelta(seconds=self._settings.assign_again_s)
        await work.set_timer(ASSIGN, order_id, again_at)

    async def _candidates(self, work: UnitOfWork, order_id: UUID) -> list[tuple[UUID, str]]:
        """Who could carry the order, nearest first, with the names they are shown by."""
        order = await OrderStore(work.connection).get(order_id)
        merchant = await MerchantStore(work.connection).get(order.merchant_id)
        now_ms = self._clock.now_ms()
        found = nearest_free(
            self._nearest, lat=merchant.lat, lng=merchant.lng, now_ms=now_ms, settings=self._settings
        )
        names = await AccountStore(work.connection).active_couriers(found) if found else {}
        return [(courier_id, names[courier_id]) for courier_id in found if courier_id in names]

    async def _has_courier(self, work: UnitOfWork, order_id: UUID) -> bool:
        assignment = await AssignmentStore(work.connection).newest_of_order(order_id)
        return assignment is not None and assignment.state not in ENDED

    async def _give(
        self, work: UnitOfWork, order: Order, courier_id: UUID, courier_name: str, *, actor_id: UUID | None
    ) -> Assignment | None:
        """The new assignment, announced; None when order or courier is taken."""
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
        await work.append(log_event(assignment, order, actor_id=actor_id, at=work.now))
        return assignment

    async def _withdraw(self, work: UnitOfWork, event: event_log.Event) -> None:
        """An order was cancelled: nobody has to fetch it any more."""
        assignments = AssignmentStore(work.connection)
        assignment = await assignments.newest_of_order(event.entity_id)
        if assignment is None or assignment.state in ENDED:
            return
        order = await OrderStore(work.connection).get(event.entity_id)
        moved = assignment.after(Act.WITHDRAW, at=work.now)
        await assignments.replace(assignment, moved)
        await work.append(log_event(moved, order, actor_id=event.actor_id, at=work.now))
