"""How orders arrive: a Poisson process whose rate follows the day.  Pure; chance comes in."""

from bisect import bisect_right
from collections.abc import Callable
from random import Random

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
# The share of the peak at each hour of the day: a lunch hour, an evening, and never quite nobody.  The shape
# is that
# of delivery platforms' days with their two peaks; a straight line joins the points.
DAY_CURVE = (
    (0.0, 0.10), (6.0, 0.05), (9.0, 0.15), (10.5, 0.35), (11.5, 0.90), (12.0, 1.00), (12.75, 0.90),
    (14.0, 0.45), (16.0, 0.40), (18.0, 0.85), (19.0, 0.90), (21.0, 0.45), (24.0, 0.10),
)  # fmt: skip
# The demo's day begins just before lunch, so that somebody who starts it sees a busy city.
FIRST_MOMENT_S = 11.5 * HOUR_S


def share_of_peak(day_s: float) -> float:
    """How busy the moment `day_s` (seconds after midnight, any day) is, from 0 to 1."""
    hour = day_s % DAY_S / HOUR_S
    index = min(bisect_right([at for at, _ in DAY_CURVE], hour), len(DAY_CURVE) - 1)
    (earlier, before), (later, after) = DAY_CURVE[index - 1], DAY_CURVE[index]
    return before + (after - before) * (hour - earlier) / (later - earlier)


def next_arrival_s(
    now_s: float, peak_per_hour: float, random: Random, share: Callable[[float], float] = share_of_peak
) -> float:
    """When the next order comes after `now_s`.

    By thinning a Poisson process of the peak's rate (Lewis and Shedler, 1979).  `peak_per_hour` must be
    greater than 0; the result is in the same seconds as `now_s`.
    """
    at_s = now_s
    while True:
        at_s += random.expovariate(peak_per_hour / HOUR_S)
        if random.random() < share(at_s):
            return at_s
