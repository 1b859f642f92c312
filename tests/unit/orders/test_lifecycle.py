"""The table: what it allows and what it refuses."""

import pytest

from server.orders.lifecycle import (
    ENDED,
    FIRST,
    HAPPENED,
    TERMINAL,
    TRANSITIONS,
    UNDOABLE,
    Event,
    IllegalTransition,
    Status,
    next_status,
)

ALLOWED = {(status, event): after for status, row in TRANSITIONS.items() for event, after in row.items()}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("status", Status)
def test_what_the_table_does_not_allow_is_refused(status, event):
    if (status, event) in ALLOWED:
        assert next_status(status, event) is ALLOWED[status, event]
    else:
        with pytest.raises(IllegalTransition) as refused:
            next_status(status, event)
        assert refused.value.details == {"current": status.value, "event": event.value}


def test_food_on_the_road_is_not_cancelled():
    assert (Status.DELIVERING, Event.CANCEL) not in ALLOWED


def test_every_status_can_be_reached_and_every_life_ends():
    reached, ahead = set(), [FIRST, Status.SCHEDULED]
    while ahead:
        status = ahead.pop()
        if status not in reached:
            reached.add(status)
            ahead += TRANSITIONS[status].values()
    assert reached == set(Status) == set(TRANSITIONS)
    assert {Status.COMPLETED, Status.RETURNED, Status.CLOSED, Status.EXPIRED} == TERMINAL
    assert {Status.REJECTED, Status.CANCELLED} == ENDED - TERMINAL


def test_what_may_be_undone_goes_back_to_where_its_merchant_must_answer():
    assert {ALLOWED[status, Event.UNDO] for status in UNDOABLE} == {Status.PENDING_ACCEPTANCE}


def test_every_event_has_its_word_in_the_log():
    assert set(HAPPENED) == set(Event)
