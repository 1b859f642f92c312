"""Refresh tokens: the newest goes on, the one before for a moment, any other is a copy."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.refresh import GRACE, BadRefreshToken, Finding, Kept, RefreshToken, finding, hash_of
from tests.fakes import NOON

KEPT = Kept(
    secret_hash=hash_of(b"new"),
    previous_hash=hash_of(b"before"),
    refreshed_at=NOON,
    ends_at=NOON + timedelta(days=30),
    ended_at=None,
)


def test_a_token_is_read_as_it_was_written():
    token = RefreshToken.fresh()
    assert RefreshToken.parse(str(token)) == token
    assert RefreshToken.fresh() != token


GOOD = RefreshToken(b"f" * 32, b"s" * 32)


@pytest.mark.parametrize(
    "text", ["", "rt_", "rt_.", "rt_abc.def", "rt_\xe9.\xe9", "no_" + str(GOOD)[3:], str(GOOD) + "="]
)
def test_what_is_none_of_ours_is_refused(text):
    with pytest.raises(BadRefreshToken):
        RefreshToken.parse(text)


@pytest.mark.parametrize(
    ("secret", "after", "expected"),
    [
        (b"new", timedelta(days=29), Finding.NEXT),
        (b"before", timedelta(), Finding.AGAIN),
        (b"before", GRACE, Finding.AGAIN),
        (b"before", GRACE + timedelta(milliseconds=1), Finding.STOLEN),
        (b"older", timedelta(), Finding.STOLEN),
        (b"new", timedelta(days=30), Finding.OVER),
        (b"older", timedelta(days=30), Finding.OVER),
    ],
)
def test_what_is_shown_means(secret, after, expected):
    assert finding(KEPT, secret, at=NOON + after) is expected


def test_an_ended_session_does_not_go_on():
    assert finding(replace(KEPT, ended_at=NOON), b"new", at=NOON) is Finding.OVER


def test_the_first_token_has_none_before_it():
    assert finding(replace(KEPT, previous_hash=None), b"before", at=NOON) is Finding.STOLEN
