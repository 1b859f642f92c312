"""Couriers on their way to the customers who watch them, written straight into the record.

Only the set-up goes by the back door: creating thousands of orders over REST would measure that, not the fixes.
"""

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from server.ids import new_id

CENTER_LAT, CENTER_LNG = 60.170, 24.941
SPREAD_DEG = 0.05


@dataclass(frozen=True)
class Couple:
    """One courier, one customer, the order between them, and where the courier starts."""

    courier_id: UUID
    customer_id: UUID
    order_id: UUID
    courier_text: bytes
    lat: float
    lng: float


async def seed_couples(database_url: str, count: int, seed: int = 7) -> list[Couple]:
    """`count` couples whose order is being delivered, so that the customer may see exact positions."""
    chance, now = random.Random(seed), datetime.now(UTC)
    now_ms = int(now.timestamp() * 1000)
    couples = []
    for _ in range(count):
        courier_id = new_id(now_ms)
        couples.append(
            Couple(
                courier_id,
                new_id(now_ms),
                new_id(now_ms),
                str(courier_id).encode(),
                CENTER_LAT + chance.gauss(0, SPREAD_DEG),
                CENTER_LNG + chance.gauss(0, SPREAD_DEG) / math.cos(math.radians(CENTER_LAT)),
            )
        )
    merchant_id = new_id(now_ms)
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(
                "insert into merchants (id, name, address, lat, lng, created_at) values ($1, 'Bench', '', $2, $3, $4)",
                merchant_id,
                CENTER_LAT,
                CENTER_LNG,
                now,
            )
            accounts = [(one.courier_id, "courier") for one in couples] + [
                (one.customer_id, "customer") for one in couples
            ]
            await connection.executemany(
                "insert into accounts (id, role, login, display_name, created_at) values ($1, $2, $3, $3, $4)",
                [(account_id, role, str(account_id), now) for account_id, role in accounts],
            )
            await connection.executemany(
                """insert into orders (id, merchant_id, customer_id, status, version, items, total_minor, currency,
                                       placed_at, accepted_at, picked_up_at)
                   values ($1, $2, $3, 'delivering', 3, '[]'::text::jsonb, 0, 'EUR', $4, $4, $4)""",
                [(one.order_id, merchant_id, one.customer_id, now) for one in couples],
            )
            await connection.executemany(
                "insert into order_contacts (order_id, name, phone, address, lat, lng) values ($1, '', '', '', $2, $3)",
                [(one.order_id, one.lat, one.lng) for one in couples],
            )
            await connection.executemany(
                "insert into assignments (id, order_id, courier_id, state, version, created_at) "
                "values ($1, $2, $3, 'picked_up', 2, $4)",
                [(new_id(now_ms), one.order_id, one.courier_id, now) for one in couples],
            )
    finally:
        await connection.close()
    return couples
