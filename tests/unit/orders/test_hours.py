"""When it is open, on the wall clocks of several places, also in the nights when those are changed."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.orders.hours import (
    DAY,
    WEEKDAYS,
    Hours,
    Span,
    moment_of,
    next_business_day,
    next_opening,
    open_at,
    open_during,
)

HELSINKI = ZoneInfo("Europe/Helsinki")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # 03:00 becomes 04:00; 04:00 becomes 03:00


def daily(*spans: tuple[str, str], **exceptions: list[tuple[str, str]]) -> Hours:
    """These spans on every day; exceptions as d2026_12_24=[…]."""
    return Hours(
        weekly={day: [Span(*span) for span in spans] for day in WEEKDAYS},
        exceptions={
            date.fromisoformat(name[1:].replace("_", "-")): [Span(*span) for span in those]
            for name, those in exceptions.items()
        },
    )


def helsinki(text: str) -> datetime:
    """A moment by Helsinki's clocks, as 2026-11-23 12:00."""
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI)


LUNCH_AND_DINNER = daily(("10:30", "14:00"), ("16:00", "23:00"))
NIGHT = daily(("18:00", "04:00"))


@pytest.mark.parametrize(
    ("hours", "when", "expected"),
    [
        (None, "2026-11-23 04:00", True),  # who says nothing is open at any hour
        (Hours(), "2026-11-23 12:00", False),
        (LUNCH_AND_DINNER, "2026-11-23 10:29", False),
        (LUNCH_AND_DINNER, "2026-11-23 10:30", True),
        (LUNCH_AND_DINNER, "2026-11-23 14:00", False),
        (LUNCH_AND_DINNER, "2026-11-23 22:59", True),
        (NIGHT, "2026-11-24 03:59", True),
        (NIGHT, "2026-11-24 04:00", False),
        (daily(("00:00", "00:00")), "2026-11-23 23:59", True),
        (daily(("10:00", "22:00"), d2026_12_24=[]), "2026-12-24 12:00", False),
        (daily(("10:00", "22:00"), d2026_12_24=[("08:00", "12:00")]), "2026-12-24 08:30", True),
        (daily(("18:00", "04:00"), d2026_12_24=[]), "2026-12-24 02:00", True),  # the night of the day before
        (daily(("18:00", "04:00"), d2026_12_24=[]), "2026-12-25 02:00", False),
    ],
)
def test_it_is_open_by_the_clock_on_the_wall(hours, when, expected):
    assert open_at(hours, HELSINKI, helsinki(when)) is expected


def test_only_the_days_that_are_named_are_open():
    hours = Hours(weekly={"mon": [Span("10:00", "12:00")]})
    assert [open_at(hours, HELSINKI, helsinki(f"2026-11-{day} 11:00")) for day in range(23, 30)] == [
        True, *[False] * 6,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "wall", "last", "expected"),
    [
        (date(2026, 11, 23), time(12), False, "2026-11-23T10:00:00+00:00"),
        (AUTUMN, time(3, 30), False, "2026-10-25T00:30:00+00:00"),
        (AUTUMN, time(3, 30), True, "2026-10-25T01:30:00+00:00"),
        (SPRING, time(3, 30), False, "2026-03-29T01:00:00+00:00"),  # the jump
        (SPRING, time(3, 30), True, "2026-03-29T01:00:00+00:00"),
        (SPRING, time(3), False, "2026-03-29T01:00:00+00:00"),
        (SPRING, time(4), False, "2026-03-29T01:00:00+00:00"),
    ],
)
def test_a_wall_time_that_comes_twice_or_never_is_a_moment_all_the_same(day, wall, last, expected):
    assert moment_of(day, wall, HELSINKI, last=last).isoformat() == expected


def test_nobody_closes_in_the_middle_of_the_night_that_has_an_hour_more():
    hours = daily(("18:00", "03:30"))
    opens = helsinki("2026-10-24 18:00").astimezone(UTC)
    assert open_during(hours, HELSINKI, opens, opens + timedelta(hours=10, minutes=30))
    assert not open_at(hours, HELSINKI, opens + timedelta(hours=10, minutes=30))


def test_a_night_with_an_hour_less_is_an_hour_shorter():
    opens = helsinki("2026-03-28 18:00").astimezone(UTC)
    assert open_during(NIGHT, HELSINKI, opens, opens + timedelta(hours=9))
    assert not open_at(NIGHT, HELSINKI, opens + timedelta(hours=9))


def test_a_span_inside_the_hour_that_never_comes_is_no_opening():
    assert not any(
        open_at(daily(("03:10", "03:50")), HELSINKI, datetime(2026, 3, 29, 0, 59, tzinfo=UTC) + minutes)
        for minutes in (timedelta(minutes=number) for number in range(3))
    )


