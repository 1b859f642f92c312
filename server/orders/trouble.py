"""Something is wrong with a delivery: what a courier or a customer says of it, and who is told in the same transaction.

Its words are for the ticket that is opened of it and stand in no event; the log has only the reason's code.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.errors import BadInput
from server.orders.media import MediaNotFound, MediaTable
from server.orders.model import Happening, Order
from server.orders.record import Story
from server.orders.ticket_kinds import KIND_OF_REASON, KINDS, Kind
from server.orders.ticket_reasons import ANY
from server.storage.unit_of_work import UnitOfWork

MAX_NOTE_LENGTH = 1000
MAX_EVIDENCE = 10


class UnknownReason(BadInput):
    """The catalogue has no such reason, or not for your role; see docs/tickets.md."""

    code = "unknown_reason"


class BadGrievance(BadInput):
    """A note has at most 1000 characters, and at most 10 pictures go with it."""

    code = "bad_grievance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grievance:
    """What somebody says is wrong: a reason of the catalogue, perhaps words and pictures."""

    reason: str
    kind: Kind | None = None  # where the reason alone does not say
    note: str = ""
    evidence: tuple[UUID, ...] = ()

    def check(self, role: Role) -> None:
        """UnknownReason unless this role may report it; BadGrievance when it is too much."""
        kind = self.kind or KIND_OF_REASON.get(self.reason)
        rule = None if kind is None else KINDS[kind]
        if self.reason not in ANY and (rule is None or self.reason not in rule.reasons):
            raise UnknownReason(reason=self.reason)
        if rule is not None and role not in rule.raised_by:
            raise UnknownReason(reason=self.reason)
        if len(self.note) > MAX_NOTE_LENGTH or len(self.evidence) > MAX_EVIDENCE:
            raise BadGrievance

    async def check_evidence(self, connection: Any, order_id: UUID) -> None:
        """MediaNotFound unless all its pictures are of this order."""
        if self.evidence:
            known = {media.id for media in await MediaTable(connection).of_order(order_id)}
            if not known.issuperset(self.evidence):
                raise MediaNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A grievance about an order that has just been recorded: `happened` is the order's event that says so."""

    order: Order
    happened: Happening
    grievance: Grievance
    courier_id: UUID | None
    by: Viewer


TroubleHandler = Callable[[UnitOfWork, Trouble], Awaitable[None]]


class Troubles:
    """Who is told of trouble, inside the transaction that records it; if a handler fails, all fails."""

    def __init__(self) -> None:
        self._handlers: list[TroubleHandler] = []

    def on(self, handler: TroubleHandler) -> None:
        """Have `handler` told."""
        self._handlers.append(handler)

    async def tell(self, work: UnitOfWork, story: Story, grievance: Grievance, *, by: Viewer) -> None:
        """Tell of the last chapter of this story."""
        order, happened = story.chapters[-1]
        trouble = Trouble(
            order=order, happened=happened, grievance=grievance, courier_id=story.held.last_courier_id, by=by
        )
        for handler in self._handlers:
            await handler(work, trouble)
