"""workflow §1, order and confirmation 订单生成与确认, step by step in the words of that page."""

from datetime import timedelta
from typing import Any

import pytest

from server.simulator.bank_books import Card
from tests.acceptance.houses import FEE_MINOR, PHONE, PRICE_MINOR, TOTAL_MINOR, House, Platform, clock
from tests.waiting import eventually

NEVER: dict[str, object] = {"weekly": {}}
EVERYBODY = "customer kitchen dispatcher"


def area(house: House, reach_deg: float = 0.01, **facts: object) -> dict[str, object]:
    """A square around the kitchen, drawn as GeoJSON has it: lng before lat."""
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    ring = [[house.lng + east * reach_deg, house.lat + north * reach_deg] for east, north in corners]
    return {"name": "Vallila", "polygon": {"type": "Polygon", "coordinates": [ring]}, **facts}


def faults(
    house: House, language: str = "en", path: str = "orders", **changed: object
) -> dict[str, tuple[str, str]]:
    """By field: the word and the sentence why such an order is refused."""
    response = house.server.request(
        "POST", f"/api/v1/{path}", by=house.customer, json=house.wish(**changed),
        headers={"Accept-Language": language},
    )  # fmt: skip
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["content-language"] == language
    assert all(fault["detail"] for fault in response.json()["errors"])
    return {fault["pointer"]: (fault["code"], fault["detail"]) for fault in response.json()["errors"]}


def codes(house: House, **changed: Any) -> dict[str, str]:
    return {field: code for field, (code, _) in faults(house, **changed).items()}


async def kept_of(house: House) -> list[int]:
    """How much the record holds of this merchant's orders, half-made or whole."""
    merchant = house.merchant["id"]
    rows = await house.platform.record.rows(
        "SELECT (SELECT count(*) FROM orders WHERE merchant_id = $1),"
        " (SELECT count(*) FROM checkouts WHERE merchant_id = $1), (SELECT count(*) FROM order_contacts),"
        " (SELECT count(*) FROM event_log WHERE entity IN ('order', 'checkout')), (SELECT count(*) FROM timers)",
        merchant,
    )
    return list(rows[0])


def moment(**ahead: float) -> str:
    return (clock.now() + timedelta(**ahead)).isoformat()


# 1. The customer submits an order.  The system checks by itself …

REFUSED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    # … address (complete, geocoded, inside the merchant's delivery area)
    "no address": ({"address": " "}, {"/contact/address": "missing"}),
    "a street without a number": ({"address": "Mäkelänkatu"}, {"/contact/address": "address_incomplete"}),
    "not geocoded": ({"lat": 0, "lng": 0}, {"/contact": "null_island"}),
    "not on earth": ({"lat": 91.0}, {"/contact/lat": "out_of_range"}),
    "outside the delivery area": ({"lat": 71.5, "lng": 25.0}, {"/contact/address": "outside_delivery_area"}),
    # … contact (a reachable phone number in a valid form)
    "nobody's name": ({"name": ""}, {"/contact/name": "missing"}),
    "no phone": ({"phone": ""}, {"/contact/phone": "missing"}),
    "too short a phone": ({"phone": "040"}, {"/contact/phone": "phone_too_short"}),
    "no phone at all": ({"phone": "call me"}, {"/contact/phone": "phone_has_letters"}),
}


@pytest.fixture(scope="module")
def refusing(town: Platform) -> House:
    """A house of this module's, where nothing is ordered."""
    return House(town)


@pytest.mark.parametrize("why", REFUSED)
async def test_an_address_or_contact_that_fails_is_refused_with_field_and_reason(refusing: House, why: str):
    house = refusing
    changed, expected = REFUSED[why]
    before = await kept_of(house)
    assert codes(house, contact={**house.door, **changed}) == expected
    assert (
        codes(house, contact={**house.door, **changed}, path="checkouts", payment={"method": "card"})
        == expected
    )
    assert await kept_of(house) == before  # nothing half-made stays


