import random
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.geo.cells import COURIER_RES, REGION_RES, BadCell, BadPlace, ancestor, cell_of
from server.geo.nearest import NearestIndex, Neighbour
from server.geo.position import POSITION_DTYPE, Position, unpack
from server.geo.presence import Presence
from tests.unit.geo.couriers import NOON_MS, a_batch, a_position, courier_id
from tests.unit.geo.places import HELSINKI, away


def an_index(*positions: Position) -> NearestIndex:
    index = NearestIndex()
    index.update(a_batch(positions))
    return index


def near_helsinki(index: NearestIndex, limit: int = 10, **changes: object) -> list[Neighbour]:
    question: dict[str, object] = {"max_radius_m": 10_000, "now_ms": NOON_MS, "gone_after_ms": 120_000}
    return index.nearest(*HELSINKI, limit, **{**question, **changes})  # type: ignore[arg-type]


def numbers(neighbours: list[Neighbour]) -> list[int]:
    return [neighbour.courier_id.int >> 32 for neighbour in neighbours]


def everything(index: NearestIndex, res: int, cells: set[int]) -> dict[UUID, Position]:
    """All the index knows in these cells' ancestors at `res`, the way a map asks."""
    positions = [unpack(row.tobytes()) for row in index.in_cells({ancestor(cell, res) for cell in cells})]
    assert len({position.courier_id for position in positions}) == len(positions) == len(index)
    return {position.courier_id: position for position in positions}


def test_an_empty_index_knows_nobody() -> None:
    index = NearestIndex(room=0)
    assert near_helsinki(index) == []
    assert index.get(courier_id(1)) is None
    assert not len(index.update(np.zeros(0, POSITION_DTYPE)))
    assert len(index) == len(index.in_cells([cell_of(*HELSINKI)])) == 0


def test_a_neighbour_comes_with_everything_his_newest_fix_said() -> None:
    position = a_position(7, 60.17, 24.94, bearing_deg=270.5, fix_time_ms=NOON_MS - 40_000,
                          received_at_ms=NOON_MS - 35_000)  # fmt: skip
    (found,) = near_helsinki(an_index(position))
    assert found == Neighbour(
        courier_id=courier_id(7),
        distance_m=pytest.approx(89, abs=1),
        lat=60.17,
        lng=24.94,
        bearing_deg=270.5,
        fix_time_ms=NOON_MS - 40_000,
        received_at_ms=NOON_MS - 35_000,
        presence=Presence.AGEING,
        available=True,
        busy=False,
    )


def test_a_bearing_nobody_told_is_none() -> None:
    (found,) = near_helsinki(an_index(a_position()))
    assert found.bearing_deg is None


@pytest.mark.parametrize("limit", [0, -1])
def test_asking_for_nobody_finds_nobody(limit: int) -> None:
    assert near_helsinki(an_index(a_position()), limit) == []


@pytest.mark.parametrize("max_radius_m", [-1.0, float("nan")])
def test_a_radius_that_holds_nothing_holds_nobody(max_radius_m: float) -> None:
    assert near_helsinki(an_index(a_position()), max_radius_m=max_radius_m) == []


def test_a_question_about_no_place_is_refused() -> None:
    with pytest.raises(BadPlace):
        an_index().nearest(91, 0, 1, max_radius_m=1, now_ms=0, gone_after_ms=1)


def test_who_is_busy_off_or_gone_is_not_offered_but_can_be_looked_at() -> None:
    index = an_index(
        a_position(1),
        a_position(2, available=False),
        a_position(3, received_at_ms=NOON_MS - 120_000),
        a_position(4),
    )
    index.set_busy(courier_id(4), True)
    assert numbers(near_helsinki(index)) == [1]
    assert sorted(numbers(near_helsinki(index, eligible_only=False))) == [1, 2, 3, 4]
    looked_at = {n.courier_id.int >> 32: n for n in near_helsinki(index, eligible_only=False)}
    assert looked_at[4].busy
    assert not looked_at[2].available
    assert looked_at[3].presence is Presence.GONE


def test_a_courier_is_gone_at_the_very_moment_and_not_before() -> None:
    index = an_index(a_position(received_at_ms=NOON_MS))
    assert near_helsinki(index, now_ms=NOON_MS + 119_999)
    assert not near_helsinki(index, now_ms=NOON_MS + 120_000)


def test_that_a_courier_is_busy_is_known_before_his_first_position_and_after_he_was_forgotten() -> None:
    index = NearestIndex()
    index.set_busy(courier_id(1), True)
    index.update(a_batch([a_position(1)]))
    assert near_helsinki(index) == []
    index.forget([courier_id(1)])
    index.update(a_batch([a_position(1)]))
    assert near_helsinki(index) == []
    index.set_busy(courier_id(1), False)
    assert numbers(near_helsinki(index)) == [1]


