"""The life of an assignment (one order on one courier) as a table, and the leg he rides in each state.  Pure.

A courier's reports may have waited for a network, so they are judged by what is legal now: the way forward may skip
steps, and a step that lies behind is taken into the history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.orders.lifecycle import Event, IllegalTransition, Status


class State(StrEnum):
    """Where an assignment is."""

    ASSIGNED = "assigned"  # 已派单: given to him; he has not answered yet
    ACCEPTED = "accepted"  # 已接派单
    PICKUP_CONFIRMED = "pickup_confirmed"  # 已确认取餐信息: he has read and confirmed the pickup details
    EN_ROUTE_TO_PICKUP = "en_route_to_pickup"  # 前往取餐
    ARRIVED_AT_PICKUP = "arrived_at_pickup"  # 已到店
    PICKED_UP = "picked_up"  # 已取餐
    EN_ROUTE_TO_DROPOFF = "en_route_to_dropoff"  # 前往送达
    ARRIVED_AT_DROPOFF = "arrived_at_dropoff"  # 已到达客户处
    DELIVERED = "delivered"  # 已送达
    EN_ROUTE_TO_RETURN = "en_route_to_return"  # 退回途中
    ARRIVED_AT_RETURN = "arrived_at_return"  # 已回到商户
    RETURNED = "returned"  # 已退回
    DECLINED = "declined"  # 已拒绝派单
    LAPSED = "lapsed"  # 未应答: he said nothing in time
    WITHDRAWN = "withdrawn"  # 已撤回


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
    # Somebody may have come to the door after all.
    **{state: {
        **_from(_ON_THE_WAY_BACK, state), Act.REDELIVER: State.EN_ROUTE_TO_DROPOFF, Act.WITHDRAW: State.WITHDRAWN,
    } for state in _TO_RETURN},
    State.DELIVERED: {}, State.RETURNED: {}, State.DECLINED: {}, State.LAPSED: {}, State.WITHDRAWN: {},
}
LEGS: dict[State, Leg] = {
    State.ASSIGNED: Leg.TO_PICKUP, **dict.fromkeys(_TO_PICKUP, Leg.TO_PICKUP),
    **dict.fromkeys(_TO_DROPOFF, Leg.TO_DROPOFF), **dict.fromkeys(_TO_RETURN, Leg.TO_RETURN),
}
# fmt: on
ENDED = frozenset(state for state, row in TRANSITIONS.items() if not row)
CARRYING = frozenset({*_TO_DROPOFF, *_TO_RETURN})  # the bag is with him

# How assignment and order touch: a report of the bag is told to its order in the same transaction …
ORDER_EVENTS: dict[Act, Event] = {
    Act.PICK_UP: Event.PICK_UP, Act.DELIVER: Event.DELIVER, Act.HAND_BACK: Event.RETURN,
}  # fmt: skip
# … and an order that is in a status has an assignment in one of these states, or none that is open.
TOGETHER: dict[Status, frozenset[State]] = {
    Status.ACCEPTED: frozenset({State.ASSIGNED, *_TO_PICKUP}),
    Status.DELIVERING: frozenset(_TO_DROPOFF),
    Status.DELIVERY_EXCEPTION: CARRYING,
}
WITHOUT_COURIER = frozenset(Status) - {Status.DELIVERING}

# What a courier reports, and the state that he says to have reached.
STEPS: dict[Act, State] = {**_ON_THE_WAY_TO_PICKUP, **_ON_THE_WAY_TO_DROPOFF, **_ON_THE_WAY_BACK}
# Both ways in their order, for what a state has behind it.
_WAY = (*STEPS.values(),)
_WAY_OUT = (*_ON_THE_WAY_TO_PICKUP.values(), *_ON_THE_WAY_TO_DROPOFF.values())
_WAY_BACK = (*_WAY_OUT[:-1], State.EN_ROUTE_TO_RETURN, *_ON_THE_WAY_BACK.values())


def _behind(state: State) -> tuple[State, ...]:
    """The steps that lie behind an assignment in `state`, in their order; none behind one that ended early."""
    way = _WAY_OUT if state in _WAY_OUT else _WAY_BACK
    return way[: way.index(state)] if state in way else ()


def next_state(state: State, act: Act) -> State:
    """Where `act` takes an assignment in `state`; IllegalTransition if nowhere."""
    try:
        return TRANSITIONS[state][act]
    except KeyError:
        raise IllegalTransition(state, act) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One order on one courier, at one version.  At most one open one per order, and per courier for now.

    `moments` are those at which he reached a state, by his phone's word as far as we believe it.
    """

    id: UUID
    order_id: UUID
    courier_id: UUID
    courier_name: str
    state: State
    version: int
    created_at: datetime
    ended_at: datetime | None = None
    moments: Mapping[str, datetime] = field(default_factory=dict)
    reason: str | None = None  # why he declined it, or why it was taken from him

    @property
    def leg(self) -> Leg | None:
        """The ride he is on for it; None once it has ended."""
        return LEGS.get(self.state)

    def after(self, act: Act, *, at: datetime, reason: str | None = None) -> "Assignment":
        """The assignment after `act`; IllegalTransition when the table forbids it."""
        state = next_state(self.state, act)
        # What was reached before and lies ahead again, as the door does after a redelivery, is to be reached anew.
        kept = _behind(state) or tuple(State)
        moments = {name: moment for name, moment in self.moments.items() if name in kept}
        return replace(
            self,
            state=state,
            version=self.version + 1,
            ended_at=at if state in ENDED else None,
            moments={**moments, state.value: at},
            reason=reason or self.reason,
        )

    def told(self, act: Act, occurred_at: datetime | None, *, now: datetime) -> "Told":
        """What becomes of a courier's report; IllegalTransition when it fits neither his way nor his history."""
        step = STEPS[act]
        if act in TRANSITIONS[self.state]:
            at = self.believed(occurred_at, step, now=now)
            return Told(self.after(act, at=at), at)
        if step not in (*_behind(self.state), self.state):
            raise IllegalTransition(self.state, act)
        if step.value in self.moments:
            return Told(self, self.moments[step.value])  # said before
        at = self.believed(occurred_at, step, now=now)
        moved = replace(self, version=self.version + 1, moments={**self.moments, step.value: at})
        return Told(moved, at, late=step)

    def believed(self, occurred_at: datetime | None, step: State | None, *, now: datetime) -> datetime:
        """When that was, between what he is known to have done before it and after it; without a step: just now."""
        place = len(_WAY) if step is None else _WAY.index(step)
        before = [self.moments[state] for state in _WAY[:place] if state.value in self.moments]
        behind = (*_behind(self.state), self.state)
        after = [
            self.moments[state]
            for state in _WAY[place + 1 :]
            if state in behind and state.value in self.moments
        ]
        return believed_moment(
            occurred_at, not_before=max([self.created_at, *before]), now=min([now, *after])
        )


@dataclass(frozen=True, slots=True)
class Told:
    """The assignment after a report, and when that was; `late`: the step was behind him already, and is history now."""

    assignment: Assignment
    at: datetime
    late: State | None = None


def believed_moment(occurred_at: datetime | None, *, not_before: datetime, now: datetime) -> datetime:
    """When a courier's report happened: his phone's word, kept between what must have been before and now.

    A report may have waited without network, and a phone's clock may be wrong; neither makes the work undone.
    """
    if occurred_at is None:
        return now
    return min(max(occurred_at, not_before), now)
