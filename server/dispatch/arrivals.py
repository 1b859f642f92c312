"""What the steps of a fix's way work on: a courier, his arrivals, a micro-batch of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from server.geo.fixes import Doubt
from server.geo.position import Position
from server.wire.messages import Fix, FixesReceived, RefusedFix


@dataclass(slots=True, weakref_slot=True, eq=False)
class Courier:
    """A courier as this process knows him.  `owner` 0: his phone speaks HTTP, nobody owns him here."""

    courier_id: UUID
    owner: int
    last: Position | None = None
    available: bool = True
    doubt: Doubt | None = None
    held_until_ms: int | None = None  # newest fix time that his socket has brought here for the track
    replaced: bool = False


@dataclass(slots=True, eq=False)
class Arrival:
    """The fixes of one frame or request, and whom to tell.  None at all: put his last position again."""

    courier: Courier
    fixes: Sequence[Fix]
    received_at_ms: int
    on_received: Callable[[FixesReceived], None] | None = None
    on_stored: Callable[[list[int]], None] | None = None
    on_not_stored: Callable[[Exception], None] | None = None
    is_urgent: bool = False  # somebody waits for the commit with an open request
    live: int = 0
    history: int = 0
    refused: list[RefusedFix] = field(default_factory=list)
    packed: list[bytes] = field(default_factory=list)  # for the track
    seqs: list[int] = field(default_factory=list)  # the phone's numbers of what is packed

    def answer(self) -> FixesReceived:
        """What the phone is told once the steps are done."""
        return FixesReceived(self.live, self.history, self.refused)


@dataclass(slots=True, eq=False)
class MicroBatch:
    """What arrived within one tick, on its way through the steps."""

    arrivals: list[Arrival]
    newest: dict[UUID, Position] = field(default_factory=dict)  # to be placed
    placed: list[Position] = field(default_factory=list)  # to be broadcast
    is_live_state_away: bool = False
    replaced: list[Position] = field(default_factory=list)  # refused: a newer owner has spoken
