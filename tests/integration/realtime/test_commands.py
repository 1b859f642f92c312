"""Commands by socket are those of REST: the same bodies, the same answers, once a key."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from redis.asyncio import Redis

from server.orders.placing import PlaceOrder
from server.realtime.commands import MAX_UNDER_WAY
from tests.integration.people import Town
from tests.integration.realtime.live import Live, live
from tests.visits import Visit


@pytest.fixture
async def here(town: Town, redis_client: Redis) -> AsyncIterator[Live]:
    async with live(town, redis_client) as running:
        yield running


async def done(visit: Visit, topic: str, event: str, payload: Any) -> Any:
    answer = (await visit.ask(topic, event, payload))["payload"]
    assert "ok" in answer, answer
    return answer["ok"]


async def refused(visit: Visit, topic: str, event: str, payload: Any) -> str:
    return str((await visit.ask(topic, event, payload))["payload"]["error"]["code"])


def a_wish(town: Town) -> dict[str, Any]:
    return {
        "merchant_id": str(town.merchant.id),
        "items": [{"item_id": str(town.menu[0].id), "quantity": 2}],
        "contact": {
            "name": "Aino",
            "phone": "+358401234567",
            "address": "Siltasaarenkatu 4",
            "lat": 60.18,
            "lng": 24.95,
        },
    }


async def test_an_order_goes_all_the_way_by_socket(here: Live):
    town, courier = here.town, await here.town.courier()
    async with (
        here.visit(town.customer) as customer,
        here.visit(town.kitchen) as kitchen,
        here.visit(town.dispatcher) as dispatcher,
        here.visit(courier) as rider,
    ):
        placed = await done(customer, f"merchant:{town.merchant.id}", "place", a_wish(town))
        topic = f"order:{placed['id']}"
        await customer.join(topic)
        assert (await done(kitchen, topic, "accept", {"preparation_s": 600}))["status"] == "accepted"
        await done(dispatcher, topic, "assign", {"courier_id": str(courier.account_id)})
        assert (await done(rider, topic, "pick_up", {}))["status"] == "delivering"
        assert (await done(rider, topic, "deliver", {"occurred_at": "2026-11-23T12:00:00Z"}))[
            "status"
        ] == "delivered"
        names = [(await customer.event("changed"))["payload"]["name"] for _ in range(6)]
    assert names == ["accepted", "assigned", "picked_up", "picked_up", "delivered", "delivered"]


async def test_the_same_key_gets_the_same_answer_and_another_body_is_refused(here: Live):
    town = here.town
    topic, key = f"merchant:{town.merchant.id}", uuid4().hex
    async with here.visit(town.customer) as customer, here.visit(town.customer) as again:
        first = await done(customer, topic, "place", {**a_wish(town), "key": key})
        assert await done(again, topic, "place", {**a_wish(town), "key": key}) == first
        other = {**a_wish(town), "key": key, "total_minor": 1}
        assert await refused(again, topic, "place", other) == "idempotency_key_reused"
    assert await town.storage.pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_an_order_placed_by_socket_and_repeated_by_rest_is_one(here: Live):
    town, key = here.town, uuid4().hex
    async with here.visit(town.customer) as customer:
        by_socket = await done(
            customer, f"merchant:{town.merchant.id}", "place", {**a_wish(town), "key": key}
        )
    by_rest = await town.orders.place(town.customer, msgspec.convert(a_wish(town), PlaceOrder), key=key)
    assert by_rest == by_socket


ACCEPT = {"preparation_s": 600}


@pytest.mark.parametrize(
    ("by", "topic", "event", "payload", "code"),
    [
        ("customer", "order", "accept", ACCEPT, "not_allowed"),
        ("kitchen", "order", "accept", {"preparation_s": "soon"}, "bad_payload"),
        ("kitchen", "order", "accept", {**ACCEPT, "colour": "red"}, "bad_payload"),
        ("kitchen", "order", "reject", {"reason": "a\u0000b"}, "bad_payload"),
        ("kitchen", "order", "accept", {**ACCEPT, "key": ""}, "bad_idempotency_key"),
        ("kitchen", "nowhere", "accept", ACCEPT, "order_not_found"),
        ("kitchen", "merchant", "accept", ACCEPT, "unknown_event"),
        ("customer", "order", "place", {}, "unknown_event"),
        ("customer", "merchant", "place", {"merchant_id": str(uuid4())}, "bad_payload"),
    ],
)
async def test_a_command_is_refused_with_the_words_of_rest(here: Live, by, topic, event, payload, code):
    town, order_id = here.town, await here.town.placed()
    topics = {
        "order": f"order:{order_id}",
        "nowhere": f"order:{uuid4()}",
        "merchant": f"merchant:{town.merchant.id}",
    }
    said = {**a_wish(town), **payload} if event == "place" else payload
    async with here.visit(getattr(town, by)) as visit:
        assert await refused(visit, topics[topic], event, said) == code
    assert await town.status(order_id) == "pending_acceptance"


async def test_a_command_without_a_ref_is_not_carried_out(here: Live):
    town, order_id = here.town, await here.town.placed()
    async with here.visit(town.kitchen) as kitchen:
        await kitchen.say(f"order:{order_id}", "accept", {"preparation_s": 600})
        assert (await kitchen.event("error"))["payload"]["code"] == "ref_needed"
    assert await town.status(order_id) == "pending_acceptance"


async def test_one_socket_has_only_so_many_commands_under_way(here: Live):
    town, order_id = here.town, await here.town.placed()
    async with here.visit(town.kitchen) as kitchen, town.storage.pool.acquire() as blocking:
        transaction = blocking.transaction()
        await transaction.start()
        await blocking.execute("SELECT FROM orders WHERE id = $1 FOR UPDATE", order_id)
        for number in range(MAX_UNDER_WAY + 1):
            await kitchen.say(f"order:{order_id}", "accept", {"preparation_s": 600}, ref=str(number))
        first = await kitchen.event("reply")
        assert (first["ref"], first["payload"]["error"]["code"]) == (str(MAX_UNDER_WAY), "too_many_commands")
        await transaction.rollback()
        replies = [(await kitchen.event("reply"))["payload"] for _ in range(MAX_UNDER_WAY)]
    assert sum("ok" in reply for reply in replies) == 1
