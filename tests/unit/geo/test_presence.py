import pytest

from server.geo.presence import Presence, presence


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [
        (-5, Presence.FRESH),  # the other host's clock is ahead of ours
        (0, Presence.FRESH),
        (29.9, Presence.FRESH),
        (30, Presence.AGEING),
        (119.9, Presence.AGEING),
        (120, Presence.GONE),
        (86_400, Presence.GONE),
    ],
)
def test_presence(age_s: float, expected: Presence) -> None:
    assert presence(age_s, ageing_after=30, gone_after=120) is expected


def test_without_an_ageing_time_a_courier_goes_at_once() -> None:
    assert presence(120, ageing_after=120, gone_after=120) is Presence.GONE
