"""The checks at the door: each fault has its field and its word, and all are told at once."""

import math
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.faults import SENTENCES
from server.geo.areas import Polygon, area_of
from server.orders.delivery_areas import DeliveryArea
from server.orders.hours import WEEKDAYS, Hours, Span
from server.orders.merchants import Offering
from server.orders.model import PaymentMethod
from server.orders.placing import (
    MAX_LINES,
    CheckFailed,
    DoorRules,
    PaymentWish,
    PlaceOrder,
    Wanted,
    Window,
    check,
    is_complete,
    total_minor,
)
from tests.builders import HELSINKI, a_contact, a_merchant, a_wish, an_item
from tests.fakes import NOON

MERCHANT, SOUP, BREAD, SOLD_OUT = a_merchant(), an_item(), an_item(price_minor=120), an_item(available=False)
MENU = {item.id: item for item in (SOUP, BREAD, SOLD_OUT)}
RULES = DoorRules(phone_region="FI", delivery_radius_m=6_000.0, schedule_lead=timedelta(minutes=45))
HOUR = timedelta(hours=1)
OPEN_ALL_DAY = Hours(weekly={day: [Span("10:00", "22:00")] for day in WEEKDAYS})


def checked(asked, merchant=MERCHANT, areas=(), at=NOON, **options):
    offering = None if merchant is None else Offering(merchant=merchant, menu=MENU, areas=areas)
    return check(asked, offering, at=at, rules=RULES, **options)


def faults_of(asked, merchant=MERCHANT, areas=(), at=NOON, **options):
    with pytest.raises(CheckFailed) as refused:
        checked(asked, merchant, areas, at, **options)
    return {(error["pointer"], error["code"]) for error in refused.value.details["errors"]}


def an_area(lat=HELSINKI[0], lng=HELSINKI[1], reach_deg=0.02, **facts):
    """A square around a place, a good kilometre to each side."""
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    ring = [[lng + east * reach_deg, lat + north * reach_deg] for east, north in corners]
    return DeliveryArea(
        **{"id": uuid4(), "merchant_id": MERCHANT.id, "name": "Centre", "area": area_of(Polygon([ring])),
           "drawn_by": uuid4(), **facts}
    )  # fmt: skip


def test_an_order_gets_the_prices_of_the_menu():
    order = checked(a_wish(MERCHANT.id, SOUP, BREAD, quantity=3, total_minor=3210))
    assert [(line.item_id, line.quantity, line.price_minor) for line in order.lines] == [
        (SOUP.id, 3, 950),
        (BREAD.id, 3, 120),
    ]
    assert total_minor(order.lines) == order.items_minor == order.total_minor == 3210
    assert (order.delivery_fee_minor, order.currency) == (0, "EUR")


def test_the_total_is_that_of_the_items_and_the_fee():
    merchant = a_merchant(delivery_fee_minor=390, currency="CNY")
    order = checked(a_wish(merchant.id, SOUP, total_minor=1340, delivery_fee_minor=390), merchant)
    assert (order.items_minor, order.delivery_fee_minor, order.total_minor) == (950, 390, 1340)
    assert order.currency == "CNY"
    assert faults_of(a_wish(merchant.id, SOUP, total_minor=950, delivery_fee_minor=0), merchant) == {
        ("/delivery_fee_minor", "wrong_delivery_fee"),
        ("/total_minor", "wrong_total"),
    }


