"""Who could carry an order: free, not silent, within reach, nearest first."""

from uuid import uuid4

import numpy as np

from server.dispatch.candidates import CANDIDATES, nearest_free
from server.geo.cells import cell_of
from server.geo.nearest import NearestIndex
from server.geo.position import POSITION_DTYPE, Position
from server.settings import Settings
from tests.builders import HELSINKI

NOW_MS = 1_795_435_200_000


def an_index(*metres_north, **facts):
    index, couriers = NearestIndex(), []
    for metres in metres_north:
        lat, lng = HELSINKI[0] + metres / 111_195, HELSINKI[1]
        position = Position(
            **{
                "courier_id": uuid4(),
                "lat": lat,
                "lng": lng,
                "fix_time_ms": NOW_MS,
                "received_at_ms": NOW_MS,
                "cell": cell_of(lat, lng),
                **facts,
            }
        )
        index.update(np.frombuffer(position.pack(), POSITION_DTYPE))
        couriers.append(position.courier_id)
    return index, couriers


def found(index, settings=None, now_ms=NOW_MS):
    return nearest_free(
        index, lat=HELSINKI[0], lng=HELSINKI[1], now_ms=now_ms, settings=settings or Settings()
    )


def test_the_nearest_come_first():
    index, (far, near, middle) = an_index(900, 100, 500)
    assert found(index) == [near, middle, far]


def test_the_busy_the_silent_and_the_resting_are_left_out():
    index, (busy, free) = an_index(100, 200)
    index.set_busy(busy, True)
    assert found(index) == [free]
    assert found(index, now_ms=NOW_MS + 120_000) == []
    assert found(an_index(100, available=False)[0]) == []


def test_nobody_is_sent_from_beyond_the_radius():
    index, _ = an_index(2_000)
    assert found(index, Settings(nearest_max_radius_m=1_900.0)) == []


def test_there_are_enough_to_try_the_next_but_not_everybody():
    index, _ = an_index(*range(0, 4_000, 100))
    assert len(found(index)) == CANDIDATES
