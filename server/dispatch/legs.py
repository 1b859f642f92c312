"""The life of an assignment (one order on one courier) as a table, and the leg he rides in each state.  Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.orders.lifecycle import IllegalTransition
from server.orders.model import Command, Deliver, PickUp


class State(StrEnum):
    """Where an assignment is."""

    ASSIGNED = "assigned"
    PICKED_UP = "picked_up"
    DELIVERED = "delivered"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What can happen to it."""

    PICK_UP = "pick_up"
    DELIVER = "deliver"
    WITHDRAW = "withdraw"


class Leg(StrEnum):
    """The ride to one stop."""

    TO_PICKUP = "to_pickup"
    TO_DROPOFF = "to_dropoff"


# fmt: off
TRANSITIONS: dict[State, dict[Act, State]] = {
    State.ASSIGNED: {Act.PICK_UP: State.PICKED_UP, Act.WITHDRAW: State.WITHDRAWN},
    # With the food on the bike it can only arrive.
    State.PICKED_UP: {Act.DELIVER: State.DELIVERED},
    State.DELIVERED: {}, State.WITHDRAWN: {},
}
# fmt: on
LEGS: dict[State, Leg] = {State.ASSIGNED: Leg.TO_PICKUP, State.PICKED_UP: Leg.TO_DROPOFF}
ENDED = frozenset(state for state, row in TRANSITIONS.items() if not row)

# How assignment and order touch: what a courier reports of his bag is told to its order in the same transaction.
ORDER_COMMANDS: dict[Act, Command] = {Act.PICK_UP: PickUp(), Act.DELIVER: Deliver()}


def next_state(state: State, act: Act) -> State:
    """Where `act` takes an assignment in `state`; IllegalTransition if nowhere."""
    try:
        return TRANSITIONS[state][act]
    except KeyError:
        raise IllegalTransition(state, act) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One order on one courier, at one version.  At most one open one per order, and per courier for now."""

    id: UUID
    order_id: UUID
    courier_id: UUID
    courier_name: str
    state: State
    version: int
    created_at: datetime
    ended_at: datetime | None = None

    @property
    def leg(self) -> Leg | None:
        """The ride he is on for it; None once it has ended."""
        return LEGS.get(self.state)

    def after(self, act: Act, *, at: datetime) -> "Assignment":
        """The assignment after `act`; IllegalTransition when the table forbids it."""
        state = next_state(self.state, act)
        return replace(self, state=state, version=self.version + 1, ended_at=at if state in ENDED else None)


def believed_moment(occurred_at: datetime | None, *, not_before: datetime, now: datetime) -> datetime:
    """When a courier's report happened: his phone's word, kept between what must have been before and now.

    A report may have waited without network, and a phone's clock may be wrong; neither makes the work undone.
    """
    if occurred_at is None:
        return now
    return min(max(occurred_at, not_before), now)