def test_a_busy_courier_who_rides_on_stays_busy() -> None:
    index = an_index(a_position(1))
    index.set_busy(courier_id(1), True)
    index.update(a_batch([a_position(1, fix_time_ms=NOON_MS + 1_000)]))
    assert near_helsinki(index) == []


def test_a_courier_who_took_a_forgotten_ones_place_is_not_taken_for_him() -> None:
    index = an_index(a_position(1))
    index.set_busy(courier_id(1), True)
    index.forget([courier_id(1)])
    index.update(a_batch([a_position(2, fix_time_ms=NOON_MS - 60_000)]))
    assert numbers(near_helsinki(index)) == [2]


def test_who_goes_off_duty_without_moving_is_not_offered() -> None:
    index = an_index(a_position(1))
    index.update(a_batch([a_position(1, available=False)]))
    assert near_helsinki(index) == []


def test_an_older_fix_changes_nothing() -> None:
    newest = a_position(1, 60.17, 24.94)
    index = an_index(newest)
    assert not len(index.update(a_batch([a_position(1, 61.0, 25.5, fix_time_ms=NOON_MS - 1)])))
    assert index.get(courier_id(1)) == newest


def test_of_two_readings_of_one_moment_the_one_received_last_stays() -> None:
    first, last = (
        a_position(1, 60.17, received_at_ms=NOON_MS),
        a_position(1, 60.18, received_at_ms=NOON_MS + 5),
    )
    for order in ([first, last], [last, first]):
        assert an_index(*order).get(courier_id(1)) == last
    index = an_index(last)
    index.update(a_batch([first]))
    assert index.get(courier_id(1)) == last


def test_what_was_news_comes_back_one_position_a_courier() -> None:
    index = an_index(a_position(1), a_position(2, fix_time_ms=NOON_MS + 5))
    newest = a_position(1, 60.30, fix_time_ms=NOON_MS + 2)
    news = index.update(
        a_batch([a_position(1, fix_time_ms=NOON_MS + 1), newest, a_position(2, fix_time_ms=NOON_MS + 4)])
    )
    assert [unpack(row.tobytes()) for row in news] == [newest]


@pytest.mark.parametrize("res", range(REGION_RES, COURIER_RES + 1))
def test_cells_of_every_size_hold_who_is_in_them(res: int) -> None:
    here, far = a_position(1, *HELSINKI), a_position(2, 1.29, 103.85, available=False)
    index = an_index(here, far)
    assert [unpack(row.tobytes()) for row in index.in_cells([ancestor(here.cell, res)])] == [here]
    assert len(index.in_cells([ancestor(here.cell, res), ancestor(far.cell, res)])) == 2


@pytest.mark.parametrize("res", [0, 3, 10, 15])
def test_a_cell_of_another_size_is_refused(res: int) -> None:
    with pytest.raises(BadCell):
        NearestIndex().in_cells([cell_of(*HELSINKI, res)])


def test_the_silent_are_named_and_can_be_forgotten() -> None:
    index = an_index(a_position(1, received_at_ms=NOON_MS - 1), a_position(2))
    assert index.silent_since(NOON_MS) == [courier_id(1)]
    index.forget(index.silent_since(NOON_MS))
    assert index.silent_since(NOON_MS) == []
    assert courier_id(1) not in index
    assert courier_id(2) in index


@given(st.integers(0, 2**32), st.lists(st.integers(0, 40), min_size=1, max_size=12), st.booleans())
def test_after_any_batches_the_index_knows_each_couriers_newest_position(
    seed: int, sizes: list[int], crowded: bool
) -> None:
    """Against a plain dict: batches in disorder, couriers repeated, moving near and far, forgotten."""
    chance = random.Random(seed)
    index, known = NearestIndex(room=1), dict[UUID, Position]()
    for size in sizes:
        batch = [
            a_position(
                chance.randrange(15 if crowded else 200),
                *away(HELSINKI, 200_000 * chance.random() ** 4, chance.uniform(0, 360)),
                fix_time_ms=NOON_MS + chance.randrange(30),
                received_at_ms=NOON_MS + chance.randrange(3),
            )
            for _ in range(size)
        ]
        index.update(a_batch(batch))
        for position in batch:
            before = known.get(position.courier_id)
            if before is None or _moment(position) >= _moment(before):
                known[position.courier_id] = position
        for courier in chance.sample(sorted(known, key=str), min(len(known), chance.randrange(3))):
            index.forget([courier])
            del known[courier]
        for res in range(REGION_RES, COURIER_RES + 1):
            assert everything(index, res, {position.cell for position in known.values()}) == known
    nearest = near_helsinki(index, 500, max_radius_m=1e9)
    assert sorted(neighbour.courier_id for neighbour in nearest) == sorted(known)


def _moment(position: Position) -> tuple[int, int]:
    return position.fix_time_ms, position.received_at_ms
