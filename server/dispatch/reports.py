"""What couriers report of the orders they have: taken, on the way, fetched, there, handed over, or not.

A report may have waited for the network, so it is judged by what is legal now: what lies behind already goes into the
history, and nothing is refused for coming late.  Whatever moves an assignment holds its order's row first.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec

from server.accounts.permissions import Permission, require, require_for_order
from server.accounts.viewer import Viewer
from server.dispatch.legs import Act, Assignment, State
from server.dispatch.log import log_event
from server.dispatch.store import AssignmentStore, assignment_of, replacing
from server.dispatch.views import assignment_json
from server.orders.alarms import Patience
from server.orders.codes import (
    MAX_WRONG_CODES,
    CodeNeeded,
    Codes,
    ProofNeeded,
    Waiver,
    WrongCode,
    check_code,
)
from server.orders.commands import fingerprint, once
from server.orders.media import MediaNotFound, MediaTable
from server.orders.model import Command, Proof, ProofKind
from server.orders.moves import CODES_LOCKED, Deliver, Fail, PickUp, Return
from server.orders.record import Story, record
from server.orders.service import good_reason
from server.orders.store import Held, OrderStore
from server.orders.trouble import Grievance, Troubles
from server.orders.views import Json, order_json
from server.settings import Settings
from server.storage.unit_of_work import Storage, UnitOfWork

TAKE_BY = "take_by"  # the timer of a courier who has not answered
ASSIGN = "assign"  # … and the one that looks for somebody

# What a step tells the order, once it is checked; None where the order is not concerned.
Telling = Callable[[Held, UnitOfWork], Awaitable[Command]]


class ProofGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the courier proves the delivery: the code that the customer told him, or a photo or signature he has sent."""

    code: str | None = None
    media_id: UUID | None = None


