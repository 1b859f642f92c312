"""docs/lifecycle.md shows the tables as they are, every state with its Chinese word."""

from pathlib import Path

import pytest

from server.dispatch import legs
from server.orders.alarms import WATCHES
from tools.lifecycle_page import ALARMS, TABLES, page, picture, readable, words

PAGE = Path(__file__).parents[3] / "docs" / "lifecycle.md"


def test_the_page_is_printed_from_the_tables():
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_every_state_has_its_chinese_word(table):
    assert set(words(table.states)) == {state.value for state in table.states}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title)
def test_every_state_is_in_its_picture(table):
    drawn = picture(readable(table))
    assert [state.value for state in table.states if f"    {state.value}: " not in drawn] == []


def test_every_alarm_is_explained():
    assert set(ALARMS) == set(WATCHES)


def test_what_the_readable_picture_shows_is_in_the_table():
    [table] = [table for table in TABLES if table.rows is legs.TRANSITIONS]
    for state, row in readable(table).rows.items():
        assert row.items() <= legs.TRANSITIONS[state].items()
