"""The assignment's table, how it touches the order's, and when a report is believed to have happened."""

from datetime import timedelta

import pytest

from server.dispatch.legs import (
    ENDED,
    LEGS,
    ORDER_COMMANDS,
    TRANSITIONS,
    Act,
    Leg,
    State,
    believed_moment,
    next_state,
)
from server.orders import lifecycle
from server.orders.lifecycle import Event, IllegalTransition, Status, next_status
from tests.builders import an_assignment
from tests.fakes import NOON

ALLOWED = {(state, act): after for state, row in TRANSITIONS.items() for act, after in row.items()}
# The order's status while its assignment is in a state: the two move together.
TOGETHER = {
    State.ASSIGNED: Status.ACCEPTED,
    State.PICKED_UP: Status.DELIVERING,
    State.DELIVERED: Status.DELIVERED,
}


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
def test_what_the_table_does_not_allow_is_refused(state, act):
    if (state, act) in ALLOWED:
        assert next_state(state, act) is ALLOWED[state, act]
    else:
        with pytest.raises(IllegalTransition):
            next_state(state, act)


def test_a_courier_rides_a_leg_as_long_as_he_has_the_order():
    assert LEGS == {State.ASSIGNED: Leg.TO_PICKUP, State.PICKED_UP: Leg.TO_DROPOFF}
    assert {State.DELIVERED, State.WITHDRAWN} == ENDED == set(State) - set(LEGS)


def test_a_report_takes_order_and_assignment_to_states_that_belong_together():
    for (state, act), after in ALLOWED.items():
        if act in ORDER_COMMANDS:
            assert next_status(TOGETHER[state], ORDER_COMMANDS[act].event) is TOGETHER[after]


def test_an_assignment_that_can_be_withdrawn_belongs_to_an_order_that_can_be_cancelled():
    for state, status in TOGETHER.items():
        assert (Act.WITHDRAW in TRANSITIONS[state]) == (Event.CANCEL in lifecycle.TRANSITIONS[status])


def test_an_assignment_moves_by_one_version_and_ends_with_its_last():
    picked_up = an_assignment().after(Act.PICK_UP, at=NOON)
    assert (picked_up.state, picked_up.version, picked_up.ended_at) == (State.PICKED_UP, 2, None)
    delivered = picked_up.after(Act.DELIVER, at=NOON)
    assert (delivered.state, delivered.version, delivered.ended_at) == (State.DELIVERED, 3, NOON)
    assert (picked_up.leg, delivered.leg) == (Leg.TO_DROPOFF, None)


@pytest.mark.parametrize(
    ("said_s", "believed_s"),
    [
        (None, 0),
        (-60, -60),
        (0, 0),
        (3600, 0),  # a phone's clock that is ahead
        (-3600, -600),  # … or behind: not before he got the order
    ],
)
def test_when_a_report_happened_is_bounded_by_what_is_known(said_s, believed_s):
    said = None if said_s is None else NOON + timedelta(seconds=said_s)
    believed = believed_moment(said, not_before=NOON - timedelta(seconds=600), now=NOON)
    assert believed == NOON + timedelta(seconds=believed_s)
