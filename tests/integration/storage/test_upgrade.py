"""A database of the release before, with orders in every status, becomes one of ours, and its orders go on."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from server.accounts.roles import Role
from server.accounts.store import AccountStore
from server.accounts.viewer import Viewer
from server.dispatch.reports import ProofGiven
from server.orders.kitchen import KitchenEvent
from server.orders.store import OrderStore
from server.storage.database import open_database
from server.storage.embedded import EmbeddedPostgres
from server.storage.migrate import migrate
from server.storage.migrations.upgrade import upgrade
from server.storage.unit_of_work import Storage
from tests.builders import a_viewer
from tests.conftest import database_named
from tests.fakes import ManualClock
from tests.integration.people import Town, a_town

FORMER = "0001"
MERCHANT, CUSTOMER, COURIER, CARRIER, SUSPENDED = (uuid4() for _ in range(5))
STATUSES = ("pending_acceptance", "accepted", "delivering", "delivered", "rejected", "expired", "cancelled")
ORDERS = {status: uuid4() for status in STATUSES}


async def fill(url: str, now: datetime) -> None:
    """What the release before would have written."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO merchants (id, name, address, lat, lng, created_at)"
        " VALUES ($1, 'Former', 'Road 1', 60.17, 24.94, $2)",
        MERCHANT,
        now,
    )
    people = ((CUSTOMER, "customer"), (COURIER, "courier"), (CARRIER, "courier"), (SUSPENDED, "courier"))
    for account_id, role in people:
        await connection.execute(
            "INSERT INTO accounts (id, role, login, display_name, active, created_at)"
            " VALUES ($1, $2, $3, 'Li', $4, $5)",
            account_id,
            role,
            str(account_id),
            account_id != SUSPENDED,
            now,
        )
    items = f'[{{"item_id": "{uuid4()}", "name": "Pulla", "quantity": 2, "price_minor": 350}}]'
    for status, order_id in ORDERS.items():
        accepted = status in ("accepted", "delivering", "delivered")
        over = status in ("delivered", "rejected", "expired", "cancelled")
        await connection.execute(
            "INSERT INTO orders (id, merchant_id, customer_id, status, version, items, total_minor, currency,"
            " preparation_s, placed_at, accepted_at, ended_at)"
            " VALUES ($1, $2, $3, $4, 1, $5, 700, 'EUR', $6, $7, $8, $9)",
            order_id,
            MERCHANT,
            CUSTOMER,
            status,
            items,
            600 if accepted else None,
            now,
            now if accepted else None,
            now if over else None,
        )
        await connection.execute(
            "INSERT INTO order_contacts VALUES ($1, 'Aino', '+358401234567', 'Road 2', 60.18, 24.95)",
            order_id,
        )
        await connection.execute(
            "INSERT INTO event_log (entity, entity_id, version, name, topics, fields, occurred_at, received_at)"
            " VALUES ('order', $1, 1, 'placed', $2, '{}', $3, $3)",
            order_id,
            [f"order:{order_id}"],
            now,
        )
    for status, courier_id, state in (
        ("accepted", COURIER, "assigned"),
        ("delivering", CARRIER, "picked_up"),
    ):
        await connection.execute(
            "INSERT INTO assignments (id, order_id, courier_id, state, version, created_at)"
            " VALUES ($1, $2, $3, $4, 1, $5)",
            uuid4(),
            ORDERS[status],
            courier_id,
            state,
            now,
        )
    await connection.execute(
        "INSERT INTO timers (kind, entity_id, due_at, payload) VALUES ('accept_deadline', $1, $2, '{}')",
        ORDERS["pending_acceptance"],
        now + timedelta(minutes=3),
    )
    await connection.close()


@pytest.fixture
async def upgraded(postgres: EmbeddedPostgres, clock: ManualClock) -> AsyncIterator[Town]:
    admin = await asyncpg.connect(postgres.url)
    await admin.execute("DROP DATABASE IF EXISTS former WITH (FORCE)")
    await admin.execute("CREATE DATABASE former")
    url = database_named(postgres.url, "former")
    await upgrade(url, FORMER)
    await fill(url, clock.now())
    await migrate(url)
    pool = await open_database(url, pool_size=4)
    storage = Storage(pool, None, clock)
    await storage.tail.start()
    yield await a_town(storage, clock)
    await storage.close()
    await pool.close()
    await admin.execute("DROP DATABASE former WITH (FORCE)")
    await admin.close()


def kitchen() -> Viewer:
    return a_viewer(Role.MERCHANT, merchant_id=MERCHANT)


def courier(account_id: UUID) -> Viewer:
    return a_viewer(Role.COURIER, account_id=account_id)


async def facts(town: Town, status: str) -> dict[str, Any]:
    row = await town.storage.pool.fetchrow("SELECT * FROM orders WHERE id = $1", ORDERS[status])
    return dict(row)


async def test_orders_under_way_are_led_to_their_end(upgraded):
    reports, orders = upgraded.dispatch.reports, upgraded.orders
    codes = reports._codes
    await orders.accept(kitchen(), ORDERS["pending_acceptance"], 600)

    accepted = ORDERS["accepted"]
    await orders.cook(kitchen(), accepted, KitchenEvent.MARK_READY)
    await reports.pick_up(courier(COURIER), accepted, code=codes.pickup(accepted))

    delivering = ORDERS["delivering"]
    await reports.deliver(courier(CARRIER), delivering, proof=ProofGiven(code=codes.dropoff(delivering)))
    assert (await facts(upgraded, "delivering"))["payment_status"] == "paid"
    upgraded.clock.turn(upgraded.settings.receipt_within_s + 1)
    await upgraded.timers.run_due()
    assert await upgraded.status(delivering) == "completed"


async def test_a_promise_of_an_order_under_way_is_watched(upgraded):
    promised_at = (await facts(upgraded, "delivering"))["promised_at"]
    upgraded.clock.turn((promised_at - upgraded.clock.now()).total_seconds() + 1)
    await upgraded.timers.run_due()
    assert "promise_broken" in [name for _, name in await upgraded.happened(ORDERS["delivering"])]


async def test_what_is_over_stays_over_and_who_was_shut_out_stays_out(upgraded):
    assert [await upgraded.status(ORDERS[status]) for status in STATUSES[3:]] == [
        "completed",
        "rejected",
        "expired",
        "cancelled",
    ]
    assert (await facts(upgraded, "delivered"))["payment_status"] == "paid"
    for order_id in ORDERS.values():
        assert (await OrderStore(upgraded.storage.pool).get(order_id)).total_minor == 700
    assert await AccountStore(upgraded.storage.pool).active_couriers([COURIER, SUSPENDED]) == {COURIER: "Li"}
