"""The checks at the door: each fault has its field and its word, and all are told at once."""

import math
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.orders.placing import MAX_LINES, CheckFailed, Wanted, check, total_minor
from tests.builders import a_contact, a_merchant, a_wish, an_item

MERCHANT, SOUP, BREAD, SOLD_OUT = a_merchant(), an_item(), an_item(price_minor=120), an_item(available=False)
MENU = {item.id: item for item in (SOUP, BREAD, SOLD_OUT)}


def faults_of(asked, merchant=MERCHANT):
    with pytest.raises(CheckFailed) as refused:
        check(asked, merchant, MENU)
    return {(error["pointer"], error["code"]) for error in refused.value.details["errors"]}


def test_an_order_gets_the_prices_of_the_menu():
    lines = check(a_wish(MERCHANT.id, SOUP, BREAD, quantity=3, total_minor=3210), MERCHANT, MENU)
    assert [(line.item_id, line.quantity, line.price_minor) for line in lines] == [
        (SOUP.id, 3, 950),
        (BREAD.id, 3, 120),
    ]
    assert total_minor(lines) == 3210


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
        ({"contact": a_contact(phone="call me")}, ("/contact/phone", "bad_phone")),
        ({"contact": a_contact(phone="1234")}, ("/contact/phone", "bad_phone")),
        ({"contact": a_contact(phone="+" + "1" * 16)}, ("/contact/phone", "bad_phone")),
        ({"contact": a_contact(phone="١٢٣٤٥٦٧")}, ("/contact/phone", "bad_phone")),
        ({"contact": a_contact(lat=91.0)}, ("/contact/lat", "out_of_range")),
        ({"contact": a_contact(lat=math.nan)}, ("/contact/lat", "out_of_range")),
        ({"contact": a_contact(lng=180.1)}, ("/contact/lng", "out_of_range")),
        ({"contact": a_contact(lng=-math.inf)}, ("/contact/lng", "out_of_range")),
        ({"contact": a_contact(lat=0.0, lng=0.0)}, ("/contact", "null_island")),
    ],
)
def test_one_fault_is_told_with_its_field(changed, fault):
    assert faults_of(a_wish(MERCHANT.id, SOUP, **changed)) == {fault}


def test_a_closed_or_unknown_merchant_takes_no_order():
    assert faults_of(a_wish(MERCHANT.id, SOUP), a_merchant(open=False)) == {
        ("/merchant_id", "merchant_closed")
    }
    assert faults_of(a_wish(uuid4(), SOUP), None) == {("/merchant_id", "unknown_merchant")}


def test_all_faults_are_told_at_once():
    asked = a_wish(MERCHANT.id, SOLD_OUT, quantity=0, contact=a_contact(name="", lat=-91.0))
    assert faults_of(asked, a_merchant(open=False)) == {
        ("/merchant_id", "merchant_closed"),
        ("/items/0/item_id", "item_unavailable"),
        ("/items/0/quantity", "bad_quantity"),
        ("/contact/name", "missing"),
        ("/contact/lat", "out_of_range"),
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
        [line] = check(a_wish(MERCHANT.id, SOUP, quantity=quantity, contact=contact), MERCHANT, MENU)
    except CheckFailed as refused:
        errors = refused.details["errors"]
        assert errors
        assert all(error["pointer"].startswith("/") for error in errors)
    else:
        assert -90 <= lat <= 90
        assert -180 <= lng <= 180
        assert 1 <= line.quantity <= 99