def test_a_contact_is_kept_in_normal_form():
    contact = a_contact(
        name=" Aino ", phone="040 123 4567", address="Siltasaarenkatu  4\nA 12", note=" ring "
    )
    assert checked(a_wish(MERCHANT.id, SOUP, contact=contact)).contact == a_contact(
        name="Aino", phone="+358401234567", address="Siltasaarenkatu 4 A 12", note="ring"
    )


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"items": []}, ("/items", "bad_basket")),
        ({"items": [Wanted(uuid4(), 1)] * (MAX_LINES + 1)}, ("/items", "bad_basket")),
        ({"items": [Wanted(SOUP.id, 1), Wanted(uuid4(), 1)]}, ("/items/1/item_id", "unknown_item")),
        ({"items": [Wanted(SOUP.id, 1), Wanted(SOUP.id, 1)]}, ("/items/1/item_id", "item_repeated")),
        ({"items": [Wanted(SOLD_OUT.id, 1)]}, ("/items/0/item_id", "item_unavailable")),
        ({"items": [Wanted(SOUP.id, 0)]}, ("/items/0/quantity", "bad_quantity")),
        ({"items": [Wanted(SOUP.id, -1)]}, ("/items/0/quantity", "bad_quantity")),
        ({"items": [Wanted(SOUP.id, 100)]}, ("/items/0/quantity", "bad_quantity")),
        ({"total_minor": 949}, ("/total_minor", "wrong_total")),
        ({"contact": a_contact(name=" ")}, ("/contact/name", "missing")),
        ({"contact": a_contact(address="")}, ("/contact/address", "missing")),
        ({"contact": a_contact(address="Siltasaarenkatu")}, ("/contact/address", "address_incomplete")),
        ({"contact": a_contact(phone="")}, ("/contact/phone", "missing")),
        ({"contact": a_contact(phone="call me")}, ("/contact/phone", "phone_has_letters")),
        ({"contact": a_contact(phone="040")}, ("/contact/phone", "phone_too_short")),
        ({"contact": a_contact(phone="+" + "1" * 16)}, ("/contact/phone", "phone_too_long")),
        ({"contact": a_contact(lat=60.25)}, ("/contact/address", "outside_delivery_area")),
        ({"payment": PaymentWish(PaymentMethod.CARD)}, ("/payment/method", "card_needs_checkout")),
        ({"contact": a_contact(lat=91.0)}, ("/contact/lat", "out_of_range")),
        ({"contact": a_contact(lat=math.nan)}, ("/contact/lat", "out_of_range")),
        ({"contact": a_contact(lng=180.1)}, ("/contact/lng", "out_of_range")),
        ({"contact": a_contact(lng=-math.inf)}, ("/contact/lng", "out_of_range")),
        ({"contact": a_contact(lat=0.0, lng=0.0)}, ("/contact", "null_island")),
    ],
)
def test_one_fault_is_told_with_its_field(changed, fault):
    assert faults_of(a_wish(MERCHANT.id, SOUP, **changed), methods=[PaymentMethod.CASH]) == {fault}


def test_a_closed_or_unknown_merchant_takes_no_order():
    assert faults_of(a_wish(MERCHANT.id, SOUP), a_merchant(open=False)) == {
        ("/merchant_id", "merchant_closed")
    }
    assert faults_of(a_wish(uuid4(), SOUP), None) == {("/merchant_id", "unknown_merchant")}


@pytest.mark.parametrize(
    ("address", "note", "complete"),
    [
        ("Siltasaarenkatu 4", "", True),
        ("中山路五号", "", True),
        ("中山路５号", "", True),
        ("شارع ٥", "", True),
        ("4", "", False),
        ("Siltasaarenkatu", "", False),
        ("Siltasaarenkatu", "…", False),
        ("The red barn behind the church", "the door with the bell", True),
    ],
)
def test_an_address_is_complete_when_the_door_can_be_found(address, note, complete):
    assert is_complete(address, note) is complete


def test_it_is_brought_where_an_open_area_reaches_and_the_cheapest_fee_counts():
    merchant = a_merchant(delivery_fee_minor=500)
    wish = a_wish(merchant.id, SOUP)
    wide, near = an_area(reach_deg=0.05, delivery_fee_minor=700), an_area(delivery_fee_minor=200)
    assert checked(wish, merchant, [an_area()]).delivery_fee_minor == 500
    assert checked(wish, merchant, [wide, near]).delivery_fee_minor == 200
    assert checked(wish, merchant, [wide]).delivery_fee_minor == 700
    far = an_area(lat=61.0)
    assert faults_of(wish, merchant, [far]) == {("/contact/address", "outside_delivery_area")}


