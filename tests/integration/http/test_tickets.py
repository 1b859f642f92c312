"""Tickets over REST: who may do what, lists, ETags, the story in the reader's language."""

from typing import Any
from uuid import UUID

import pytest

from server.accounts.permissions import Permission, Scope, scope
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.orders.ticket_access import NEEDED
from server.orders.ticket_commands import TICKET_COMMANDS
from server.orders.ticket_kinds import KINDS, STAFF, Decision, Kind
from server.orders.trouble import Grievance
from tests.builders import a_viewer
from tests.integration.http.conftest import Api
from tests.integration.people import Town

NOBODY = UUID(int=0x7000_8000 << 64)
# A body that is of the right form; whether it is possible is not asked here.
BODIES: dict[str, dict[str, Any]] = {
    "assign": {"account_id": str(NOBODY)},
    "wait": {"whom": "customer", "until": "2026-11-23T12:30:00Z"},
    "snooze": {"until": "2026-11-23T12:30:00Z", "words": "later"},
    "raise_severity": {"severity": "critical"},
    "note": {"words": "hm"},
    "log_contact": {"whom": "customer", "how": "phone", "result": "busy"},
    "answer": {"words": "hm"},
    "add_evidence": {"media_ids": [str(NOBODY)]},
    "dismiss": {"words": "nothing"},
    "reopen": {"words": "again"},
    "re_promise": {"promised_at": "2026-11-23T13:30:00Z"},
    "re_route": {"words": "left"},
    "correct_address": {"address": "Siltasaarenkatu 6", "lat": 60.1795, "lng": 24.9503},
    "refund": {"amount_minor": 100, "borne_by": "platform"},
    "take_offline": {"until": "2026-11-23T12:30:00Z"},
    "warn": {"words": "once"},
    "suspend": {"words": "enough"},
    "record_payout": {"amount_minor": 100, "borne_by": "platform", "words": "7"},
}


def people_of(town: Town, courier: Viewer) -> dict[Role, Viewer]:
    """Somebody of each role; of the order's people those to whom it belongs."""
    own = {Role.CUSTOMER: town.customer, Role.MERCHANT: town.kitchen, Role.COURIER: courier}
    return {role: own.get(role) or a_viewer(role) for role in Role}


async def troubled(api: Api, reason: str = "no_answer") -> tuple[Viewer, UUID, UUID]:
    """A courier, his order that could not be delivered, and its ticket."""
    town = api.town
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.fail(courier, order_id, Grievance(reason=reason))
    found = await town.storage.pool.fetchval("SELECT id FROM tickets WHERE order_id = $1", order_id)
    return courier, order_id, found


def path_of(ticket_id: object, command: str) -> str:
    return f"/api/v1/tickets/{ticket_id}/{command.replace('_', '-')}"


def may_say(role: Role, command: str) -> bool:
    """By the tables alone."""
    if command == "answer":
        return role not in STAFF and scope(role, Permission.SEE_TICKET) is Scope.OWN
    if command == "add_evidence":
        return bool(scope(role, Permission.WORK_TICKET) or scope(role, Permission.REPORT_EXCEPTION))
    needed = {Permission.WORK_TICKET}
    if command in tuple(Decision):
        needed.add(NEEDED[Decision(command)])
    return all(scope(role, permission) is not None for permission in needed)


@pytest.mark.parametrize("command", TICKET_COMMANDS)
async def test_each_role_may_say_to_a_ticket_what_the_tables_say(api: Api, command: str) -> None:
    courier, _, ticket_id = await troubled(api)
    for role, viewer in people_of(api.town, courier).items():
        # A version that is not the newest: whoever may is told so, and nothing happens.
        body = {**BODIES.get(command, {}), "version": 999}
        answer = await api.ask(viewer, "POST", path_of(ticket_id, command), body)
        expected = (409, "ticket_changed") if may_say(role, command) else (403, "not_allowed")
        assert (answer.status_code, answer.json()["code"]) == expected, (role, answer.text)


async def test_a_foreign_ticket_is_as_if_there_were_none(api: Api) -> None:
    _, order_id, ticket_id = await troubled(api)
    for role in (Role.CUSTOMER, Role.MERCHANT, Role.COURIER):
        stranger = a_viewer(role)
        for there, nowhere in (
            ("/api/v1/tickets/{}", "GET"),
            ("/api/v1/tickets/{}/story", "GET"),
            ("/api/v1/tickets/{}/answer", "POST"),
        ):
            body = {"words": "hm"} if nowhere == "POST" else None
            answer = await api.ask(stranger, nowhere, there.format(ticket_id), body)
            missing = await api.ask(stranger, nowhere, there.format(NOBODY), body)
            assert (answer.status_code, answer.content) == (404, missing.content)
        told = await api.ask(stranger, "POST", f"/api/v1/orders/{order_id}/tickets", {"kind": "delay"})
        assert (told.status_code, told.json()["code"]) == (404, "order_not_found")
        listed = await api.ask(stranger, "GET", f"/api/v1/orders/{order_id}/tickets")
        assert listed.json() == {"tickets": [], "next_before": None}


@pytest.mark.parametrize("kind", Kind)
async def test_each_role_reports_what_the_catalogue_says(api: Api, kind: Kind) -> None:
    courier = await api.town.courier()
    order_id = await api.town.assigned(courier)
    for role, viewer in people_of(api.town, courier).items():
        answer = await api.ask(viewer, "POST", f"/api/v1/orders/{order_id}/tickets", {"kind": kind.value})
        if role in KINDS[kind].raised_by:
            # Or the order, which is to be fetched, cannot be in this trouble yet.
            assert answer.status_code == 201 or answer.json()["code"] == "not_in_trouble", (role, answer.text)
        else:
            assert answer.status_code == 403, role


