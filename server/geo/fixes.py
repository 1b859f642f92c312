"""Is a fix believable?  Pure: the fix, what we know of its courier and the moment of receipt give a verdict.

What follows from a verdict (map, track, refusal) is decided in dispatch/steps.py.  Nothing here
raises, whatever a phone sends: `believe` keeps non-finite and out-of-range numbers out of H3, out of
Redis and out of the track.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import NamedTuple

from server.geo.distances import distance_m
from server.geo.position import Position
from server.settings import Settings
from server.wire.messages import Fix

# For a reading without an accuracy: phones are good to 5 m under open sky, to tens of metres between
# buildings.
UNKNOWN_ACCURACY_M = 50.0
# Most phones stamp whole seconds, so two stamps may be a second nearer to each other than the readings were.
CLOCK_GRAIN_S = 1.0
# A receiver with no reading says exactly (0, 0); within a metre of it there is only sea.
NULL_ISLAND_DEG = 1e-5
# The claimed speed is only shown, so a wild one is forgotten rather than the fix refused.
MAX_CLAIMED_SPEED_MPS = 300.0


class Verdict(StrEnum):
    """What becomes of a fix; a refusal's word is its reason on the wire and its label in the metrics."""

    LIVE = "live"  # newer than all before: on the map and in the track
    HISTORY = "history"  # believable but late: only in the track
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    NULL_ISLAND = "null_island"
    BAD_ACCURACY = "bad_accuracy"  # negative, or so large that the reading says nothing
    FROM_THE_FUTURE = "from_the_future"
    TOO_OLD = "too_old"
    DUPLICATE = "duplicate"  # this very moment is already in our hands
    IMPOSSIBLE_SPEED = "impossible_speed"
    SWAPPED_COORDINATES = "swapped_coordinates"  # impossible as it is, plausible with lat and lng exchanged

    @property
    def is_refusal(self) -> bool:
        """Whether the fix is dropped; the phone is told the reason and must not send it again."""
        return self is not Verdict.LIVE and self is not Verdict.HISTORY


@dataclass(frozen=True, slots=True, kw_only=True)
class FixLimits:
    """What a fix may claim: an operator's values (`from_settings`) and the physics of phones."""

    max_speed_mps: float = 60.0
    max_ahead_ms: int = 60_000
    max_age_ms: int = 7 * 86_400_000
    max_accuracy_m: float = 1_000.0  # beyond it we hold a mobile mast's cell, not a street
    fixes_to_overrule: int = 4  # so many that agree with each other outweigh the one before them

    @classmethod
    def from_settings(cls, settings: Settings) -> "FixLimits":
        """The limits an operator has set."""
        return cls(
            max_speed_mps=settings.max_speed_mps,
            max_ahead_ms=round(settings.max_clock_ahead_s * 1000),
            max_age_ms=round(settings.max_fix_age_s * 1000),
        )


class Doubt(NamedTuple):
    """The newest fix refused as impossible, and how many in a row have agreed with each other up to it."""

    lat: float
    lng: float
    fix_time_ms: int
    accuracy_m: float | None
    agreeing: int


