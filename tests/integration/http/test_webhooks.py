"""Webhooks over REST: a merchant's people and programs, administrators, and nobody else."""

import pytest

from server.accounts.permissions import Permission
from server.accounts.roles import Role
from server.ids import new_id
from tests.builders import a_viewer
from tests.integration.people import add_merchant

URL = "https://shop.example/songda"


def path_of(api, *rest) -> str:
    return "/".join([f"/api/v1/merchants/{api.town.merchant.id}/webhooks", *map(str, rest)])


async def add(api, viewer=None, **body) -> dict:
    said = await api.ask(viewer or api.town.kitchen, "POST", path_of(api), {"url": URL, **body})
    assert said.status_code == 201, said.text
    return said.json()


async def test_a_merchant_adds_looks_changes_and_forgets_an_endpoint(api):
    made = await add(api, events=["order.placed"], description="Till")
    assert made["secret"].startswith("whsec_")
    webhook = made["webhook"]
    assert (webhook["url"], webhook["events"], webhook["enabled"]) == (URL, ["order.placed"], True)
    listed = (await api.ask(api.town.kitchen, "GET", path_of(api))).json()
    assert listed["webhooks"] == [webhook]
    assert "order.placed" in listed["types"]
    assert made["secret"] not in str(listed)

    one = path_of(api, webhook["id"])
    changed = await api.ask(api.town.kitchen, "PATCH", one, {"enabled": False, "events": []})
    assert changed.json() == webhook | {"enabled": False, "off_why": "by_hand", "events": [], "version": 2}
    changed = await api.ask(api.town.kitchen, "PATCH", one, {"enabled": True})
    assert (changed.json()["enabled"], changed.json()["off_why"], changed.json()["version"]) == (
        True,
        None,
        3,
    )
    assert (await api.ask(api.town.kitchen, "GET", one)).json() == changed.json()

    assert (await api.ask(api.town.kitchen, "DELETE", one)).status_code == 204
    gone = await api.ask(api.town.kitchen, "GET", one)
    assert (gone.status_code, gone.json()["code"]) == (404, "webhook_not_found")


async def test_a_new_secret_is_shown_once_and_the_old_one_signs_for_a_day(api):
    made = await add(api)
    said = (await api.ask(api.town.kitchen, "POST", path_of(api, made["webhook"]["id"], "secret"))).json()
    assert said["secret"] != made["secret"]
    assert said["webhook"]["former_secret_until"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"url": "http://shop.example/"}, "bad_webhook_url", "/url"),
        ({"url": "https://169.254.169.254/"}, "bad_webhook_url", "/url"),
        ({"url": URL, "events": ["order.eaten"]}, "unknown_webhook_type", "/events/0"),
        ({"url": URL, "secret": "mine"}, "bad_body", ""),
        ({}, "bad_body", ""),
    ],
)
async def test_what_cannot_be_is_refused_with_a_pointer(api, body, code, pointer):
    said = await api.ask(api.town.kitchen, "POST", path_of(api), body)
    assert (said.status_code, said.json()["code"]) == (422, code)
    assert said.json()["errors"][0]["pointer"] == pointer


async def test_another_merchants_people_and_other_roles_may_not(api):
    made = await add(api)
    other = await add_merchant(api.town.storage, [])
    strangers = [await api.town.account(Role.MERCHANT, merchant_id=other.id)]
    strangers += [await api.town.account(role) for role in (Role.CUSTOMER, Role.COURIER, Role.DISPATCHER)]
    for stranger in strangers:
        for method, rest in (("GET", ()), ("POST", ()), ("DELETE", (made["webhook"]["id"],))):
            said = await api.ask(
                stranger, method, path_of(api, *rest), {"url": URL} if method == "POST" else None
            )
            assert said.status_code == 403
    assert (await api.ask(None, "GET", path_of(api))).status_code == 401


async def test_an_endpoint_is_not_found_below_another_merchant(api):
    made = await add(api)
    other = await add_merchant(api.town.storage, [])
    neighbour = await api.town.account(Role.MERCHANT, merchant_id=other.id)
    said = await api.ask(neighbour, "GET", f"/api/v1/merchants/{other.id}/webhooks/{made['webhook']['id']}")
    assert said.status_code == 404


