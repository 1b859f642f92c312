"""The life of an assignment (one order on one courier) as a table, and the leg he rides in each state.  Pure.

A courier's reports may have waited for a network, so they are judged by what is legal now: the way forward may skip
steps, and a step that lies behind is taken into the history.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.orders.lifecycle import IllegalTransition
from server.orders.model import Command, Deliver, PickUp


class State(StrEnum):
    """Where an assignment is."""

    ASSIGNED = "assigned"  # given to him; he has not answered yet
    ACCEPTED = "accepted"
    PICKUP_CONFIRMED = "pickup_confirmed"  # he has read and confirmed the pickup details
    EN_ROUTE_TO_PICKUP = "en_route_to_pickup"
    ARRIVED_AT_PICKUP = "arrived_at_pickup"
    PICKED_UP = "picked_up"
    EN_ROUTE_TO_DROPOFF = "en_route_to_dropoff"
    ARRIVED_AT_DROPOFF = "arrived_at_dropoff"
    DELIVERED = "delivered"
    EN_ROUTE_TO_RETURN = "en_route_to_return"
    ARRIVED_AT_RETURN = "arrived_at_return"
    RETURNED = "returned"
    DECLINED = "declined"
    LAPSED = "lapsed"  # he said nothing in time
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What can happen to it."""

    TAKE = "take"
    DECLINE = "decline"
    LAPSE = "lapse"
    CONFIRM_PICKUP = "confirm_pickup"
    SET_OFF = "set_off"
    ARRIVE_AT_PICKUP = "arrive_at_pickup"
    PICK_UP = "pick_up"
    LEAVE_PICKUP = "leave_pickup"
    ARRIVE_AT_DROPOFF = "arrive_at_dropoff"
    DELIVER = "deliver"
    REDELIVER = "redeliver"
    TURN_BACK = "turn_back"
    ARRIVE_AT_RETURN = "arrive_at_return"
    HAND_BACK = "hand_back"
    WITHDRAW = "withdraw"


class Leg(StrEnum):
    """The ride to one stop."""

    TO_PICKUP = "to_pickup"
    TO_DROPOFF = "to_dropoff"
    TO_RETURN = "to_return"


# fmt: off
_ON_THE_WAY_TO_PICKUP: dict[Act, State] = {
    Act.TAKE: State.ACCEPTED, Act.CONFIRM_PICKUP: State.PICKUP_CONFIRMED, Act.SET_OFF: State.EN_ROUTE_TO_PICKUP,
    Act.ARRIVE_AT_PICKUP: State.ARRIVED_AT_PICKUP, Act.PICK_UP: State.PICKED_UP,
}
_ON_THE_WAY_TO_DROPOFF: dict[Act, State] = {
    Act.LEAVE_PICKUP: State.EN_ROUTE_TO_DROPOFF, Act.ARRIVE_AT_DROPOFF: State.ARRIVED_AT_DROPOFF,
    Act.DELIVER: State.DELIVERED,
}
_ON_THE_WAY_BACK: dict[Act, State] = {
    Act.ARRIVE_AT_RETURN: State.ARRIVED_AT_RETURN, Act.HAND_BACK: State.RETURNED,
}


def _from(steps: dict[Act, State], state: State) -> dict[Act, State]:
    """The steps that lie ahead of `state`: any of them may be next, since reports get lost and phones sleep."""
    reached = list(steps.values())
    ahead = list(steps.items())[reached.index(state) + 1 if state in reached else 0 :]
    return dict(ahead)


_BEFORE_PICKUP = {Act.DECLINE: State.DECLINED, Act.WITHDRAW: State.WITHDRAWN}
# With the food on the bike it arrives, goes back, or is given up by those who decide; he cannot decline it.
_WITH_THE_BAG = {
    Act.REDELIVER: State.EN_ROUTE_TO_DROPOFF, Act.TURN_BACK: State.EN_ROUTE_TO_RETURN,
    Act.WITHDRAW: State.WITHDRAWN,
}
_TO_PICKUP = (State.ACCEPTED, State.PICKUP_CONFIRMED, State.EN_ROUTE_TO_PICKUP, State.ARRIVED_AT_PICKUP)
_TO_DROPOFF = (State.PICKED_UP, State.EN_ROUTE_TO_DROPOFF, State.ARRIVED_AT_DROPOFF)
_TO_RETURN = (State.EN_ROUTE_TO_RETURN, State.ARRIVED_AT_RETURN)
TRANSITIONS: dict[State, dict[Act, State]] = {
    State.ASSIGNED: {**_from(_ON_THE_WAY_TO_PICKUP, State.ASSIGNED), **_BEFORE_PICKUP, Act.LAPSE: State.LAPSED},
    **{state: {**_from(_ON_THE_WAY_TO_PICKUP, state), **_BEFORE_PICKUP} for state in _TO_PICKUP},
    **{state: {**_from(_ON_THE_WAY_TO_DROPOFF, state), **_WITH_THE_BAG} for state in _TO_DROPOFF},
    **{state: {**_from(_ON_THE_WAY_BACK, state), Act.WITHDRAW: State.WITHDRAWN} for state in _TO_RETURN},
    State.DELIVERED: {}, State.RETURNED: {}, State.DECLINED: {}, State.LAPSED: {}, State.WITHDRAWN: {},
}
LEGS: dict[State, Leg] = {
    State.ASSIGNED: Leg.TO_PICKUP, **dict.fromkeys(_TO_PICKUP, Leg.TO_PICKUP),
    **dict.fromkeys(_TO_DROPOFF, Leg.TO_DROPOFF), **dict.fromkeys(_TO_RETURN, Leg.TO_RETURN),
}
# fmt: on
ENDED = frozenset(state for state, row in TRANSITIONS.items() if not row)
CARRYING = frozenset({*_TO_DROPOFF, *_TO_RETURN})  # the bag is with him

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
