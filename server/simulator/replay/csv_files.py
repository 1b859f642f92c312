"""CSV files of positions: a reading a row, its columns named by options, or a whole trip a row (Porto's).

Local metres (x east, y north) become degrees around an origin.  Pure: text in, traces out.
"""

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from server.errors import StartupError
from server.simulator.plane import Place, moved
from server.simulator.replay.moments import parse_moment
from server.simulator.replay.traces import BadTrace, Reading, Trace

if TYPE_CHECKING:
    import _csv

# A day's trip of a taxi in one cell is longer than csv's 128 KiB.
csv.field_size_limit(2**24)

# What columns are called when nobody says: the first that the file has is it.
USUAL_LAT = ("lat", "latitude", "y_lat")
USUAL_LNG = ("lng", "lon", "long", "longitude")
USUAL_TIME = ("time", "timestamp", "fix_time", "datetime", "date_time", "at")
# Not `id` nor `name`: in many files those number the rows.
USUAL_COURIER = (
    "courier",
    "courier_id",
    "driver",
    "driver_id",
    "vehicle",
    "vehicle_id",
    "taxi_id",
    "device_id",
)
USUAL_X, USUAL_Y = ("x", "x_m", "east_m"), ("y", "y_m", "north_m")
USUAL_POLYLINE = ("polyline",)
USUAL_START = ("start", "start_time", "timestamp", "time")
USUAL_ACCURACY = ("accuracy_m", "accuracy", "hacc")
USUAL_BEARING = ("bearing_deg", "bearing", "heading", "course")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column says what; None: its usual name.  With an `origin`, `x` and `y` are metres from there."""

    lat: str | None = None
    lng: str | None = None
    time: str | None = None
    courier: str | None = None
    time_unit: str = "s"
    time_format: str | None = None
    x: str | None = None
    y: str | None = None
    origin: Place | None = None
    polyline: str | None = None
    start: str | None = None
    step_s: float = 15.0

    def __post_init__(self) -> None:
        if (self.x is not None or self.y is not None) and self.origin is None:
            raise StartupError("Local metres (--x, --y) need --origin LAT,LNG, the place they count from.")
        if not 0 < self.step_s < math.inf:
            raise StartupError("--step must be greater than 0.")


def read_csv(lines: Iterable[str], source: str, name: str, columns: Columns) -> list[Trace]:
    """The traces of one CSV file; without a column for the courier, all are `name`'s.  BadTrace names the line."""
    rows = csv.reader(lines)
    try:
        header = [cell.strip().lstrip("\ufeff") for cell in next(rows, [])]
        find = _Finder(header, source)
        polyline = find.optional(columns.polyline, USUAL_POLYLINE, "--polyline")
        if polyline is not None:
            return list(_trips(rows, find, polyline, name, columns))
        return _points(rows, find, name, columns)
    except csv.Error as error:
        raise BadTrace(source, rows.line_num, f"{error}.") from error
    except UnicodeDecodeError as error:
        raise BadTrace(source, rows.line_num + 1, "not UTF-8 text.") from error


def _points(rows: "_csv.Reader", find: "_Finder", name: str, columns: Columns) -> list[Trace]:
    """A reading a row."""
    time = find.needed(columns.time, USUAL_TIME, "--time")
    courier = find.optional(columns.courier, USUAL_COURIER, "--courier")
    accuracy = find.optional(None, USUAL_ACCURACY, "")
    bearing = find.optional(None, USUAL_BEARING, "")
    place = _place_reader(find, columns)
    readings: dict[str, list[Reading]] = {}
    for row in rows:
        if not row:
            continue
        try:
            here = place(row)
            reading = Reading(
                parse_moment(row[time], unit=columns.time_unit, pattern=columns.time_format),
                here.lat, here.lng, accuracy_m=_number(row, accuracy), bearing_deg=_number(row, bearing),
            )  # fmt: skip
            who = (row[courier].strip() if courier is not None else "") or name
        except (ValueError, OverflowError, IndexError) as error:
            raise find.bad_row(rows.line_num, error, row) from error
        readings.setdefault(who, []).append(reading)
    return [Trace(who, tuple(theirs), find.source) for who, theirs in readings.items()]


def _trips(
    rows: "_csv.Reader", find: "_Finder", polyline: int, name: str, columns: Columns
) -> Iterator[Trace]:
    """A whole trip a row: a JSON list of [lng, lat], one each `step_s` from its start."""
    start = find.needed(columns.start, USUAL_START, "--start")
    courier = find.optional(columns.courier, USUAL_COURIER, "--courier")
    for row in rows:
        if not row:
            continue
        try:
            line = msgspec.json.decode(row[polyline], type=list[tuple[float, float]])
            start_s = parse_moment(row[start], unit=columns.time_unit, pattern=columns.time_format)
            who = (row[courier].strip() if courier is not None else "") or f"{name}-{rows.line_num}"
        except (ValueError, OverflowError, IndexError) as error:
            raise find.bad_row(rows.line_num, error, row) from error
        readings = (
            Reading(start_s + number * columns.step_s, lat, lng) for number, (lng, lat) in enumerate(line)
        )
        yield Trace(who, tuple(readings), find.source)


class _Finder:
    """Finds columns by name, whatever their case."""

    def __init__(self, header: Sequence[str], source: str) -> None:
        self._numbers = {cell.lower(): number for number, cell in reversed(list(enumerate(header)))}
        self._header = header
        self.source = source

    def optional(self, named: str | None, usual: Sequence[str], option: str) -> int | None:
        """The number of the column; None when nobody named one and no usual one is there."""
        if named is not None:
            if named.lower() not in self._numbers:
                have = ", ".join(self._header)
                raise BadTrace(self.source, 1, f"there is no column {named} ({option}); there are: {have}.")
            return self._numbers[named.lower()]
        return next((self._numbers[word] for word in usual if word in self._numbers), None)

    def needed(self, named: str | None, usual: Sequence[str], option: str) -> int:
        """The number of the column."""
        found = self.optional(named, usual, option)
        if found is None:
            have = ", ".join(self._header) or "none"
            raise BadTrace(self.source, 1, f"say which column it is with {option}; there are: {have}.")
        return found

    def bad_row(self, line: int, error: Exception, row: Sequence[str]) -> BadTrace:
        """What is wrong with a row, in a sentence."""
        if isinstance(error, IndexError):
            return BadTrace(self.source, line, f"{len(row)} columns where line 1 has {len(self._header)}.")
        return BadTrace(self.source, line, f"{error}.")


def _place_reader(find: _Finder, columns: Columns) -> Callable[[Sequence[str]], Place]:
    """How a row says where."""
    if columns.origin is not None:
        east, north = find.needed(columns.x, USUAL_X, "--x"), find.needed(columns.y, USUAL_Y, "--y")
        origin = columns.origin
        return lambda row: moved(origin, _finite(row[east]), _finite(row[north]))
    lat = find.needed(columns.lat, USUAL_LAT, "--lat")
    lng = find.needed(columns.lng, USUAL_LNG, "--lng")
    return lambda row: Place(_finite(row[lat]), _finite(row[lng]))


def _number(row: Sequence[str], column: int | None) -> float | None:
    return None if column is None or not row[column].strip() else _finite(row[column])


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text.strip()} is no number we can use")
    return number
