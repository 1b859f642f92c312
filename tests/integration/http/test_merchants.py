"""A merchant's house over REST: hours, pause, fees, menu, and where it delivers to; and what that does to orders."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.accounts.roles import Role
from tests.builders import HELSINKI, a_viewer
from tests.fakes import NOON
from tests.integration.http.conftest import Api
from tests.integration.http.test_api import CONTACT, a_basket

ADMINISTRATOR, DISPATCHER = a_viewer(Role.ADMINISTRATOR), a_viewer(Role.DISPATCHER)
LUNCH = {day: [{"opens": "10:30", "closes": "15:00"}] for day in ("mon", "tue", "wed", "thu", "fri")}
HOUR = timedelta(hours=1)


def house(api: Api) -> str:
    return f"/api/v1/merchants/{api.town.merchant.id}"


def square(lat: float = HELSINKI[0], lng: float = HELSINKI[1], reach_deg: float = 0.02) -> dict:
    """A closed square around a place, as GeoJSON."""
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    ring = [[lng + east * reach_deg, lat + north * reach_deg] for east, north in corners]
    return {"type": "Polygon", "coordinates": [ring]}


async def told(api: Api, viewer, method: str, path: str, body=None, status=200, **headers):
    # Signed in anew, so that a turned clock ends nobody's token.
    viewer = replace(viewer, expires_at_ms=api.town.clock.now_ms() + 60_000)
    answer = await api.ask(viewer, method, path, body, **headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def change(api: Api, status=200, viewer=None, **changes):
    return await told(api, viewer or api.town.kitchen, "PATCH", house(api), changes, status)


async def ordered(api: Api, status=201, **changed):
    return await told(api, api.town.customer, "POST", "/api/v1/orders", a_basket(api, **changed), status)


async def refusals(api: Api, **changed):
    problem = await ordered(api, 422, **changed)
    return {(fault["pointer"], fault["code"]) for fault in problem["errors"]}


async def test_a_kitchen_sets_its_hours_and_takes_orders_in_them_only(api):
    merchant = await change(api, hours={"weekly": LUNCH, "exceptions": {"2026-12-24": []}}, version=1)
    assert (merchant["version"], merchant["open_now"], merchant["opens_at"]) == (2, True, None)
    assert merchant["hours"]["exceptions"] == {"2026-12-24": []}
    await ordered(api)  # noon by UTC, 14:00 on the wall
    api.town.clock.turn(3600.0)
    assert await refusals(api) == {("/merchant_id", "merchant_closed")}
    seen = await told(api, api.town.customer, "GET", house(api))
    assert (seen["open_now"], seen["opens_at"]) == (False, "2026-11-24T08:30:00Z")
    await change(api, hours=None)
    await ordered(api)


async def test_a_kitchen_that_is_swamped_pauses_and_opens_again_by_itself(api):
    until = (NOON + HOUR).isoformat()
    paused = await change(api, paused_until=until)
    assert (paused["open_now"], paused["opens_at"]) == (False, "2026-11-23T13:00:00Z")
    assert await refusals(api) == {("/merchant_id", "merchant_paused")}
    api.town.clock.turn(3600.0)
    await ordered(api)
    await change(api, open=False)
    assert await refusals(api) == {("/merchant_id", "merchant_closed")}
    assert (await told(api, api.town.customer, "GET", house(api)))["opens_at"] is None


async def test_fees_and_minimum_stand_in_the_total(api):
    await change(api, delivery_fee_minor=390, minimum_order_minor=2000)
    placed = await ordered(api, total_minor=2530, delivery_fee_minor=390)
    assert (placed["items_minor"], placed["delivery_fee_minor"], placed["total_minor"]) == (2140, 390, 2530)
    assert await refusals(api, total_minor=2140) == {("/total_minor", "wrong_total")}
    [soup, _] = a_basket(api)["items"]
    assert await refusals(api, items=[{**soup, "quantity": 1}]) == {("/items", "below_minimum")}


async def test_what_an_order_would_cost_may_be_asked_before(api):
    await change(api, delivery_fee_minor=390)
    check = "/api/v1/orders/check"
    told_sums = await told(api, api.town.customer, "POST", check, a_basket(api, payment={"method": "card"}))
    assert told_sums == {
        "items_minor": 2140, "delivery_fee_minor": 390, "total_minor": 2530, "currency": "EUR",
    }  # fmt: skip
    problem = await told(api, api.town.customer, "POST", check, a_basket(api, total_minor=1), 422)
    assert problem["errors"][0]["code"] == "wrong_total"
    await told(api, api.town.kitchen, "POST", check, a_basket(api), 403)
    assert (await told(api, api.town.customer, "GET", "/api/v1/orders"))["orders"] == []


async def test_a_house_may_refuse_cash_and_a_card_begins_elsewhere(api):
    assert await refusals(api, payment={"method": "card"}) == {("/payment/method", "card_needs_checkout")}
    await change(api, cash_on_delivery=False)
    assert await refusals(api) == {("/payment/method", "cash_not_accepted")}


async def test_the_currency_is_fixed_by_the_first_order(api):
    await change(api, currency="CNY")
    assert (await ordered(api))["currency"] == "CNY"
    assert (await change(api, 409, currency="EUR"))["code"] == "currency_fixed"
    await change(api, currency="CNY", preparation_s=900)  # it is no change
    await ordered(api)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"time_zone": "Europe/Atlantis"}, {("/time_zone", "unknown_time_zone")}),
        ({"time_zone": "../../etc/passwd"}, {("/time_zone", "unknown_time_zone")}),
        ({"currency": "XXX"}, {("/currency", "unknown_currency")}),
        (
            {"hours": {"weekly": {"mon": [*LUNCH["mon"], {"opens": "14:59", "closes": "16:00"}]}}},
            {("/hours/weekly/mon", "spans_overlap")},
        ),
        (
            {"hours": {"exceptions": {"2026-12-24": [{"opens": "20:00", "closes": "02:00"}] * 2}}},
            {("/hours/exceptions/2026-12-24", "spans_overlap")},
        ),
        ({"hours": {"weekly": {"mon": [{"opens": "25:00", "closes": "16:00"}]}}}, None),
        ({"hours": {"weekly": {"someday": []}}}, None),
        ({"preparation_s": -1}, None),
        ({"delivery_fee_minor": 2**70}, None),
        ({"version": 2**70}, None),
        ({"paused_until": "2026-11-23T12:00:00"}, None),
        ({"id": str(uuid4())}, None),
    ],
)
async def test_what_cannot_be_said_of_a_merchant_is_refused_with_its_field(api, changes, faults):
    problem = await change(api, 422, **changes)
    if faults is None:
        assert problem["code"] == "bad_body"
    else:
        assert {(fault["pointer"], fault["code"]) for fault in problem["errors"]} == faults


async def test_who_changes_what_somebody_else_has_changed_gets_what_is_there_now(api):
    await change(api, preparation_s=900, version=1)
    for stale in ({"headers": {"If_Match": '"1"'}, "body": {}}, {"headers": {}, "body": {"version": 1}}):
        problem = await told(
            api,
            api.town.kitchen,
            "PATCH",
            house(api),
            {"open": False, **stale["body"]},
            409,
            **stale["headers"],
        )
        assert (problem["code"], problem["merchant"]["version"]) == ("merchant_changed", 2)
    seen = await api.ask(api.town.kitchen, "GET", house(api))
    await told(api, api.town.kitchen, "PATCH", house(api), {"open": False}, If_Match=seen.headers["etag"])


async def test_the_same_change_twice_is_one(api):
    first = await told(api, api.town.kitchen, "PATCH", house(api), {"open": False}, Idempotency_Key="k")
    again = await told(api, api.town.kitchen, "PATCH", house(api), {"open": False}, Idempotency_Key="k")
    assert first == again
    await change(api, open=False)  # it is so already: no version, nothing told
    assert (await told(api, api.town.kitchen, "GET", house(api)))["version"] == 2


async def test_a_menu_is_changed_and_old_orders_keep_their_names(api):
    menu = f"{house(api)}/menu"
    soup = api.town.menu[0]
    placed = await ordered(api)
    cake = await told(
        api, api.town.kitchen, "POST", menu, {"name": "Mustikkapiirakka", "price_minor": 650}, 201
    )
    assert (cake["price_minor"], cake["orderable"]) == (650, True)
    await told(
        api, api.town.kitchen, "PATCH", f"{menu}/{soup.id}", {"name": "Siikakeitto", "price_minor": 1150}
    )
    await told(api, api.town.kitchen, "DELETE", f"{menu}/{api.town.menu[1].id}")
    shown = (await told(api, api.town.customer, "GET", house(api)))["menu"]
    assert {(item["name"], item["price_minor"]) for item in shown} == {
        ("Siikakeitto", 1150), ("Mustikkapiirakka", 650),
    }  # fmt: skip
    assert await refusals(api) == {("/items/1/item_id", "unknown_item")}
    old = await told(api, api.town.customer, "GET", f"/api/v1/orders/{placed['id']}")
    assert [line["name"] for line in old["items"]] == ["Lohikeitto", "Ruisleipä"]
    await told(api, api.town.kitchen, "DELETE", f"{menu}/{api.town.menu[1].id}", status=404)


async def test_an_item_that_is_sold_out_comes_back_with_the_next_days_opening(api):
    await change(api, hours={"weekly": {**LUNCH, "tue": [{"opens": "12:00", "closes": "15:00"}]}})
    soup = f"{house(api)}/menu/{api.town.menu[0].id}"
    sold_out = await told(api, api.town.kitchen, "PATCH", soup, {"sold_out_today": True})
    assert (sold_out["sold_out_until"], sold_out["orderable"]) == ("2026-11-24T10:00:00Z", False)
    assert await refusals(api) == {("/items/0/item_id", "item_unavailable")}
    tomorrow = {"from": "2026-11-24T10:15:00Z", "to": "2026-11-24T11:15:00Z"}
    await ordered(api, scheduled_for=tomorrow)
    api.town.clock.turn(22 * 3600.0)
    await ordered(api)
    await told(api, api.town.kitchen, "PATCH", soup, {"sold_out_today": True})
    back = await told(api, api.town.kitchen, "PATCH", soup, {"sold_out_today": False})
    assert (back["sold_out_until"], back["orderable"]) == (None, True)


async def test_an_area_is_drawn_and_decides_who_gets_food_and_for_which_fee(api):
    areas = f"{house(api)}/areas"
    far = {**CONTACT, "lat": 60.255, "address": "Tuusulanväylä 100"}  # 9 km
    assert await refusals(api, contact=far) == {("/contact/address", "outside_delivery_area")}
    wide = {"name": "The north", "polygon": square(lat=60.25, reach_deg=0.05), "delivery_fee_minor": 900}
    north = await told(api, api.town.kitchen, "POST", areas, wide, 201)
    assert (north["version"], north["active"], north["repaired"]) == (1, True, False)
    assert north["polygon"] == wide["polygon"]
    assert (await ordered(api, contact=far))["delivery_fee_minor"] == 900
    # With an area drawn, the radius does not count any more.
    assert await refusals(api) == {("/contact/address", "outside_delivery_area")}
    centre = await told(api, DISPATCHER, "POST", areas, {"name": "Centre", "polygon": square()}, 201)
    assert (await ordered(api))["delivery_fee_minor"] == 0
    listed = (await told(api, api.town.customer, "GET", areas))["areas"]
    assert {area["name"] for area in listed} == {"The north", "Centre"}
    await told(api, ADMINISTRATOR, "DELETE", f"{areas}/{centre['id']}")
    await told(api, ADMINISTRATOR, "DELETE", f"{areas}/{centre['id']}", status=404)
    assert await refusals(api) == {("/contact/address", "outside_delivery_area")}


async def test_an_area_drawn_anew_counts_at_once_and_only_as_it_was_seen(api):
    areas = f"{house(api)}/areas"
    drawn = {"name": "Centre", "polygon": square()}
    area = f"{areas}/{(await told(api, api.town.kitchen, 'POST', areas, drawn, 201))['id']}"
    await ordered(api)
    seen = await api.ask(api.town.kitchen, "GET", area)
    away = {"name": "Centre", "polygon": square(lat=60.25)}
    moved = await told(api, api.town.kitchen, "PUT", area, away, If_Match=seen.headers["etag"])
    assert moved["version"] == 2
    assert await refusals(api) == {("/contact/address", "outside_delivery_area")}
    for late in ({"body": {**drawn, "version": 1}}, {"body": drawn, "If_Match": seen.headers["etag"]}):
        problem = await told(api, api.town.kitchen, "PUT", area, late.pop("body"), 409, **late)
        assert (problem["code"], problem["area"]["version"]) == ("area_changed", 2)
    await told(api, api.town.kitchen, "DELETE", area, status=409, If_Match='"1"')
    asleep = await told(api, api.town.kitchen, "PUT", area, {**drawn, "active": False, "version": 2})
    assert (asleep["version"], asleep["active"]) == (3, False)
    await ordered(api)  # without an active one the radius counts again


async def test_an_area_has_hours(api):
    evening = {"weekly": {day: [{"opens": "17:00", "closes": "23:00"}] for day in LUNCH}}
    drawn = {"name": "Evenings", "polygon": square(), "hours": evening}
    await told(api, api.town.kitchen, "POST", f"{house(api)}/areas", drawn, 201)
    assert await refusals(api) == {("/contact/address", "delivery_area_closed")}
    tonight = {"from": "2026-11-23T17:00:00+02:00", "to": "2026-11-23T18:00:00+02:00"}
    await ordered(api, scheduled_for=tonight)
    api.town.clock.turn(3 * 3600.0)
    await ordered(api)


@pytest.mark.parametrize(
    ("polygon", "code"),
    [
        (square(reach_deg=0.00001), "too_small"),
        (square(reach_deg=4.0), "too_large"),
        (square(lat=0.0, lng=0.0), "area_far_away"),
        (square(lat=24.94, lng=60.17), "area_far_away"),  # lat and lng in the wrong order
        (
            {"type": "Polygon", "coordinates": [[[24.9, 60.1], [25, 60.2], [25, 60.1], [24.9, 60.2]]]},
            "not_a_polygon",
        ),
    ],
)
async def test_a_drawing_that_cannot_be_meant_is_refused_with_its_reason(api, polygon, code):
    body = {"name": "Centre", "polygon": polygon}
    problem = await told(
        api, api.town.kitchen, "POST", f"{house(api)}/areas", body, 422, Accept_Language="zh"
    )
    [fault] = problem["errors"]
    assert (fault["pointer"], fault["code"]) == ("/polygon", code)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in fault["detail"])


async def test_a_house_is_its_own_people_s_and_where_it_stands_the_platform_s(api):
    stranger = a_viewer(Role.MERCHANT)
    areas, menu = f"{house(api)}/areas", f"{house(api)}/menu"
    area = {"name": "Centre", "polygon": square()}
    item = {"name": "Cake", "price_minor": 650}
    for viewer in (api.town.customer, stranger):
        await told(api, viewer, "PATCH", house(api), {"open": False}, 403)
        await told(api, viewer, "POST", menu, item, 403)
        await told(api, viewer, "POST", areas, area, 403)
    await told(api, DISPATCHER, "POST", menu, item, 403)
    await change(api, 403, name="Another name")
    await change(api, 403, lat=60.0)
    moved = await change(api, viewer=ADMINISTRATOR, name="Sibelius", address="Mannerheimintie 1", lat=60.168)
    assert (moved["name"], moved["lat"]) == ("Sibelius", 60.168)
    nowhere = f"/api/v1/merchants/{uuid4()}"
    await told(api, ADMINISTRATOR, "PATCH", nowhere, {"open": False}, 404)
    await told(api, ADMINISTRATOR, "POST", f"{nowhere}/areas", area, 404)
    await told(api, ADMINISTRATOR, "GET", f"{nowhere}/areas", status=404)
    await told(api, ADMINISTRATOR, "PUT", f"{areas}/{uuid4()}", area, 404)


async def test_every_change_is_an_event_on_the_merchants_topic(api):
    await change(api, open=False, delivery_fee_minor=390)
    item = await told(
        api, api.town.kitchen, "POST", f"{house(api)}/menu", {"name": "Cake", "price_minor": 650}, 201
    )
    area = {"name": "Centre", "polygon": square()}
    drawn = await told(api, api.town.kitchen, "POST", f"{house(api)}/areas", area, 201)
    rows = await api.town.storage.pool.fetch(
        "SELECT version, name, topics, fields, actor_id FROM event_log WHERE entity = 'merchant' ORDER BY version"
    )
    assert [(row["version"], row["name"]) for row in rows] == [
        (2, "changed"), (3, "item_added"), (4, "area_drawn"),
    ]  # fmt: skip
    assert {tuple(row["topics"]) for row in rows} == {(f"merchant:{api.town.merchant.id}",)}
    assert {row["actor_id"] for row in rows} == {api.town.kitchen.account_id}
    assert rows[0]["fields"] == {"open": False, "delivery_fee_minor": 390}
    assert rows[1]["fields"]["item"]["id"] == item["id"]
    assert rows[2]["fields"]["area"]["id"] == drawn["id"]
    assert "polygon" not in rows[2]["fields"]["area"]
    audit = await api.town.storage.pool.fetch(
        "SELECT what, actor_id, entity_ids, details FROM audit_log ORDER BY id"
    )
    merchant_id, kitchen_id = api.town.merchant.id, api.town.kitchen.account_id
    assert {(row["what"], row["actor_id"], *row["entity_ids"]) for row in audit} == {
        ("merchant_changed", kitchen_id, merchant_id),
        ("merchant_item_added", kitchen_id, merchant_id, UUID(item["id"])),
        ("merchant_area_drawn", kitchen_id, merchant_id, UUID(drawn["id"])),
    }


async def test_a_new_merchant_says_at_once_how_it_works(api):
    made = await told(
        api, ADMINISTRATOR, "POST", "/api/v1/merchants",
        {"name": "川菜馆", "address": "人民路 8 号", "lat": 31.23, "lng": 121.47, "currency": "CNY",
         "time_zone": "Asia/Shanghai", "hours": {"weekly": LUNCH}, "minimum_order_minor": 3000,
         "menu": [{"name": "麻婆豆腐", "price_minor": 2800}]},
        201,
    )  # fmt: skip
    assert (made["currency"], made["version"], made["open_now"]) == ("CNY", 1, False)  # it is 20:00 there
    assert made["opens_at"] == "2026-11-24T02:30:00Z"
    wrong = {"name": "x", "address": "y", "lat": 1, "lng": 2, "menu": [], "currency": "ZZZ"}
    problem = await told(api, ADMINISTRATOR, "POST", "/api/v1/merchants", wrong, 422)
    assert problem["errors"][0]["code"] == "unknown_currency"
