"""A merchant's facts by themselves: when it takes orders next, what an item is worth now, what may be said of it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from server.geo.areas import Polygon, area_of
from server.orders.currencies import MINOR_DIGITS, is_currency
from server.orders.delivery_areas import ParsedAreas
from server.orders.hours import WEEKDAYS, Hours, Span
from server.orders.merchant_facts import BadMerchant, ChangedMerchant, changes_in, check_facts, hours_faults
from server.orders.merchants import Merchant
from server.orders.views import item_json, merchant_json
from tests.builders import a_merchant, an_item
from tests.fakes import NOON

HOUR = timedelta(hours=1)
EVENINGS = Hours(weekly={day: [Span("16:00", "22:00")] for day in WEEKDAYS})  # from 14:00 UTC in winter


@pytest.mark.parametrize(
    ("facts", "opens"),
    [
        ({}, NOON),
        ({"open": False}, None),
        ({"hours": EVENINGS}, NOON + 2 * HOUR),
        ({"hours": Hours()}, None),
        ({"paused_until": NOON + HOUR}, NOON + HOUR),
        ({"paused_until": NOON - HOUR}, NOON),
        ({"paused_until": NOON + HOUR, "hours": EVENINGS}, NOON + 2 * HOUR),
        ({"paused_until": NOON + 9 * HOUR, "hours": EVENINGS}, NOON + 26 * HOUR),
        ({"paused_until": NOON + HOUR, "open": False}, None),
    ],
)
def test_it_takes_orders_when_switch_pause_and_hours_allow(facts, opens):
    merchant = a_merchant(**facts)
    assert merchant.next_opening(NOON) == opens
    view = merchant_json(merchant, at=NOON)
    assert view["open_now"] is (opens == NOON)
    assert (view["opens_at"] is None) is (opens in (None, NOON))


def test_a_sold_out_item_is_back_by_itself():
    item = an_item(sold_out_until=NOON + HOUR)
    assert not item.may_be_ordered(NOON)
    assert item.may_be_ordered(NOON + HOUR)
    assert not replace(item, available=False).may_be_ordered(NOON + HOUR)
    assert (item_json(item, NOON)["orderable"], "orderable" in item_json(item)) == (False, False)


def test_only_what_is_named_changes_and_nothing_is_also_said():
    assert changes_in(ChangedMerchant()) == {}
    assert changes_in(ChangedMerchant(hours=None, open=False, version=3)) == {"hours": None, "open": False}
    assert set(ChangedMerchant.__struct_fields__) - {"version"} < set(Merchant.__dataclass_fields__)


def test_facts_that_cannot_be_are_told_all_at_once():
    overlapping = Hours(weekly={"mon": [Span("10:00", "12:00"), Span("11:59", "13:00")]})
    with pytest.raises(BadMerchant) as refused:
        check_facts({"hours": overlapping, "time_zone": "Mars/Olympus", "currency": "XAU"})
    assert {fault["pointer"] for fault in refused.value.details["errors"]} == {
        "/hours/weekly/mon", "/time_zone", "/currency",
    }  # fmt: skip
    check_facts({"hours": None, "time_zone": "Asia/Shanghai", "currency": "CNY"})
    check_facts({})


@pytest.mark.parametrize(
    ("spans", "overlap"),
    [
        ([("10:00", "12:00"), ("12:00", "14:00")], False),
        ([("12:00", "14:00"), ("10:00", "12:00")], False),
        ([("18:00", "02:00"), ("00:00", "03:00")], False),  # the one night, and the other
        ([("18:00", "02:00"), ("20:00", "21:00")], True),
        ([("00:00", "00:00"), ("10:00", "11:00")], True),
        ([("10:00", "12:00"), ("10:00", "12:00")], True),
    ],
)
def test_two_spans_of_a_day_do_not_overlap(spans, overlap):
    hours = Hours(weekly={"mon": [Span(*span) for span in spans]})
    assert bool(list(hours_faults(hours, "/hours"))) is overlap


def test_currencies_have_their_minor_digits():
    assert (MINOR_DIGITS["EUR"], MINOR_DIGITS["JPY"], MINOR_DIGITS["KWD"]) == (2, 0, 3)
    assert len(MINOR_DIGITS) > 150
    assert not is_currency("XXX")


def test_parsed_areas_are_kept_by_version_and_the_longest_unused_goes_first():
    area = area_of(Polygon([[[24.9, 60.1], [25.0, 60.1], [25.0, 60.2]]]))
    parsed, one, two, three = ParsedAreas(most=2), uuid4(), uuid4(), uuid4()
    parsed.put(one, 1, area)
    parsed.put(two, 1, area)
    assert parsed.get(one, 1) is area
    assert parsed.get(one, 2) is None
    parsed.put(three, 1, area)
    assert parsed.get(two, 1) is None
    assert parsed.get(one, 1) is area