async def test_administrators_see_to_everybodys_and_to_the_platforms_own(api):
    chief = await api.town.account(Role.ADMINISTRATOR)
    await add(api, chief)
    nobody = await api.ask(chief, "POST", f"/api/v1/merchants/{new_id(0)}/webhooks", {"url": URL})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "merchant_not_found")
    made = await api.ask(chief, "POST", "/api/v1/webhooks", {"url": URL})
    assert made.json()["webhook"]["merchant_id"] is None
    assert len((await api.ask(chief, "GET", "/api/v1/webhooks")).json()["webhooks"]) == 1
    assert (await api.ask(api.town.kitchen, "GET", "/api/v1/webhooks")).status_code == 403


async def test_there_is_an_end_to_the_number_of_endpoints(api):
    for _ in range(20):
        await add(api)
    said = await api.ask(api.town.kitchen, "POST", path_of(api), {"url": URL})
    assert (said.status_code, said.json()["code"]) == (409, "too_many_webhooks")


async def test_a_test_is_listed_looked_at_and_sent_again(api):
    webhook_id = (await add(api))["webhook"]["id"]
    said = await api.ask(api.town.kitchen, "POST", path_of(api, webhook_id, "test"))
    assert said.status_code == 201
    delivery = said.json()
    assert (delivery["type"], delivery["state"], delivery["attempts"]) == ("webhook.test", "waiting", 0)
    whole = (
        await api.ask(api.town.kitchen, "GET", path_of(api, webhook_id, "deliveries", delivery["id"]))
    ).json()
    assert whole["delivery"] == delivery
    assert whole["body"].startswith('{"type":"webhook.test"')
    again = await api.ask(
        api.town.kitchen, "POST", path_of(api, webhook_id, "deliveries", delivery["id"], "replay")
    )
    assert again.json()["state"] == "waiting"
    lost = await api.ask(
        api.town.kitchen, "POST", path_of(api, webhook_id, "deliveries", new_id(0), "replay")
    )
    assert lost.status_code == 404


async def test_deliveries_are_listed_by_pages_and_states(api):
    webhook_id = (await add(api))["webhook"]["id"]
    for _ in range(3):
        await api.ask(api.town.kitchen, "POST", path_of(api, webhook_id, "test"))
        api.town.clock.turn(1)
    listed = path_of(api, webhook_id, "deliveries")
    first = (await api.ask(api.town.kitchen, "GET", f"{listed}?limit=2&state=waiting")).json()
    assert len(first["deliveries"]) == 2
    rest = (await api.ask(api.town.kitchen, "GET", f"{listed}?before={first['next_before']}")).json()
    assert (len(rest["deliveries"]), rest["next_before"]) == (1, None)
    assert (await api.ask(api.town.kitchen, "GET", f"{listed}?state=failed")).json()["deliveries"] == []
    assert (await api.ask(api.town.kitchen, "GET", f"{listed}?state=lost")).status_code == 422


async def test_nothing_is_sent_by_hand_to_an_endpoint_that_is_off(api):
    webhook_id = (await add(api))["webhook"]["id"]
    await api.ask(api.town.kitchen, "PATCH", path_of(api, webhook_id), {"enabled": False})
    for rest, body in (("test", None), ("replay", {"since": "2026-11-23T00:00:00Z"})):
        said = await api.ask(api.town.kitchen, "POST", path_of(api, webhook_id, rest), body)
        assert (said.status_code, said.json()["code"]) == (409, "webhook_off")


async def test_replaying_wants_a_moment_with_its_time_zone(api):
    webhook_id = (await add(api))["webhook"]["id"]
    path = path_of(api, webhook_id, "replay")
    said = await api.ask(api.town.kitchen, "POST", path, {"since": "2026-11-23T00:00:00+02:00"})
    assert said.json() == {"replayed": 0}
    assert (
        await api.ask(api.town.kitchen, "POST", path, {"since": "2026-11-23T00:00:00"})
    ).status_code == 422


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [({Permission.MANAGE_WEBHOOKS}, 200), ({Permission.SEE_ORDER}, 403)],
)
async def test_a_programs_key_needs_the_permission(api, permissions, expected):
    program = a_viewer(Role.MERCHANT, merchant_id=api.town.merchant.id, permissions=frozenset(permissions))
    service = api.parts.webhooks
    if expected == 200:
        assert (await service.all(program, api.town.merchant.id)).webhooks == []
    else:
        with pytest.raises(Exception, match="permit"):
            await service.all(program, api.town.merchant.id)
