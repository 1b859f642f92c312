"""When webhooks are tried again, and when an endpoint is given up."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from server.notify.schedule import (
    FAILING_FOR,
    JITTER,
    LONGEST_WISH_S,
    MOST_TRIES,
    STEPS_S,
    Outcome,
    Why,
    next_try_s,
    outcome_of,
    why_to_stop,
    wished_s,
)
from tests.fakes import NOON

DAY_S = 86_400


def test_the_tries_reach_over_a_day_and_no_further_than_that():
    assert 0.9 * DAY_S < sum(STEPS_S) <= DAY_S
    assert sorted(STEPS_S) == list(STEPS_S)


def test_after_the_last_try_there_is_none():
    waits = [next_try_s(tries, 0.0) for tries in range(1, MOST_TRIES + 1)]
    assert waits == [*map(float, STEPS_S), None]


def test_what_failed_together_does_not_come_back_together():
    assert next_try_s(2, 0.0) == 300
    assert next_try_s(2, 0.99) == pytest.approx(300 * (1 + 0.99 * JITTER))


@pytest.mark.parametrize(
    ("wish_s", "expected_s"),
    [(0, 300), (10, 300), (3600, 3600), (10 * DAY_S, LONGEST_WISH_S)],
)
def test_a_receiver_may_ask_for_more_patience_but_not_for_any(wish_s, expected_s):
    assert next_try_s(2, 0.0, wish_s) == expected_s


@pytest.mark.parametrize(
    ("header", "expected_s"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("9" * 400, LONGEST_WISH_S),
        (format_datetime(NOON + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime(NOON - timedelta(minutes=5), usegmt=True), 0),
        ("Mon, 99 Nov 2026 12:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("٣", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(header, expected_s):
    assert wished_s(header, NOON) == expected_s


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (302, Outcome.REDIRECTED),
        (304, Outcome.REDIRECTED),
        (400, Outcome.REFUSED),
        (410, Outcome.GONE),
        (500, Outcome.REFUSED),
        (999, Outcome.REFUSED),
    ],
)
def test_only_two_hundreds_are_a_success(status, expected):
    assert outcome_of(status) is expected


@pytest.mark.parametrize(
    ("outcome", "failing_for", "expected"),
    [
        (Outcome.GONE, None, Why.GONE),
        (Outcome.TIMED_OUT, None, None),
        (Outcome.TIMED_OUT, FAILING_FOR - timedelta(seconds=1), None),
        (Outcome.TIMED_OUT, FAILING_FOR, Why.FAILING),
        (Outcome.DELIVERED, FAILING_FOR, None),
    ],
)
def test_an_endpoint_is_switched_off_when_it_is_gone_or_fails_for_a_day(outcome, failing_for, expected):
    since = None if failing_for is None else NOON - failing_for
    assert why_to_stop(outcome, since, NOON) is expected
