"""Everything that can happen has its sentence, in both languages."""

import re

import pytest

from server.dispatch.legs import State
from server.dispatch.story_words import FIELDS, SENTENCES, sentence
from server.orders import kitchen, lifecycle, tickets
from server.orders.moves import NOTES
from server.orders.tickets import Bearer, Outcome, TicketState

HAN = re.compile(r"[\u4e00-\u9fff]")
HAPPENINGS = [
    *(("order", name) for name in (lifecycle.PLACED, *lifecycle.HAPPENED.values(), *NOTES)),
    *(("order", name) for name in kitchen.HAPPENED.values()),
    *(("assignment", state.value) for state in State),
    *(("ticket", name) for name in tickets.HAPPENED.values()),
    *(
        ("ticket", name)
        for name in (
            tickets.OPENED, tickets.REPORTED, tickets.ESCALATED, tickets.OVERDUE, tickets.SEVERITY_RAISED,
            tickets.HANDED_TO, tickets.NOTED, tickets.ANSWERED, tickets.CONTACT_TRIED,
            tickets.EVIDENCE_ADDED, tickets.DECIDED,
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("entity", "name"), HAPPENINGS)
def test_whatever_happens_is_told_in_both_languages(entity, name):
    words = SENTENCES[entity, name]
    assert words.en
    assert HAN.search(words.zh)


def test_every_value_that_a_sentence_names_has_words():
    for name, values in {"outcome": Outcome, "state": TicketState, "borne_by": Bearer}.items():
        assert set(FIELDS[name]) == set(values)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"promised_at": "2026-11-23T12:40:00Z"},
            "the merchant accepted the order, promised for 12:40 UTC",
        ),
        ({}, "the merchant accepted the order, promised for …"),
    ],
)
def test_what_is_missing_leaves_a_gap_and_no_error(fields, told):
    assert sentence("order", "accepted", fields, language="en", who="the merchant") == told


def test_what_is_new_is_told_by_its_name():
    assert sentence("order", "teleported", {}, language="en", who="Li") == "the order: teleported"
    assert sentence("ticket", "teleported", {}, language="zh", who="Li") == "工单：teleported"
