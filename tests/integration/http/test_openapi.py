"""The description of the API, and what it promises of all operations alike: conditions, filters, problems."""

from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest

from server.accounts.roles import Role
from server.dispatch.commands import COMMANDS
from server.http.command_words import SAID
from server.http.openapi import recorded_examples
from server.http.orders import path_word
from tests.builders import a_viewer
from tests.conformance import description
from tests.fakes import NOON
from tests.integration.http.conftest import Api

DISPATCHER = a_viewer(Role.DISPATCHER)
OPERATIONS = {
    told["operationId"]: told
    for operations in description()["paths"].values()
    for told in operations.values()
}


def forms(told: dict[str, Any], *, of_answers: bool) -> list[dict[str, Any]]:
    """The media types of an operation's body, or of its good answers."""
    contents = [one for status, one in told["responses"].items() if status < "300"] if of_answers else []
    contents += [] if of_answers else [told.get("requestBody", {})]
    return [
        media
        for one in contents
        for media_type, media in one.get("content", {}).items()
        if media_type == "application/json" and media["schema"]
    ]


# What is described


def test_every_command_has_its_path_and_its_words():
    for name in COMMANDS:
        assert name in SAID, name
        assert f"post_orders_order_id_{name}" in OPERATIONS
        assert f"/api/v1/orders/{{order_id}}/{path_word(name)}" in description()["paths"]


def test_nothing_is_described_that_nobody_says():
    assert set(SAID) == set(COMMANDS)


def test_names_of_operations_are_unique():
    count = sum(len(operations) for operations in description()["paths"].values())
    assert len(OPERATIONS) == count


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_is_of_its_form(name):
    for of_answers in (False, True):
        for media in forms(OPERATIONS[name], of_answers=of_answers):
            form = {**media["schema"], "components": description()["components"]}
            jsonschema_rs.validate(form, media["example"], validate_formats=True)


def test_what_was_recorded_is_of_operations_that_there_are():
    assert set(recorded_examples()) <= set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does_and_how_it_fails(name):
    told = OPERATIONS[name]
    assert told["summary"]
    assert told["tags"]
    is_public = told["security"] == []
    assert is_public or "401" in told["responses"]
    assert "500" in told["responses"]


def test_every_reference_leads_somewhere():
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                place: Any = description()
                for step in value["$ref"].removeprefix("#/").split("/"):
                    place = place[step]
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(description())


async def test_the_description_is_served_once_to_those_who_keep_it(api: Api):
    first = await api.client.get("/openapi.json")
    assert (first.status_code, first.json()["openapi"]) == (200, "3.1.0")
    again = await api.client.get(
        "/openapi.json", headers={"If-None-Match": f'W/"x", {first.headers["etag"]}'}
    )
    assert (again.status_code, again.content) == (304, b"")


# Conditions


