"""How soon a dead worker is started again."""

import pytest

from server.commands.children import LONGEST_PAUSE_S, pause_before


@pytest.mark.parametrize(
    ("deaths", "pause_s"), [(0, 0.0), (1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, LONGEST_PAUSE_S)]
)
def test_the_first_death_costs_nothing_and_each_further_one_twice_as_long(deaths, pause_s):
    assert pause_before(deaths) == pause_s


def test_it_is_started_again_for_ever():
    assert pause_before(10_000) == LONGEST_PAUSE_S
