"""What people say to orders: load, ask the rule, save, tell the log; all or nothing.

What the clock does stands in order_clock.py; couriers' reports move the assignment as well (dispatch/reports.py), as
does what the staff decides about a delivery exception (dispatch/order_moves.py).
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from server.accounts.audit import AuditStore
from server.accounts.permissions import Permission, require, require_for_order
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import BadInput
from server.ids import new_id
from server.orders.alarms import Patience
from server.orders.birth import place_checked
from server.orders.codes import Waiver
from server.orders.commands import fingerprint, once
from server.orders.door import at_the_door
from server.orders.kitchen import KitchenEvent
from server.orders.model import PaymentMethod
from server.orders.moves import (
    POSTPONED,
    PROOF_WAIVED,
    REVIEW_REQUESTED,
    Accept,
    Cancel,
    ConfirmReceipt,
    Dispute,
    Reject,
    undoing,
)
from server.orders.order_clock import OrderClock
from server.orders.placing import PlaceOrder
from server.orders.promise import promised_at
from server.orders.record import Story, record
from server.orders.store import OrderStore, require_version
from server.orders.trouble import Grievance, Troubles
from server.orders.views import Json, order_json
from server.settings import Settings
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

MAX_PREPARATION_S = 4 * 3600
MAX_REASON_LENGTH = 500

# What a command does to the order's story, within the unit of work.
Decide = Callable[[Story, UnitOfWork], Awaitable[None] | None]


class BadPreparation(BadInput):
    """A preparation time lies between 0 seconds and 4 hours."""

    code = "bad_preparation"


class BadReason(BadInput):
    """A reason is needed, of at most 500 characters."""

    code = "bad_reason"


class OrderService:
    """The commands about orders.  `version`, where given, is what the person saw: OrderChanged if it has moved on.

    `key` is the caller's Idempotency-Key: repeated, it gets the first answer again.  `troubles` are told of disputes.
    """

    def __init__(self, storage: Storage, clock: Clock, settings: Settings) -> None:
        self.troubles = Troubles()
        self._storage = storage
        self._clock = clock
        self._settings = settings
        self._patience = Patience.of(settings)

    def register(self, timers: Timers) -> None:
        """Let the clock act about orders."""
        OrderClock(self._patience).register(timers)

    async def place(self, viewer: Viewer, asked: PlaceOrder, *, key: str | None = None) -> Json:
        """A new order of the viewer's, paid for at the door; CheckFailed tells all that is wrong with it."""
        require(viewer, Permission.PLACE_ORDER)

        async def act(work: UnitOfWork) -> Json:
            checked = await at_the_door(
                work.connection, asked, at=work.now, settings=self._settings, methods=(PaymentMethod.CASH,)
            )
            order = await place_checked(
                work,
                checked,
                order_id=new_id(self._clock.now_ms()),
                customer_id=viewer.account_id,
                settings=self._settings,
                by=viewer,
            )
            return order_json(order)

        return await once(self._storage, viewer, key, fingerprint("place", asked), act)

    # The merchant's

    async def accept(
        self,
        viewer: Viewer,
        order_id: UUID,
        preparation_s: int,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The merchant takes the order on; the kitchen needs `preparation_s`, and the promise is fixed."""
        good_preparation(preparation_s)

        def decide(story: Story, work: UnitOfWork) -> None:
            story.move(Accept(preparation_s, story.held.ride_s), at=work.now)

        told = fingerprint("accept", order_id, preparation_s, version)
        return await self._decide(viewer, Permission.ANSWER_ORDER, order_id, version, key, told, decide)

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
        reason = good_reason(reason)

        def decide(story: Story, work: UnitOfWork) -> None:
            story.move(Reject(reason, viewer.role.value), at=work.now)

        told = fingerprint("reject", order_id, reason, version)
        return await self._decide(viewer, Permission.ANSWER_ORDER, order_id, version, key, told, decide)

    async def postpone(
        self,
        viewer: Viewer,
        order_id: UUID,
        preparation_s: int,
        reason: str,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The kitchen needs `preparation_s` from now on; the new promise stands beside the first."""
        good_preparation(preparation_s)
        reason = good_reason(reason)

        def decide(story: Story, work: UnitOfWork) -> None:
            order = story.order
            order.require_cooking("postpone")
            assert order.accepted_at is not None  # as what is being cooked was accepted
            since_s = round((work.now - order.accepted_at).total_seconds())
            promise = promised_at(
                work.now,
                preparation_s=preparation_s,
                ride_s=story.held.ride_s,
                not_before=order.scheduled_to,
            )
            facts = {"preparation_s": since_s + preparation_s, "promised_at": promise}
            story.note(POSTPONED, at=work.now, facts=facts, why=reason)

        told = fingerprint("postpone", order_id, preparation_s, reason, version)
        return await self._decide(viewer, Permission.ANSWER_ORDER, order_id, version, key, told, decide)

    async def cook(
        self,
        viewer: Viewer,
        order_id: UUID,
        event: KitchenEvent,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The merchant says that the food is ready, or not ready after all."""

        def decide(story: Story, work: UnitOfWork) -> None:
            name, facts = story.order.cooked(event, at=work.now)
            story.note(name, at=work.now, facts=facts)

        told = fingerprint(event, order_id, version)
        return await self._decide(viewer, Permission.ANSWER_ORDER, order_id, version, key, told, decide)

    # Whoever may

    async def cancel(
        self,
        viewer: Viewer,
        order_id: UUID,
        reason: str,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The customer, the merchant, or somebody for them, calls the order off."""
        reason = good_reason(reason)

        def decide(story: Story, work: UnitOfWork) -> None:
            story.move(Cancel(reason, viewer.role.value), at=work.now)

        told = fingerprint("cancel", order_id, reason, version)
        return await self._decide(viewer, Permission.CANCEL_ORDER, order_id, version, key, told, decide)

    async def undo(
        self, viewer: Viewer, order_id: UUID, *, version: int | None = None, key: str | None = None
    ) -> Json:
        """Who rejected or cancelled the order by a slip takes it back, within a minute."""

        def decide(story: Story, work: UnitOfWork) -> None:
            accept_by = work.now + timedelta(seconds=self._patience.accept_s)
            back = undoing(story.order, viewer.role.value, at=work.now, accept_by=accept_by)
            # Those who had it on a list have struck it off.
            story.move(back, at=work.now, **story.order.introduction())

        told = fingerprint("undo", order_id, version)
        return await self._decide(viewer, Permission.UNDO_ORDER, order_id, version, key, told, decide)

    # The customer's

    async def confirm_receipt(
        self, viewer: Viewer, order_id: UUID, *, version: int | None = None, key: str | None = None
    ) -> Json:
        """The customer has the bag: the order is complete, and they are asked how it was."""

        def decide(story: Story, work: UnitOfWork) -> None:
            story.move(ConfirmReceipt(), at=work.now)
            story.note(REVIEW_REQUESTED, at=work.now)

        told = fingerprint("confirm_receipt", order_id, version)
        return await self._decide(viewer, Permission.CONFIRM_RECEIPT, order_id, version, key, told, decide)

    async def dispute(
        self,
        viewer: Viewer,
        order_id: UUID,
        grievance: Grievance,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """What came was not right, or nothing came; a ticket is opened for it."""
        require(viewer, Permission.DISPUTE_ORDER)
        grievance.check(viewer.role)

        async def decide(story: Story, work: UnitOfWork) -> None:
            story.move(Dispute(grievance.reason), at=work.now, evidence=list(grievance.evidence))
            await grievance.check_evidence(work.connection, order_id)

        async def afterwards(story: Story, work: UnitOfWork) -> None:
            await self.troubles.tell(work, story, grievance, by=viewer)

        told = fingerprint("dispute", order_id, grievance, version)
        return await self._decide(
            viewer, Permission.DISPUTE_ORDER, order_id, version, key, told, decide, afterwards
        )

    # The staff's

    async def override(
        self,
        viewer: Viewer,
        order_id: UUID,
        waiver: Waiver,
        reason: str,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """Somebody of the staff lets the courier go on without that code or proof, and says why."""
        reason = good_reason(reason)

        async def decide(story: Story, work: UnitOfWork) -> None:
            story.order.require_open("override")
            waived = tuple(dict.fromkeys([*story.order.waived, waiver.value]))
            story.note(PROOF_WAIVED, at=work.now, facts={"waived": waived}, why=reason)
            await AuditStore(work.connection).did(
                viewer, "override", "order", order_id, at=work.now, waived=waiver.value
            )

        told = fingerprint("override", order_id, waiver, reason, version)
        return await self._decide(viewer, Permission.REDELIVER_ORDER, order_id, version, key, told, decide)

    async def _decide(
        self,
        viewer: Viewer,
        permission: Permission,
        order_id: UUID,
        version: int | None,
        key: str | None,
        told: bytes,
        decide: Decide,
        afterwards: Decide | None = None,
    ) -> Json:
        async def act(work: UnitOfWork) -> Json:
            held = await OrderStore(work.connection).hold(order_id)
            require_for_order(viewer, permission, **held.order.people(held.courier_id))
            require_version(held.order, version)
            story = Story(held)
            await _done(decide(story, work))
            moved = await record(work, story, patience=self._patience, by=viewer, is_last=afterwards is None)
            if afterwards is not None:
                await _done(afterwards(story, work))
            return order_json(moved)

        require(viewer, permission)
        return await once(self._storage, viewer, key, told, act)


async def _done(deciding: Awaitable[None] | None) -> None:
    if deciding is not None:
        await deciding


def good_preparation(preparation_s: int) -> None:
    """BadPreparation unless a kitchen can need so long."""
    if not 0 <= preparation_s <= MAX_PREPARATION_S:
        raise BadPreparation


def good_reason(reason: str) -> str:
    """The reason without what stands around it; BadReason when there is none, or a novel."""
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_LENGTH:
        raise BadReason
    return reason
