"""What hangs on an order (its pictures, its money, its handovers) is for those whose it is, and no one else's."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from server.accounts.permissions import OrderNotFound
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.dispatch.store import carriers_of
from server.errors import NotAllowed
from server.orders.media import MediaKind, MediaNotFound, MediaService
from server.orders.money_service import RefundWish
from server.orders.placing import Window
from server.orders.refunds import NoBearer
from server.orders.review_service import ReviewService
from server.orders.reviews import HandoverWish
from server.orders.ticket_kinds import Kind
from server.orders.ticket_service import ReportTrouble
from server.orders.ticket_store import TicketStore
from server.orders.tickets import Bearer
from server.storage.media_store import open_media
from tests.integration.http.test_media import a_photo
from tests.integration.orders.bank import Street, a_street


@pytest.fixture
async def street(storage, clock) -> AsyncIterator[Street]:
    async with a_street(storage, clock, payment_retry_s=15.0) as street:
        yield street


@pytest.fixture
def media(street: Street, tmp_path: Path) -> MediaService:
    return MediaService(street.town.storage, open_media("", tmp_path), street.town.clock, carriers_of)


async def declined(street: Street) -> tuple[Viewer, UUID]:
    """A courier who would not have an order that is paid and accepted."""
    town = street.town
    order_id = await street.paid()
    unwilling = await town.courier()
    await town.orders.accept(town.kitchen, order_id, 600)
    await town.dispatch.assign(town.dispatcher, order_id, unwilling.account_id)
    await town.dispatch.reports.decline(unwilling, order_id, "too far")
    return unwilling, order_id


async def scheduled(street: Street) -> UUID:
    """An order of which its merchant has not heard yet."""
    now = street.town.clock.now()
    later = Window(now + timedelta(hours=5), now + timedelta(hours=6))
    order_id = await street.paid(scheduled_for=later)
    assert await street.town.status(order_id) == "scheduled"
    return order_id


async def test_a_courier_who_declined_neither_sees_nor_rates_what_another_carried(street, media):
    town = street.town
    unwilling, order_id = await declined(street)
    courier = await town.courier()
    await town.dispatch.assign(town.dispatcher, order_id, courier.account_id)
    await town.dispatch.reports.pick_up(courier, order_id)
    picture = await media.upload(courier, order_id, MediaKind.SIGNATURE, a_photo())
    await town.dispatch.reports.deliver(courier, order_id)
    with pytest.raises(MediaNotFound):
        await media.show(unwilling, UUID(picture["id"]))
    with pytest.raises(OrderNotFound):
        await media.upload(unwilling, order_id, MediaKind.PHOTO, a_photo())
    with pytest.raises(OrderNotFound):
        await ReviewService(town.storage, carriers_of).handover(
            unwilling, order_id, HandoverWish(pickup_stars=1)
        )


async def test_a_courier_who_declined_bears_nothing_and_hears_of_no_trouble(street):
    town = street.town
    unwilling, order_id = await declined(street)
    wish = RefundWish(reason="late", borne_by=Bearer.COURIER, amount_minor=100)
    with pytest.raises(NoBearer):
        await town.money.service.refund(town.service, order_id, wish)
    told = await town.tickets.report(town.customer, order_id, ReportTrouble(kind=Kind.DELAY))
    ticket = await TicketStore(town.storage.pool).get(UUID(told["id"]))
    assert ticket.courier_id != unwilling.account_id


async def test_a_merchant_sees_neither_money_nor_pictures_of_an_order_it_has_not_heard_of(street, media):
    town = street.town
    order_id = await scheduled(street)
    with pytest.raises(OrderNotFound):
        await town.money.service.of_order(town.kitchen, order_id)
    with pytest.raises(OrderNotFound):
        await town.money.service.refunds(town.kitchen, order_id)
    with pytest.raises(OrderNotFound):
        await media.of_order(town.kitchen, order_id)
    assert await town.money.service.refunds(town.customer, order_id) == []


async def test_a_merchant_sees_no_money_that_never_became_an_order(street):
    town = street.town
    checkout = await street.open()
    checkout_id = UUID(checkout["id"])
    await street.turn(town.settings.checkout_lapses_after_s + 60)
    street.deaf = True
    async with town.storage.unit_of_work() as work:  # paid at the last moment, and told of late
        await work.connection.execute(
            "INSERT INTO payments (order_id, customer_id, merchant_id, method, amount_minor, currency, came_at)"
            " SELECT id, customer_id, merchant_id, 'card', total_minor, currency, $2 FROM checkouts WHERE id = $1",
            checkout_id,
            work.now,
        )
    with pytest.raises(OrderNotFound):
        await town.money.service.of_order(town.kitchen, checkout_id)
    assert (await town.money.service.of_order(town.service, checkout_id))["payment"] is not None


async def test_who_sees_no_money_is_not_told_which_orders_there_are(street):
    support = await street.town.account(Role.TECHNICAL_SUPPORT)
    for order_id in (await street.paid(), UUID(int=1)):
        with pytest.raises(NotAllowed):
            await street.town.money.service.refunds(support, order_id)
