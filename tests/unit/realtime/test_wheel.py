from hypothesis import given
from hypothesis import strategies as st

from server.realtime.wheel import BEAT_S, SLOTS, Wheel


class Clockwatcher:
    slot = 0

    def look(self, now_s: float) -> float | None:
        return None


def beats_until_due(wheel: Wheel, item: Clockwatcher) -> int:
    for beats in range(1, 10 * SLOTS):
        if item in wheel.turn():
            return beats
    raise AssertionError("never")


@given(st.floats(0, (SLOTS - 2) * BEAT_S), st.integers(0, 2 * SLOTS))
def test_nobody_is_looked_at_early_and_nobody_more_than_a_beat_late(after_s, turned_before):
    wheel, item = Wheel(), Clockwatcher()
    for _ in range(turned_before):
        wheel.turn()
    wheel.put(item, after_s)
    assert after_s <= beats_until_due(wheel, item) * BEAT_S <= after_s + BEAT_S


def test_what_is_beyond_the_ring_is_looked_at_in_between():
    wheel, item = Wheel(), Clockwatcher()
    wheel.put(item, 3600)
    assert beats_until_due(wheel, item) == SLOTS - 1


def test_who_was_removed_is_never_looked_at():
    wheel, item = Wheel(), Clockwatcher()
    wheel.put(item, 1.0)
    wheel.remove(item)
    wheel.remove(item)
    assert not any(wheel.turn() for _ in range(2 * SLOTS))


def test_its_time_moves_only_when_it_is_turned():
    wheel = Wheel()
    assert wheel.now_s == 0.0
    wheel.turn()
    assert wheel.now_s == BEAT_S
