"""The assignment's table, how it touches the order's, and what becomes of a courier's reports."""

from datetime import timedelta
from itertools import permutations

import pytest

from server.dispatch.legs import (
    CARRYING,
    ENDED,
    LEGS,
    ORDER_EVENTS,
    STEPS,
    TOGETHER,
    TRANSITIONS,
    WITHOUT_COURIER,
    Act,
    Leg,
    State,
    believed_moment,
    next_state,
)
from server.orders.lifecycle import IllegalTransition, Status, next_status
from tests.builders import an_assignment
from tests.fakes import NOON

ALLOWED = {(state, act): after for state, row in TRANSITIONS.items() for act, after in row.items()}
MINUTE = timedelta(minutes=1)
OUT = (
    Act.TAKE, Act.CONFIRM_PICKUP, Act.SET_OFF, Act.ARRIVE_AT_PICKUP, Act.PICK_UP, Act.LEAVE_PICKUP,
    Act.ARRIVE_AT_DROPOFF, Act.DELIVER,
)  # fmt: skip


def told(assignment, *acts):
    """The assignment after these reports, a minute apart, each told at once."""
    for minutes, act in enumerate(acts, start=1):
        assignment = assignment.told(act, None, now=NOON + minutes * MINUTE).assignment
    return assignment


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
def test_what_the_table_does_not_allow_is_refused(state, act):
    if (state, act) in ALLOWED:
        assert next_state(state, act) is ALLOWED[state, act]
    else:
        with pytest.raises(IllegalTransition):
            next_state(state, act)


def test_every_state_can_be_reached_and_every_assignment_ends():
    reached, ahead = set(), [State.ASSIGNED]
    while ahead:
        state = ahead.pop()
        if state not in reached:
            reached.add(state)
            ahead += TRANSITIONS[state].values()
    assert reached == set(State) == set(TRANSITIONS)
    assert {State.DELIVERED, State.RETURNED, State.DECLINED, State.LAPSED, State.WITHDRAWN} == ENDED


def test_a_courier_rides_a_leg_as_long_as_he_has_the_order():
    assert set(LEGS) == set(State) - ENDED
    assert {state for state, leg in LEGS.items() if leg is not Leg.TO_PICKUP} == CARRYING


def test_a_report_takes_order_and_assignment_to_states_that_belong_together():
    for status, states in TOGETHER.items():
        for state in states:
            for act, event in ORDER_EVENTS.items():
                # A delivery that has failed goes on only when somebody has decided so.
                if (state, act) in ALLOWED and (status, act) != (Status.DELIVERY_EXCEPTION, Act.DELIVER):
                    after, moved = ALLOWED[state, act], next_status(status, event)
                    assert after in ENDED if moved not in TOGETHER else after in TOGETHER[moved]


def test_only_food_on_the_road_must_have_somebody_who_carries_it():
    assert set(Status) - {Status.DELIVERING} == WITHOUT_COURIER
    assert set(TOGETHER) | WITHOUT_COURIER == set(Status)


def test_an_order_that_needs_nobody_any_more_can_be_taken_from_whoever_has_it():
    assert all(Act.WITHDRAW in TRANSITIONS[state] for state in LEGS)


@pytest.mark.parametrize("state", sorted(CARRYING))
def test_who_has_the_bag_can_neither_decline_nor_fall_silent(state):
    assert not {Act.DECLINE, Act.LAPSE} & set(TRANSITIONS[state])


def test_an_assignment_moves_by_one_version_and_ends_with_its_last():
    picked_up = an_assignment().after(Act.PICK_UP, at=NOON)
    assert (picked_up.state, picked_up.version, picked_up.ended_at) == (State.PICKED_UP, 2, None)
    delivered = picked_up.after(Act.DELIVER, at=NOON)
    assert (delivered.state, delivered.version, delivered.ended_at) == (State.DELIVERED, 3, NOON)
    assert (picked_up.leg, delivered.leg) == (Leg.TO_DROPOFF, None)


# Reports


def test_each_step_is_remembered_with_its_moment():
    done = told(an_assignment(), *OUT)
    assert done.moments == {STEPS[act]: NOON + minutes * MINUTE for minutes, act in enumerate(OUT, start=1)}
    assert done.version == 1 + len(OUT)


def test_any_step_ahead_may_be_the_next_since_reports_get_lost():
    picked_up = told(an_assignment(), Act.PICK_UP)
    assert (picked_up.state, set(picked_up.moments)) == (State.PICKED_UP, {"picked_up"})


def test_what_lies_behind_goes_into_the_history_and_moves_nothing():
    picked_up = told(an_assignment(), Act.PICK_UP)
    late = picked_up.told(Act.ARRIVE_AT_PICKUP, NOON + MINUTE / 2, now=NOON + 10 * MINUTE)
    assert (late.late, late.at) == (State.ARRIVED_AT_PICKUP, NOON + MINUTE / 2)
    assert (late.assignment.state, late.assignment.version) == (State.PICKED_UP, 3)
    assert late.assignment.moments["arrived_at_pickup"] == NOON + MINUTE / 2


