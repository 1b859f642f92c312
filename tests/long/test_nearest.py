"""The nearest are the nearest, with tens of thousands of crowds; a few hundred: unit/geo/test_ring_search."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.unit.geo.test_ring_search import QUESTIONS, the_nearest_are_found

pytestmark = pytest.mark.long

EXAMPLES = 30_000


def test_the_nearest_of_tens_of_thousands_of_crowds(scale: float) -> None:
    patient = settings(
        max_examples=round(EXAMPLES * scale),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    patient(given(**QUESTIONS)(the_nearest_are_found))()
