"""What people and clocks do to orders, on a real database."""

import asyncio
from uuid import uuid4

import pytest

from server.accounts.permissions import OrderNotFound
from server.accounts.roles import Role
from server.errors import NotAllowed, NotFound
from server.orders.lifecycle import IllegalTransition
from server.orders.placing import CheckFailed
from server.orders.service import BadPreparation, BadReason
from server.orders.store import OrderChanged, OrderStore
from server.storage.idempotency import KeyReused
from tests.builders import a_contact, a_viewer, a_wish
from tests.integration.people import a_town


@pytest.fixture
async def town(storage, clock):
    return await a_town(storage, clock)


async def test_an_order_is_placed_with_the_prices_of_the_menu_and_waits_for_the_merchant(town):
    order = await town.orders.place(town.customer, a_wish(town.merchant.id, *town.menu, quantity=2))
    assert (order["status"], order["version"], order["total_minor"]) == ("pending_acceptance", 1, 2140)
    assert [item["name"] for item in order["items"]] == ["Lohikeitto", "Ruisleipä"]
    assert order["number"] > 0


async def test_orders_are_numbered_one_after_the_other(town):
    numbers = [
        (await town.orders.place(town.customer, a_wish(town.merchant.id, *town.menu)))["number"]
        for _ in "abc"
    ]
    assert numbers == sorted(set(numbers))


async def test_nothing_half_made_stays_of_an_order_that_is_refused(town):
    with pytest.raises(CheckFailed):
        await town.orders.place(town.customer, a_wish(town.merchant.id, contact=a_contact(lat=91.0)))
    for table in ("orders", "order_contacts", "event_log", "timers"):
        assert await town.storage.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_where_it_goes_stands_in_the_one_table_for_that_and_nowhere_else(town):
    contact = a_contact()
    order = await town.orders.place(
        town.customer, a_wish(town.merchant.id, *town.menu, contact=contact), key="k"
    )
    found = await OrderStore(town.storage.pool).contacts([order["id"]])
    assert list(found.values()) == [contact]
    for table in ("orders", "event_log", "timers", "idempotency_keys"):
        text = "".join(str(row) for row in await town.storage.pool.fetch(f"SELECT t::text FROM {table} t"))
        for personal in (contact.name, contact.phone, contact.address):
            assert personal not in text


async def test_the_whole_story_is_told_to_those_concerned(town):
    order_id = await town.accepted()
    await town.orders.cancel(town.customer, order_id, "not hungry")
    assert await town.happened(order_id) == [(1, "placed"), (2, "accepted"), (3, "cancelled")]
    topics = await town.storage.pool.fetch("SELECT DISTINCT topics FROM event_log WHERE entity = 'order'")
    assert [row["topics"] for row in topics] == [
        [f"order:{order_id}", f"merchant:{town.merchant.id}", "dispatch:all"]
    ]


async def test_a_silent_merchants_order_expires(town):
    order_id = await town.placed()
    town.clock.turn(town.settings.accept_within_s - 1)
    assert await town.timers.run_due() == 0
    town.clock.turn(1)
    assert await town.timers.run_due() == 1
    assert await town.status(order_id) == "expired"
    with pytest.raises(IllegalTransition):
        await town.orders.accept(town.kitchen, order_id, 600)


@pytest.mark.parametrize("answer", ["accept", "reject", "cancel"])
async def test_an_order_that_was_answered_does_not_expire(town, answer):
    order_id = await town.placed()
    match answer:
        case "accept":
            await town.orders.accept(town.kitchen, order_id, 600)
        case "reject":
            await town.orders.reject(town.kitchen, order_id, "no fish")
        case "cancel":
            await town.orders.cancel(town.customer, order_id, "not hungry")
    before = await town.status(order_id)
    town.clock.turn(town.settings.accept_within_s + 1)
    await town.timers.run_due()
    assert await town.status(order_id) == before