def test_what_was_said_before_changes_nothing():
    picked_up = told(an_assignment(), Act.TAKE, Act.PICK_UP)
    again = picked_up.told(Act.PICK_UP, NOON, now=NOON + 10 * MINUTE)
    assert again.assignment is picked_up
    assert again.at == NOON + 2 * MINUTE


@pytest.mark.parametrize("act", [act for act in OUT if act is not Act.DELIVER])
def test_also_after_the_delivery_a_step_is_not_lost(act):
    delivered = told(an_assignment(), Act.PICK_UP, Act.DELIVER)
    said = delivered.told(act, NOON, now=NOON + 10 * MINUTE)
    assert said.assignment.state is State.DELIVERED
    assert said.assignment.ended_at == delivered.ended_at


@pytest.mark.parametrize("act", [Act.LEAVE_PICKUP, Act.ARRIVE_AT_DROPOFF, Act.DELIVER, Act.HAND_BACK])
def test_nobody_delivers_or_brings_back_what_he_has_not_fetched(act):
    with pytest.raises(IllegalTransition):
        told(an_assignment(), act)


@pytest.mark.parametrize("ended", [Act.DECLINE, Act.LAPSE, Act.WITHDRAW])
@pytest.mark.parametrize("act", STEPS)
def test_an_order_that_is_not_his_any_more_cannot_be_reported_of(ended, act):
    gone = an_assignment().after(ended, at=NOON)
    with pytest.raises(IllegalTransition):
        gone.told(act, None, now=NOON)


def test_a_moment_lies_between_those_of_the_steps_before_and_after_it():
    fetched = told(an_assignment(), Act.TAKE, Act.PICK_UP)  # after one and two minutes
    for said_min, believed_min in ((0, 1), (1.5, 1.5), (9, 2), (None, 2)):
        said = None if said_min is None else NOON + said_min * MINUTE
        late = fetched.told(Act.ARRIVE_AT_PICKUP, said, now=NOON + 10 * MINUTE)
        assert late.at == NOON + believed_min * MINUTE


@pytest.mark.parametrize("order", list(permutations([Act.ARRIVE_AT_PICKUP, Act.PICK_UP, Act.LEAVE_PICKUP])))
def test_in_whatever_order_reports_come_the_history_is_the_same(order):
    moments = {
        Act.ARRIVE_AT_PICKUP: NOON + MINUTE,
        Act.PICK_UP: NOON + 2 * MINUTE,
        Act.LEAVE_PICKUP: NOON + 3 * MINUTE,
    }
    assignment = an_assignment()
    try:
        for act in order:
            assignment = assignment.told(act, moments[act], now=NOON + 10 * MINUTE).assignment
    except IllegalTransition:
        # He may not leave with a bag that he has not reported to have: the only order that is refused.
        assert order.index(Act.LEAVE_PICKUP) < order.index(Act.PICK_UP)
    else:
        assert assignment.moments == {STEPS[act]: at for act, at in moments.items()}
        assert assignment.state is State.EN_ROUTE_TO_DROPOFF


def test_what_is_brought_once_more_arrives_once_more():
    there = told(an_assignment(), Act.PICK_UP, Act.ARRIVE_AT_DROPOFF)
    again = there.after(Act.REDELIVER, at=NOON + 30 * MINUTE)
    assert (again.state, set(again.moments)) == (
        State.EN_ROUTE_TO_DROPOFF,
        {"picked_up", "en_route_to_dropoff"},
    )
    assert again.told(Act.ARRIVE_AT_DROPOFF, None, now=NOON + 40 * MINUTE).late is None


def test_the_way_back_has_its_steps_too():
    back = told(an_assignment(), Act.PICK_UP, Act.ARRIVE_AT_DROPOFF).after(
        Act.TURN_BACK, at=NOON + 3 * MINUTE
    )
    assert back.leg is Leg.TO_RETURN
    done = back.told(Act.ARRIVE_AT_RETURN, None, now=NOON + 9 * MINUTE).assignment
    done = done.told(Act.HAND_BACK, None, now=NOON + 10 * MINUTE).assignment
    assert done.state is State.RETURNED
    assert {"picked_up", "arrived_at_dropoff", "en_route_to_return", "returned"} <= set(done.moments)
    with pytest.raises(IllegalTransition):
        back.told(Act.DELIVER, None, now=NOON + 9 * MINUTE)


def test_why_it_ended_is_remembered():
    assert an_assignment().after(Act.DECLINE, at=NOON, reason="flat tyre").reason == "flat tyre"


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
