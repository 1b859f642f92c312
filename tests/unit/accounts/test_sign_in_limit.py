"""Failed attempts: a person who mistypes notices nothing, a guesser waits ever longer."""

from datetime import timedelta

import pytest

from server.accounts.sign_in_limit import (
    FAILURES_OF_AN_ADDRESS,
    FREE_FAILURES,
    LONGEST_WAIT_S,
    NONE_YET,
    WINDOW,
    Failures,
    TooManySignIns,
    attempt_of_address,
    attempt_of_login,
    wait_after_s,
)
from tests.fakes import NOON


def seconds(count):
    return timedelta(seconds=count)


def test_a_few_slips_cost_nothing():
    failures = NONE_YET
    for _ in range(FREE_FAILURES):
        failures = attempt_of_login(failures, NOON)
    assert failures.count == FREE_FAILURES


def test_then_each_failure_doubles_the_wait_up_to_a_minute():
    waits = [wait_after_s(failures) for failures in range(FREE_FAILURES, FREE_FAILURES + 40)]
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert max(waits) == LONGEST_WAIT_S


def test_the_wait_is_told_and_ends():
    failures = Failures(FREE_FAILURES, NOON, NOON)
    with pytest.raises(TooManySignIns) as refused:
        attempt_of_login(failures, NOON + seconds(0.25))
    assert refused.value.details["retry_after_s"] == 0.8
    assert attempt_of_login(failures, NOON + seconds(1)).count == FREE_FAILURES + 1


def test_time_forgets():
    failures = Failures(50, NOON, NOON)
    assert attempt_of_login(failures, NOON + WINDOW + seconds(1)).count == 1


def test_a_clock_that_was_set_back_makes_nobody_wait_for_hours():
    with pytest.raises(TooManySignIns) as refused:
        attempt_of_login(Failures(50, NOON, NOON), NOON - seconds(7200))
    assert refused.value.details["retry_after_s"] == LONGEST_WAIT_S


def test_an_address_may_fail_so_often_in_a_quarter_of_an_hour():
    failures = Failures(FAILURES_OF_AN_ADDRESS - 1, NOON, NOON)
    failures = attempt_of_address(failures, NOON + seconds(60))
    with pytest.raises(TooManySignIns) as refused:
        attempt_of_address(failures, NOON + seconds(61))
    assert refused.value.details["retry_after_s"] == WINDOW.total_seconds() - 61
    assert attempt_of_address(failures, NOON + WINDOW + seconds(1)).count == 1