async def test_an_order_that_has_not_changed_is_not_sent_again(api: Api):
    path = f"/api/v1/orders/{await api.town.placed()}"
    first = await api.ask(api.town.customer, "GET", path)
    tag = first.headers["etag"]
    again = await api.ask(api.town.customer, "GET", path, If_None_Match=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await api.ask(api.town.customer, "POST", f"{path}/cancel", {"reason": "no longer hungry"})
    later = await api.ask(api.town.customer, "GET", path, If_None_Match=tag)
    assert (later.status_code, later.json()["status"]) == (200, "cancelled")


async def test_two_people_who_see_different_things_have_different_tags(api: Api):
    path = f"/api/v1/orders/{await api.town.placed()}"
    tags = {
        (await api.ask(viewer, "GET", path)).headers["etag"]
        for viewer in (api.town.customer, api.town.kitchen)
    }
    assert len(tags) == 2


async def test_a_command_may_be_tied_to_the_order_as_it_was_seen(api: Api):
    path = f"/api/v1/orders/{await api.town.placed()}"
    tag = (await api.ask(api.town.kitchen, "GET", path)).headers["etag"]
    body = {"preparation_s": 300}
    assert (await api.ask(api.town.kitchen, "POST", f"{path}/accept", body, If_Match=tag)).status_code == 200
    late = await api.ask(api.town.customer, "POST", f"{path}/cancel", {"reason": "x"}, If_Match=tag)
    assert (late.status_code, late.json()["code"], late.json()["order"]["status"]) == (
        412,
        "order_changed",
        "accepted",
    )
    bad = await api.ask(api.town.customer, "POST", f"{path}/cancel", {"reason": "x"}, If_Match="2")
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_precondition")
    anyhow = await api.ask(api.town.customer, "POST", f"{path}/cancel", {"reason": "x"}, If_Match="*")
    assert anyhow.status_code == 200


# Filters


async def listed(api: Api, query: str, viewer: Any = DISPATCHER) -> list[str]:
    answer = await api.ask(viewer, "GET", f"/api/v1/orders?{query}")
    assert answer.status_code == 200, answer.text
    return [order["id"] for order in answer.json()["orders"]]


async def test_orders_are_found_by_each_of_their_facts(api: Api):
    courier = await api.town.courier()
    carried, accepted = str(await api.town.assigned(courier)), str(await api.town.accepted())
    seen = (await api.ask(DISPATCHER, "GET", f"/api/v1/orders/{carried}")).json()
    assert await listed(api, f"number={seen['number']}") == [carried]
    assert await listed(api, f"courier_id={courier.account_id}") == [carried]
    assert set(await listed(api, f"customer_id={api.town.customer.account_id}")) == {carried, accepted}
    assert set(await listed(api, f"merchant_id={api.town.merchant.id}")) == {carried, accepted}
    assert await listed(api, f"merchant_id={courier.account_id}") == []
    assert set(await listed(api, "status=accepted,delivered")) == {carried, accepted}
    assert await listed(api, "status=delivered") == []


async def test_orders_are_found_by_when_they_were_placed(api: Api):
    order = str(await api.town.placed())
    noon, later = "2026-11-23T12:00:00Z", (NOON + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert await listed(api, f"placed_after={noon}&placed_before={later}") == [order]
    assert await listed(api, f"placed_after={later}") == []
    assert await listed(api, f"placed_before={noon}") == []


async def test_a_filter_never_widens_what_somebody_may_see(api: Api):
    await api.town.placed()
    stranger = await api.town.account(Role.CUSTOMER)
    assert await listed(api, f"customer_id={api.town.customer.account_id}", stranger) == []


async def test_pages_follow_each_other_without_a_gap(api: Api):
    made = [str(await api.town.placed()) for _ in range(5)]
    found, before = [], ""
    while True:
        page = (await api.ask(DISPATCHER, "GET", f"/api/v1/orders?limit=2{before}")).json()
        found += [order["id"] for order in page["orders"]]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert sorted(found) == sorted(made)  # of one moment, so that only their ids say who is first


@pytest.mark.parametrize(
    "query",
    [
        "status=", "status=flying", "status=accepted,", "status=accepted&status=delivered", "number=0", "number=-1",
        "number=" + "9" * 400, "number=1e3", "limit=2&limit=3", "before=x", "before=%00", "placed_after=noon",
        "placed_after=2026-11-23T12:00:00", "customer_id=1", "courier_id=%F0%9F", "merchant_id=",
        "placed_before=9999-99-99",
    ],
)  # fmt: skip
async def test_a_filter_that_says_nothing_clear_is_refused(api: Api, query):
    answer = await api.ask(DISPATCHER, "GET", f"/api/v1/orders?{query}")
    assert (answer.status_code, answer.json()["code"]) in {(422, "bad_query"), (422, "bad_id")}


# Odd requests


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
        "application/json; charset=utf-16", "application/json; charset=latin-1", "application/jsonx", "json", "/",
    ],
)  # fmt: skip
async def test_a_body_that_says_it_is_no_json_is_not_read(api: Api, content_type):
    order = await api.town.placed()
    answer = await api.ask(
        api.town.customer,
        "POST",
        f"/api/v1/orders/{order}/cancel",
        {"reason": "x"},
        Content_Type=content_type,
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong_media_type")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON ; charset=UTF-8", 'application/json;charset="utf-8"',
     "application/merge-patch+json"],
)  # fmt: skip
async def test_a_body_that_says_it_is_json_is_read(api: Api, content_type):
    order = await api.town.placed()
    answer = await api.ask(
        api.town.customer,
        "POST",
        f"/api/v1/orders/{order}/cancel",
        {"reason": "x"},
        Content_Type=content_type,
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"reason": "\ud800"}', rb'{"reason": "\udc00\ud800"}', b'{"reason": "\xed\xa0\x80"}', b'{"reason": "\xff"}',
        b'\xef\xbb\xbf{"reason": "x"}', '{"reason": "x"}'.encode("utf-16"), b'{"reason": "x"} {}', b'{"reason": "x",}',
        rb'{"reason": "\u0000"}', b'{"version": 1e400, "reason": "x"}', b'{"version": true, "reason": "x"}',
        b'{"version": -0.5, "reason": "x"}', b'{"reason": "x", "reason": 1}',
    ],
)  # fmt: skip
async def test_a_body_that_is_no_clean_json_is_refused(api: Api, raw):
    path = f"/api/v1/orders/{await api.town.placed()}/cancel"
    headers = {
        "Authorization": f"Bearer {api.parts.tokens.issue(api.town.customer)}",
        "Content-Type": "application/json",
    }
    answer = await api.client.post(path, content=raw, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_body")


@pytest.mark.parametrize("version", [2**63, -(2**63) - 1, 2**64, 10**300])
async def test_a_version_no_order_can_have_is_another_version(api: Api, version):
    path = f"/api/v1/orders/{await api.town.placed()}/cancel"
    answer = await api.ask(api.town.customer, "POST", path, {"reason": "x", "version": version})
    assert (answer.status_code, answer.json()["code"]) == (409, "order_changed")


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_that_is_none_is_refused(api: Api, key):
    path = f"/api/v1/orders/{await api.town.placed()}/cancel"
    answer = await api.ask(api.town.customer, "POST", path, {"reason": "x"}, Idempotency_Key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_idempotency_key")


@pytest.mark.parametrize(
    "path", ["/api/v1/orders/x", "/api/v1/orders/%00", "/api/v1/nothing", "/api/v2/orders", "/nothing"]
)
async def test_a_path_nobody_serves_is_a_problem(api: Api, path):
    answer = await api.ask(DISPATCHER, "GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_method_nobody_serves_is_a_problem_that_names_the_others(api: Api):
    for method in ("DELETE", "PUT", "PATCH", "OPTIONS", "TRACE"):
        answer = await api.ask(DISPATCHER, method, "/api/v1/orders")
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_head_is_get_without_words(api: Api):
    path = f"/api/v1/orders/{await api.town.placed()}"
    got = await api.ask(api.town.customer, "GET", path)
    headed = await api.ask(api.town.customer, "HEAD", path)
    assert (headed.status_code, headed.headers["etag"]) == (200, got.headers["etag"])
