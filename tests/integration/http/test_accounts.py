"""Sessions, verdicts, programs' keys, links and the audit, as a client of the API sees them."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from server.accounts.api_keys import SCOPES, KeyScope
from server.accounts.audit import LOOKED_AT_CONTACT, LOOKED_AT_TRACK
from server.accounts.roles import Role
from server.accounts.tokens import LINK_PERMISSIONS
from server.orders.links import AFTER_THE_END, END_LINKS, MAX_LINKS
from tests.builders import a_viewer

PASSWORD = "correct horse"
ADMINISTRATOR = a_viewer(Role.ADMINISTRATOR)
MANAGER = a_viewer(Role.OPERATIONS_MANAGER)


async def somebody(api, role=Role.CUSTOMER):
    body = {"role": role, "login": "aino", "display_name": "Aino", "password": PASSWORD}
    answer = await api.ask(ADMINISTRATOR, "POST", "/api/v1/accounts", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def sign_in(api, **more):
    body = {"login": "aino", "password": PASSWORD}
    answer = await api.client.post("/api/v1/sessions", json=body, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearing(token):
    return {"Authorization": f"Bearer {token}"}


async def soon(ask, status):
    """Every process knows within two seconds; this one is told by its own tail."""
    async with asyncio.timeout(2):
        while (answer := await ask()).status_code != status:
            await asyncio.sleep(0.005)
    return answer


async def test_a_session_from_sign_in_to_sign_out(api):
    await somebody(api)
    firefox = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    first = await sign_in(api, headers=firefox)
    again = (
        await api.client.post("/api/v1/sessions/refresh", json={"refresh_token": first["refresh_token"]})
    ).json()
    listed = (await api.client.get("/api/v1/sessions", headers=bearing(again["token"]))).json()["sessions"]
    assert [(one["label"], one["current"]) for one in listed] == [("Firefox on Linux", True)]
    assert not any("address" in name or "ip" in name.split("_") for name in listed[0])
    out = await api.client.delete("/api/v1/sessions/current", headers=bearing(again["token"]))
    assert out.status_code == 204
    me = await soon(lambda: api.client.get("/api/v1/me", headers=bearing(again["token"])), 401)
    assert me.json()["code"] == "signed_out"
    refused = await api.client.post(
        "/api/v1/sessions/refresh", json={"refresh_token": again["refresh_token"]}
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "signed_out")


async def test_a_password_is_changed_and_another_session_ended(api):
    await somebody(api)
    here, other = await sign_in(api), await sign_in(api)
    change = {"old_password": PASSWORD, "new_password": "another " + PASSWORD}
    answer = await api.client.put("/api/v1/me/password", json=change, headers=bearing(here["token"]))
    assert answer.status_code == 204
    await soon(lambda: api.client.get("/api/v1/me", headers=bearing(other["token"])), 401)
    sessions = (await api.client.get("/api/v1/sessions", headers=bearing(here["token"]))).json()["sessions"]
    assert len(sessions) == 1
    gone = await api.client.delete(f"/api/v1/sessions/{uuid4()}", headers=bearing(here["token"]))
    assert (gone.status_code, gone.json()["code"]) == (404, "session_not_found")


async def test_a_suspended_courier_is_refused_with_the_word_for_it_and_let_in_again(api):
    courier = await somebody(api, Role.COURIER)
    signed_in = await sign_in(api)
    key = (await api.ask(ADMINISTRATOR, "POST", f"/api/v1/accounts/{courier['id']}/device-keys", {})).json()[
        "device_key"
    ]
    verdict = f"/api/v1/accounts/{courier['id']}"
    prose = await api.ask(MANAGER, "POST", f"{verdict}/suspend", {"reason": "He shouted at Aino!"})
    assert prose.status_code == 422
    past = await api.ask(
        MANAGER, "POST", f"{verdict}/suspend", {"reason": "misconduct", "until": "2020-01-01T00:00:00Z"}
    )
    assert (past.status_code, past.json()["code"]) == (422, "bad_suspension")
    judged = await api.ask(MANAGER, "POST", f"{verdict}/suspend", {"reason": "misconduct"})
    assert (judged.json()["status"], judged.json()["active"]) == ("suspended", False)
    refused = await soon(lambda: api.client.get("/api/v1/me", headers=bearing(signed_in["token"])), 403)
    assert refused.json()["code"] == "suspended"
    fix = await api.client.post(f"/ingest/osmand?id={key}&lat=60.17&lon=24.94&timestamp=1795435200")
    assert fix.status_code == 403
    by_password = await api.client.post("/api/v1/sessions", json={"login": "aino", "password": PASSWORD})
    assert by_password.json()["code"] == "suspended"
    await api.ask(MANAGER, "POST", f"{verdict}/reinstate", {"reason": "mistake"})
    await soon(lambda: api.client.get("/api/v1/me", headers=bearing(signed_in["token"])), 200)
    entries = (await api.ask(MANAGER, "GET", f"/api/v1/audit?entity_id={courier['id']}")).json()["entries"]
    written = {entry["what"]: entry for entry in entries}
    assert set(written) == {"create_account", "make_device_key", "suspend", "reinstate"}
    assert written["suspend"]["details"] == {"reason": "misconduct", "until": None}
    assert written["suspend"]["actor_id"] == str(MANAGER.account_id)


async def a_key(api, *scopes):
    body = {"label": "till", "scopes": list(scopes)}
    answer = await api.ask(
        api.town.kitchen, "POST", f"/api/v1/merchants/{api.town.merchant.id}/api-keys", body
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_programs_key_does_what_its_scopes_say(api):
    order_id = await api.town.placed()
    reader = await a_key(api, KeyScope.ORDERS_READ)
    answerer = await a_key(api, KeyScope.ORDERS_READ, KeyScope.ORDERS_ANSWER)
    path = f"/api/v1/orders/{order_id}"
    seen = await api.client.get(path, headers=bearing(reader["api_key"]))
    assert (seen.status_code, seen.json()["dropoff"]) == (200, None)
    body = {"preparation_s": 600}
    refused = await api.client.post(f"{path}/accept", json=body, headers=bearing(reader["api_key"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    accepted = await api.client.post(f"{path}/accept", json=body, headers=bearing(answerer["api_key"]))
    assert accepted.status_code == 200, accepted.text
    keys = f"/api/v1/merchants/{api.town.merchant.id}/api-keys"
    more = await api.client.post(
        keys, json={"label": "x", "scopes": ["orders:read"]}, headers=bearing(answerer["api_key"])
    )
    assert (more.status_code, more.json()["code"]) == (403, "not_allowed")


async def test_a_key_is_shown_once_and_ends_everywhere(api):
    made = await a_key(api, KeyScope.ORDERS_READ)
    token = (await api.client.post("/api/v1/sessions", json={"api_key": made["api_key"]})).json()["token"]
    orders = "/api/v1/orders"
    assert (await api.client.get(orders, headers=bearing(token))).status_code == 200
    assert (await api.client.get(orders, headers=bearing(made["api_key"]))).status_code == 200
    keys = f"/api/v1/merchants/{api.town.merchant.id}/api-keys"
    listed = await api.ask(api.town.kitchen, "GET", keys)
    assert made["api_key"] not in listed.text
    assert [(one["prefix"], one["last_used_on"]) for one in listed.json()["api_keys"]] == [
        (made["api_key"][:10], "2026-11-23")
    ]
    rows = await api.town.storage.pool.fetchval("SELECT string_agg(k::text, '') FROM api_keys k")
    assert made["api_key"] not in rows
    ended = await api.ask(api.town.kitchen, "DELETE", f"{keys}/{made['id']}")
    assert ended.status_code == 204
    for shown in (made["api_key"], token):
        await soon(lambda shown=shown: api.client.get(orders, headers=bearing(shown)), 401)
    twice = await api.ask(api.town.kitchen, "DELETE", f"{keys}/{made['id']}")
    assert (twice.status_code, twice.json()["code"]) == (404, "api_key_not_found")


@pytest.mark.parametrize("bearer", ["sk_nobodys", "sk_", "sk_é", "rt_x.y"])
async def test_an_invented_key_is_nobodys(api, bearer):
    answer = await api.client.get("/api/v1/orders", headers={"Authorization": f"Bearer {bearer}".encode()})
    assert answer.status_code == 401


async def test_keys_are_made_by_the_merchants_people(api):
    keys = f"/api/v1/merchants/{api.town.merchant.id}/api-keys"
    body = {"label": "till", "scopes": ["orders:read"]}
    for viewer, status in (
        (api.town.kitchen, 201),
        (ADMINISTRATOR, 201),
        (a_viewer(Role.MERCHANT), 403),
        (api.town.customer, 403),
        (api.town.dispatcher, 403),
    ):
        assert (await api.ask(viewer, "POST", keys, body)).status_code == status
    nothing = await api.ask(api.town.kitchen, "POST", keys, {"label": "till", "scopes": []})
    assert nothing.status_code == 422


def test_no_scope_gives_what_a_merchant_has_not():
    from server.accounts.permissions import scope

    assert all(
        scope(Role.MERCHANT, permission) for permissions in SCOPES.values() for permission in permissions
    )
    assert all(scope(Role.CUSTOMER, permission) for permission in LINK_PERMISSIONS)


async def a_link(api, order_id, viewer=None):
    answer = await api.ask(viewer or api.town.customer, "POST", f"/api/v1/orders/{order_id}/links")
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_by_a_link_somebody_follows_one_order_and_learns_no_name(api):
    order_id, other_id = await api.town.placed(), await api.town.placed()
    link = await a_link(api, order_id)
    assert link["url"] == f"/follow/#{link['token']}"
    shown = bearing(link["token"])
    order = await api.client.get(f"/api/v1/orders/{order_id}", headers=shown)
    assert order.status_code == 200
    assert (order.json()["dropoff"], order.json()["contact"]) == (None, None)
    assert not any(word in order.text for word in ("Siltasaarenkatu", "Aino", "1234567"))
    foreign = await api.client.get(f"/api/v1/orders/{other_id}", headers=shown)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "order_not_found")
    listed = await api.client.get("/api/v1/orders", headers=shown)
    assert [one["id"] for one in listed.json()["orders"]] == [str(order_id)]
    for path, body in (("cancel", {"reason": "no"}), ("links", None)):
        refused = await api.client.post(f"/api/v1/orders/{order_id}/{path}", json=body, headers=shown)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed"), path


async def test_links_are_ended_by_hand_and_a_week_after_the_order(api):
    town = api.town
    order_id = await town.placed()
    links = f"/api/v1/orders/{order_id}/links"
    first, second = await a_link(api, order_id), await a_link(api, order_id)
    path = f"/api/v1/orders/{order_id}"
    assert (await api.ask(town.customer, "DELETE", f"{links}/{first['id']}")).status_code == 204
    refused = await soon(lambda: api.client.get(path, headers=bearing(first["token"])), 401)
    assert refused.json()["code"] == "signed_out"
    listed = (await api.ask(town.customer, "GET", links)).json()["links"]
    assert [one["id"] for one in listed] == [second["id"]]

    town.clock.turn(86_400)
    await town.orders.cancel(town.customer, order_id, "not hungry")
    town.timers.on(END_LINKS, api.parts.links._end_when_over)
    town.clock.turn(AFTER_THE_END.total_seconds() - 1)
    await town.timers.run_due()
    assert (await api.client.get(path, headers=bearing(second["token"]))).status_code == 200
    town.clock.turn(1)
    await town.timers.run_due()
    await soon(lambda: api.client.get(path, headers=bearing(second["token"])), 401)
    later = town.clock.now_ms() + 60_000
    over = await api.ask(replace(town.customer, expires_at_ms=later), "POST", links)
    assert (over.status_code, over.json()["code"]) == (409, "links_over")


async def test_links_are_made_by_the_customer_and_customer_service(api):
    order_id = await api.town.placed()
    links = f"/api/v1/orders/{order_id}/links"
    for viewer, status in (
        (a_viewer(Role.CUSTOMER_SERVICE), 201),
        (a_viewer(Role.CUSTOMER), 404),
        (api.town.kitchen, 403),
        (api.town.dispatcher, 403),
    ):
        assert (await api.ask(viewer, "POST", links)).status_code == status
    for _ in range(MAX_LINKS - 1):
        await a_link(api, order_id)
    many = await api.ask(api.town.customer, "POST", links)
    assert (many.status_code, many.json()["code"]) == (409, "too_many_links")
    absent = await api.ask(api.town.customer, "DELETE", f"{links}/{uuid4()}")
    assert (absent.status_code, absent.json()["code"]) == (404, "link_not_found")


async def looks(api, **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return [
        (entry["what"], entry["actor_role"], [UUID(one) for one in entry["entity_ids"]])
        for entry in (await api.ask(MANAGER, "GET", f"/api/v1/audit?{query}")).json()["entries"]
    ]


async def test_who_looks_at_a_contact_is_written_down_but_its_customer(api):
    town = api.town
    order_id = await town.placed()
    path = f"/api/v1/orders/{order_id}"
    for viewer in (town.customer, town.kitchen, a_viewer(Role.OPERATIONS_MANAGER)):
        assert (await api.ask(viewer, "GET", path)).status_code == 200
    assert await looks(api, entity_id=order_id) == []
    shown = await api.ask(town.dispatcher, "GET", path)
    assert shown.json()["contact"] is not None
    await api.ask(town.dispatcher, "GET", "/api/v1/orders")
    seen = [(LOOKED_AT_CONTACT, "dispatcher", [order_id])]
    assert await looks(api, entity="order", entity_id=order_id) == seen * 2


async def test_who_looks_at_a_track_is_written_down(api):
    courier_id = uuid4()
    span = "from=2026-11-23T11:00:00Z&to=2026-11-23T12:00:00Z"
    await api.ask(api.town.dispatcher, "GET", f"/api/v1/couriers/{courier_id}/track?{span}")
    assert await looks(api, entity_id=courier_id, entity="account") == [
        (LOOKED_AT_TRACK, "dispatcher", [courier_id])
    ]


async def test_after_an_order_is_over_staff_see_where_it_went_only_for_its_tickets(api):
    town = api.town
    order_id = await town.placed()
    await town.orders.cancel(town.customer, order_id, "not hungry")
    path = f"/api/v1/orders/{order_id}"
    assert (await api.ask(town.dispatcher, "GET", path)).json()["dropoff"] is None
    assert (await api.ask(town.customer, "GET", path)).json()["dropoff"] is not None
    listed = (await api.ask(town.dispatcher, "GET", "/api/v1/orders")).json()["orders"]
    assert [one["dropoff"] for one in listed] == [None]
