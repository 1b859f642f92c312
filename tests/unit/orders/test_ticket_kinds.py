"""The catalogue of tickets is whole: words, owners, reasons, decisions, endings; and its page is printed from it."""

import re
from pathlib import Path

import pytest

from server.accounts.permissions import may
from server.accounts.roles import Role
from server.orders.lifecycle import Status
from server.orders.ticket_access import NEEDED
from server.orders.ticket_endings import POSSIBLE_WHILE, ending
from server.orders.ticket_kinds import (
    DECISION_WORDS,
    KIND_OF_REASON,
    KINDS,
    STAFF,
    Decision,
    Kind,
    kind_of,
)
from server.orders.ticket_page import page
from server.orders.ticket_reasons import OTHER, REASONS, TEMPLATES
from server.orders.tickets import Outcome
from tests.builders import a_ticket, a_viewer, an_order
from tests.fakes import NOON

HAN = re.compile(r"[\u4e00-\u9fff]")
every_kind = pytest.mark.parametrize("kind", Kind)


def test_the_page_is_printed_from_the_tables():
    assert (Path(__file__).resolve().parents[3] / "docs/tickets.md").read_text() == page()


@every_kind
def test_every_kind_has_a_row_that_can_be_lived_by(kind):
    rule = KINDS[kind]
    assert rule.owner in STAFF
    assert set(rule.ladder) <= STAFF
    assert len(set(rule.ladder)) == len(rule.ladder)
    assert 0 < rule.acknowledge_within_s < rule.resolve_within_s
    assert OTHER in rule.reasons
    assert len(rule.reasons) > 1
    assert rule.questions
    assert rule.decisions
    assert POSSIBLE_WHILE[kind]


@every_kind
def test_somebody_on_the_ladder_may_take_each_of_its_decisions(kind):
    rule = KINDS[kind]
    for decision in rule.decisions:
        assert [role for role in STAFF if may(a_viewer(role), NEEDED[decision])], decision


def test_every_decision_has_words_and_a_permission():
    assert set(DECISION_WORDS) == set(NEEDED) == set(Decision)


def test_everything_is_said_in_both_languages():
    words = [*REASONS.values(), *TEMPLATES.values(), *DECISION_WORDS.values()]
    words += [question for rule in KINDS.values() for question in rule.questions]
    words += [rule.words for rule in KINDS.values()]
    assert [word for word in words if not word.en or not HAN.search(word.zh)] == []


def test_a_reason_belongs_to_one_kind():
    codes = [code for rule in KINDS.values() for code in rule.reasons if code != OTHER]
    assert len(codes) == len(set(codes)) == len(KIND_OF_REASON)
    assert set(REASONS) == {*codes, OTHER}


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("refused_changed_mind", Kind.REFUSAL),
        ("wrong_address", Kind.WRONG_ADDRESS),
        ("not_at_home", Kind.UNREACHABLE),
        ("vehicle_breakdown", Kind.ACCIDENT),
        ("not_received", Kind.NOT_RECEIVED),
        ("never heard of", Kind.REFUSAL),
    ],
)
def test_a_reported_failure_opens_the_kind_of_its_reason(reason, kind):
    assert kind_of(reason, otherwise=Kind.REFUSAL) is kind


@pytest.mark.parametrize(
    ("kind", "happened", "outcome"),
    [
        (Kind.MERCHANT_LATE, "ready", Outcome.READY),
        (Kind.MERCHANT_LATE, "picked_up", Outcome.READY),
        (Kind.REFUSAL, "delivered", Outcome.DELIVERED),
        (Kind.REFUSAL, "returned", Outcome.RETURNED),
        (Kind.UNREACHABLE, "settled", Outcome.SETTLED),
        (Kind.NOT_RECEIVED, "upheld", Outcome.UPHELD),
        (Kind.DELAY, "cancelled", Outcome.CANCELLED),
        (Kind.MISCONDUCT, "delivered", None),
        (Kind.PAYMENT_TROUBLE, "cancelled", None),
        (Kind.ITEM_DAMAGED, "delivered", None),
    ],
)
def test_a_ticket_ends_with_its_trouble(kind, happened, outcome):
    assert ending(a_ticket(kind), happened, an_order()) is outcome


def test_a_spilt_soup_is_mended_only_by_another():
    ticket = a_ticket(Kind.ITEM_DAMAGED, decision=Decision.REMAKE)
    assert ending(ticket, "delivered", an_order()) is Outcome.DELIVERED


@pytest.mark.parametrize(("minutes_late", "outcome"), [(0, Outcome.RECOVERED), (1, Outcome.DELIVERED_LATE)])
def test_a_delay_is_judged_by_the_first_promise(minutes_late, outcome):
    delivered_at = NOON.replace(minute=30 + minutes_late)
    order = an_order(
        status=Status.DELIVERED,
        first_promised_at=NOON.replace(minute=30),
        promised_at=NOON.replace(minute=50),
        delivered_at=delivered_at,
    )
    assert ending(a_ticket(Kind.DELAY), "delivered", order) is outcome


def test_only_a_kind_about_couriers_is_hidden_from_the_others():
    assert [kind for kind, rule in KINDS.items() if Role.CUSTOMER not in rule.seen_by] == [Kind.MISCONDUCT]
