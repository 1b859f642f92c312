"""What every file of recorded positions comes down to: traces, each somebody's readings.  Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from server.errors import StartupError


class BadTrace(StartupError):
    """A file cannot be understood; the message names file and line."""

    code = "bad_trace"

    def __init__(self, source: str, line: int | None, what: str) -> None:
        super().__init__(f"{source}, line {line}: {what}" if line is not None else f"{source}: {what}")


@dataclass(frozen=True, slots=True)
class Reading:
    """One recorded position; `at_s` is its own time in Unix seconds, whenever that was."""

    at_s: float
    lat: float
    lng: float
    accuracy_m: float | None = None
    bearing_deg: float | None = None
    speed_mps: float | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One piece of somebody's way: a trip, a track, a file."""

    name: str
    readings: tuple[Reading, ...]
    source: str  # the file, for sentences


@dataclass(slots=True)
class Recording:
    """One person's whole way in time order, and what was left out of it on the way here."""

    name: str
    readings: list[Reading] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    overlapping: int = 0  # readings of a trip that began before the trip before it had ended
    same_moment: int = 0  # readings of a moment that had one already


def by_person(traces: Iterable[Trace]) -> Mapping[str, Recording]:
    """All traces of one name as one recording, in time order.

    Nobody is in two places: where two traces of one person overlap in time, the one that began first keeps
    the time, and what the other says of it is left out and counted.  Of several readings of one moment the
    first stays.
    """
    recordings: dict[str, Recording] = {}
    in_order = sorted((trace for trace in traces if trace.readings), key=_beginning_s)
    for trace in in_order:
        recording = recordings.setdefault(trace.name, Recording(trace.name))
        recording.sources.add(trace.source)
        taken_until_s = recording.readings[-1].at_s if recording.readings else None
        last_s: float | None = None
        for reading in sorted(trace.readings, key=lambda reading: reading.at_s):
            if taken_until_s is not None and reading.at_s <= taken_until_s:
                recording.overlapping += 1
            elif last_s is not None and reading.at_s <= last_s:
                recording.same_moment += 1
            else:
                recording.readings.append(reading)
                last_s = reading.at_s
    return recordings


def _beginning_s(trace: Trace) -> float:
    return min(reading.at_s for reading in trace.readings)
