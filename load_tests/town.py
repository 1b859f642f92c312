"""People and kitchens for whole lives of orders, straight into the record: making them is not what is measured."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from server.accounts.roles import Role
from server.ids import new_id

CENTER_LAT, CENTER_LNG = 60.170, 24.941
SPREAD_DEG = 0.01  # a kilometre: everybody lives inside of every delivery area


@dataclass(frozen=True)
class Kitchen:
    """A merchant with one thing on the menu."""

    id: UUID
    item_id: UUID
    price_minor: int


@dataclass(frozen=True)
class Town:
    """Who takes part; accounts by id."""

    kitchens: list[Kitchen]
    customers: list[UUID]
    couriers: list[UUID]
    dispatchers: list[UUID]
    cooks: list[tuple[UUID, Kitchen]]


async def seed_town(
    database_url: str, *, kitchens: int, customers: int, couriers: int, dispatchers: int, seed: int = 7
) -> Town:
    """A town of these sizes in an empty database."""
    chance, now = random.Random(seed), datetime.now(UTC)
    now_ms = int(now.timestamp() * 1000)
    made = [Kitchen(new_id(now_ms), new_id(now_ms), chance.randint(500, 3000)) for _ in range(kitchens)]
    town = Town(
        kitchens=made,
        customers=[new_id(now_ms) for _ in range(customers)],
        couriers=[new_id(now_ms) for _ in range(couriers)],
        dispatchers=[new_id(now_ms) for _ in range(dispatchers)],
        cooks=[(new_id(now_ms), kitchen) for kitchen in made],
    )
    accounts: list[tuple[UUID, Role, UUID | None]] = [
        *((account_id, Role.CUSTOMER, None) for account_id in town.customers),
        *((account_id, Role.COURIER, None) for account_id in town.couriers),
        *((account_id, Role.DISPATCHER, None) for account_id in town.dispatchers),
        *((account_id, Role.MERCHANT, kitchen.id) for account_id, kitchen in town.cooks),
    ]
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.executemany(
                "insert into merchants (id, name, address, lat, lng, created_at)"
                " values ($1, 'Bench', 'Katu 1', $2, $3, $4)",
                [
                    (
                        kitchen.id,
                        chance.gauss(CENTER_LAT, SPREAD_DEG),
                        chance.gauss(CENTER_LNG, SPREAD_DEG),
                        now,
                    )
                    for kitchen in made
                ],
            )
            await connection.executemany(
                "insert into menu_items (id, merchant_id, name, price_minor) values ($1, $2, 'Soup', $3)",
                [(kitchen.item_id, kitchen.id, kitchen.price_minor) for kitchen in made],
            )
            await connection.executemany(
                "insert into accounts (id, role, login, display_name, merchant_id, created_at)"
                " values ($1, $2, $3, 'Bench', $4, $5)",
                [
                    (account_id, role.value, str(account_id), merchant_id, now)
                    for account_id, role, merchant_id in accounts
                ],
            )
    finally:
        await connection.close()
    return town