async def test_the_address_is_checked_against_the_area_that_the_merchant_or_an_operator_drew(house: House):
    areas = f"{house.path}/areas"
    drawn = house.server.call("POST", areas, by=house.kitchen, json=area(house, hours=NEVER))
    assert codes(house) == {"/contact/address": "delivery_area_closed"}  # its hours are over
    beyond = {**house.door, "lat": house.lat + 0.02}
    assert codes(house, contact=beyond) == {"/contact/address": "outside_delivery_area"}
    dispatcher = house.platform.dispatcher
    house.server.call("POST", areas, by=dispatcher, json=area(house, delivery_fee_minor=0))
    assert house.order()["delivery_fee_minor"] == 0
    # Somebody who still sees the first version is told so, with what is there now.
    awake = house.server.call(
        "PUT", f"{areas}/{drawn['id']}", by=house.kitchen, json={**area(house), "version": 1}
    )
    late = house.server.request(
        "PUT", f"{areas}/{drawn['id']}", by=dispatcher, json={**area(house), "version": 1}
    )
    assert (late.status_code, late.json()["code"]) == (409, "area_changed")
    assert late.json()["area"]["version"] == awake["version"] == 2


async def test_the_basket_is_checked_items_exist_merchant_open_totals_add_up(house: House):
    before = await kept_of(house)
    item = house.merchant["menu"][0]["id"]
    assert codes(house, items=[]) == {"/items": "bad_basket"}
    assert codes(house, quantity=0) == {"/items/0/quantity": "bad_quantity"}
    unknown = {"item_id": house.merchant["id"], "quantity": 1}
    assert codes(house, items=[unknown]) == {"/items/0/item_id": "unknown_item"}
    twice = [{"item_id": item, "quantity": 1}] * 2
    assert codes(house, items=twice) == {"/items/1/item_id": "item_repeated"}
    assert codes(house, merchant_id=item) == {"/merchant_id": "unknown_merchant"}
    assert faults(house, total_minor=PRICE_MINOR)["/total_minor"] == (
        "wrong_total", f"The total is {TOTAL_MINOR} today",
    )  # fmt: skip
    assert faults(house, "zh", total_minor=PRICE_MINOR)["/total_minor"][1] == f"现在的总价是 {TOTAL_MINOR}"
    assert codes(house, delivery_fee_minor=1) == {"/delivery_fee_minor": "wrong_delivery_fee"}
    soon = {"from": moment(minutes=5), "to": moment(minutes=35)}
    assert codes(house, scheduled_for=soon) == {"/scheduled_for/from": "window_too_soon"}
    house.server.call("PATCH", house.path, by=house.kitchen, json={"minimum_order_minor": PRICE_MINOR + 1})
    assert codes(house) == {"/items": "below_minimum"}
    # All that is wrong is told at once.
    everything = codes(house, quantity=0, contact={**house.door, "name": ""}, payment={"method": "card"})
    assert everything == {
        "/contact/name": "missing", "/items/0/quantity": "bad_quantity", "/payment/method": "card_needs_checkout",
    }  # fmt: skip
    assert await kept_of(house) == before


async def test_a_dish_that_is_sold_out_or_off_the_menu_is_not_ordered(house: House):
    dish = f"{house.path}/menu/{house.merchant['menu'][0]['id']}"
    house.server.call("PATCH", dish, by=house.kitchen, json={"sold_out_today": True})
    assert codes(house) == {"/items/0/item_id": "item_unavailable"}
    house.server.call("PATCH", dish, by=house.kitchen, json={"sold_out_today": False})
    house.order()
    house.server.call("DELETE", dish, by=house.kitchen)
    assert codes(house) == {"/items/0/item_id": "unknown_item"}
    listed = house.server.call("GET", "/api/v1/orders", by=house.customer)["orders"]
    assert [order["items"][0]["name"] for order in listed] == ["Salmon soup"]


async def test_a_closed_merchant_takes_no_order_and_its_open_page_sees_that_it_closed(house: House):
    async with house.listening() as they:
        they.about = house.merchant["id"]
        for closing in ({"open": False}, {"hours": NEVER}, {"paused_until": "2999-01-01T00:00:00Z"}):
            merchant = house.server.call("PATCH", house.path, by=house.kitchen, json=closing)
            told = await they.hear("merchant changed", "kitchen")
            assert told["version"] == merchant["version"]
            assert not merchant["open_now"]
            assert codes(house)["/merchant_id"] in {"merchant_closed", "merchant_paused"}
            again = {"open": True, "hours": None, "paused_until": None}
            house.server.call("PATCH", house.path, by=house.kitchen, json=again)
            await they.hear("merchant changed", "kitchen")
    house.order()


