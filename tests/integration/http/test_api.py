"""The API as programs see it: an order's whole life, what is refused and how, people, tracks."""

from datetime import timedelta
from uuid import uuid4

import pytest

from server.accounts.roles import Role
from server.clock import to_ms
from server.geo.track import pack_fix
from server.wire.messages import Fix
from tests.builders import a_viewer
from tests.fakes import NOON
from tests.integration.http.conftest import Api

ADMINISTRATOR = a_viewer(Role.ADMINISTRATOR)
CONTACT = {
    "name": "Aino Virtanen",
    "phone": "+358 40 123 4567",
    "address": "Siltasaarenkatu 4 A 12",
    "lat": 60.1791,
    "lng": 24.9502,
}


def a_basket(api: Api, **changed):
    items = [{"item_id": str(item.id), "quantity": 2} for item in api.town.menu]
    return {"merchant_id": str(api.town.merchant.id), "items": items, "contact": dict(CONTACT), **changed}


async def done(api: Api, viewer, path, body, status=200, **headers):
    answer = await api.ask(viewer, "POST", f"/api/v1{path}", body, **headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_an_orders_whole_life(api):
    courier = await api.town.courier()
    placed = await done(api, api.town.customer, "/orders", a_basket(api), 201)
    order = f"/orders/{placed['id']}"
    accepted = await done(api, api.town.kitchen, f"{order}/accept", {"preparation_s": 300, "version": 1})
    assert (accepted["status"], accepted["preparation_s"], accepted["accepted_at"]) == (
        "accepted",
        300,
        "2026-11-23T12:00:00Z",
    )
    await api.town.timers.run_due()
    seen = (await api.ask(courier, "GET", f"/api/v1{order}")).json()
    assert seen["assignment"]["leg"] == "to_pickup"
    assert seen["contact"]["note"] == ""
    await done(api, courier, f"{order}/pick-up", {"occurred_at": "2026-11-23T12:00:00Z"})
    delivered = await done(api, courier, f"{order}/deliver", None)
    assert (delivered["status"], delivered["version"]) == ("delivered", 4)
    listed = (await api.ask(api.town.customer, "GET", "/api/v1/orders?status=delivered")).json()
    assert [one["id"] for one in listed["orders"]] == [placed["id"]]
    assert listed["next_before"] is None


async def test_an_order_that_cannot_be_placed_is_refused_with_a_pointer_to_each_field(api):
    contact = {**CONTACT, "phone": "call me", "lat": 91}
    problem = await done(api, api.town.customer, "/orders", a_basket(api, contact=contact, items=[]), 422)
    assert problem["code"] == "check_failed"
    assert {error["pointer"] for error in problem["errors"]} == {"/items", "/contact/phone", "/contact/lat"}


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"a":' * 50_000, b'"' + b"x" * 100_000,
        b'{"merchant_id": NaN}', b'{"items": [{"quantity": 1e999}]}',
    ],
    ids=["empty", "list", "null", "half", "no text", "deep", "endless", "nan", "infinite"],
)  # fmt: skip
async def test_nonsense_is_refused_and_stores_nothing(api, raw):
    headers = {"Authorization": f"Bearer {api.parts.tokens.issue(api.town.customer)}"}
    answer = await api.client.post("/api/v1/orders", content=raw, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_body")
    assert await api.town.storage.pool.fetchval("SELECT count(*) FROM orders") == 0


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("items", 0, "quantity"), 10**30), (("items", 0, "quantity"), 1.5), (("items", 0, "quantity"), True),
        (("items", 0, "item_id"), "x"), (("total_minor",), 10**30), (("total_minor",), -1),
        (("contact", "name"), "A\u0000B"), (("contact", "name"), "x" * 201), (("contact", "note"), "x" * 501),
        (("contact", "lat"), "60"), (("contact", "lat"), 10**400), (("contact", "lng"), None),
        (("contact",), []), (("merchant_id",), 7), (("surprise",), 1),
    ],
)  # fmt: skip
async def test_a_wrong_value_anywhere_is_refused(api, path, value):
    body = a_basket(api)
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    problem = await done(api, api.town.customer, "/orders", body, 422)
    assert problem["errors"]
    assert await api.town.storage.pool.fetchval("SELECT count(*) FROM orders") == 0