def test_a_drawn_area_counts_and_not_the_radius():
    wish = a_wish(MERCHANT.id, SOUP, contact=a_contact(lat=60.24))  # 7.8 km
    assert checked(wish, areas=[an_area(reach_deg=0.1)])


def test_an_area_has_hours_of_its_own():
    evening = Hours(weekly={day: [Span("17:00", "22:00")] for day in WEEKDAYS})
    late = an_area(hours=evening, delivery_fee_minor=200)
    wish = a_wish(MERCHANT.id, SOUP)
    assert faults_of(wish, areas=[late]) == {("/contact/address", "delivery_area_closed")}
    assert checked(wish, areas=[late, an_area(delivery_fee_minor=900)]).delivery_fee_minor == 900
    assert checked(wish, areas=[late], at=NOON + 6 * HOUR).delivery_fee_minor == 200
    tonight = Window(NOON + 6 * HOUR, NOON + 7 * HOUR)
    assert checked(a_wish(MERCHANT.id, SOUP, scheduled_for=tonight), areas=[late]).scheduled_for == tonight


def test_a_merchant_is_open_in_its_hours_unless_it_pauses():
    hours = Hours(weekly={day: [Span("16:00", "22:00")] for day in WEEKDAYS})
    closed = {("/merchant_id", "merchant_closed")}
    wish = a_wish(MERCHANT.id, SOUP)
    assert faults_of(wish, a_merchant(hours=hours)) == closed
    assert checked(wish, a_merchant(hours=hours), at=NOON + 5 * HOUR)
    # The wall clock is the merchant's: when it is noon by UTC it is 20:00 in Shanghai.
    assert checked(wish, a_merchant(hours=hours, time_zone="Asia/Shanghai"))
    paused = a_merchant(paused_until=NOON + HOUR)
    assert faults_of(wish, paused) == {("/merchant_id", "merchant_paused")}
    with pytest.raises(CheckFailed) as refused:
        checked(wish, paused)
    [fault] = refused.value.details["errors"]
    assert fault["detail"] == "The merchant takes no orders until 2026-11-23T15:00+02:00"
    assert checked(wish, paused, at=NOON + HOUR)


@pytest.mark.parametrize(
    ("begins", "ends", "faults"),
    [
        (2 * HOUR, 3 * HOUR, set()),
        (0.75 * HOUR, HOUR, set()),
        (0.5 * HOUR, 2 * HOUR, {("/scheduled_for/from", "window_too_soon")}),
        (2 * HOUR, 2.1 * HOUR, {("/scheduled_for", "bad_window")}),
        (3 * HOUR, 2 * HOUR, {("/scheduled_for", "bad_window")}),
        (HOUR, 7.5 * HOUR, {("/scheduled_for", "bad_window")}),
        (9 * HOUR, 11 * HOUR, {("/scheduled_for", "merchant_closed_then")}),  # 22:00 lies inside
        (7 * 24 * HOUR, (7 * 24 + 1) * HOUR, {("/scheduled_for/to", "window_too_far")}),
    ],
)
def test_an_order_for_later_asks_for_a_window_in_which_the_kitchen_is_open(begins, ends, faults):
    wish = a_wish(MERCHANT.id, SOUP, scheduled_for=Window(NOON + begins, NOON + ends))
    merchant = a_merchant(hours=OPEN_ALL_DAY)
    if faults:
        assert faults_of(wish, merchant) == faults
    else:
        assert checked(wish, merchant).scheduled_for == wish.scheduled_for


def test_an_order_for_tomorrow_does_not_mind_that_the_kitchen_sleeps_or_pauses_now():
    tomorrow = Window(NOON + 24 * HOUR, NOON + 25 * HOUR)
    merchant = a_merchant(hours=OPEN_ALL_DAY, paused_until=NOON + 10 * HOUR)
    assert checked(a_wish(MERCHANT.id, SOUP, scheduled_for=tomorrow), merchant, at=NOON + 11 * HOUR)
    gone = an_item(sold_out_until=NOON + 20 * HOUR)
    MENU[gone.id] = gone
    assert checked(a_wish(MERCHANT.id, gone, scheduled_for=tomorrow), merchant)
    assert faults_of(a_wish(MERCHANT.id, gone)) == {("/items/0/item_id", "item_unavailable")}
    later = faults_of(
        a_wish(MERCHANT.id, SOUP, scheduled_for=tomorrow), a_merchant(paused_until=NOON + 30 * HOUR)
    )
    assert later == {("/merchant_id", "merchant_paused")}


