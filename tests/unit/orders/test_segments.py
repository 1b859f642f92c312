"""Whose delay it is."""

from datetime import timedelta

import pytest

from server.orders.lifecycle import Status
from server.orders.segments import REASON_OF, RESPONSIBLE, CourierMoments, Segment, segment_at_fault
from server.orders.ticket_kinds import KINDS, Kind
from tests.builders import an_order
from tests.fakes import NOON


def m(minutes: float) -> object:
    return NOON + timedelta(minutes=minutes)


def moments(**minutes: float) -> CourierMoments:
    return CourierMoments(**{name: m(value) for name, value in minutes.items()})


def clocks(**minutes: float) -> dict[str, object]:
    return {name: m(value) for name, value in minutes.items()}


@pytest.mark.parametrize(
    ("order", "courier", "now", "segment"),
    [
        ({}, {}, 5, Segment.ACCEPT),
        # Ten minutes were said, and it took twenty-five.
        (clocks(accepted_at=1), {"taken_at": 2, "arrived_at_pickup_at": 8}, 26, Segment.PREPARE),
        (clocks(accepted_at=1), {}, 9, Segment.ASSIGN),
        (clocks(accepted_at=1, ready_at=9), {"taken_at": 2}, 25, Segment.REACH_PICKUP),
        # Just as late, but the food was not ready: that cost nothing.
        (
            clocks(accepted_at=1, ready_at=25),
            {"taken_at": 2, "arrived_at_pickup_at": 24},
            26,
            Segment.PREPARE,
        ),
        (clocks(accepted_at=1, ready_at=9), {"taken_at": 2, "arrived_at_pickup_at": 9}, 25, Segment.WAIT),
        (clocks(accepted_at=1, ready_at=9, picked_up_at=11), {"taken_at": 2}, 50, Segment.RIDE),
        (
            clocks(accepted_at=1, ready_at=9, picked_up_at=11, delivered_at=40),
            {"taken_at": 2, "arrived_at_pickup_at": 8, "arrived_at_dropoff_at": 20},
            60,
            Segment.HAND_OVER,
        ),
        # Nothing is beyond its clock: it is where we are.
        (clocks(accepted_at=1, ready_at=9, picked_up_at=10), {"taken_at": 2}, 11, Segment.RIDE),
    ],
)
def test_a_delay_is_put_down_to_the_segment_furthest_beyond_its_clock(order, courier, now, segment):
    facts = {"status": Status.ACCEPTED, "preparation_s": 600, **order}
    assert segment_at_fault(an_order(**facts), moments(**courier), now=m(now)) is segment


def test_an_order_for_later_is_not_late_to_be_accepted():
    order = an_order(status=Status.SCHEDULED, scheduled_from=m(120))
    assert segment_at_fault(order, CourierMoments(), now=m(60)) is Segment.ACCEPT


def test_every_segment_has_a_reason_and_somebody_who_answers_for_it():
    assert set(REASON_OF) == set(RESPONSIBLE) == set(Segment)
    assert set(REASON_OF.values()) <= set(KINDS[Kind.DELAY].reasons)