async def test_odd_but_honest_text_is_kept(api):
    name = 'O\'Brien "Äö" 外卖 🛵 \\u0000 %s {} $1'
    placed = await done(
        api, api.town.customer, "/orders", a_basket(api, contact={**CONTACT, "name": name}), 201
    )
    seen = await api.ask(api.town.customer, "GET", f"/api/v1/orders/{placed['id']}")
    assert seen.json()["contact"]["name"] == name


async def test_a_command_with_an_absurd_value_or_a_text_that_cannot_be_stored_is_refused(api):
    order = f"/orders/{await api.town.placed()}"
    for body in (
        {"reason": "x", "version": 1.5},
        {"reason": "\u0000"},
        {"reason": 7},
        {"reason": "x", "ver": 1},
    ):
        await done(api, api.town.customer, f"{order}/cancel", body, 422)
    await done(api, api.town.customer, f"{order}/cancel", {"reason": "x", "version": 10**30}, 409)
    await done(api, None, "/sessions", {"login": "\u0000", "password": "x"}, 422)


async def test_a_repeated_request_gets_the_same_answer_and_another_body_a_problem(api):
    first = await done(api, api.town.customer, "/orders", a_basket(api), 201, idempotency_key="k1")
    assert await done(api, api.town.customer, "/orders", a_basket(api), 201, idempotency_key="k1") == first
    problem = await done(
        api,
        api.town.customer,
        "/orders",
        a_basket(api, items=a_basket(api)["items"][:1]),
        409,
        idempotency_key="k1",
    )
    assert problem["code"] == "idempotency_key_reused"


async def test_who_comes_second_is_told_how_things_stand(api):
    order = f"/orders/{await api.town.accepted()}"
    problem = await done(api, api.town.customer, f"{order}/cancel", {"reason": "slow", "version": 1}, 409)
    assert (problem["code"], problem["order"]["status"], problem["order"]["version"]) == (
        "order_changed",
        "accepted",
        2,
    )
    problem = await done(api, api.town.kitchen, f"{order}/reject", {"reason": "no fish"}, 409)
    assert (problem["code"], problem["current"], problem["event"]) == (
        "illegal_transition",
        "accepted",
        "reject",
    )


async def test_lists_go_on_where_the_last_page_ended(api):
    for _ in range(3):
        await api.town.placed()
        api.town.clock.turn(1)
    first = (await api.ask(api.town.customer, "GET", "/api/v1/orders?limit=2")).json()
    second = (
        await api.ask(api.town.customer, "GET", f"/api/v1/orders?limit=2&before={first['next_before']}")
    ).json()
    assert (len(first["orders"]), len(second["orders"]), second["next_before"]) == (2, 1, None)


