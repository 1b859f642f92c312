"""When a merchant, or one of its delivery areas, is open: weekly spans and exceptions by date, by wall clock.  Pure.

A span belongs to the day it opens on and may pass midnight.  Where clocks change, a wall time that comes twice opens at
its first coming and closes at its second, so that nobody closes in the middle of a night; one that never comes stands
for the moment at which the clock jumps over it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

DAY = timedelta(days=1)
SEARCH_DAYS = 15  # two weeks of holidays; whoever is closed for longer is simply closed
MAX_SPANS = 12  # of one day

WallTime = Annotated[
    str,
    Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Wall time, 24 hours", examples=["10:30"]),
]


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open from `opens` until `closes`; where that is not later, until then on the next day."""

    opens: WallTime
    closes: WallTime


Spans = Annotated[list[Span], Meta(max_length=MAX_SPANS)]


class Weekday(StrEnum):
    """The days, as people abbreviate them."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEKDAYS = tuple(Weekday)


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The spans of each weekday; those of a date in `exceptions` stand in their place.  No spans: closed that day."""

    weekly: dict[Weekday, Spans] = {}
    exceptions: Annotated[dict[date, Spans], Meta(max_length=100)] = {}

    def spans_of(self, day: date) -> list[Span]:
        """The spans that open on `day`."""
        if day in self.exceptions:
            return self.exceptions[day]
        return self.weekly.get(WEEKDAYS[day.weekday()], [])


def open_at(hours: Hours | None, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether it is open at `moment`; no hours: it always is."""
    return hours is None or any(
        opens <= moment < closes
        for day in _days_around(moment, zone)
        for opens, closes in _intervals(hours, zone, day)
    )


def open_during(hours: Hours | None, zone: ZoneInfo, begins: datetime, ends: datetime) -> bool:
    """Whether it is open from `begins` to `ends` without a break."""
    if hours is None:
        return True
    open_until = begins
    day, last = _local_date(begins, zone) - DAY, _local_date(ends, zone)
    while day <= last and open_until < ends:
        # Spans of one day may stand in any order, and one may begin where another ends.
        for opens, closes in sorted(_intervals(hours, zone, day)):
            if opens <= open_until < closes:
                open_until = closes
        day += DAY
    return open_until >= ends


def next_opening(hours: Hours | None, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """The first moment not before `moment` at which it is open; None when there is none within two weeks."""
    if open_at(hours, zone, moment):
        return moment
    assert hours is not None  # else it were open
    return min(
        (opens for opens, _ in _coming(hours, zone, _local_date(moment, zone)) if opens > moment),
        default=None,
    )


def next_business_day(hours: Hours | None, zone: ZoneInfo, moment: datetime) -> datetime:
    """When "tomorrow" begins for a kitchen: an evening that passes midnight still belongs to the day it began on."""
    today = _local_date(moment, zone)
    if hours is not None:
        yesterday = today - DAY
        if any(opens <= moment < closes for opens, closes in _intervals(hours, zone, yesterday)):
            today = yesterday
        coming = (opens for opens, _ in _coming(hours, zone, today + DAY) if opens > moment)
        first = min(coming, default=None)
        if first is not None:
            return first
    return moment_of(today + DAY, time(0), zone, last=False)


def moment_of(day: date, wall: time, zone: ZoneInfo, *, last: bool) -> datetime:
    """The moment, in UTC, at which clocks show `wall` on `day`: the `last` of them, or the first.

    A wall time that the clock jumps over is the moment of the jump.
    """
    local = datetime.combine(day, wall, zone)
    earlier, later = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if later >= earlier:
        return later if last else earlier
    # In the gap: `later` reads the time by the clock after the jump and so lies before it, `earlier` behind it.
    offset = earlier.astimezone(zone).utcoffset()
    while earlier - later > timedelta(seconds=1):
        middle = later + (earlier - later) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            earlier = middle
        else:
            later = middle
    return earlier.replace(microsecond=0)


def _intervals(hours: Hours, zone: ZoneInfo, day: date) -> Iterator[tuple[datetime, datetime]]:
    for span in hours.spans_of(day):
        opens, closes = time.fromisoformat(span.opens), time.fromisoformat(span.closes)
        closing_day = day if closes > opens else day + DAY
        opens_at = moment_of(day, opens, zone, last=False)
        closes_at = moment_of(closing_day, closes, zone, last=True)
        if opens_at < closes_at:  # a span inside a jump of the clock never comes
            yield opens_at, closes_at


def _coming(hours: Hours, zone: ZoneInfo, first: date) -> Iterator[tuple[datetime, datetime]]:
    for number in range(SEARCH_DAYS):
        yield from _intervals(hours, zone, first + number * DAY)


def _days_around(moment: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """Whose spans may hold `moment`."""
    today = _local_date(moment, zone)
    return today - DAY, today


def _local_date(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