def test_a_merchant_may_ask_for_a_minimum_and_for_no_cash():
    merchant = a_merchant(minimum_order_minor=1000, cash_on_delivery=False)
    assert faults_of(a_wish(MERCHANT.id, SOUP), merchant) == {
        ("/items", "below_minimum"),
        ("/payment/method", "cash_not_accepted"),
    }
    card = PaymentWish(PaymentMethod.CARD)
    order = checked(a_wish(MERCHANT.id, SOUP, quantity=2, payment=card), merchant)
    assert order.payment_method is PaymentMethod.CARD
    assert faults_of(a_wish(MERCHANT.id, SOUP), methods=[PaymentMethod.CARD]) == {
        ("/payment/method", "cash_needs_no_checkout")
    }


def test_a_wish_reads_from_json_in_the_words_of_the_wire():
    head = b'{"merchant_id":"018f7d5e-0000-7000-8000-000000000000","items":[],"payment":{"method":"card"},'
    contact = b'"contact":{"name":"","phone":"","address":"","lat":1,"lng":2},'
    window = b'"scheduled_for":{"from":"2026-11-23T12:00:00+02:00","to":"2026-11-23T11:00:00Z"}}'
    wish = msgspec.json.decode(head + contact + window, type=PlaceOrder)
    assert wish.scheduled_for.ends - wish.scheduled_for.begins == HOUR
    with pytest.raises(msgspec.ValidationError, match="scheduled_for"):  # noon, but whose?
        msgspec.json.decode(head + contact + window.replace(b"+02:00", b""), type=PlaceOrder)


def test_a_fault_tells_the_values_of_its_sentence():
    with pytest.raises(CheckFailed) as refused:
        checked(a_wish(MERCHANT.id, SOUP, total_minor=949))
    assert refused.value.details["errors"] == [
        {"pointer": "/total_minor", "code": "wrong_total", "detail": "The total is 950 today",
         "values": {"total_minor": 950}}
    ]  # fmt: skip
    assert refused.value.details["errors"][0]["code"] in SENTENCES


def test_all_faults_are_told_at_once():
    asked = a_wish(MERCHANT.id, SOLD_OUT, quantity=0, contact=a_contact(name="", lat=-91.0))
    assert faults_of(asked, a_merchant(open=False)) == {
        ("/merchant_id", "merchant_closed"),
        ("/items/0/item_id", "item_unavailable"),
        ("/items/0/quantity", "bad_quantity"),
        ("/contact/name", "missing"),
        ("/contact/lat", "out_of_range"),
    }
    assert faults_of(
        a_wish(
            MERCHANT.id, SOUP, contact=a_contact(phone="1", lat=61.0), total_minor=1, delivery_fee_minor=1
        ),
        a_merchant(open=False, minimum_order_minor=951),
    ) == {
        ("/merchant_id", "merchant_closed"),
        ("/contact/phone", "phone_too_short"),
        ("/contact/address", "outside_delivery_area"),
        ("/items", "below_minimum"),
    }


@given(
    lat=st.floats(),
    lng=st.floats(),
    phone=st.text(max_size=40),
    name=st.text(max_size=20),
    quantity=st.integers(),
)
def test_whatever_is_sent_is_either_right_or_refused_with_pointers(lat, lng, phone, name, quantity):
    contact = a_contact(lat=lat, lng=lng, phone=phone, name=name)
    try:
        order = checked(a_wish(MERCHANT.id, SOUP, quantity=quantity, contact=contact))
    except CheckFailed as refused:
        errors = refused.details["errors"]
        assert errors
        assert all(error["pointer"].startswith("/") for error in errors)
    else:
        assert -90 <= lat <= 90
        assert -180 <= lng <= 180
        assert 1 <= order.lines[0].quantity <= 99