def test_a_window_may_cross_from_one_span_into_the_next():
    hours = daily(("10:00", "00:00"), ("00:00", "02:00"))
    assert open_during(hours, HELSINKI, helsinki("2026-11-23 23:00"), helsinki("2026-11-24 01:00"))
    assert not open_during(
        LUNCH_AND_DINNER, HELSINKI, helsinki("2026-11-23 13:00"), helsinki("2026-11-23 17:00")
    )


def test_it_opens_next_after_the_holidays_or_not_at_all():
    hours = daily(("10:00", "22:00"), d2026_12_24=[], d2026_12_25=[("14:00", "20:00")])
    assert next_opening(hours, HELSINKI, helsinki("2026-12-23 23:00")) == helsinki("2026-12-25 14:00")
    assert next_opening(hours, HELSINKI, helsinki("2026-12-25 15:00")) == helsinki("2026-12-25 15:00")
    assert next_opening(Hours(), HELSINKI, helsinki("2026-12-25 15:00")) is None


@pytest.mark.parametrize(
    ("hours", "when", "expected"),
    [
        (LUNCH_AND_DINNER, "2026-11-23 11:00", "2026-11-24 10:30"),
        (NIGHT, "2026-11-23 23:00", "2026-11-24 18:00"),
        (NIGHT, "2026-11-24 02:00", "2026-11-24 18:00"),  # still the evening of the 23rd
        (None, "2026-11-23 11:00", "2026-11-24 00:00"),
        (Hours(), "2026-11-23 11:00", "2026-11-24 00:00"),
    ],
)
def test_tomorrow_begins_when_the_kitchen_opens_again(hours, when, expected):
    assert next_business_day(hours, HELSINKI, helsinki(when)) == helsinki(expected)


ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "Europe/Helsinki", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe",  # half an hour's change
            "Asia/Kolkata", "Africa/Casablanca", "Pacific/Apia", "UTC",
        )
    ]
)  # fmt: skip
WALL = st.times().map(lambda wall: f"{wall:%H:%M}")
SPANS = st.lists(st.builds(Span, WALL, WALL), max_size=3)
HOURS = st.builds(
    Hours,
    st.dictionaries(st.sampled_from(WEEKDAYS), SPANS),
    st.dictionaries(st.dates(date(2026, 3, 20), date(2026, 4, 10)), SPANS, max_size=3),
)
MOMENTS = st.integers(0, 365 * 24 * 60).map(
    lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


def open_by_wall_clock(hours: Hours, zone: ZoneInfo, moment: datetime) -> bool:
    """Brute force: what the clock on the wall shows, compared as text."""
    local = moment.astimezone(zone)
    wall, today = f"{local:%H:%M}", local.date()
    of_today = any(
        span.opens <= wall and (wall < span.closes or span.closes <= span.opens)
        for span in hours.spans_of(today)
    )
    of_yesterday = any(
        span.closes <= span.opens and wall < span.closes for span in hours.spans_of(today - DAY)
    )
    return of_today or of_yesterday


def far_from_a_change(zone: ZoneInfo, moment: datetime) -> bool:
    return (
        len({(moment + hours * timedelta(hours=1)).astimezone(zone).utcoffset() for hours in range(-50, 51)})
        == 1
    )


@given(HOURS, ZONES, MOMENTS)
def test_it_is_open_as_the_wall_clock_says(hours, zone, moment):
    if far_from_a_change(zone, moment):
        assert open_at(hours, zone, moment) is open_by_wall_clock(hours, zone, moment)
    elif open_by_wall_clock(hours, zone, moment):
        assert open_at(hours, zone, moment)  # a change of the clock closes nobody


@given(HOURS, ZONES, MOMENTS, st.integers(1, 36))
def test_open_for_a_window_is_open_at_each_of_its_minutes(hours, zone, begins, quarters):
    minutes = [begins + number * timedelta(minutes=1) for number in range(quarters * 15)]
    whole = open_during(hours, zone, begins, begins + quarters * timedelta(minutes=15))
    assert whole is all(open_at(hours, zone, minute) for minute in minutes)


@given(HOURS, ZONES, MOMENTS)
def test_the_next_opening_is_the_first(hours, zone, moment):
    opens = next_opening(hours, zone, moment)
    if opens is None:
        assert not any(
            open_at(hours, zone, moment + number * timedelta(hours=1)) for number in range(24 * 13)
        )
    else:
        assert opens >= moment
        assert open_at(hours, zone, opens)
        assert opens == moment or not open_at(hours, zone, opens - timedelta(minutes=1))
        assert opens == moment or not open_at(hours, zone, moment + (opens - moment) / 2)
