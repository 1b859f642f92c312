"""Over the socket: contacts go to those who serve the order, each look is written down first, a link shows none."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from server.accounts.audit import LOOKED_AT_CONTACT
from server.accounts.roles import Role
from server.accounts.tokens import link_viewer
from server.ids import new_id
from tests.builders import a_viewer
from tests.integration.people import Town
from tests.integration.realtime.live import Live, live


@pytest.fixture
async def here(town: Town, redis_client: Redis) -> AsyncIterator[Live]:
    async with live(town, redis_client) as running:
        yield running


async def looks(town: Town) -> list[tuple[str, str, list[Any]]]:
    rows = await town.storage.pool.fetch("SELECT what, actor_role, entity_ids FROM audit_log ORDER BY id")
    return [(row["what"], row["actor_role"], row["entity_ids"]) for row in rows]


async def test_a_look_at_a_contact_is_written_down_and_the_customers_own_is_none(here: Live, town: Town):
    order_id = await town.placed()
    for viewer in (town.customer, town.kitchen, a_viewer(Role.OPERATIONS_MANAGER)):
        async with here.visit(viewer) as visit:
            assert "ok" in (await visit.join(f"order:{order_id}"))["payload"]
    assert await looks(town) == []
    async with here.visit(town.dispatcher) as visit:
        joined = await visit.join(f"order:{order_id}")
        assert joined["payload"]["ok"]["snapshot"]["order"]["dropoff"] is not None
        await visit.join(f"order:{order_id}", since=joined["cursor"])  # nothing is shown again
        assert await looks(town) == [(LOOKED_AT_CONTACT, "dispatcher", [order_id])]


async def test_a_courier_who_looks_at_his_order_is_written_down(here: Live, town: Town):
    courier = await town.courier()
    order_id = await here.assigned(courier)
    async with here.visit(courier) as visit:
        joined = await visit.join(f"courier:{courier.account_id}")
        assert joined["payload"]["ok"]["snapshot"]["contact"] is not None
    assert await looks(town) == [(LOOKED_AT_CONTACT, "courier", [order_id])]


async def test_a_refused_look_is_none(here: Live, town: Town):
    order_id = await town.placed()
    async with here.visit(await town.courier()) as visit:
        refused = await visit.join(f"order:{order_id}")
        assert refused["payload"]["error"]["code"] == "order_not_found"
    assert await looks(town) == []


async def test_what_cannot_be_written_down_is_not_shown(here: Live, town: Town, monkeypatch):
    order_id = await town.placed()

    async def fails(looks: object) -> None:
        raise OSError

    monkeypatch.setattr(here.hub._joins, "_note_looks", fails)
    async with here.visit(town.dispatcher) as visit:
        refused = await visit.join(f"order:{order_id}")
        assert refused["payload"]["error"]["code"] == "unavailable"
    async with here.visit(town.kitchen) as visit:  # who is shown nothing personal is not held up
        assert "ok" in (await visit.join(f"order:{order_id}"))["payload"]


async def test_after_the_order_is_over_staff_see_its_address_no_more(here: Live, town: Town):
    order_id = await town.placed()
    await town.orders.cancel(town.customer, order_id, "not hungry")
    for viewer, shown in ((town.dispatcher, False), (town.customer, True)):
        async with here.visit(viewer) as visit:
            joined = await visit.join(f"order:{order_id}")
            assert (joined["payload"]["ok"]["snapshot"]["order"]["dropoff"] is not None) is shown


async def test_who_follows_by_a_link_sees_the_courier_and_no_name(here: Live, town: Town):
    courier = await town.courier()
    order_id, other_id = await here.assigned(courier), await town.placed()
    follower = link_viewer(new_id(town.clock.now_ms()), order_id, town.customer.expires_at_ms)
    async with here.visit(follower) as visit:
        joined = await visit.join(f"order:{order_id}")
        text = str(joined["payload"])
        assert not any(word in text for word in ("Siltasaarenkatu", "+358401234567", "Aino"))
        snapshot = joined["payload"]["ok"]["snapshot"]
        assert (snapshot["order"]["dropoff"], snapshot["order"]["status"]) == (None, "accepted")
        here.position(courier.account_id, 60.1712, 24.9412)
        assert (await visit.event("position"))["payload"]["coarse"] is True
        for topic in (f"order:{other_id}", f"merchant:{town.merchant.id}", "dispatch:all"):
            assert "error" in (await visit.join(topic))["payload"], topic
        refused = await visit.ask(f"order:{order_id}", "cancel", {"reason": "no", "key": "1"})
        assert refused["payload"]["error"]["code"] == "not_allowed"


async def test_a_programs_key_listens_to_what_it_may_read(here: Live, town: Town):
    blind = replace(town.kitchen, permissions=frozenset())
    async with here.visit(blind) as visit:
        refused = await visit.join(f"merchant:{town.merchant.id}")
        assert refused["payload"]["error"]["code"] == "not_allowed"
