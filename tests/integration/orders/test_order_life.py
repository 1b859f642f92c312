"""The whole life of an order beside its courier: promise, kitchen, slips, scheduling, receipt, and every clock."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from server.accounts.permissions import OrderNotFound
from server.accounts.roles import Role
from server.dispatch.views import order_view, orders_view
from server.errors import NotAllowed
from server.orders.codes import Codes
from server.orders.kitchen import KitchenEvent
from server.orders.lifecycle import UNDO_WITHIN, IllegalTransition, Status
from server.orders.moves import NotYoursToUndo, TooLateToUndo
from server.orders.order_clock import OrderClock
from server.orders.placing import Window
from server.orders.service import BadPreparation, BadReason
from server.orders.store import OrderChanged, OrderStore
from server.orders.trouble import BadGrievance, Grievance, UnknownReason
from server.storage.timers import Timers
from tests.builders import a_viewer, a_wish
from tests.fakes import NOON
from tests.integration.people import a_town

MINUTE = timedelta(minutes=1)
READY, NOT_READY = KitchenEvent.MARK_READY, KitchenEvent.UNMARK_READY


@pytest.fixture
async def town(storage, clock):
    return await a_town(storage, clock)


async def delivered(town) -> UUID:
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.deliver(courier, order_id)
    return order_id


async def story(town, order_id: UUID) -> list[str]:
    return [name for _, name in await town.happened(order_id)]


async def timers(town, order_id: UUID) -> set[str]:
    rows = await town.storage.pool.fetch("SELECT kind FROM timers WHERE entity_id = $1", order_id)
    return {row["kind"] for row in rows} - {"assign", "take_by"}


async def pass_by(town, seconds: float) -> None:
    """So much time goes by, and the clock does what it has to, again and again."""
    town.clock.turn(seconds)
    while await town.timers.run_due():
        pass


# Promise and kitchen


async def test_with_acceptance_the_promise_is_fixed(town):
    order_id = await town.placed()
    accepted = await town.orders.accept(town.kitchen, order_id, 600)
    order = await OrderStore(town.storage.pool).get(order_id)
    assert order.promised_at is not None
    assert order.first_promised_at == order.promised_at > NOON + 15 * MINUTE
    assert accepted["kitchen"] == "preparing"


async def test_a_kitchen_that_needs_longer_says_so_and_why(town):
    order_id = await town.accepted()
    first = (await OrderStore(town.storage.pool).get(order_id)).promised_at
    town.clock.turn(300)
    postponed = await town.orders.postpone(town.kitchen, order_id, 1200, "the oven", version=2)
    order = await OrderStore(town.storage.pool).get(order_id)
    assert (order.preparation_s, order.ready_by) == (1500, NOON + 25 * MINUTE)
    assert order.first_promised_at == first
    assert order.promised_at == first + 15 * MINUTE
    assert postponed["version"] == 3
    row = await town.storage.pool.fetchrow("SELECT * FROM event_log WHERE name = 'postponed'")
    assert row["fields"]["why"] == "the oven"
    assert "dispatch:all" in row["topics"]
    with pytest.raises(BadReason):
        await town.orders.postpone(town.kitchen, order_id, 1200, "")
    with pytest.raises(BadPreparation):
        await town.orders.postpone(town.kitchen, order_id, -1, "the oven")


async def test_food_is_ready_or_after_all_not(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    ready = await town.orders.cook(town.kitchen, order_id, READY)
    assert (ready["kitchen"], ready["status"]) == ("ready", "accepted")
    topics = await town.storage.pool.fetchval("SELECT topics FROM event_log WHERE name = 'ready'")
    assert f"courier:{courier.account_id}" in topics  # he is told to come
    with pytest.raises(IllegalTransition):
        await town.orders.cook(town.kitchen, order_id, READY)
    with pytest.raises(IllegalTransition):
        await town.orders.postpone(town.kitchen, order_id, 600, "not true")
    again = await town.orders.cook(town.kitchen, order_id, NOT_READY)
    assert (again["kitchen"], again["ready_at"]) == ("preparing", None)
    for role in (town.customer, town.dispatcher, courier):
        with pytest.raises(NotAllowed):
            await town.orders.cook(role, order_id, READY)


async def test_who_decided_on_an_older_version_is_shown_what_is(town):
    order_id = await town.accepted()
    for command in (
        town.orders.cook(town.kitchen, order_id, READY, version=1),
        town.orders.postpone(town.kitchen, order_id, 600, "late", version=1),
        town.orders.undo(town.kitchen, order_id, version=1),
        town.orders.confirm_receipt(town.customer, order_id, version=1),
    ):
        with pytest.raises(OrderChanged) as refused:
            await command
        assert refused.value.details["order"]["version"] == 2


# Slips


@pytest.mark.parametrize("slip", ["reject", "cancel"])
async def test_a_slip_is_undone_within_a_minute_and_the_merchant_is_asked_anew(town, slip):
    order_id = await town.placed()
    if slip == "reject":
        maker, other = town.kitchen, town.customer
        await town.orders.reject(maker, order_id, "wrong button")
    else:
        maker, other = town.customer, town.kitchen
        await town.orders.cancel(maker, order_id, "wrong button")
    assert await timers(town, order_id) == set()
    with pytest.raises(NotYoursToUndo):
        await town.orders.undo(other, order_id)
    town.clock.turn(UNDO_WITHIN.total_seconds())
    back = await town.orders.undo(maker, order_id)
    assert (back["status"], back["reason"], back["ended_at"], back["ended_by"]) == (
        "pending_acceptance",
        None,
        None,
        None,
    )
    fields = await town.storage.pool.fetchval("SELECT fields FROM event_log WHERE name = 'undone'")
    assert fields["number"] == back["number"]  # lists that have struck it off can show it again
    await pass_by(town, town.settings.accept_within_s)
    assert await town.status(order_id) == "expired"


async def test_after_a_minute_a_slip_is_a_decision(town):
    order_id = await town.placed()
    await town.orders.reject(town.kitchen, order_id, "no fish")
    town.clock.turn(UNDO_WITHIN.total_seconds() + 1)
    with pytest.raises(TooLateToUndo):
        await town.orders.undo(town.kitchen, order_id)


async def test_a_merchant_calls_an_accepted_order_off_and_back(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    cancelled = await town.orders.cancel(town.kitchen, order_id, "the oven is dead")
    assert (cancelled["ended_by"], await town.carrier(order_id)) == ("merchant", None)
    back = await town.orders.undo(town.kitchen, order_id)
    assert (back["status"], back["kitchen"], back["promised_at"], back["accepted_at"]) == (
        "pending_acceptance",
        None,
        None,
        None,
    )
    await town.orders.accept(town.kitchen, order_id, 300)
    assert await story(town, order_id) == ["placed", "accepted", "cancelled", "undone", "accepted"]


# Wanted for later


async def scheduled(town) -> UUID:
    window = Window(begins=NOON + 120 * MINUTE, ends=NOON + 150 * MINUTE)
    order = await town.orders.place(town.customer, a_wish(town.merchant.id, *town.menu, scheduled_for=window))
    assert order["status"] == "scheduled"
    return UUID(order["id"])


async def seen_by_merchant(town, order_id: UUID) -> bool:
    listed = await orders_view(town.storage.pool, town.kitchen)
    try:
        await order_view(town.storage.pool, town.kitchen, order_id, Codes(""))
    except OrderNotFound:
        assert listed == []
        return False
    assert len(listed) == 1
    return True


async def test_a_scheduled_order_reaches_its_merchant_when_it_is_time(town):
    order_id = await scheduled(town)
    assert not await seen_by_merchant(town, order_id)
    with pytest.raises(OrderNotFound):
        await town.orders.accept(town.kitchen, order_id, 600)
    placed = await town.storage.pool.fetchrow("SELECT * FROM event_log WHERE name = 'placed'")
    assert f"merchant:{town.merchant.id}" not in placed["topics"]
    order = await OrderStore(town.storage.pool).get(order_id)
    assert order.release_at is not None
    await pass_by(town, (order.release_at - NOON).total_seconds() - 1)
    assert await town.status(order_id) == "scheduled"
    await pass_by(town, 1)
    assert await town.status(order_id) == "pending_acceptance"
    assert await seen_by_merchant(town, order_id)
    released = await town.storage.pool.fetchrow("SELECT * FROM event_log WHERE name = 'released'")
    assert f"merchant:{town.merchant.id}" in released["topics"]
    assert released["fields"]["number"] == order.number
    accepted = await town.orders.accept(town.kitchen, order_id, 600)
    assert accepted["promised_at"] == accepted["scheduled_to"]


async def test_cancelled_before_its_time_it_never_comes_to_the_merchant(town):
    order_id = await scheduled(town)
    await town.orders.cancel(town.customer, order_id, "other plans")
    with pytest.raises(OrderNotFound):
        await town.orders.undo(town.kitchen, order_id)
    back = await town.orders.undo(town.customer, order_id)
    assert back["status"] == "scheduled"
    await town.orders.cancel(town.customer, order_id, "other plans after all")
    await pass_by(town, 86_400)
    assert await town.status(order_id) == "cancelled"
    topics = await town.storage.pool.fetch("SELECT topics FROM event_log")
    assert not any(f"merchant:{town.merchant.id}" in row["topics"] for row in topics)


# Receipt


async def test_a_customer_confirms_and_is_asked_how_it_was(town):
    order_id = await delivered(town)
    done = await town.orders.confirm_receipt(town.customer, order_id)
    assert (done["status"], done["ended_at"] is None) == ("completed", False)
    assert (await story(town, order_id))[-2:] == ["completed", "review_requested"]
    assert await timers(town, order_id) == set()
    with pytest.raises(IllegalTransition):
        await town.orders.confirm_receipt(town.customer, order_id)


async def test_a_silent_customer_is_reminded_and_then_taken_at_their_silence(town):
    order_id = await delivered(town)
    await pass_by(town, town.settings.receipt_remind_s)
    assert (await story(town, order_id))[-1] == "receipt_reminded"
    await pass_by(town, town.settings.receipt_within_s - town.settings.receipt_remind_s)
    assert (await story(town, order_id))[-2:] == ["completed", "review_requested"]
    row = await town.storage.pool.fetchrow("SELECT * FROM event_log WHERE name = 'completed'")
    assert (row["actor_id"], row["fields"]["by"]) == (None, "clock")


async def test_who_has_it_not_says_so_instead(town):
    order_id = await delivered(town)
    heard = []

    async def hear(work, trouble):
        heard.append((trouble.happened.name, trouble.grievance.reason, trouble.by.role))

    town.orders.troubles.on(hear)
    disputed = await town.orders.dispute(
        town.customer, order_id, Grievance(reason="not_received", note="nobody rang")
    )
    assert (disputed["status"], disputed["reason"]) == ("delivery_exception", "not_received")
    assert disputed["delivered_at"] is not None
    assert heard == [("disputed", "not_received", Role.CUSTOMER)]
    assert await timers(town, order_id) == set()
    events = await town.storage.pool.fetch("SELECT fields::text FROM event_log")
    assert not any("nobody rang" in row["fields"] for row in events)


@pytest.mark.parametrize(
    ("grievance", "error"),
    [
        (Grievance(reason="because"), UnknownReason),
        (Grievance(reason="accident"), UnknownReason),  # a courier's to say
        (Grievance(reason="not_received", note="x" * 1001), BadGrievance),
    ],
)
async def test_what_is_wrong_is_said_in_the_words_of_the_catalogue(town, grievance, error):
    order_id = await delivered(town)
    with pytest.raises(error):
        await town.orders.dispute(town.customer, order_id, grievance)


async def test_a_delivered_order_is_no_open_work(town):
    order_id = await delivered(town)
    store = OrderStore(town.storage.pool)
    assert await store.newest(open_only=True) == []
    assert [order.id for order in await store.newest()] == [order_id]


# Clocks


async def test_a_late_kitchen_is_reminded_once(town):
    order_id = await town.accepted()
    await pass_by(town, 600 + town.settings.ready_grace_s)
    await pass_by(town, 1)
    assert (await story(town, order_id)).count("ready_late") == 1


async def test_a_kitchen_that_postponed_in_time_is_not_late(town):
    order_id = await town.accepted()
    town.clock.turn(590)
    await town.orders.postpone(town.kitchen, order_id, 600, "the oven")
    await pass_by(town, town.settings.ready_grace_s + 10)
    assert "ready_late" not in await story(town, order_id)
    await pass_by(town, 590)
    assert "ready_late" in await story(town, order_id)


async def test_food_that_nobody_fetches_is_told(town):
    order_id = await town.accepted()
    await town.orders.cook(town.kitchen, order_id, READY)
    await pass_by(town, town.settings.pickup_within_s)
    assert (await story(town, order_id))[-1] == "pickup_late"


async def test_a_promise_that_was_not_kept_is_told_once(town):
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    order = await OrderStore(town.storage.pool).get(order_id)
    assert order.promised_at is not None
    await pass_by(town, (order.promised_at - NOON).total_seconds())
    await town.dispatch.reports.deliver(courier, order_id)
    await pass_by(town, 60)
    assert await story(town, order_id) == ["placed", "accepted", "picked_up", "promise_broken", "delivered"]


async def test_each_clock_rings_once_however_many_processes_listen(town):
    orders = [await town.accepted() for _ in range(6)]
    town.clock.turn(600 + town.settings.ready_grace_s)
    others = [Timers(town.storage, town.clock) for _ in range(4)]
    for one in others:
        town.orders.register(one)
    await asyncio.gather(*(one.run_due() for one in others))
    assert sum(one.failures for one in others) == 0
    for order_id in orders:
        assert (await story(town, order_id)).count("ready_late") == 1


async def test_what_was_set_before_a_restart_rings_after_it(town, storage, clock):
    order_id = await town.accepted()
    newborn = Timers(storage, clock)
    OrderClock(town.orders._patience).register(newborn)
    town.clock.turn(600 + town.settings.ready_grace_s)
    await newborn.run_due()
    assert (await story(town, order_id))[-1] == "ready_late"


@pytest.mark.parametrize("status", [status.value for status in Status])
async def test_what_a_clock_finds_done_already_it_leaves_alone(town, status):
    order_id = await town.accepted()
    await town.storage.pool.execute("UPDATE orders SET status = $2 WHERE id = $1", order_id, status)
    before = await story(town, order_id)
    async with town.storage.unit_of_work() as work:
        await work.set_timer("receipt_due", order_id, NOON)
    await town.timers.run_due()
    after = ["completed", "review_requested"] if status == "delivered" else []
    assert await story(town, order_id) == before + after


async def test_of_confirming_and_the_clock_at_once_one_completes_it(town):
    for _ in range(5):
        order_id = await delivered(town)
        town.clock.turn(town.settings.receipt_within_s)
        said, fired = await asyncio.gather(
            town.orders.confirm_receipt(town.customer, order_id),
            town.timers.run_due(),
            return_exceptions=True,
        )
        assert isinstance(fired, int)
        assert isinstance(said, dict | IllegalTransition)
        assert (await story(town, order_id)).count("completed") == 1


async def test_a_foreign_customers_word_counts_for_nothing(town):
    order_id = await delivered(town)
    for command in (town.orders.confirm_receipt, town.orders.undo):
        with pytest.raises(OrderNotFound):
            await command(a_viewer(Role.CUSTOMER), order_id)