async def test_accepting_in_the_moment_of_the_deadline_has_one_outcome(town):
    for _ in range(10):
        order_id = await town.placed()
        town.clock.turn(town.settings.accept_within_s)
        accepted, fired = await asyncio.gather(
            town.orders.accept(town.kitchen, order_id, 600), town.timers.run_due(), return_exceptions=True
        )
        assert isinstance(fired, int)
        story = [name for _, name in await town.happened(order_id)]
        assert story == (
            ["placed", "expired"] if isinstance(accepted, IllegalTransition) else ["placed", "accepted"]
        )


async def test_a_repeated_command_gets_the_first_answer_and_happens_once(town):
    asked = a_wish(town.merchant.id, *town.menu)
    first = await town.orders.place(town.customer, asked, key="k1")
    assert await town.orders.place(town.customer, asked, key="k1") == first
    assert await town.storage.pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_the_same_command_ten_times_at_once_happens_once(town):
    asked = a_wish(town.merchant.id, *town.menu)
    answers = await asyncio.gather(*(town.orders.place(town.customer, asked, key="k1") for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert await town.storage.pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_a_key_stands_for_one_command_only(town):
    order_id = await town.placed()
    await town.orders.accept(town.kitchen, order_id, 600, key="k1")
    with pytest.raises(KeyReused):
        await town.orders.accept(town.kitchen, order_id, 601, key="k1")
    with pytest.raises(KeyReused):
        await town.orders.reject(town.kitchen, order_id, "no fish", key="k1")


async def test_who_decided_on_an_older_version_is_shown_the_order_as_it_is(town):
    order_id = await town.accepted()
    with pytest.raises(OrderChanged) as refused:
        await town.orders.cancel(town.customer, order_id, "not hungry", version=1)
    assert refused.value.details["order"]["status"] == "accepted"
    assert await town.status(order_id) == "accepted"
    await town.orders.cancel(town.customer, order_id, "not hungry", version=2)


async def test_of_accept_and_cancel_at_once_the_history_is_a_legal_one(town):
    for _ in range(10):
        order_id = await town.placed()
        await asyncio.gather(
            town.orders.accept(town.kitchen, order_id, 600),
            town.orders.reject(town.kitchen, order_id, "no fish"),
            town.orders.cancel(town.customer, order_id, "not hungry"),
            return_exceptions=True,
        )
        assert [name for _, name in await town.happened(order_id)] in (
            ["placed", "rejected"],
            ["placed", "cancelled"],
            ["placed", "accepted", "cancelled"],
        )


async def test_foreign_orders_are_as_good_as_none(town):
    order_id = await town.placed()
    with pytest.raises(NotFound):
        await town.orders.accept(a_viewer(Role.MERCHANT), order_id, 600)
    with pytest.raises(NotFound):
        await town.orders.cancel(a_viewer(Role.CUSTOMER), order_id, "mischief")
    with pytest.raises(NotAllowed):
        await town.orders.accept(town.customer, order_id, 600)
    with pytest.raises(NotAllowed):
        await town.orders.place(town.kitchen, a_wish(town.merchant.id, *town.menu))
    assert await town.happened(order_id) == [(1, "placed")]


async def test_an_order_that_is_not_there_is_not_found(town):
    with pytest.raises(OrderNotFound):
        await town.orders.cancel(town.dispatcher, uuid4(), "whatever")


async def test_a_refused_command_leaves_the_deadline_in_place(town):
    await town.placed()
    order_id = await town.placed()
    with pytest.raises(NotFound):
        await town.orders.accept(a_viewer(Role.MERCHANT), order_id, 600)
    town.clock.turn(town.settings.accept_within_s)
    assert await town.timers.run_due() == 2


@pytest.mark.parametrize("preparation_s", [-1, 4 * 3600 + 1])
async def test_a_kitchen_needs_a_sensible_time(town, preparation_s):
    with pytest.raises(BadPreparation):
        await town.orders.accept(town.kitchen, await town.placed(), preparation_s)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
async def test_who_says_no_says_why(town, reason):
    with pytest.raises(BadReason):
        await town.orders.reject(town.kitchen, await town.placed(), reason)
