from uuid import UUID, uuid4

import numpy as np

from server.geo.cells import cell_of
from server.geo.nearest import NearestIndex
from server.geo.position import POSITION_DTYPE, Position
from server.realtime.silence import Silence
from tests.fakes import ManualClock

HELSINKI = (60.17, 24.94)
GONE_AFTER_S = 120


def test_a_courier_of_whom_nobody_says_that_he_left_is_forgotten_when_he_is_gone() -> None:
    clock, nearest, gone = ManualClock(), NearestIndex(), list[UUID]()
    silence = Silence(nearest, clock, gone_after_ms=GONE_AFTER_S * 1000, on_gone=gone.extend)
    silent, talking = uuid4(), uuid4()
    _heard(nearest, clock, silent)
    clock.turn(1)
    _heard(nearest, clock, talking)

    clock.turn(GONE_AFTER_S - 1.001)
    silence.look()
    assert gone == []
    clock.turn(0.001)
    silence.look()
    assert gone == [silent]
    assert (silent in nearest, talking in nearest) == (False, True)
    silence.look()
    assert gone == [silent], "it is said once"


def _heard(nearest: NearestIndex, clock: ManualClock, courier_id: UUID) -> None:
    position = Position(
        courier_id=courier_id,
        lat=HELSINKI[0],
        lng=HELSINKI[1],
        fix_time_ms=clock.now_ms(),
        received_at_ms=clock.now_ms(),
        cell=cell_of(*HELSINKI),
    )
    nearest.update(np.frombuffer(position.pack(), POSITION_DTYPE))