async def test_only_the_staff_reports_couriers_apart_from_orders(api: Api) -> None:
    courier = await api.town.courier()
    for role in Role:
        body = {"courier_id": str(courier.account_id), "reason": "rude"}
        answer = await api.ask(a_viewer(role), "POST", "/api/v1/tickets", body)
        assert answer.status_code == (201 if role in STAFF else 403), role


async def test_a_list_is_filtered_and_paged(api: Api) -> None:
    town = api.town
    numbers = []
    for reason in ("no_answer", "refused", "wrong_address"):
        _, _, ticket_id = await troubled(api, reason)
        numbers.append(str(ticket_id))
        town.clock.turn(1)

    async def ids(query: str) -> list[str]:
        answer = await api.ask(town.dispatcher, "GET", f"/api/v1/tickets?{query}")
        assert answer.status_code == 200, answer.text
        return [ticket["id"] for ticket in answer.json()["tickets"]]

    assert await ids("open=true") == numbers[::-1]
    assert await ids("kind=refusal") == [numbers[1]]
    assert await ids("owner_role=dispatcher") == []
    assert await ids("mine=true") == []
    await api.ask(town.dispatcher, "POST", path_of(numbers[2], "acknowledge"), {})
    assert await ids("mine=true") == [numbers[2]]
    assert await ids("state=acknowledged,waiting") == [numbers[2]]
    assert await ids("overdue=true") == []
    town.clock.turn(3600)
    await town.timers.run_due()
    assert await ids("overdue=true&severity=high") == numbers[::-1]
    first = (await api.ask(town.dispatcher, "GET", "/api/v1/tickets?limit=2")).json()
    assert [ticket["id"] for ticket in first["tickets"]] == numbers[:0:-1]
    assert await ids(f"limit=2&before={first['next_before']}") == [numbers[0]]
    assert (await api.ask(town.dispatcher, "GET", "/api/v1/tickets?kind=war")).status_code == 422


async def test_a_ticket_has_an_etag_that_commands_may_bring_back(api: Api) -> None:
    _, _, ticket_id = await troubled(api)
    seen = await api.ask(api.town.service, "GET", f"/api/v1/tickets/{ticket_id}")
    tag = seen.headers["etag"]
    again = await api.ask(api.town.service, "GET", f"/api/v1/tickets/{ticket_id}", if_none_match=tag)
    assert again.status_code == 304
    done = await api.ask(
        api.town.service, "POST", path_of(ticket_id, "acknowledge"), {}, if_match=tag, idempotency_key="k"
    )
    assert (done.status_code, done.json()["state"]) == (200, "acknowledged")
    late = await api.ask(api.town.service, "POST", path_of(ticket_id, "resolve"), {}, if_match=tag)
    assert (late.status_code, late.json()["ticket"]["state"]) == (412, "acknowledged")
    repeated = await api.ask(
        api.town.service, "POST", path_of(ticket_id, "acknowledge"), {}, if_match=tag, idempotency_key="k"
    )
    assert repeated.json() == done.json()


async def test_the_story_is_told_in_the_readers_language(api: Api) -> None:
    courier, _, ticket_id = await troubled(api)
    await api.ask(
        api.town.service,
        "POST",
        path_of(ticket_id, "note"),
        {"to": "customer", "template": "cannot_reach_you"},
    )
    path = f"/api/v1/tickets/{ticket_id}/story"
    english = (await api.ask(api.town.operations, "GET", path)).json()["story"]
    chinese = (await api.ask(api.town.operations, "GET", path, accept_language="zh-CN")).json()["story"]
    asked = (await api.ask(api.town.operations, "GET", f"{path}?lang=zh")).json()["story"]
    assert chinese == asked
    assert [line["name"] for line in chinese] == [*(line["name"] for line in english), "looked_at_ticket"]
    assert "customer service Li wrote to the customer" in [line["text"] for line in english]
    assert "客服 Li致客户" in [line["text"] for line in chinese]
    assert "配送员已到达但联系不上您，请回电。" in [line["words"] for line in chinese]
    own = (await api.ask(api.town.customer, "GET", path)).json()
    assert [line["words"] for line in own["story"]][-1].startswith("Our courier is there")
    silent = (await api.ask(courier, "GET", path)).json()
    assert [line["name"] for line in silent["story"]] == ["opened"]


async def test_whoever_reads_what_people_wrote_is_written_down_and_stands_in_the_story(api: Api) -> None:
    courier, _, ticket_id = await troubled(api)
    for viewer in (api.town.service, api.town.service, courier, api.town.customer):
        await api.ask(viewer, "GET", f"/api/v1/tickets/{ticket_id}")
    path = f"/api/v1/tickets/{ticket_id}/story"
    story = (await api.ask(api.town.operations, "GET", path)).json()["story"]
    assert [line["text"] for line in story if line["entity"] == "audit"] == [
        "customer service Li read the ticket"
    ]
    unseen = (await api.ask(api.town.dispatcher, "GET", path)).json()["story"]
    assert [line for line in unseen if line["entity"] == "audit"] == []


async def test_the_catalogue_is_for_all_who_see_tickets(api: Api) -> None:
    for role in Role:
        answer = await api.ask(a_viewer(role), "GET", "/api/v1/ticket-kinds")
        allowed = scope(role, Permission.SEE_TICKET) is not None
        assert answer.status_code == (200 if allowed else 403)
    kinds = {kind["kind"]: kind for kind in answer.json().get("kinds", [])} or {
        kind["kind"]: kind
        for kind in (await api.ask(api.town.customer, "GET", "/api/v1/ticket-kinds")).json()["kinds"]
    }
    assert set(kinds) == set(Kind)
    assert kinds["delay"]["zh"] == "订单延误"