async def test_wrong_questions_are_problems(api):
    for path in ("orders?status=lost", "orders?limit=0", "orders?before=last", "merchants?limit=x"):
        answer = await api.ask(api.town.dispatcher, "GET", f"/api/v1/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), path


async def test_nothing_the_api_says_may_be_kept_by_a_cache(api):
    assert (await api.ask(api.town.customer, "GET", "/api/v1/orders")).headers["cache-control"] == "no-store"


# People


async def test_people_are_made_by_an_administrator_and_sign_in(api):
    account = await done(
        api,
        ADMINISTRATOR,
        "/accounts",
        {
            "role": "merchant",
            "login": "kitchen",
            "display_name": "Lönnrot",
            "password": "correct horse",
            "merchant_id": str(api.town.merchant.id),
        },
        201,
    )
    session = await done(api, None, "/sessions", {"login": "kitchen", "password": "correct horse"}, 201)
    assert session["account"] == account
    assert session["expires_at"] == "2026-11-23T13:00:00Z"
    me = await api.client.get("/api/v1/me", headers={"Authorization": f"Bearer {session['token']}"})
    assert me.json() == account
    assert "password" not in me.text


async def test_a_device_key_signs_in_until_it_is_revoked(api):
    account = await done(
        api,
        ADMINISTRATOR,
        "/accounts",
        {
            "role": "courier",
            "login": "li",
            "display_name": "Li",
        },
        201,
    )
    keys = f"/accounts/{account['id']}/device-keys"
    key = (await done(api, ADMINISTRATOR, keys, {"label": "phone"}, 201))["device_key"]
    assert (await done(api, None, "/sessions", {"device_key": key}, 201))["account"] == account
    assert (await api.ask(ADMINISTRATOR, "DELETE", f"/api/v1{keys}")).json() == {"revoked": 1}
    assert (await done(api, None, "/sessions", {"device_key": key}, 401))["code"] == "unknown_device_key"


async def test_wrong_credentials_are_refused_and_too_many_slowed_down(api):
    for body in ({}, {"login": "li"}, {"login": "li", "password": "x", "device_key": "y"}):
        assert (await done(api, None, "/sessions", body, 422))["code"] == "bad_credentials"
    for _ in range(5):
        await done(api, None, "/sessions", {"login": "li", "password": "wrong horse"}, 401)
    answer = await api.ask(None, "POST", "/api/v1/sessions", {"login": "li", "password": "wrong horse"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


async def test_a_token_of_yesterday_is_not_good_any_more(api):
    customer = api.town.customer
    api.town.clock.turn(2 * 3600)
    answer = await api.ask(customer, "GET", "/api/v1/orders")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


# Merchants


async def test_a_merchant_is_added_with_its_menu_and_shown_to_all(api):
    new = {
        "name": "Savoy",
        "address": "Eteläesplanadi 14",
        "lat": 60.168,
        "lng": 24.946,
        "preparation_s": 900,
        "menu": [{"name": "Vorschmack", "price_minor": 2900}],
    }
    added = await done(api, ADMINISTRATOR, "/merchants", new, 201, idempotency_key="m1")
    assert await done(api, ADMINISTRATOR, "/merchants", new, 201, idempotency_key="m1") == added
    shown = await api.ask(api.town.customer, "GET", f"/api/v1/merchants/{added['id']}")
    assert shown.json() == added
    assert [(item["name"], item["price_minor"], item["available"]) for item in added["menu"]] == [
        ("Vorschmack", 2900, True)
    ]
    listed = (await api.ask(api.town.customer, "GET", "/api/v1/merchants?limit=1")).json()
    rest = (await api.ask(api.town.customer, "GET", f"/api/v1/merchants?after={listed['next_after']}")).json()
    assert {one["id"] for one in listed["merchants"] + rest["merchants"]} == {
        added["id"],
        str(api.town.merchant.id),
    }
    nobody = await api.ask(api.town.customer, "GET", f"/api/v1/merchants/{uuid4()}")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "merchant_not_found")


# Couriers


async def test_the_nearest_couriers_are_told_with_their_distance(api):
    far, near = await api.town.courier(metres_north=900), await api.town.courier(metres_north=200)
    place = f"lat={api.town.merchant.lat}&lng={api.town.merchant.lng}"
    found = (await api.ask(api.town.dispatcher, "GET", f"/api/v1/couriers/nearest?{place}&limit=5")).json()[
        "couriers"
    ]
    assert [one["courier_id"] for one in found] == [str(near.account_id), str(far.account_id)]
    assert abs(found[0]["distance_m"] - 200) < 1
    assert (found[0]["presence"], found[0]["fix_time"]) == ("fresh", "2026-11-23T12:00:00Z")
    for wrong in ("lat=91&lng=0", "lat=nan&lng=0", "lng=0", "lat=0&lng=0&limit=0"):
        answer = await api.ask(api.town.dispatcher, "GET", f"/api/v1/couriers/nearest?{wrong}")
        assert answer.status_code == 422, wrong


async def test_a_courier_is_told_with_his_name_his_place_and_his_order(api):
    courier = await api.town.courier(metres_north=200)
    path = f"/api/v1/couriers/{courier.account_id}"
    idle = (await api.ask(api.town.dispatcher, "GET", path)).json()
    assert (idle["id"], idle["display_name"], idle["active"]) == (str(courier.account_id), "Li", True)
    assert (idle["position"]["presence"], idle["position"]["fix_time"]) == ("fresh", "2026-11-23T12:00:00Z")
    assert abs(idle["position"]["lat"] - api.town.merchant.lat - 200 / 111_195) < 1e-6
    assert idle["assignment"] is None

    order_id = await api.town.assigned(courier)
    api.town.clock.turn(api.town.settings.ageing_after_s)
    busy = (await api.ask(api.town.dispatcher, "GET", path)).json()
    assert (busy["assignment"]["order_id"], busy["assignment"]["leg"]) == (str(order_id), "to_pickup")
    assert busy["position"]["presence"] == "ageing"

    api.town.nearest.forget([courier.account_id])
    assert (await api.ask(api.town.dispatcher, "GET", path)).json()["position"] is None


async def test_names_are_told_of_couriers_only(api):
    one, other = await api.town.courier(), await api.town.courier()
    ids = [str(one.account_id), str(other.account_id), str(api.town.customer.account_id), str(uuid4())]
    told = (await api.ask(api.town.dispatcher, "GET", f"/api/v1/couriers?ids={','.join(ids)}")).json()
    assert {courier["id"]: courier["display_name"] for courier in told["couriers"]} == dict.fromkeys(
        ids[:2], "Li"
    )
    customer = await api.ask(api.town.dispatcher, "GET", f"/api/v1/couriers/{api.town.customer.account_id}")
    assert (customer.status_code, customer.json()["code"]) == (404, "courier_not_found")
    for wrong in ("", "?ids=", "?ids=li", f"?ids={','.join(ids[:1] * 201)}"):
        answer = await api.ask(api.town.dispatcher, "GET", f"/api/v1/couriers{wrong}")
        assert answer.status_code == 422, wrong


async def test_a_track_is_told_in_the_form_asked_for(api):
    courier = await api.town.courier()
    packed = [
        pack_fix(
            Fix(60.17, 24.94, to_ms(NOON) + second * 1000),
            bearing_deg=None,
            speed_mps=None,
            received_at_ms=to_ms(NOON) + second * 1000 + 500,
        )
        for second in range(3)
    ]
    await api.parts.tracks.append([(courier.account_id, packed)], stored_at=NOON)
    path = f"/api/v1/couriers/{courier.account_id}/track"
    hour = f"from={_z(NOON)}&to={_z(NOON + timedelta(hours=1))}"
    track = await api.ask(api.town.dispatcher, "GET", f"{path}?{hour}")
    assert [fix["fix_time"] for fix in track.json()["fixes"]] == [
        to_ms(NOON) + second * 1000 for second in range(3)
    ]
    geojson = await api.ask(api.town.dispatcher, "GET", f"{path}?{hour}&format=geojson")
    assert geojson.json()["geometry"]["coordinates"] == [[24.94, 60.17]] * 3
    gpx = await api.ask(api.town.dispatcher, "GET", f"{path}?{hour}&format=gpx")
    assert (gpx.headers["content-type"], gpx.text.count("<trkpt")) == ("application/gpx+xml", 3)
    for wrong in (
        f"{hour}&format=kml",
        f"from={_z(NOON)}",
        f"from={_z(NOON)}&to={_z(NOON)}",
        f"from={_z(NOON)}&to={_z(NOON + timedelta(days=2))}",
    ):
        answer = await api.ask(api.town.dispatcher, "GET", f"{path}?{wrong}")
        assert answer.status_code == 422, wrong


def _z(moment):
    return moment.isoformat().replace("+00:00", "Z")