async def test_the_payment_is_checked_cash_on_delivery_only_where_allowed(town: Platform):
    house = House(town, cash_on_delivery=False)
    before = await kept_of(house)
    assert codes(house) == {"/payment/method": "cash_not_accepted"}
    assert await kept_of(house) == before
    assert codes(house, path="checkouts", payment={"method": "cash"}) == {
        "/payment/method": "cash_needs_no_checkout"
    }
    assert (await house.paid())["payment_status"] == "paid"


async def test_by_card_the_order_exists_when_it_is_paid_and_not_before(house: House):
    async with house.listening() as they:
        checkout = house.checkout(total_minor=TOTAL_MINOR, delivery_fee_minor=FEE_MINOR)
        assert (checkout["status"], checkout["total_minor"]) == ("awaiting_payment", TOTAL_MINOR)
        assert checkout["pay_url"].startswith(house.platform.bank.bank.url)
        they.about = checkout["id"]
        missing = house.server.request("GET", f"/api/v1/orders/{checkout['id']}", by=house.customer)
        assert missing.status_code == 404
        await they.customer.joins(f"order:{checkout['id']}")
        first = house.order()  # the merchant hears of this one only
        house.platform.bank.pay(checkout["id"])
        await they.hear("order placed", EVERYBODY)
        they.about = first["id"]
        await they.hear("order placed", "kitchen")
        assert they.kitchen.told[0]["id"] == first["id"]
    paid = house.seen(checkout["id"])
    assert (paid["status"], paid["payment_method"], paid["payment_status"]) == (
        "pending_acceptance",
        "card",
        "paid",
    )


async def test_a_card_that_is_declined_makes_no_order(house: House):
    checkout = house.checkout()
    house.platform.bank.pay(checkout["id"], Card.DECLINED)

    async def failed() -> bool:
        path = f"/api/v1/checkouts/{checkout['id']}"
        return bool(house.server.call("GET", path, by=house.customer)["status"] == "failed")

    await eventually(failed)
    assert house.server.call("GET", "/api/v1/orders", by=house.customer)["orders"] == []


# 2. Status pending acceptance 待接单; the merchant is notified at once.


async def test_what_is_right_waits_for_acceptance_and_the_merchant_is_notified_at_once(house: House):
    async with house.listening() as they:
        order = house.order(contact={**house.door, "phone": "040 123 4567"}, total_minor=TOTAL_MINOR)
        they.about = order["id"]
        told = await they.hear("order placed", "kitchen dispatcher")
        assert (told["version"], told["fields"]["status"]) == (1, "pending_acceptance")
        snapshot = await they.customer.joins(f"order:{order['id']}")
        assert snapshot["order"]["status"] == "pending_acceptance"
        assert snapshot["order"]["dropoff"]["address"] == house.door["address"]
    seen = house.seen(order["id"])
    assert seen["contact"] == {**house.door, "phone": PHONE, "note": ""}  # one form of a phone number
    assert (seen["items_minor"], seen["delivery_fee_minor"], seen["total_minor"]) == (
        PRICE_MINOR, FEE_MINOR, TOTAL_MINOR,
    )  # fmt: skip
    assert house.seen(order["id"], house.kitchen)["contact"] is None  # the kitchen never needs the door


async def test_a_scheduled_order_reaches_the_merchant_when_it_is_time(house: House):
    window = {"from": moment(hours=3), "to": moment(hours=4)}
    async with house.listening() as they:
        order = house.order(scheduled_for=window)
        assert order["status"] == "scheduled"
        they.about = order["id"]
        await they.hear("order placed", "dispatcher")
        await house.platform.record.ring("release", order["id"])
        released = await they.hear("order released", "kitchen dispatcher")
        assert released["fields"]["status"] == "pending_acceptance"
        they.never("order placed", "kitchen")
        accepted = house.accepted(order)
    assert accepted["promised_at"] >= window["to"].replace("+00:00", "Z")


# 3. The merchant accepts or rejects (with a reason) before a deadline; silence ends in expired and a refund.


