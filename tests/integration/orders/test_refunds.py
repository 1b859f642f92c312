"""Money that goes back, on a real database and from a real small bank: once, whatever dies in between."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from server.accounts.roles import Role
from server.errors import NotAllowed
from server.orders.money_service import Beneficiary, CompensationWish, RefundWish
from server.orders.refunds import NoBearer, NothingPaid, TooMuch
from server.orders.tickets import Bearer
from server.simulator.bank_books import Card
from tests.builders import a_viewer
from tests.integration.orders.bank import Street, a_street

TOTAL_MINOR = 1070


@pytest.fixture
async def street(storage, clock) -> AsyncIterator[Street]:
    async with a_street(storage, clock, payment_retry_s=15.0) as street:
        yield street


async def decide(street: Street, order_id: UUID, amount_minor: int | None = None, **facts):
    """Customer service gives money back."""
    wish = RefundWish(
        **{
            "reason": "item_missing",
            "borne_by": Bearer.PLATFORM,
            "amount_minor": amount_minor,
            "full": amount_minor is None,
            **facts,
        }
    )
    return await street.town.money.service.refund(street.town.service, order_id, wish)


async def completed(street: Street, card: Card = Card.OK) -> UUID:
    """An order that was paid by card, and eaten."""
    return await eaten(street, await street.paid(card))


async def eaten(street: Street, order_id: UUID) -> UUID:
    town = street.town
    courier = await town.courier()
    await town.orders.accept(town.kitchen, order_id, 600)
    await town.dispatch.assign(town.dispatcher, order_id, courier.account_id)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.deliver(courier, order_id)
    await town.orders.confirm_receipt(town.customer, order_id)
    await street.quiet()
    assert await town.status(order_id) == "completed", await town.happened(order_id)
    return order_id


# What the rules give back


async def test_a_rejected_order_is_paid_back_when_its_minute_for_an_undo_is_over(street):
    order_id = await street.paid()
    await street.town.orders.reject(street.town.kitchen, order_id, "sold out")
    await street.quiet()
    assert await street.payment_status(order_id) == "refund_pending"
    await street.turn(60)
    assert street.bank.refund_calls == 0
    await street.turn(3)
    assert await street.payment_status(order_id) == "refunded"
    assert await street.refunds(order_id) == [("confirmed", TOTAL_MINOR)]
    assert await street.accounts() == {}
    await street.agree()


async def test_undone_the_money_stays(street):
    order_id = await street.paid()
    await street.town.orders.reject(street.town.kitchen, order_id, "slip")
    await street.quiet()
    await street.turn(50)
    await street.town.orders.undo(street.town.kitchen, order_id)
    await street.turn(60)
    assert await street.refunds(order_id) == [("withdrawn", TOTAL_MINOR)]
    assert await street.payment_status(order_id) == "paid"
    assert street.bank.refund_calls == 0
    await street.town.orders.reject(street.town.kitchen, order_id, "no slip")
    await street.turn(63)
    assert await street.payment_status(order_id) == "refunded"
    await street.agree()


async def test_an_expired_order_is_paid_back_at_once(street):
    order_id = await street.paid()
    await street.turn(181)
    assert await street.town.status(order_id) == "expired"
    assert await street.payment_status(order_id) == "refunded"
    await street.agree()


async def test_who_cancels_late_costs_the_platform_what_the_kitchen_has_made(street):
    order_id = await street.paid()
    await street.town.orders.accept(street.town.kitchen, order_id, 600)
    await street.town.orders.cancel(street.town.customer, order_id, "changed my mind")
    await street.turn(63)
    assert await street.payment_status(order_id) == "refunded"
    share_minor = TOTAL_MINOR - 160  # less 15 %
    assert await street.accounts() == {"merchant": share_minor, "platform": -share_minor}
    await street.agree()


async def test_a_kitchen_that_cancels_earns_nothing(street):
    order_id = await street.paid()
    await street.town.orders.accept(street.town.kitchen, order_id, 600)
    await street.town.orders.cancel(street.town.kitchen, order_id, "burnt")
    await street.turn(63)
    assert await street.accounts() == {}
    await street.agree()


# What people decide


async def test_a_part_goes_back_and_who_bears_it_pays(street):
    order_id = await completed(street)
    assert await street.accounts() == {"provider": -TOTAL_MINOR, "merchant": 910, "platform": 160}
    await decide(street, order_id, 120, borne_by=Bearer.MERCHANT)
    await street.quiet()
    assert await street.payment_status(order_id) == "partly_refunded"
    assert await street.accounts() == {"provider": -950, "merchant": 790, "platform": 160}
    entries, sums = await street.town.money.service.of_merchant(
        street.town.kitchen, street.town.merchant.id, begins=None, ends=None, before=None, limit=10
    )
    assert [(entry["reason"], entry["amount_minor"]) for entry in entries] == [
        ("refund_borne", -120), ("merchant_share", 910),
    ]  # fmt: skip
    assert sums == {"EUR": 790}
    await street.agree()


async def test_given_back_before_it_is_eaten_its_bearer_pays_when_the_shares_are_given_out(street):
    order_id = await street.paid()
    await decide(street, order_id, 100, borne_by=Bearer.MERCHANT)
    await street.quiet()
    await eaten(street, order_id)
    assert await street.accounts() == {"provider": -970, "merchant": 810, "platform": 160}
    await street.agree()


async def test_a_courier_bears_what_he_spoilt(street):
    order_id = await completed(street)
    courier = street.town.couriers[-1]
    await decide(street, order_id, borne_by=Bearer.COURIER)
    await street.quiet()
    owner = await street.town.storage.pool.fetchval(
        "SELECT owner_id FROM ledger_entries WHERE account = 'courier'"
    )
    assert owner == courier.account_id
    assert (await street.accounts())["courier"] == -TOTAL_MINOR
    with pytest.raises(NoBearer):
        await decide(street, await street.paid(), borne_by=Bearer.COURIER)
    await street.agree()


async def test_never_more_goes_back_than_came_in(street):
    order_id = await street.paid()
    await decide(street, order_id, 1000)
    with pytest.raises(TooMuch) as refused:
        await decide(street, order_id, 71)
    assert refused.value.details["left_minor"] == 70
    await decide(street, order_id)  # all that is left
    with pytest.raises(TooMuch):
        await decide(street, order_id, 1)
    await street.quiet()
    assert sorted(await street.refunds(order_id)) == [("confirmed", 70), ("confirmed", 1000)]
    await street.agree()


async def test_where_nothing_came_in_nothing_goes_back(street):
    with pytest.raises(NothingPaid):
        await decide(street, await street.town.placed(), 1)


async def test_the_record_itself_refuses_to_give_back_too_much_or_to_forget(street):
    order_id = await completed(street)
    pool = street.town.storage.pool
    for spoiling in (
        "UPDATE payments SET given_back_minor = amount_minor + 1",
        "UPDATE ledger_entries SET amount_minor = 1",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
        "INSERT INTO ledger_entries (transfer_id, order_id, account, amount_minor, currency, reason, created_at)"
        f" VALUES ('{order_id}', '{order_id}', 'platform', 1, 'EUR', 'payment', now())",
    ):
        with pytest.raises(Exception, match=r"violates check|ledger|ledger"):
            await pool.execute(spoiling)
    await street.agree()


async def test_only_customer_service_and_operations_give_money_back(street):
    order_id = await street.paid()
    for role in Role:
        if role in (Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER):
            continue
        with pytest.raises(NotAllowed):
            await street.town.money.service.refund(
                a_viewer(role), order_id, RefundWish(reason="x", borne_by=Bearer.PLATFORM, full=True)
            )


# Cash


async def test_cash_is_collected_at_the_door_and_paid_out_by_hand(street):
    town = street.town
    order_id = await eaten(street, await town.placed())
    assert await street.payment_status(order_id) == "paid"
    assert await street.accounts() == {"cash_in_hand": -TOTAL_MINOR, "merchant": 910, "platform": 160}
    refund = await decide(street, order_id, 120)
    await street.turn(3600)
    assert await street.refunds(order_id) == [("requested", 120)]
    await town.money.service.pay_out(town.service, order_id, UUID(refund["id"]))
    await street.quiet()
    assert await street.payment_status(order_id) == "partly_refunded"
    assert (await street.accounts())["cash_in_hand"] == -950
    assert street.bank.refund_calls == 0
    await street.agree()


# Beyond the price


async def test_something_for_the_trouble_is_the_customers_and_somebody_pays_for_it(street):
    order_id = await completed(street)
    wish = CompensationWish(amount_minor=300, reason="late", borne_by=Bearer.PLATFORM)
    given = await street.town.money.service.compensate(street.town.service, order_id, wish)
    assert (given["beneficiary"], given["amount_minor"]) == ("customer", 300)
    assert (await street.accounts())["customer"] == 300
    to_merchant = CompensationWish(
        amount_minor=100, reason="made_in_vain", borne_by=Bearer.PLATFORM, to=Beneficiary.MERCHANT
    )
    await street.town.money.service.compensate(street.town.service, order_id, to_merchant)
    money = await street.town.money.service.of_order(street.town.service, order_id)
    assert len(money["compensations"]) == 2
    assert sum(entry["amount_minor"] for entry in money["entries"]) == 0
    await street.agree()


# The bank's moods


async def test_a_bank_that_fails_first_is_asked_again(street):
    order_id = await completed(street, Card.REFUND_FAILS)
    await decide(street, order_id, 500)
    await street.quiet()
    assert await street.payment_status(order_id) == "refund_pending"
    await street.turn(16)
    assert street.bank.refund_calls == 2
    assert await street.payment_status(order_id) == "partly_refunded"
    await street.agree()


async def test_a_bank_that_takes_its_time_tells_when_it_is_done(street):
    order_id = await completed(street, Card.REFUND_PENDING)
    await decide(street, order_id, 500)
    await street.quiet()
    assert await street.payment_status(order_id) == "refund_pending"
    street.bank.settle_refunds()
    await street.quiet()
    assert await street.payment_status(order_id) == "partly_refunded"
    await street.agree()


@pytest.mark.parametrize("card", [Card.REFUND_TWICE, Card.REORDERED])
async def test_words_that_come_twice_or_out_of_order_change_nothing(street, card):
    order_id = await completed(street, card)
    await decide(street, order_id, 500)
    await street.quiet()
    assert await street.refunds(order_id) == [("confirmed", 500)]
    await street.agree()


async def test_a_refund_that_the_bank_refuses_waits_for_people(street):
    order_id = await completed(street, Card.REFUND_REFUSED)
    refund = await decide(street, order_id, 500)
    await street.quiet()
    assert await street.refunds(order_id) == [("failed", 500)]
    assert "refund_stuck" in [name for _, name in await street.town.happened(UUID(refund["id"]))]
    assert await street.payment_status(order_id) == "paid"
    # They pay it out by hand: the books know.
    town = street.town
    async with town.storage.unit_of_work() as work:
        await town.money.service.record_payout(
            work, order_id, 500, reason="account_closed", borne_by=Bearer.PLATFORM, by=town.service
        )
    await street.quiet()
    assert await street.payment_status(order_id) == "partly_refunded"
    await street.agree()


async def test_one_that_does_not_go_through_is_told_of_once_and_tried_on(street):
    order_id = await completed(street)
    street.provider.away = True
    refund = await decide(street, order_id, 500)
    for _ in range(60):
        await street.turn(600)
    names = [name for _, name in await street.town.happened(UUID(refund["id"]))]
    assert names.count("refund_stuck") == 1
    street.provider.away = False
    await street.turn(3700)
    assert await street.refunds(order_id) == [("confirmed", 500)]
    await street.agree()


async def test_money_given_back_at_the_bank_itself_is_in_the_books(street):
    order_id = await completed(street)
    street.bank.give_back(str(order_id), 70)
    await street.quiet()
    assert await street.payment_status(order_id) == "partly_refunded"
    with pytest.raises(TooMuch):
        await decide(street, order_id, 1001)
    await street.agree()


# Whatever dies in between


@pytest.mark.parametrize(
    "point",
    ["before the call", "after the bank did it", "after the answer", "within the record", "after the record"],
)
async def test_wherever_the_process_dies_the_money_goes_back_once(street, monkeypatch, point):
    order_id = await completed(street)
    refunds = street.town.money.refunds
    deaths: list[str] = []
    alive: Callable[..., object] = refunds.heard

    def once() -> None:
        if not deaths:
            deaths.append(point)
            raise ConnectionAbortedError  # this task is gone; nothing in it goes on

    async def dying_record(work, *args):
        if point == "after the answer":
            once()
        await alive(work, *args)
        if point == "within the record":
            await work.flush()
            once()

    street.deaf = point != "after the record"  # else the bank's word could do what the dead did not
    if point == "before the call":
        street.provider.before = once
    elif point == "after the bank did it":
        street.provider.after = once
    elif point != "after the record":
        monkeypatch.setattr(refunds, "heard", dying_record)
    await decide(street, order_id, 500)
    await street.quiet()
    if point == "after the record":
        await street.town.timers.run_due()  # nothing is left to be done
    else:
        assert deaths == [point]
        assert await street.refunds(order_id) == [("sent", 500)]
        await street.turn(16)
    assert await street.refunds(order_id) == [("confirmed", 500)]
    assert [refund.amount_minor for refund in street.bank.books.refunds.values()] == [500]
    assert await street.payment_status(order_id) == "partly_refunded"
    street.deaf = False
    await street.turn(7200)
    assert street.bank.refund_calls == (1 if point in ("before the call", "after the record") else 2)
    await street.agree()
