"""What the staff decides about an order under way, on a real database."""

from datetime import timedelta

import pytest

from server.dispatch.legs import Act
from server.dispatch.order_moves import BadAddress, BadPromise, BagOnTheWay, NobodyCarriesIt, TooFarAway
from server.orders.alarms import Alarm
from server.orders.lifecycle import IllegalTransition
from server.orders.store import OrderStore
from server.orders.trouble import Grievance
from tests.fakes import NOON
from tests.integration.people import a_town

PLACE = {"address": "Hämeentie 3 B 7", "lat": 60.1850, "lng": 24.9550}


@pytest.fixture
async def town(storage, clock):
    return await a_town(storage, clock)


async def failed(town, courier, reason="no_answer"):
    """An order with the bag at its door, and nobody there."""
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.fail(courier, order_id, Grievance(reason=reason))
    return order_id


async def disputed(town, courier):
    """An order that was delivered, says the courier, and not, says the customer."""
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.deliver(courier, order_id)
    await town.orders.dispute(town.customer, order_id, Grievance(reason="not_received"))
    return order_id


async def test_what_is_brought_once_more_rides_to_the_door_again(town):
    courier = await town.courier()
    order_id = await failed(town, courier)
    await town.decided(order_id, "redeliver")
    assert (await town.status(order_id), await town.carrier(order_id)) == ("delivering", courier.account_id)
    delivered = await town.dispatch.reports.deliver(courier, order_id)
    assert (delivered["status"], delivered["reason"]) == ("delivered", None)


async def test_nobody_brings_once_more_what_nobody_has(town):
    order_id = await disputed(town, await town.courier())
    with pytest.raises(NobodyCarriesIt):
        await town.decided(order_id, "redeliver")


@pytest.mark.parametrize("trouble", [failed, disputed])
async def test_what_is_made_again_gets_a_courier_anew(town, trouble):
    courier = await town.courier()
    order_id = await trouble(town, courier)
    await town.decided(order_id, "remake")
    assert (await town.status(order_id), await town.carrier(order_id)) == ("accepted", None)
    town.nearest.set_busy(courier.account_id, busy=False)
    await town.timers.run_due()
    assert await town.carrier(order_id) == courier.account_id
    await town.dispatch.reports.pick_up(courier, order_id)


@pytest.mark.parametrize("trouble", [failed, disputed])
async def test_what_is_settled_is_over_and_frees_whoever_had_it(town, trouble):
    order_id = await trouble(town, await town.courier())
    await town.decided(order_id, "settle", "agreed")
    assert (await town.status(order_id), await town.carrier(order_id)) == ("closed", None)
    assert await town.storage.pool.fetchval("SELECT ended_at FROM orders") == NOON
    left = await town.storage.pool.fetch("SELECT kind FROM timers WHERE entity_id = $1", order_id)
    assert not {row["kind"] for row in left} & {*Alarm, "take_by"}


async def test_what_nobody_has_is_returned_at_once(town):
    order_id = await disputed(town, await town.courier())
    await town.decided(order_id, "send_back")
    assert await town.status(order_id) == "returned"


async def test_who_turned_back_may_turn_again(town):
    courier = await town.courier()
    order_id = await failed(town, courier)
    await town.decided(order_id, "send_back")
    await town.decided(order_id, "redeliver")
    assert (await town.dispatch.reports.deliver(courier, order_id))["status"] == "delivered"


async def test_a_delivery_that_was_right_waits_for_its_customer_again(town):
    order_id = await disputed(town, await town.courier())
    await town.decided(order_id, "uphold")
    assert await town.status(order_id) == "delivered"
    town.clock.turn(town.settings.receipt_within_s)
    await town.timers.run_due()
    assert await town.status(order_id) == "completed"
    failing = await failed(town, await town.courier())
    with pytest.raises(IllegalTransition):
        await town.decided(failing, "uphold")


async def test_another_promise_stands_beside_the_first(town):
    order_id = await town.accepted()
    promised_at = NOON + timedelta(hours=2)
    await town.decided(order_id, "re_promise", promised_at, why="traffic")
    order = await OrderStore(town.storage.pool).get(order_id)
    assert order.promised_at == promised_at
    assert order.first_promised_at is not None
    assert order.first_promised_at < promised_at
    fields = await town.storage.pool.fetchval("SELECT fields FROM event_log WHERE name = 're_promised'")
    assert (fields["why"], fields["by"]) == ("traffic", "dispatcher")
    for bad in (NOON, NOON + timedelta(days=2)):
        with pytest.raises(BadPromise):
            await town.decided(order_id, "re_promise", bad)


async def test_a_corrected_address_is_in_no_event_and_not_too_far(town):
    courier = await town.courier()
    order_id = await failed(town, courier, "wrong_address")
    await town.decided(order_id, "correct_address", **PLACE)
    contact = await OrderStore(town.storage.pool).contact(order_id)
    assert contact is not None
    assert (contact.address, contact.lat, contact.lng) == tuple(PLACE.values())
    assert (await town.happened(order_id))[-1][1] == "address_corrected"
    events = await town.storage.pool.fetch("SELECT fields::text FROM event_log")
    assert not any("Hämeentie" in row["fields"] for row in events)
    with pytest.raises(TooFarAway):
        await town.decided(order_id, "correct_address", **{**PLACE, "lat": 61.0})
    for bad in ({"address": "somewhere"}, {"lat": 91.0}, {"lng": float("nan")}):
        with pytest.raises(BadAddress):
            await town.decided(order_id, "correct_address", **{**PLACE, **bad})


async def test_an_order_is_taken_from_a_courier_who_has_not_fetched_it_and_goes_to_another(town):
    first, second = await town.courier(metres_north=10), await town.courier(metres_north=500)
    order_id = await town.assigned(first)
    await town.dispatch.reports.step(first, order_id, Act.TAKE)
    await town.decided(order_id, "reassign", "flat tyre")
    for courier in (first, second):
        town.nearest.set_busy(courier.account_id, busy=False)
    await town.timers.run_due()
    assert await town.carrier(order_id) == second.account_id
    await town.dispatch.reports.pick_up(second, order_id)
    with pytest.raises(BagOnTheWay):
        await town.decided(order_id, "reassign", "again")
