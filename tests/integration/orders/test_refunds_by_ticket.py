"""Money that is given back with a ticket's decision: by whom, and not before a slip can be undone no more."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from server.accounts.viewer import Viewer
from server.errors import NotAllowed
from server.orders.ticket_commands import TICKET_COMMANDS
from server.orders.ticket_kinds import Kind
from server.orders.ticket_service import ReportTrouble
from server.orders.ticket_store import TicketStore, Wanted
from tests.integration.orders.bank import Street, a_street

TOTAL_MINOR = 1070


@pytest.fixture
async def street(storage, clock) -> AsyncIterator[Street]:
    async with a_street(storage, clock, payment_retry_s=15.0) as street:
        yield street


async def closed_store(street: Street) -> tuple[UUID, UUID]:
    """An order that was paid by card and accepted, and the ticket of its closed merchant."""
    town = street.town
    order_id = await street.paid()
    await town.orders.accept(town.kitchen, order_id, 600)
    trouble = ReportTrouble(kind=Kind.MERCHANT_LATE, reason="closed_store")
    return order_id, UUID((await town.tickets.report(town.dispatcher, order_id, trouble))["id"])


async def cancel(street: Street, viewer: Viewer, ticket_id: UUID, **said: Any) -> None:
    body = msgspec.convert(said, TICKET_COMMANDS["cancel"].body)
    await street.town.tickets.say(viewer, ticket_id, "cancel", body)


async def test_who_may_cancel_but_not_give_money_back_decides_no_refund_with_it(street):
    order_id, ticket_id = await closed_store(street)
    with pytest.raises(NotAllowed):
        await cancel(street, street.town.dispatcher, ticket_id, refund_minor=1000, borne_by="merchant")
    assert await street.town.status(order_id) == "accepted"
    await cancel(street, street.town.dispatcher, ticket_id)  # the rules give it back then
    assert await street.town.status(order_id) == "cancelled"


@pytest.mark.parametrize("refund_minor", [500, TOTAL_MINOR])
async def test_what_goes_back_with_a_cancellation_waits_for_its_minute_and_stays_when_it_is_undone(
    street, refund_minor
):
    order_id, ticket_id = await closed_store(street)
    await cancel(street, street.town.service, ticket_id, refund_minor=refund_minor, borne_by="merchant")
    await street.turn(55)
    assert street.bank.refund_calls == 0
    await street.town.orders.undo(street.town.service, order_id)
    await street.turn(30)
    assert street.bank.refund_calls == 0
    assert await street.payment_status(order_id) == "paid"
    await street.agree()


async def test_what_goes_back_with_a_cancellation_goes_back_when_its_minute_is_over(street):
    order_id, ticket_id = await closed_store(street)
    await cancel(street, street.town.service, ticket_id, refund_minor=500, borne_by="merchant")
    await street.turn(63)
    assert await street.payment_status(order_id) == "refunded"
    assert sorted(await street.refunds(order_id)) == [("confirmed", 500), ("confirmed", TOTAL_MINOR - 500)]
    await street.agree()


async def test_cash_that_is_to_be_given_back_calls_somebody_until_it_is(street):
    """Nothing gives cash back by itself."""
    town, courier = street.town, await street.town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.deliver(courier, order_id)
    told = await town.tickets.report(town.service, order_id, ReportTrouble(kind=Kind.NOT_RECEIVED))
    await town.tickets.say(town.service, UUID(told["id"]), "settle", TICKET_COMMANDS["settle"].body())
    await street.quiet()
    store = TicketStore(town.storage.pool)
    [ticket] = await store.newest(Wanted(order_id=order_id, open_only=True))
    assert (ticket.kind, ticket.reason) == (Kind.PAYMENT_TROUBLE, "cash_to_give_back")
    assert ticket.escalate_at is not None

    [refund] = await town.money.service.refunds(town.service, order_id)
    await town.money.service.pay_out(town.service, order_id, UUID(refund["id"]))
    await street.quiet()
    assert await store.newest(Wanted(order_id=order_id, open_only=True)) == []
    assert await street.payment_status(order_id) == "refunded"
