"""What each role is shown of an order, while it serves it."""

import json

import pytest

from server.accounts.roles import Role
from server.dispatch.views import order_view, orders_view
from server.errors import NotAllowed, NotFound
from server.orders.codes import Codes
from server.orders.lifecycle import Status
from server.orders.store import OrderFilter
from tests.builders import a_contact, a_viewer
from tests.integration.people import a_town

CONTACT = a_contact()


@pytest.fixture
async def town(storage, clock):
    return await a_town(storage, clock)


async def shown(town, viewer, order_id):
    return await order_view(town.storage.pool, viewer, order_id, Codes(town.settings.secret))


async def ids(town, viewer, **asked):
    return [order["id"] for order in await orders_view(town.storage.pool, viewer, **asked)]


async def test_an_order_is_shown_with_its_merchant_its_courier_and_where_it_goes(town):
    courier = await town.courier()
    view = await shown(town, town.customer, await town.assigned(courier))
    assert view["merchant"] == {
        "id": str(town.merchant.id),
        "name": "Lönnrot",
        "address": "Rautatientori 1",
        "lat": town.merchant.lat,
        "lng": town.merchant.lng,
    }
    assert view["assignment"]["courier_id"] == str(courier.account_id)
    assert view["dropoff"] == {"lat": CONTACT.lat, "lng": CONTACT.lng, "address": CONTACT.address}
    assert view["contact"]["phone"] == CONTACT.phone


async def test_the_merchant_and_the_operations_manager_do_not_learn_where_it_goes(town):
    order_id = await town.assigned(await town.courier())
    for viewer in (town.kitchen, a_viewer(Role.OPERATIONS_MANAGER)):
        text = json.dumps(await shown(town, viewer, order_id))
        for personal in (CONTACT.name, CONTACT.phone, CONTACT.address, str(CONTACT.lat)):
            assert personal not in text


async def test_the_courier_sees_the_order_while_he_has_it_and_not_after(town):
    courier, other = await town.courier(), await town.courier()
    order_id = await town.assigned(courier)
    assert (await shown(town, courier, order_id))["contact"]["phone"] == CONTACT.phone
    assert await ids(town, courier) == [str(order_id)]
    with pytest.raises(NotFound):
        await shown(town, other, order_id)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.deliver(courier, order_id)
    with pytest.raises(NotFound):
        await shown(town, courier, order_id)
    assert await ids(town, courier) == []
    assert (await shown(town, town.customer, order_id))["assignment"]["state"] == "delivered"


async def test_everybody_lists_their_own_and_dispatchers_all(town):
    mine = str(await town.placed())
    stranger, other_kitchen = await town.account(Role.CUSTOMER), a_viewer(Role.MERCHANT)
    for viewer in (town.customer, town.kitchen, town.dispatcher):
        assert await ids(town, viewer) == [mine]
    for viewer in (
        stranger,
        other_kitchen,
        a_viewer(Role.MERCHANT, merchant_id=None),
        a_viewer(Role.COURIER),
    ):
        assert await ids(town, viewer) == []
    with pytest.raises(NotAllowed):
        await ids(town, a_viewer(Role.DATA_ANALYST))


async def test_lists_are_newest_first_by_status_and_page_by_page(town):
    orders = []
    for _ in range(5):
        orders.insert(0, str(await town.placed()))
        town.clock.turn(1)
    await town.orders.accept(town.kitchen, orders[1], 600)
    assert await ids(town, town.dispatcher) == orders
    assert await ids(town, town.customer, limit=2) == orders[:2]
    assert await ids(town, town.customer, before=orders[1], limit=2) == orders[2:4]
    assert await ids(town, town.kitchen, asked=OrderFilter(statuses=[Status.ACCEPTED])) == [orders[1]]


async def test_orders_of_one_moment_are_paged_without_loss(town):
    orders = {str(await town.placed()) for _ in range(5)}
    found: list[str] = []
    while page := await ids(town, town.customer, before=found[-1] if found else None, limit=2):
        found += page
    assert len(found) == 5
    assert set(found) == orders