def believe(  # noqa: PLR0911 - a gate is a list of refusals, read from top to bottom
    fix: Fix,
    last: Position | None,
    *,
    received_at_ms: int,
    limits: FixLimits,
    doubt: Doubt | None = None,
    held_until_ms: int | None = None,
) -> Verdict:
    """What becomes of `fix`, given the newest position believed before it.

    `held_until_ms` is the newest fix time that this process itself has taken into the track.  The same
    moment again is a duplicate only then: a phone that repeats what a killed process took with it must be
    heard, for the track.

    `last` itself may be the wrong one (a cold receiver's first reading).  Hence `doubt`: once
    `fixes_to_overrule` fixes in a row contradict `last` and agree with each other, they are
    believed.  See `doubt_after`.
    """
    lat, lng, fix_time_ms, accuracy_m = fix.lat, fix.lng, fix.fix_time, fix.accuracy_m
    # Written so that a NaN fails it; `lat < -90 or lat > 90` would let one pass.
    if not (-90.0 <= lat <= 90.0 and -180.0 <= lng <= 180.0):
        return _why_out_of_range(lat, lng, last)
    if accuracy_m is None:
        accuracy_m = UNKNOWN_ACCURACY_M
    elif not 0.0 <= accuracy_m <= limits.max_accuracy_m:
        return Verdict.BAD_ACCURACY if isfinite(accuracy_m) else Verdict.NOT_FINITE
    if not (_is_finite(fix.bearing_deg) and _is_finite(fix.speed_mps)):
        return Verdict.NOT_FINITE
    if -NULL_ISLAND_DEG < lat < NULL_ISLAND_DEG and -NULL_ISLAND_DEG < lng < NULL_ISLAND_DEG:
        return Verdict.NULL_ISLAND
    age_ms = received_at_ms - fix_time_ms
    if age_ms < -limits.max_ahead_ms:
        return Verdict.FROM_THE_FUTURE
    if age_ms > limits.max_age_ms:
        return Verdict.TOO_OLD
    if last is None:
        return Verdict.LIVE
    if fix_time_ms <= last.fix_time_ms:
        return Verdict.DUPLICATE if fix_time_ms == held_until_ms else Verdict.HISTORY
    reach_m = _reach_m(fix_time_ms - last.fix_time_ms, accuracy_m, last.accuracy_m, limits)
    if distance_m(last.lat, last.lng, lat, lng) <= reach_m:
        return Verdict.LIVE
    if doubt is not None and doubt.agreeing + 1 >= limits.fixes_to_overrule and _agrees(fix, doubt, limits):
        return Verdict.LIVE
    if -90.0 <= lng <= 90.0 and distance_m(last.lat, last.lng, lng, lat) <= reach_m:
        return Verdict.SWAPPED_COORDINATES
    return Verdict.IMPOSSIBLE_SPEED


def doubt_after(fix: Fix, doubt: Doubt | None, limits: FixLimits) -> Doubt:
    """What to remember when `fix` was refused as impossible (speed, swapped): with whom it agrees.

    A fix that disagrees with the doubted ones starts a new count: scattered wild readings never overrule
    anything.
    """
    agreeing = doubt.agreeing + 1 if doubt is not None and _agrees(fix, doubt, limits) else 1
    return Doubt(fix.lat, fix.lng, fix.fix_time, fix.accuracy_m, agreeing)


def known_bearing_deg(bearing_deg: float | None) -> float | None:
    """The bearing in [0, 360), clockwise from north; None for the negative numbers that mean unknown."""
    return None if bearing_deg is None or bearing_deg < 0 else bearing_deg % 360.0


def known_speed_mps(speed_mps: float | None) -> float | None:
    """The claimed speed; None when it says nothing: negative (unknown), or faster than any vehicle."""
    return None if speed_mps is None or not 0 <= speed_mps <= MAX_CLAIMED_SPEED_MPS else speed_mps


def _agrees(fix: Fix, doubt: Doubt, limits: FixLimits) -> bool:
    elapsed_ms = fix.fix_time - doubt.fix_time_ms
    reach_m = _reach_m(elapsed_ms, fix.accuracy_m, doubt.accuracy_m, limits)
    return elapsed_ms > 0 and distance_m(doubt.lat, doubt.lng, fix.lat, fix.lng) <= reach_m


def _reach_m(
    elapsed_ms: int, accuracy_m: float | None, other_accuracy_m: float | None, limits: FixLimits
) -> float:
    """How far apart two readings of one courier may be, each only true to its accuracy."""
    return (
        (UNKNOWN_ACCURACY_M if accuracy_m is None else accuracy_m)
        + (UNKNOWN_ACCURACY_M if other_accuracy_m is None else other_accuracy_m)
        + limits.max_speed_mps * (elapsed_ms / 1000 + CLOCK_GRAIN_S)
    )


def _why_out_of_range(lat: float, lng: float, last: Position | None) -> Verdict:
    if not (isfinite(lat) and isfinite(lng)):
        return Verdict.NOT_FINITE
    is_near = last is not None and abs(lng - last.lat) < 1.0 and abs(lat - last.lng) < 1.0  # about 100 km
    return Verdict.SWAPPED_COORDINATES if is_near else Verdict.OUT_OF_RANGE


def _is_finite(value: float | None) -> bool:
    return value is None or -math.inf < value < math.inf
