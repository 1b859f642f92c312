"""From the log to deliveries: each event once an endpoint, whoever works, whoever dies, and none is lost."""

import asyncio
from uuid import uuid4

import pytest

from server.accounts.roles import Role
from server.notify.cursor_store import CursorStore
from server.notify.fan_out import FanOut
from server.notify.model import EndpointChange, NewEndpoint
from tests.builders import a_viewer
from tests.integration.notify.conftest import Shop
from tests.integration.people import add_merchant
from tests.waiting import eventually


async def test_what_happens_to_a_merchants_orders_is_made_a_delivery_for_each_endpoint_that_wants_it(
    shop: Shop,
):
    await shop.endpoint()
    await shop.endpoint(events=["order.ready"])
    await shop.happens(shop.event("accepted"), shop.event("ready"))
    await shop.told(3)
    rows = await shop.storage.pool.fetch("SELECT type FROM webhook_deliveries")
    assert sorted(row["type"] for row in rows) == ["order.accepted", "order.ready", "order.ready"]


async def test_another_merchants_orders_are_nobodys_business_but_the_platforms(shop: Shop):
    other = await add_merchant(shop.storage, [])
    await shop.endpoint(merchant=other)
    chief = a_viewer(Role.ADMINISTRATOR)
    await shop.service.add(chief, None, NewEndpoint(shop.receiver.url))
    await shop.happens()
    await shop.told(1)
    assert await shop.storage.pool.fetchval(
        "SELECT merchant_id IS NULL FROM webhook_deliveries JOIN webhook_endpoints e ON e.id = endpoint_id"
    )


async def test_what_is_no_business_of_receivers_is_not_told(shop: Shop):
    await shop.endpoint()
    await shop.happens(
        shop.event("a word that no table knows"),
        shop.event(entity="courier", name="suspended"),
        shop.event(topics=("dispatch:all",)),
        shop.event("ready"),
    )
    await shop.told(1)


async def test_an_endpoint_hears_of_what_happens_from_its_making_on(shop: Shop):
    await shop.happens()
    await shop.endpoint()
    await shop.happens()
    await shop.told(1)


async def test_an_endpoint_that_was_off_does_not_hear_of_what_it_missed(shop: Shop):
    made = (await shop.endpoint()).webhook
    for enabled in (False, True):
        await shop.service.change(shop.kitchen, shop.merchant.id, made.id, EndpointChange(enabled=enabled))
        await shop.happens(shop.event("ready" if enabled else "accepted"))
    await shop.told(1)
    assert await shop.storage.pool.fetchval("SELECT type FROM webhook_deliveries") == "order.ready"


async def test_while_nobody_listens_nothing_is_written(shop: Shop):
    place = await shop.storage.pool.fetchrow("SELECT * FROM webhook_cursor")
    for _ in range(3):
        await shop.happens()
        assert await shop.fan_out.catch_up() == 0
    assert await shop.storage.pool.fetchrow("SELECT * FROM webhook_cursor") == place


async def test_several_processes_at_once_make_each_delivery_once(shop: Shop):
    await shop.endpoint()
    processes = [FanOut(shop.storage, shop.clock) for _ in range(3)]
    events = 150

    async def commands() -> None:
        for _ in range(events):
            await shop.happens()

    async def follow(process: FanOut, until: asyncio.Event) -> int:
        made = 0
        while not until.is_set():
            made += await process.catch_up()
        return made

    over = asyncio.Event()
    following = [asyncio.create_task(follow(process, over)) for process in processes]
    await commands()

    async def all_made() -> bool:
        return len(await shop.states()) >= events

    await eventually(all_made)
    over.set()
    assert sum(await asyncio.gather(*following)) == events
    versions = await shop.storage.pool.fetchval("SELECT count(DISTINCT order_id) FROM webhook_deliveries")
    assert versions == len(await shop.states()) == events


@pytest.mark.parametrize("dies_in", ["add", "move_to"])
async def test_a_process_that_dies_in_between_leaves_all_to_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, dies_in: str
):
    await shop.endpoint()
    await shop.happens()
    whole = getattr(CursorStore, dies_in)

    async def dies(*arguments: object) -> None:
        await whole(*arguments)
        raise KeyboardInterrupt

    async def dying() -> bool:
        try:
            await shop.fan_out.catch_up()
        except KeyboardInterrupt:
            return True
        return False

    with monkeypatch.context() as patch:
        patch.setattr(CursorStore, dies_in, dies)
        await eventually(dying)
    assert await shop.states() == []
    await shop.told(1)
    assert await shop.fan_out.catch_up() == 0


async def test_an_older_transaction_that_commits_later_is_not_passed_over(shop: Shop):
    await shop.endpoint()
    async with shop.storage.unit_of_work() as slow:
        await slow.append(shop.event("accepted"))
        await slow.flush()
        await shop.happens(shop.event("ready"))
        assert await shop.fan_out.catch_up() == 0  # the younger one waits, or its elder would be lost
    await shop.told(2)


async def test_an_endpoint_made_while_the_log_is_read_misses_nothing_after_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    """Its transaction and the event's commit between the two looks of one pass."""
    await shop.endpoint()
    await shop.happens()
    other = await add_merchant(shop.storage, [])
    level = CursorStore.level

    async def meanwhile(store: CursorStore):
        found = await level(store)
        if monkeypatched:
            monkeypatched.clear()
            await shop.endpoint(merchant=other)
            await shop.happens(shop.event(topics=(f"merchant:{other.id}",)))
        return found

    monkeypatched = [True]
    monkeypatch.setattr(CursorStore, "level", meanwhile)
    await shop.told(2)


async def test_a_delivery_that_was_made_before_is_not_made_again(shop: Shop):
    """As after a restore, when the stored place is older than the deliveries."""
    await shop.endpoint()
    await shop.happens()
    await shop.told(1)
    await shop.storage.pool.execute("UPDATE webhook_cursor SET transaction_id = '0', position = 0")
    await shop.happens()

    async def second_is_made() -> bool:
        await shop.fan_out.catch_up()
        return len(await shop.states()) == 2

    await eventually(second_is_made)
    assert len(await shop.states()) == 2


async def test_a_place_of_another_life_of_the_database_is_begun_anew(shop: Shop):
    await shop.endpoint()
    await shop.storage.pool.execute(
        "UPDATE webhook_cursor SET transaction_id = '9999999999999', position = 3"
    )
    await shop.storage.pool.execute("UPDATE webhook_endpoints SET since = '9999999999999'")
    await shop.fan_out.catch_up()
    await shop.happens()

    async def made() -> bool:
        await shop.fan_out.catch_up()
        return len(await shop.states()) == 1

    await eventually(made)


async def test_many_are_made_in_batches_and_keep_their_order(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("server.notify.fan_out.BATCH_ROWS", 3)
    await shop.endpoint()
    order_id = uuid4()
    names = ["placed", "accepted", "ready", "picked_up", "delivered", "completed", "disputed"]
    await shop.happens(*(shop.event(name, order_id) for name in names))
    await shop.told(len(names))
    rows = await shop.storage.pool.fetch("SELECT body FROM webhook_deliveries ORDER BY position")
    assert [f'"version":{version},' in row["body"] for version, row in enumerate(rows, 1)] == [True] * len(
        names
    )
