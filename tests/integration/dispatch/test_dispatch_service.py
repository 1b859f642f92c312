"""Giving orders to couriers, and what couriers report, on a real database."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.accounts.roles import Role
from server.dispatch.service import CourierBusy, CourierNotFound, OrderAlreadyAssigned, OrderNotAssignable
from server.errors import NotAllowed, NotFound
from server.orders.lifecycle import IllegalTransition
from server.orders.store import OrderChanged
from server.storage.timers import Timers
from tests.builders import a_viewer
from tests.fakes import NOON
from tests.integration.people import a_town


@pytest.fixture
async def town(storage, clock):
    return await a_town(storage, clock)


# By the clock


async def test_an_accepted_order_goes_to_the_nearest_free_courier(town):
    await town.courier(metres_north=900)
    near = await town.courier(metres_north=200)
    order_id = await town.accepted()
    assert await town.carrier(order_id) is None
    await town.timers.run_due()
    assert await town.carrier(order_id) == near.account_id


async def test_nobody_free_is_asked_about_again_until_there_is(town):
    order_id = await town.accepted()
    for _ in range(3):
        await town.timers.run_due()
        assert await town.carrier(order_id) is None
        town.clock.turn(town.settings.assign_again_s)
    courier = await town.courier()
    await town.timers.run_due()
    assert await town.carrier(order_id) == courier.account_id
    assert await town.storage.pool.fetchval("SELECT count(*) FROM timers WHERE kind = 'assign'") == 0


async def test_a_silent_courier_is_not_offered_anything(town):
    await town.courier()
    town.clock.turn(town.settings.gone_after_s)
    order_id = await town.accepted()
    await town.timers.run_due()
    assert await town.carrier(order_id) is None


async def test_a_courier_whose_account_is_closed_is_passed_over(town):
    await town.courier(metres_north=10, active=False)
    other = await town.courier(metres_north=500)
    order_id = await town.accepted()
    await town.timers.run_due()
    assert await town.carrier(order_id) == other.account_id


async def test_two_orders_of_one_moment_go_to_two_couriers_though_the_picture_still_shows_both_free(town):
    couriers = {
        (await town.courier(metres_north=100)).account_id,
        (await town.courier(metres_north=300)).account_id,
    }
    town.duties.on_change.clear()  # this process has not heard of the first assignment yet
    orders = [await town.accepted(), await town.accepted()]
    assert await town.timers.run_due() == 2
    assert {await town.carrier(order_id) for order_id in orders} == couriers


async def test_many_processes_give_each_order_once_and_each_courier_one(town):
    couriers = [await town.courier(metres_north=50 * number) for number in range(6)]
    orders = [await town.accepted() for _ in range(9)]
    others = [Timers(town.storage, town.clock) for _ in range(4)]
    for timers in others:
        town.dispatch.register(timers)
    await asyncio.gather(*(timers.run_due() for timers in (town.timers, *others)))
    carriers = [await town.carrier(order_id) for order_id in orders]
    given = [carrier for carrier in carriers if carrier is not None]
    assert sorted(given) == sorted(courier.account_id for courier in couriers)
    assert sum(timers.failures for timers in (town.timers, *others)) == 0


async def test_an_order_cancelled_in_the_meantime_is_given_to_nobody(town):
    await town.courier()
    order_id = await town.accepted()
    await town.orders.cancel(town.customer, order_id, "not hungry")
    await town.timers.run_due()
    assert await town.carrier(order_id) is None
    assert await town.storage.pool.fetchval("SELECT count(*) FROM timers") == 0


async def test_cancelling_while_a_courier_is_being_looked_for_waits_for_nobody(town):
    for number in range(10):
        await town.courier(metres_north=10 * number)
        order_id = await town.accepted()
        cancelled, fired = await asyncio.gather(
            town.orders.cancel(town.customer, order_id, "not hungry"),
            town.timers.run_due(),
            return_exceptions=True,
        )
        assert isinstance(cancelled, dict)
        assert isinstance(fired, int)
        assert await town.carrier(order_id) is None
    assert town.timers.failures == 0


# By hand


async def test_a_dispatcher_gives_an_order_to_a_courier_and_the_clock_leaves_it_there(town):
    await town.courier(metres_north=10)
    chosen = await town.courier(metres_north=800)
    order_id = await town.accepted()
    answer = await town.dispatch.assign(town.dispatcher, order_id, chosen.account_id)
    assert answer["assignment"]["courier_id"] == str(chosen.account_id)
    assert answer["assignment"]["leg"] == "to_pickup"
    await town.timers.run_due()
    assert await town.carrier(order_id) == chosen.account_id


async def test_what_cannot_be_assigned_is_refused_with_its_reason(town):
    courier, other = await town.courier(), await town.courier()
    closed = await town.courier(active=False)
    order_id, second = await town.accepted(), await town.accepted()
    with pytest.raises(OrderNotAssignable):
        await town.dispatch.assign(town.dispatcher, await town.placed(), courier.account_id)
    for nobody in (uuid4(), closed.account_id, town.customer.account_id):
        with pytest.raises(CourierNotFound):
            await town.dispatch.assign(town.dispatcher, order_id, nobody)
    with pytest.raises(OrderChanged):
        await town.dispatch.assign(town.dispatcher, order_id, courier.account_id, version=1)
    await town.dispatch.assign(town.dispatcher, order_id, courier.account_id, version=2)
    with pytest.raises(OrderAlreadyAssigned):
        await town.dispatch.assign(town.dispatcher, order_id, other.account_id)
    with pytest.raises(CourierBusy):
        await town.dispatch.assign(town.dispatcher, second, courier.account_id)
    with pytest.raises(NotAllowed):
        await town.dispatch.assign(town.kitchen, second, other.account_id)


async def test_of_two_couriers_for_one_order_exactly_one_gets_it(town):
    """The same race over two processes with kills in between is for ./dev test --long."""
    for _ in range(25):
        couriers = [await town.courier(), await town.courier()]
        order_id = await town.accepted()
        answers = await asyncio.gather(
            *(town.dispatch.assign(town.dispatcher, order_id, courier.account_id) for courier in couriers),
            return_exceptions=True,
        )
        [winner] = [answer for answer in answers if isinstance(answer, dict)]
        [loser] = [answer for answer in answers if not isinstance(answer, dict)]
        assert isinstance(loser, OrderAlreadyAssigned)
        assert await town.carrier(order_id) == UUID(winner["assignment"]["courier_id"])


async def test_of_two_orders_for_one_courier_exactly_one_is_his(town):
    for _ in range(25):
        courier = await town.courier()
        orders = [await town.accepted(), await town.accepted()]
        answers = await asyncio.gather(
            *(town.dispatch.assign(town.dispatcher, order_id, courier.account_id) for order_id in orders),
            return_exceptions=True,
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["CourierBusy", "dict"]


# What couriers report


async def test_a_courier_picks_up_and_delivers_and_order_and_assignment_move_together(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    picked_up = await town.dispatch.reports.pick_up(courier, order_id)
    assert (picked_up["status"], picked_up["assignment"]["state"], picked_up["assignment"]["leg"]) == (
        "delivering",
        "picked_up",
        "to_dropoff",
    )
    delivered = await town.dispatch.reports.deliver(courier, order_id)
    assert (delivered["status"], delivered["assignment"]["state"]) == ("delivered", "delivered")
    assert await town.happened(order_id) == [
        (1, "placed"),
        (2, "accepted"),
        (3, "picked_up"),
        (4, "delivered"),
    ]
    assert await town.happened(UUID(delivered["assignment"]["id"])) == [
        (1, "assigned"),
        (2, "picked_up"),
        (3, "delivered"),
    ]


async def test_the_couriers_own_topic_hears_what_he_has_to_do(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    rows = await town.storage.pool.fetch(
        "SELECT entity, name, fields FROM event_log WHERE topics @> ARRAY[$1] ORDER BY transaction_id, position",
        f"courier:{courier.account_id}",
    )
    assert [(row["entity"], row["name"]) for row in rows] == [
        ("assignment", "assigned"),
        ("order", "picked_up"),
        ("assignment", "picked_up"),
    ]
    assert rows[0]["fields"] == {
        "order_id": str(order_id),
        "merchant_id": str(town.merchant.id),
        "customer_id": str(town.customer.account_id),
        "courier_id": str(courier.account_id),
        "courier_name": "Li",
        "state": "assigned",
        "leg": "to_pickup",
        "by": "dispatcher",
    }


async def test_a_courier_who_has_delivered_may_be_given_another_order(town):
    courier = await town.courier()
    first = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, first)
    await town.dispatch.reports.deliver(courier, first)
    second = await town.assigned(courier)
    assert await town.carrier(second) == courier.account_id


@pytest.mark.parametrize(("said_s", "believed_s"), [(None, 300), (240, 240), (-3600, 0), (3600, 300)])
async def test_a_report_that_waited_for_the_network_counts_from_when_it_happened(town, said_s, believed_s):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    town.clock.turn(300)
    said = None if said_s is None else NOON + timedelta(seconds=said_s)
    picked_up = await town.dispatch.reports.pick_up(courier, order_id, said)
    expected = NOON + timedelta(seconds=believed_s)
    assert picked_up["picked_up_at"] == expected.isoformat().replace("+00:00", "Z")
    row = await town.storage.pool.fetchrow(
        "SELECT occurred_at, received_at FROM event_log WHERE entity = 'order' AND name = 'picked_up'"
    )
    assert (row["occurred_at"], row["received_at"]) == (expected, NOON + timedelta(seconds=300))


async def test_only_the_courier_who_has_the_order_reports_of_it(town):
    courier, other = await town.courier(), await town.courier()
    order_id = await town.assigned(courier)
    for stranger in (other, a_viewer(Role.COURIER)):
        with pytest.raises(NotFound):
            await town.dispatch.reports.pick_up(stranger, order_id)
    for role in (town.customer, town.kitchen, town.dispatcher):
        with pytest.raises(NotAllowed):
            await town.dispatch.reports.pick_up(role, order_id)
    with pytest.raises(NotFound):
        await town.dispatch.reports.pick_up(courier, await town.accepted())


async def test_what_has_not_been_fetched_is_not_delivered(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    with pytest.raises(IllegalTransition):
        await town.dispatch.reports.deliver(courier, order_id)


async def test_a_report_sent_again_with_its_key_gets_the_same_answer(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    first = await town.dispatch.reports.deliver(courier, order_id, NOON, key="d1")
    assert await town.dispatch.reports.deliver(courier, order_id, NOON, key="d1") == first


# Cancelling


async def test_a_cancelled_order_frees_its_courier_in_the_same_transaction(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.orders.cancel(town.customer, order_id, "not hungry")
    assert await town.carrier(order_id) is None
    rows = await town.storage.pool.fetch(
        "SELECT entity, name, transaction_id FROM event_log WHERE name IN ('cancelled', 'withdrawn') ORDER BY position"
    )
    assert [(row["entity"], row["name"]) for row in rows] == [
        ("order", "cancelled"),
        ("assignment", "withdrawn"),
    ]
    assert rows[0]["transaction_id"] == rows[1]["transaction_id"]
    with pytest.raises(IllegalTransition):
        await town.dispatch.reports.pick_up(courier, order_id)


async def test_of_cancelling_and_picking_up_at_once_one_comes_first_and_both_see_the_same(town):
    for _ in range(15):
        courier = await town.courier()
        order_id = await town.assigned(courier)
        cancelled, picked_up = await asyncio.gather(
            town.orders.cancel(town.customer, order_id, "not hungry"),
            town.dispatch.reports.pick_up(courier, order_id),
            return_exceptions=True,
        )
        story = [name for _, name in await town.happened(order_id)]
        if isinstance(cancelled, dict):
            assert isinstance(picked_up, IllegalTransition)
            assert story == ["placed", "accepted", "cancelled"]
        else:
            assert isinstance(cancelled, IllegalTransition)
            assert story == ["placed", "accepted", "picked_up"]
