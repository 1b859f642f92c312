"""Waiting before the next attempt."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from server.wire.backoff import Backoff


@given(st.integers(min_value=1, max_value=10_000), st.integers())
def test_the_wait_is_never_longer_than_the_longest(failures, seed):
    backoff = Backoff(first_s=0.5, longest_s=30.0)
    assert 0.0 <= backoff.delay_s(failures, Random(seed)) <= min(30.0, 0.5 * 2.0 ** min(failures - 1, 30))


def test_phones_that_lost_one_server_do_not_come_back_together():
    delays = {round(Backoff().delay_s(4, Random(phone)), 2) for phone in range(100)}
    assert len(delays) > 80
