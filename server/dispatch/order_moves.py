"""What the staff decides about an order under way, within somebody else's unit of work: a ticket's, as a rule.

Each holds the order anew, so it may be called whatever happened to it before in the same transaction.  Who may decide
what is asked before; here is only what follows, for the order and for the courier who has it.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from server.accounts.viewer import Viewer
from server.dispatch.legs import CARRYING, ENDED, Act, Assignment
from server.dispatch.log import log_event
from server.dispatch.reports import ASSIGN, TAKE_BY
from server.dispatch.store import REASSIGNED, AssignmentStore, assignment_of
from server.errors import BadInput, Refused
from server.geo.distances import distance_m
from server.orders.alarms import Patience
from server.orders.lifecycle import Event, IllegalTransition, Status
from server.orders.log import By
from server.orders.model import Command, Order
from server.orders.moves import (
    ADDRESS_CORRECTED,
    RE_PROMISED,
    Cancel,
    Dispute,
    Fail,
    Redeliver,
    Remake,
    Return,
    Settle,
    Uphold,
)
from server.orders.placing import is_complete
from server.orders.promise import ride_s
from server.orders.record import Story, record
from server.orders.store import Held, OrderStore
from server.settings import Settings
from server.storage.unit_of_work import UnitOfWork


class NobodyCarriesIt(Refused):
    """No courier has the bag, so it cannot be brought once more; have it made again."""

    code = "nobody_carries_it"


class BagOnTheWay(Refused):
    """The courier has the bag already; it cannot be given to another by us."""

    code = "bag_on_the_way"


class TooFarAway(Refused):
    """The corrected address is farther from the merchant than we bring food."""

    code = "too_far_away"


class BadPromise(BadInput):
    """A new promise lies in the future, and within a day."""

    code = "bad_promise"


class BadAddress(BadInput):
    """The corrected address is not complete: a street, a number, a place on the map."""

    code = "bad_address"


LONGEST_PROMISE_S = 86_400.0


class OrderMoves:
    """The decisions; `by` made them, None: the clock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._patience = Patience.of(settings)

    async def re_promise(
        self,
        work: UnitOfWork,
        order: Order,
        promised_at: datetime,
        by: Viewer | None,
        *,
        why: str | None = None,
    ) -> Order:
        """The customer is told another time; the first one stays visible."""
        if not 0 < (promised_at - work.now).total_seconds() <= LONGEST_PROMISE_S:
            raise BadPromise
        story = await self._story(work, order)
        if story.order.status not in (Status.ACCEPTED, Status.DELIVERING, Status.DELIVERY_EXCEPTION):
            raise IllegalTransition(story.order.status, "re_promise")
        story.note(RE_PROMISED, at=work.now, facts={"promised_at": promised_at}, why=why)
        return await self._record(work, story, by)

    async def correct_address(
        self, work: UnitOfWork, order: Order, *, address: str, lat: float, lng: float, by: Viewer | None
    ) -> Order:
        """It goes elsewhere, as far as we bring food.  Who may see the address reads it anew; no event says it."""
        address = " ".join(address.split())
        if not (is_complete(address, "") and -90 <= lat <= 90 and -180 <= lng <= 180):
            raise BadAddress
        story = await self._story(work, order)
        story.order.require_open("correct_address")
        away_m = distance_m(*story.held.merchant_place, lat, lng)
        if away_m > self._settings.correction_radius_m:
            raise TooFarAway(distance_m=round(away_m), limit_m=round(self._settings.correction_radius_m))
        riding_s = ride_s(*story.held.merchant_place, lat, lng)
        await OrderStore(work.connection).move_contact(
            order.id, address=address, lat=lat, lng=lng, ride_s=riding_s
        )
        story.note(ADDRESS_CORRECTED, at=work.now)
        return await self._record(work, story, by)

    async def reassign(self, work: UnitOfWork, order: Order, reason: str, by: Viewer | None) -> Order:
        """Take it from its courier before he has fetched it, and look for another."""
        story = await self._story(work, order)
        if story.order.status is not Status.ACCEPTED:
            raise (
                BagOnTheWay
                if story.order.status is Status.DELIVERING
                else IllegalTransition(story.order.status, "reassign")
            )
        await withdraw(work, story.held, by=by, reason=REASSIGNED)
        await work.set_timer(ASSIGN, order.id, work.now)
        return story.order

    async def redeliver(self, work: UnitOfWork, order: Order, by: Viewer | None) -> Order:
        """Whoever has the bag brings it once more."""
        return await self._move(work, order, by, lambda held: Redeliver(), self._rides(Act.REDELIVER))

    async def remake(self, work: UnitOfWork, order: Order, by: Viewer | None) -> Order:
        """The kitchen makes it again, in its usual time; whoever had it is free, and somebody is looked for."""
        return await self._move(work, order, by, lambda held: Remake(held.usual_preparation_s, held.ride_s))

    async def send_back(self, work: UnitOfWork, order: Order, by: Viewer | None) -> Order:
        """Back to the merchant: who has the bag turns round; where nobody has it, it is returned at once."""
        story = await self._story(work, order)
        assignment = assignment_of(story.held)
        if assignment is None or assignment.state not in CARRYING:
            story.move(Return(), at=work.now)
            return await self._record(work, story, by)
        if story.order.status is not Status.DELIVERY_EXCEPTION:
            raise IllegalTransition(story.order.status, Event.RETURN)
        await ride(work, assignment, story.order, Act.TURN_BACK, by=by)
        return story.order

    async def settle(self, work: UnitOfWork, order: Order, reason: str, by: Viewer | None) -> Order:
        """It ends without delivery; whoever has the bag is free."""
        return await self._move(work, order, by, lambda held: Settle(reason))

    async def uphold(self, work: UnitOfWork, order: Order, by: Viewer | None) -> Order:
        """The delivery was right, whatever its customer says of it."""
        return await self._move(work, order, by, lambda held: Uphold())

    async def fail(self, work: UnitOfWork, order: Order, reason: str, by: Viewer | None) -> Order:
        """It cannot be delivered, as the staff knows of a courier who cannot say so himself."""
        return await self._move(work, order, by, lambda held: Fail(reason))

    async def dispute(self, work: UnitOfWork, order: Order, reason: str, by: Viewer | None) -> Order:
        """What came was not right, or nothing came."""
        return await self._move(work, order, by, lambda held: Dispute(reason))

    async def cancel(self, work: UnitOfWork, order: Order, reason: str, by: Viewer) -> Order:
        """It is called off."""
        return await self._move(work, order, by, lambda held: Cancel(reason, by.role.value))

    async def _story(self, work: UnitOfWork, order: Order) -> Story:
        return Story(await OrderStore(work.connection).hold(order.id))

    async def _move(
        self,
        work: UnitOfWork,
        order: Order,
        by: Viewer | None,
        command: Callable[[Held], Command],
        then: "Then | None" = None,
    ) -> Order:
        story = await self._story(work, order)
        story.move(command(story.held), at=work.now)
        if then is not None:
            await then(work, story, by)
        return await self._record(work, story, by)

    def _rides(self, act: Act) -> "Then":
        async def then(work: UnitOfWork, story: Story, by: Viewer | None) -> None:
            assignment = assignment_of(story.held)
            if assignment is None or assignment.state not in CARRYING:
                raise NobodyCarriesIt
            await ride(work, assignment, story.order, act, by=by)

        return then

    async def _record(self, work: UnitOfWork, story: Story, by: Viewer | None) -> Order:
        return await record(work, story, patience=self._patience, by=by)


Then = Callable[[UnitOfWork, Story, Viewer | None], Awaitable[None]]


async def ride(
    work: UnitOfWork, assignment: Assignment, order: Order, act: Act, *, by: Viewer | None
) -> None:
    """Have the courier ride elsewhere, and tell him."""
    moved = assignment.after(act, at=work.now)
    await AssignmentStore(work.connection).replace(assignment, moved)
    await work.append(log_event(moved, order, by=by, at=work.now))


async def withdraw(work: UnitOfWork, held: Held, *, by: By, reason: str | None = None) -> UUID | None:
    """Take the order from the courier who has it, if one has; who that was."""
    assignment = assignment_of(held)
    if assignment is None or assignment.state in ENDED:
        return None
    moved = assignment.after(Act.WITHDRAW, at=work.now, reason=reason)
    await AssignmentStore(work.connection).replace(assignment, moved)
    await work.append(log_event(moved, held.order, by=by, at=work.now))
    await work.clear_timer(TAKE_BY, held.order.id)
    return assignment.courier_id
