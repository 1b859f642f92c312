"""Setting recordings into our time: when each reading is sent, and which moment its fix names.  Pure.

Times keep their distances within a file; each file begins now, unless it shares a person with another.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.simulator.replay.traces import Reading, Recording
from server.wire.messages import Fix


class Stamps(StrEnum):
    """Which `fix_time` a replayed fix gets."""

    # The recording's own distances, moved so that its last reading is of the moment it is sent.  In real time
    # every
    # fix is then of the moment it is sent; faster, the first ones are older and the speeds stay true.
    MOVED = "moved"
    # The moment of sending: always live, but ×N makes everybody N times as fast, and the server may not
    # believe it.
    SENT = "sent"
    # Its own: history, which fills the track and never the map once newer fixes are known.
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Due:
    """One fix, and when it is to be sent: seconds after the replay's beginning."""

    send_s: float
    fix: Fix


@dataclass(frozen=True, slots=True)
class Part:
    """What one courier does."""

    name: str
    due: tuple[Due, ...]


def plan(recordings: Iterable[Recording], *, begins_ms: int, speed: float, stamps: Stamps) -> list[Part]:
    """Everybody's fixes with their moments, in the order of their beginnings.

    `begins_ms` is now in Unix ms; `speed` seconds of the recording pass in one of ours, math.inf: as fast as
    it goes.
    """
    parts: list[Part] = []
    for together in _groups([recording for recording in recordings if recording.readings]):
        first_s = min(recording.readings[0].at_s for recording in together)
        last_s = max(recording.readings[-1].at_s for recording in together)
        line = _TimeLine(first_s, last_s, begins_ms, speed, stamps)
        parts += [Part(recording.name, tuple(map(line.due, recording.readings))) for recording in together]
    return sorted(parts, key=lambda part: part.due[0].send_s)


def length_s(parts: Sequence[Part]) -> float:
    """Seconds from the first fix sent to the last."""
    return max((part.due[-1].send_s for part in parts), default=0.0)


@dataclass(frozen=True, slots=True)
class _TimeLine:
    """One recording's time, from `first_s` to `last_s`, laid onto ours."""

    first_s: float
    last_s: float
    begins_ms: int
    speed: float
    stamps: Stamps

    def due(self, reading: Reading) -> Due:
        send_s = (reading.at_s - self.first_s) / self.speed
        match self.stamps:
            case Stamps.MOVED:
                ends_s = (self.last_s - self.first_s) / self.speed
                fix_time_ms = self.begins_ms + round((ends_s - (self.last_s - reading.at_s)) * 1000)
            case Stamps.SENT:
                fix_time_ms = self.begins_ms + round(send_s * 1000)
            case Stamps.KEPT:
                fix_time_ms = round(reading.at_s * 1000)
        fix = Fix(
            lat=reading.lat, lng=reading.lng, fix_time=fix_time_ms, accuracy_m=reading.accuracy_m,
            bearing_deg=reading.bearing_deg, speed_mps=reading.speed_mps,
        )  # fmt: skip
        return Due(send_s, fix)


def _groups(recordings: Sequence[Recording]) -> list[list[Recording]]:
    """Recordings of files that share a person, directly or over others, are of one time line."""
    group_of: dict[str, list[Recording]] = {}
    for recording in recordings:
        known = {id(group_of[source]): group_of[source] for source in recording.sources if source in group_of}
        joined = [recording, *(member for group in known.values() for member in group)]
        for member in joined:
            for source in member.sources:
                group_of[source] = joined
    return list({id(group): group for group in group_of.values()}.values())


def speed_of(text: str) -> float:
    """`--speed`: a number greater than 0, or "max"; ValueError."""
    speed = math.inf if text == "max" else float(text)
    if not speed > 0:
        raise ValueError("it must be greater than 0, or max")
    return speed