class CourierReports:
    """What couriers say.  `occurred_at` is when it happened by the phone, `key` the Idempotency-Key."""

    def __init__(self, storage: Storage, codes: Codes, troubles: Troubles, settings: Settings) -> None:
        self._storage = storage
        self._codes = codes
        self._troubles = troubles
        self._patience = Patience.of(settings)

    async def step(
        self,
        viewer: Viewer,
        order_id: UUID,
        act: Act,
        occurred_at: datetime | None = None,
        *,
        key: str | None = None,
    ) -> Json:
        """He has taken it, read the pickup's details, set off, arrived: all that asks for nothing else."""
        told = fingerprint(act, order_id, occurred_at)
        telling = _return if act is Act.HAND_BACK else None
        return await self._report(viewer, order_id, act, occurred_at, key, told, telling)

    async def pick_up(
        self,
        viewer: Viewer,
        order_id: UUID,
        occurred_at: datetime | None = None,
        *,
        code: str | None = None,
        key: str | None = None,
    ) -> Json:
        """The courier has the bag; with the code that the merchant told him, where it is asked for."""

        async def telling(held: Held, work: UnitOfWork) -> Command:
            order = held.order
            if Waiver.PICKUP_CODE not in order.waived:
                if code is not None:
                    await self._check_code(Waiver.PICKUP_CODE, code, held, work)
                elif held.pickup_code_required:
                    raise CodeNeeded
            return PickUp()

        told = fingerprint(Act.PICK_UP, order_id, occurred_at, code)
        return await self._report(viewer, order_id, Act.PICK_UP, occurred_at, key, told, telling)

    async def deliver(
        self,
        viewer: Viewer,
        order_id: UUID,
        occurred_at: datetime | None = None,
        *,
        proof: ProofGiven | None = None,
        key: str | None = None,
    ) -> Json:
        """The courier has handed the bag over, with a proof where the merchant asks for one."""

        async def telling(held: Held, work: UnitOfWork) -> Command:
            return Deliver(await self._proof(proof or ProofGiven(), held, work))

        told = fingerprint(Act.DELIVER, order_id, occurred_at, proof)
        return await self._report(viewer, order_id, Act.DELIVER, occurred_at, key, told, telling)

    async def decline(
        self,
        viewer: Viewer,
        order_id: UUID,
        reason: str,
        occurred_at: datetime | None = None,
        *,
        key: str | None = None,
    ) -> Json:
        """The courier cannot fetch it, and says why; the next one is looked for."""
        reason = good_reason(reason)

        async def act(work: UnitOfWork) -> Json:
            held, assignment = await self._his(work, viewer, order_id)
            at = assignment.believed(occurred_at, None, now=work.now)
            moved = assignment.after(Act.DECLINE, at=at, reason=reason)
            await AssignmentStore(work.connection).replace(assignment, moved)
            await work.append(log_event(moved, held.order, by=viewer, at=at))
            await work.clear_timer(TAKE_BY, order_id)
            await work.set_timer(ASSIGN, order_id, work.now)
            return _answer(held, moved)

        require(viewer, Permission.CARRY_ORDER)
        told = fingerprint(Act.DECLINE, order_id, reason, occurred_at)
        return await once(self._storage, viewer, key, told, act)

    async def fail(
        self,
        viewer: Viewer,
        order_id: UUID,
        grievance: Grievance,
        occurred_at: datetime | None = None,
        *,
        key: str | None = None,
    ) -> Json:
        """It cannot be delivered: the order waits for those who decide, the bag stays with the courier."""
        require(viewer, Permission.CARRY_ORDER)
        grievance.check(viewer.role)

        async def act(work: UnitOfWork) -> Json:
            held, assignment = await self._his(work, viewer, order_id)
            at = assignment.believed(occurred_at, None, now=work.now)
            story = Story(held)
            story.move(Fail(grievance.reason), at=at, evidence=list(grievance.evidence))
            await grievance.check_evidence(work.connection, order_id)
            await record(work, story, patience=self._patience, by=viewer)
            await self._troubles.tell(work, story, grievance, by=viewer)
            return {**order_json(story.order), "assignment": assignment_json(assignment)}

        told = fingerprint("fail", order_id, grievance, occurred_at)
        return await once(self._storage, viewer, key, told, act)

    async def _report(
        self,
        viewer: Viewer,
        order_id: UUID,
        act: Act,
        occurred_at: datetime | None,
        key: str | None,
        told: bytes,
        telling: Telling | None,
    ) -> Json:
        async def report(work: UnitOfWork) -> Json:
            held, assignment = await self._his(work, viewer, order_id)
            said = assignment.told(act, occurred_at, now=work.now)
            if said.assignment is assignment:
                return _answer(held, assignment)  # as he has said before

            story = Story(held)
            if telling is not None and said.late is None:
                story.move(await telling(held, work), at=said.at)
            work.write_along(*replacing(assignment, said.assignment))
            if assignment.state is State.ASSIGNED:
                await work.clear_timer(TAKE_BY, order_id)  # whoever is on his way has taken it
            news = log_event(said.assignment, story.order, by=viewer, at=said.at, late=said.late)
            if story.chapters:
                await record(work, story, patience=self._patience, by=viewer, also=(news,), is_last=True)
            else:
                await work.append(news)
            return {**order_json(story.order), "assignment": assignment_json(said.assignment)}

        require(viewer, Permission.CARRY_ORDER)
        try:
            return await once(self._storage, viewer, key, told, report)
        except WrongCode:
            await self._count_wrong_code(order_id)
            raise

    async def _his(self, work: UnitOfWork, viewer: Viewer, order_id: UUID) -> tuple[Held, Assignment]:
        """The order, held, and the assignment by which it is, or was until just now, this courier's."""
        held = await OrderStore(work.connection).hold(order_id)
        assignment = assignment_of(held)
        require_for_order(viewer, Permission.CARRY_ORDER, **held.order.people(held.last_courier_id))
        assert assignment is not None  # else it were nobody's to carry
        return held, assignment

    async def _proof(self, given: ProofGiven, held: Held, work: UnitOfWork) -> Proof:
        order = held.order
        if given.code is not None:
            await self._check_code(Waiver.DROPOFF_PROOF, given.code, held, work)
            return Proof(kind=ProofKind.CODE)
        if given.media_id is not None:
            media = await MediaTable(work.connection).get(given.media_id)
            if media.order_id != order.id:
                raise MediaNotFound
            return Proof(kind=ProofKind(media.kind.value), media_id=media.id)
        if held.dropoff_proof_required and Waiver.DROPOFF_PROOF not in order.waived:
            raise ProofNeeded
        return Proof(kind=ProofKind.NONE)

    async def _check_code(self, waiver: Waiver, code: str, held: Held, work: UnitOfWork) -> None:
        """WrongCode, or TooManyWrongCodes; what the staff does without is not looked at."""
        if waiver in held.order.waived:
            return
        check_code(code, self._codes.of(waiver, held.order.id), wrong_before=held.wrong_codes)
        if held.wrong_codes:
            await OrderStore(work.connection).forget_wrong_codes(held.order.id)

    async def _count_wrong_code(self, order_id: UUID) -> None:
        """Remember it beside the refused report, whose transaction has come to nothing; tell the last one."""
        async with self._storage.unit_of_work() as work:
            if await OrderStore(work.connection).count_wrong_code(order_id) == MAX_WRONG_CODES:
                story = Story(await OrderStore(work.connection).hold(order_id))
                story.note(CODES_LOCKED, at=work.now)
                await record(work, story, patience=self._patience, by=None)


async def _return(held: Held, work: UnitOfWork) -> Command:
    return Return()


def _answer(held: Held, assignment: Assignment) -> Json:
    return {**order_json(held.order), "assignment": assignment_json(assignment)}
