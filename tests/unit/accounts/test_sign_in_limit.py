"""Failed attempts: a person who mistypes notices nothing, a guesser waits ever longer."""

import pytest

from server.accounts.sign_in_limit import (
    FORGOTTEN_AFTER_S,
    FREE_FAILURES,
    LONGEST_WAIT_S,
    MAX_LOGINS,
    SignInLimit,
    TooManySignIns,
    wait_after_s,
)


def after_failures(count, now_s=0.0):
    limit = SignInLimit()
    for _ in range(count):
        limit.failed("aino", now_s)
    return limit


def test_a_few_slips_cost_nothing():
    after_failures(FREE_FAILURES - 1).check("aino", 0.0)


def test_then_each_failure_doubles_the_wait_up_to_a_minute():
    waits = [wait_after_s(failures) for failures in range(FREE_FAILURES, FREE_FAILURES + 40)]
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert max(waits) == LONGEST_WAIT_S


def test_the_wait_is_told_and_ends():
    limit = after_failures(FREE_FAILURES)
    with pytest.raises(TooManySignIns) as refused:
        limit.check("aino", 0.25)
    assert refused.value.details["retry_after_s"] == 0.8
    limit.check("aino", 1.0)


def test_success_and_time_forget():
    limit = after_failures(FREE_FAILURES)
    limit.succeeded("aino")
    limit.check("aino", 0.0)
    after_failures(50).check("aino", FORGOTTEN_AFTER_S + 1)


def test_others_are_not_held_up():
    after_failures(50).check("veikko", 0.0)


def test_a_flood_of_logins_does_not_fill_the_memory():
    limit = SignInLimit()
    for number in range(MAX_LOGINS + 100):
        limit.failed(f"login {number}", 0.0)
    assert len(limit._failures) == MAX_LOGINS
