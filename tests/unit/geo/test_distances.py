import math

import numpy as np
import pytest
from hypothesis import given

from server.geo.distances import (
    EARTH_RADIUS_M,
    HALF_AROUND_M,
    distance_m,
    metres_of_chord,
    squared_chord,
    unit_vector,
    unit_vectors,
)
from tests.unit.geo.places import Place, anywhere, away, bearings_deg, distances_m, seams


@pytest.mark.parametrize(
    ("place", "other", "expected_m"),
    [
        (Place(0, 0), Place(0, 1), math.radians(1) * EARTH_RADIUS_M),
        (Place(0, 179.5), Place(0, -179.5), math.radians(1) * EARTH_RADIUS_M),  # over the antimeridian
        (Place(89.5, 0), Place(89.5, 180), math.radians(1) * EARTH_RADIUS_M),  # over the pole
        (Place(90, 0), Place(90, 77), 0),  # the pole has every longitude
        (Place(0, 0), Place(0, 180), HALF_AROUND_M),
        (Place(0, 33), Place(90, 0), HALF_AROUND_M / 2),
        (Place(60.1699, 24.9384), Place(1.29, 103.85), 9_263_000),  # Helsinki to Singapore: about 9,260 km
    ],
)
def test_distance(place: Place, other: Place, expected_m: float) -> None:
    assert distance_m(*place, *other) == pytest.approx(expected_m, abs=1e-6, rel=1e-3)


@given(seams(), distances_m(0.001, 19_000_000), bearings_deg)
def test_as_far_as_you_went_is_how_far_away_you_are(place: Place, gone_m: float, bearing_deg: float) -> None:
    assert distance_m(*place, *away(place, gone_m, bearing_deg)) == pytest.approx(gone_m, abs=1e-4, rel=1e-6)


@given(anywhere(), anywhere())
def test_chords_say_the_same_as_haversines(place: Place, other: Place) -> None:
    apart = np.subtract(unit_vector(*place), unit_vector(*other))
    assert metres_of_chord(float(apart @ apart)) == pytest.approx(
        distance_m(*place, *other), abs=0.2, rel=1e-9
    )


@given(distances_m(0.001, HALF_AROUND_M))
def test_a_chord_gives_its_distance_back(there_m: float) -> None:
    assert metres_of_chord(squared_chord(there_m)) == pytest.approx(there_m, rel=1e-6)


def test_nothing_is_farther_than_half_around() -> None:
    assert metres_of_chord(squared_chord(10 * HALF_AROUND_M)) == pytest.approx(HALF_AROUND_M)


@given(seams())
def test_many_vectors_are_as_one(place: Place) -> None:
    many = unit_vectors(np.array([place.lat] * 3), np.array([place.lng] * 3))
    assert many.shape == (3, 3)
    assert many[1] == pytest.approx(unit_vector(*place), abs=1e-15)
