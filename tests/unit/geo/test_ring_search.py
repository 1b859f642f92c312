"""The nearest are the nearest: against measuring everybody, over the whole globe and on all its seams."""

import random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.geo import ring_search
from server.geo.distances import HALF_AROUND_M, distance_m
from server.geo.nearest import NearestIndex
from server.geo.position import Position
from tests.unit.geo.couriers import NOON_MS, a_batch, a_position, courier_id
from tests.unit.geo.places import HELSINKI, Place, away, bearings_deg, distances_m, seams

GONE_AFTER_MS = 120_000


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[Place], list[Position]]:
    """Couriers in a few clusters, wide, narrow or a single point; and where the clusters are."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    centres: list[Place] = []
    positions: list[Position] = []
    for _ in range(draw(st.integers(1, 4))):
        # The next cluster is on another seam, or a few cells away: over a border.
        near = draw(st.booleans()) if centres else False
        start = centres[-1] if near else draw(seams())
        centre = away(start, draw(distances_m(1, 60_000)), draw(bearings_deg)) if near else start
        centres.append(centre)
        spread_m = draw(st.sampled_from([0, 5, 150, 2_000, 30_000, 400_000]))
        for _ in range(draw(st.integers(0, 60))):
            place = away(centre, spread_m * chance.random() ** 2, chance.uniform(0, 360))
            positions.append(
                a_position(
                    len(positions),
                    *place,
                    available=chance.random() < 0.8,
                    received_at_ms=NOON_MS - chance.choice([0, 0, 0, GONE_AFTER_MS - 1, GONE_AFTER_MS]),
                )
            )
    return centres, positions


def measured_one_by_one(
    positions: list[Position], place: Place, limit: int, max_radius_m: float, *, eligible_only: bool
) -> list[float]:
    """The rule in one line: distances of the nearest who count."""
    distances = (
        distance_m(*place, position.lat, position.lng)
        for position in positions
        if not eligible_only or (position.available and NOON_MS - position.received_at_ms < GONE_AFTER_MS)
    )
    return sorted(distance for distance in distances if distance <= max_radius_m)[:limit]


QUESTIONS: dict[str, st.SearchStrategy[Any]] = {
    "crowd": crowds(),
    "nth": st.integers(0, 3),
    "off_m": distances_m(0.001, 100_000),
    "bearing_deg": bearings_deg,
    "limit": st.one_of(st.integers(1, 12), st.integers(100, 500)),
    "max_radius_m": st.one_of(distances_m(1, HALF_AROUND_M), st.sampled_from([10_000.0, float("inf")])),
    "eligible_only": st.booleans(),
    # A crowd of eight, so that choosing among cells is tried as often as measuring everybody.
    "sizes": st.sampled_from([(1024, 256), (8, 3)]),
}


def the_nearest_are_found(
    crowd: tuple[list[Place], list[Position]],
    nth: int,
    off_m: float,
    bearing_deg: float,
    limit: int,
    max_radius_m: float,
    eligible_only: bool,
    sizes: tuple[int, int],
) -> None:
    """Whether the index finds whom measuring everybody finds; tests/long asks it for longer."""
    centres, positions = crowd
    place = away(centres[nth % len(centres)], off_m, bearing_deg)
    # Whether a courier exactly on the rim counts is left to rounding.
    assume(
        not any(
            abs(distance_m(*place, p.lat, p.lng) - max_radius_m) < 1e-3 + 1e-6 * max_radius_m
            for p in positions
        )
    )
    index = NearestIndex(room=1)
    index.update(a_batch(positions))
    with patch.object(ring_search, "CROWD", sizes[0]), patch.object(ring_search, "HANDFUL", sizes[1]):
        found = index.nearest(
            *place,
            limit,
            max_radius_m=max_radius_m,
            now_ms=NOON_MS,
            gone_after_ms=GONE_AFTER_MS,
            eligible_only=eligible_only,
        )
    expected_m = measured_one_by_one(positions, place, limit, max_radius_m, eligible_only=eligible_only)
    # Opposite ends of the Earth are told apart to decimetres only; neighbours to micrometres.
    assert [neighbour.distance_m for neighbour in found] == pytest.approx(expected_m, abs=1e-4, rel=1e-7)
    assert len({neighbour.courier_id for neighbour in found}) == len(found)
    for neighbour in found:
        said = positions[neighbour.courier_id.int >> 32]
        assert (neighbour.lat, neighbour.lng) == (said.lat, said.lng)
        assert neighbour.distance_m == pytest.approx(
            distance_m(*place, said.lat, said.lng), abs=1e-4, rel=1e-7
        )


@given(**QUESTIONS)
def test_the_nearest_are_those_that_measuring_everybody_finds(**question: Any) -> None:
    the_nearest_are_found(**question)


def test_among_thousands_who_ride_elsewhere_the_few_free_ones_are_found() -> None:
    chance = random.Random(7)
    index = NearestIndex()
    index.update(
        a_batch(
            a_position(number, *away(HELSINKI, 8_000 * chance.random() ** 2, chance.uniform(0, 360)))
            for number in range(5_000)
        )
    )
    free = set(range(0, 5_000, 500))
    for number in set(range(5_000)) - free:
        index.set_busy(courier_id(number), True)
    found = index.nearest(*HELSINKI, 20, max_radius_m=10_000, now_ms=NOON_MS, gone_after_ms=GONE_AFTER_MS)
    assert {neighbour.courier_id for neighbour in found} == {courier_id(number) for number in free}


def test_from_a_lake_beside_a_crowd_the_shore_is_found_without_measuring_the_crowd() -> None:
    chance = random.Random(7)
    shore = [
        a_position(number, *away(HELSINKI, 3_000 + 3_000 * chance.random(), chance.uniform(0, 360)))
        for number in range(6_000)
    ]
    index = NearestIndex()
    index.update(a_batch(shore))
    measured: list[int] = []
    measure = ring_search.RingSearch._measure

    def counting(search: ring_search.RingSearch, groups: list[ring_search.Members]) -> None:
        measured.append(sum(map(len, groups)))
        measure(search, groups)

    with patch.object(ring_search.RingSearch, "_measure", counting):
        found = index.nearest(*HELSINKI, 10, max_radius_m=10_000, now_ms=NOON_MS, gone_after_ms=GONE_AFTER_MS)
    assert [neighbour.distance_m for neighbour in found] == pytest.approx(
        measured_one_by_one(shore, HELSINKI, 10, 10_000, eligible_only=True)
    )
    assert sum(measured) < len(shore) / 2