async def test_the_merchant_rejects_with_a_reason_and_the_money_goes_back(house: House):
    async with house.listening() as they:
        order = await house.paid()
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        assert house.refused(house.kitchen, order["id"], "reject") == (422, "bad_body")  # no reason
        assert house.refused(house.kitchen, order["id"], "reject", reason=" ")[1] == "bad_reason"
        assert house.refused(house.kitchen, order["id"], "reject", reason="no fish", version=7) == (
            409, "order_changed",
        )  # fmt: skip
        await they.kitchen.says(f"order:{order['id']}", "reject", reason="no fish", version=order["version"])
        told = await they.hear("order rejected", EVERYBODY)
        assert (told["fields"]["status"], told["fields"]["reason"]) == ("rejected", "no fish")
        # The refund waits for the minute in which this could be undone.
        await they.hear("refund requested", "customer dispatcher")
        assert house.seen(order["id"])["payment_status"] == "refund_pending"
        assert house.platform.bank.given_back_minor(order["id"]) == []
        await house.platform.record.older(order["id"], 62)
        await they.hear("refund confirmed", "customer dispatcher")
    assert house.platform.bank.given_back_minor(order["id"]) == [TOTAL_MINOR]
    assert house.seen(order["id"])["payment_status"] == "refunded"
    assert house.money(order["id"])["refunds"][0]["borne_by"] == "merchant"


async def test_silence_ends_in_expired_and_a_refund(hasty: Platform):
    house = House(hasty)
    async with house.listening() as they:
        order = await house.paid()
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        told = await they.hear("order expired", EVERYBODY)
        assert told["fields"]["by"] == "clock"
        await they.hear("refund confirmed", "customer dispatcher")
        late = house.refused(house.kitchen, order["id"], "accept", preparation_s=600)
        assert late == (409, "illegal_transition")
    assert house.platform.bank.given_back_minor(order["id"]) == [TOTAL_MINOR]
    seen = house.seen(order["id"])
    assert (seen["status"], seen["payment_status"]) == ("expired", "refunded")


async def test_a_checkout_that_nobody_pays_lapses_and_late_money_goes_back(hasty: Platform):
    house = House(hasty)
    before = await kept_of(house)
    async with house.listening() as they:
        checkout = house.checkout()
        they.about = checkout["id"]
        house.platform.bank.pay(checkout["id"], Card.LATE)

        async def lapsed() -> bool:
            path = f"/api/v1/checkouts/{checkout['id']}"
            return bool(house.server.call("GET", path, by=house.customer)["status"] == "lapsed")

        await eventually(lapsed)
        assert (await kept_of(house))[0] == before[0]
        house.platform.bank.finish(checkout["id"])
        await they.hear("refund confirmed", "dispatcher")
    assert house.platform.bank.given_back_minor(checkout["id"]) == [TOTAL_MINOR]
    assert house.server.call("GET", "/api/v1/orders", by=house.customer)["orders"] == []


# 4. Accepted: accepted 已接单, with a preparation time; the promise to the customer is fixed.


async def test_accepted_with_a_preparation_time_the_promise_is_fixed(house: House):
    async with house.listening() as they:
        order = house.order()
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        assert house.refused(house.kitchen, order["id"], "accept") == (422, "bad_body")
        assert (
            house.refused(house.kitchen, order["id"], "accept", preparation_s=5 * 3600)[1]
            == "bad_preparation"
        )
        accepted = await they.kitchen.says(f"order:{order['id']}", "accept", preparation_s=900, key="once")
        told = await they.hear("order accepted", EVERYBODY)
        again = await they.kitchen.says(f"order:{order['id']}", "accept", preparation_s=900, key="once")
        assert again == accepted  # the same key, the same answer, no second change
    fields = told["fields"]
    assert (fields["status"], fields["preparation_s"], told["version"]) == ("accepted", 900, 2)
    assert fields["promised_at"] == fields["first_promised_at"] == house.seen(order["id"])["promised_at"]
    ready_at = clock.now() + timedelta(seconds=900)
    assert fields["promised_at"] > ready_at.isoformat().replace("+00:00", "Z")


async def test_the_kitchen_needs_longer_and_the_first_promise_stays_beside_the_new_one(house: House):
    async with house.listening() as they:
        order = house.accepted()
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        house.says(house.kitchen, order["id"], "postpone", preparation_s=1800, reason="the oven")
        told = await they.hear("order postponed", EVERYBODY)
        assert told["fields"]["why"] == "the oven"
    seen = house.seen(order["id"])
    assert seen["first_promised_at"] == order["promised_at"] < seen["promised_at"]
