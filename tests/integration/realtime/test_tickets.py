"""Tickets on the sockets: who hears what of one, and what can be said to it there."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from server.accounts.viewer import Viewer
from server.orders.trouble import Grievance
from tests.integration.people import Town
from tests.integration.realtime.live import Live, live
from tests.visits import Visit


@pytest.fixture
async def here(town: Town, redis_client: Redis) -> AsyncIterator[Live]:
    async with live(town, redis_client) as running:
        yield running


async def carried(town: Town) -> tuple[Viewer, str]:
    """A courier with the bag of an order."""
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    return courier, str(order_id)


async def done(visit: Visit, topic: str, event: str, payload: Any) -> Any:
    answer = (await visit.ask(topic, event, payload))["payload"]
    assert "ok" in answer, answer
    return answer["ok"]


async def refused(visit: Visit, topic: str, event: str, payload: Any) -> str:
    return str((await visit.ask(topic, event, payload))["payload"]["error"]["code"])


async def joined(visit: Visit, topic: str) -> Any:
    """The snapshot of a topic."""
    return (await visit.join(topic))["payload"]["ok"]["snapshot"]


async def change(visit: Visit, entity: str, name: str) -> Any:
    """The next change of this entity and name that the visit is told."""
    while True:
        told = (await visit.event("changed"))["payload"]
        if (told["entity"], told["name"]) == (entity, name):
            return told


async def test_the_staff_hears_every_change_and_the_people_how_it_stands(here: Live):
    courier, order_id = await carried(here.town)
    async with here.visit(here.town.service) as service, here.visit(here.town.customer) as customer:
        assert (await joined(service, "tickets:all"))["tickets"] == []
        assert (await joined(customer, f"order:{order_id}"))["tickets"] == []
        await here.town.dispatch.reports.fail(
            courier, order_id, Grievance(reason="no_answer", note="the blue door")
        )
        opened = await change(service, "ticket", "opened")
        assert (opened["fields"]["kind"], opened["fields"]["opened_by_role"]) == ("unreachable", "courier")
        heard = await change(customer, "ticket_notice", "opened")
        assert (heard["id"], heard["version"], heard["fields"]["state"]) == (opened["id"], 1, "open")
        assert "opened_by" not in heard["fields"]

        at = {"ticket_id": opened["id"]}
        await done(service, "tickets:all", "acknowledge", at)
        await done(service, "tickets:all", "note", {**at, "to": "customer", "words": "please call"})
        assert (await change(customer, "ticket_notice", "acknowledged"))["version"] == 2
        noted = await change(customer, "ticket_notice", "noted")
        assert (noted["version"], noted["fields"]["said_to"]) == (3, "customer")
        assert "please call" not in str(noted)
        assert "blue door" not in str(opened) + str(heard)
    async with here.visit(here.town.dispatcher) as late, here.visit(here.town.customer) as again:
        listed = (await joined(late, "tickets:all"))["tickets"]
        assert [ticket["state"] for ticket in listed] == ["acknowledged"]
        seen = (await joined(again, f"order:{order_id}"))["tickets"]
        assert [(ticket["version"], ticket["state"]) for ticket in seen] == [(3, "acknowledged")]


async def test_trouble_is_reported_worked_on_and_answered_by_socket_as_by_rest(here: Live):
    town = here.town
    courier, order_id = await carried(town)
    async with here.visit(courier) as rider, here.visit(town.dispatcher) as dispatcher:
        said = {"kind": "delay", "reason": "traffic", "key": "k"}
        ticket = await done(rider, f"order:{order_id}", "report_trouble", said)
        assert await done(rider, f"order:{order_id}", "report_trouble", said) == ticket
        at = {"ticket_id": ticket["id"]}
        assert await refused(rider, "tickets:all", "acknowledge", at) == "not_allowed"
        assert await refused(dispatcher, "tickets:all", "answer", {**at, "words": "hm"}) == "not_allowed"
        await done(rider, "tickets:all", "answer", {**at, "words": "it moves again"})
        stale = {**at, "version": 1}
        assert await refused(dispatcher, "tickets:all", "acknowledge", stale) == "ticket_changed"
        assert (await done(dispatcher, "tickets:all", "resolve", at))["outcome"] == "solved"
        told = {"courier_id": str(courier.account_id), "reason": "rude"}
        assert (await done(dispatcher, "tickets:all", "report_courier", told))["kind"] == "misconduct"
        assert await refused(dispatcher, f"order:{order_id}", "acknowledge", at) == "unknown_event"
        assert await refused(dispatcher, "tickets:all", "accept", {"preparation_s": 1}) == "unknown_event"
        assert await refused(dispatcher, "tickets:all", "acknowledge", {}) == "bad_payload"


async def test_who_is_not_of_the_staff_does_not_listen_to_all_tickets(here: Live):
    for viewer in (here.town.customer, here.town.kitchen, await here.town.courier()):
        async with here.visit(viewer) as visit:
            assert await refused(visit, "tickets:all", "join", {}) == "not_allowed"
