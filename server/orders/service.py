"""What people and clocks do to orders: load, ask the rule, save, tell the log; all or nothing.

Couriers' reports (pick up, deliver) move the assignment as well and stand in dispatch/service.py.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from server.accounts.permissions import Permission, require, require_for_order
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import BadInput
from server.ids import new_id
from server.orders.commands import fingerprint, once
from server.orders.door import at_the_door
from server.orders.lifecycle import FIRST, Status
from server.orders.log import log_event
from server.orders.model import Accept, Cancel, Command, Expire, Order, PaymentMethod, Reject
from server.orders.placing import PlaceOrder
from server.orders.store import OrderChanged, OrderStore
from server.orders.views import Json, order_json
from server.settings import Settings
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

ACCEPT_DEADLINE = "accept_deadline"  # the timer that ends a silent merchant's order
MAX_PREPARATION_S = 4 * 3600
MAX_REASON_LENGTH = 500


class BadPreparation(BadInput):
    """A preparation time lies between 0 seconds and 4 hours."""

    code = "bad_preparation"


class BadReason(BadInput):
    """A reason is needed, of at most 500 characters."""

    code = "bad_reason"


def require_version(order: Order, version: int | None) -> None:
    """OrderChanged when somebody decided on another version than the one there is."""
    if version is not None and version != order.version:
        raise OrderChanged(order)


class OrderService:
    """The commands about orders.  `version`, where given, is what the person saw: OrderChanged if it has moved on.

    `key` is the caller's Idempotency-Key: repeated, it gets the first answer again.
    """

    def __init__(self, storage: Storage, clock: Clock, settings: Settings) -> None:
        self._storage = storage
        self._clock = clock
        self._settings = settings

    def register(self, timers: Timers) -> None:
        """Let the clock act: a merchant's silence ends the order."""
        timers.on(ACCEPT_DEADLINE, self._expire)

    async def place(self, viewer: Viewer, asked: PlaceOrder, *, key: str | None = None) -> Json:
        """A new order of the viewer's; CheckFailed tells all that is wrong with it."""
        require(viewer, Permission.PLACE_ORDER)

        async def act(work: UnitOfWork) -> Json:
            checked = await at_the_door(
                work.connection, asked, at=work.now, settings=self._settings, methods=(PaymentMethod.CASH,)
            )
            order = await OrderStore(work.connection).insert(
                Order(
                    id=new_id(self._clock.now_ms()),
                    number=0,  # the record will say
                    merchant_id=asked.merchant_id,
                    customer_id=viewer.account_id,
                    status=FIRST,
                    version=1,
                    lines=checked.lines,
                    total_minor=checked.total_minor,
                    items_minor=checked.items_minor,
                    delivery_fee_minor=checked.delivery_fee_minor,
                    currency=checked.currency,
                    placed_at=work.now,
                ),
                checked.contact,
            )
            await work.append(log_event(order, order.newborn(), actor_id=viewer.account_id))
            due_at = work.now + timedelta(seconds=self._settings.accept_within_s)
            await work.set_timer(ACCEPT_DEADLINE, order.id, due_at)
            return order_json(order)

        return await once(self._storage, viewer, key, fingerprint("place", asked), act)

    async def accept(
        self,
        viewer: Viewer,
        order_id: UUID,
        preparation_s: int,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The merchant takes the order on; the kitchen needs `preparation_s`."""
        if not 0 <= preparation_s <= MAX_PREPARATION_S:
            raise BadPreparation
        return await self._record(
            viewer, Permission.ANSWER_ORDER, order_id, Accept(preparation_s), version, key
        )

    async def reject(
        self,
        viewer: Viewer,
        order_id: UUID,
        reason: str,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The merchant turns the order down."""
        return await self._record(
            viewer, Permission.ANSWER_ORDER, order_id, Reject(_good(reason)), version, key
        )

    async def cancel(
        self,
        viewer: Viewer,
        order_id: UUID,
        reason: str,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The customer, or somebody for them, calls the order off."""
        return await self._record(
            viewer, Permission.CANCEL_ORDER, order_id, Cancel(_good(reason)), version, key
        )

    async def _record(
        self,
        viewer: Viewer,
        permission: Permission,
        order_id: UUID,
        command: Command,
        version: int | None,
        key: str | None,
    ) -> Json:
        async def act(work: UnitOfWork) -> Json:
            order = await OrderStore(work.connection).lock(order_id)
            require_for_order(
                viewer, permission, customer_id=order.customer_id, merchant_id=order.merchant_id
            )
            require_version(order, version)
            await work.clear_timer(ACCEPT_DEADLINE, order_id)
            return order_json(await self._move(work, order, command, actor_id=viewer.account_id))

        require(viewer, permission)
        told = fingerprint(command.event, order_id, command, version)
        return await once(self._storage, viewer, key, told, act)

    async def _move(
        self, work: UnitOfWork, order: Order, command: Command, *, actor_id: UUID | None
    ) -> Order:
        moved, happening = order.after(command, at=work.now)
        await OrderStore(work.connection).replace(order, moved)
        await work.append(log_event(moved, happening, actor_id=actor_id))
        return moved

    async def _expire(self, work: UnitOfWork, order_id: UUID, payload: Mapping[str, Any]) -> None:
        order = await OrderStore(work.connection).lock(order_id)
        if order.status is Status.PENDING_ACCEPTANCE:  # else the merchant was faster by a moment
            await self._move(work, order, Expire(), actor_id=None)


def _good(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_LENGTH:
        raise BadReason
    return reason
