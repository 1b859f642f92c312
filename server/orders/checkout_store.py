"""All SQL about checkouts.  Whom one is for stands with the orders' contacts (store.py), until it comes to nothing."""

from typing import Any
from uuid import UUID

import msgspec

from server.orders.checkouts import Checkout, CheckoutNotFound, CheckoutStatus
from server.orders.model import Line

_NAMES = tuple("items" if name == "lines" else name for name in Checkout.__dataclass_fields__)
_COLUMNS = ", ".join(_NAMES)
_PLACES = ", ".join(f"${number}" for number in range(1, len(_NAMES) + 1))


class CheckoutStore:
    """Reads and writes checkouts on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, checkout: Checkout) -> None:
        """Store a new checkout."""
        await self._connection.execute(
            f"INSERT INTO checkouts ({_COLUMNS}) VALUES ({_PLACES})",
            *(
                msgspec.to_builtins(checkout.lines) if name == "items" else getattr(checkout, name)
                for name in _NAMES
            ),
        )

    async def get(self, checkout_id: UUID) -> Checkout:
        """The checkout as it is; CheckoutNotFound."""
        return _found(
            await self._connection.fetchrow(f"SELECT {_COLUMNS} FROM checkouts WHERE id = $1", checkout_id)
        )

    async def lock(self, checkout_id: UUID) -> Checkout:
        """The checkout, held until this transaction ends; CheckoutNotFound."""
        return _found(
            await self._connection.fetchrow(
                f"SELECT {_COLUMNS} FROM checkouts WHERE id = $1 FOR UPDATE", checkout_id
            )
        )

    async def replace(self, moved: Checkout) -> None:
        """Write the checkout, which is locked."""
        await self._connection.execute(
            "UPDATE checkouts SET status = $2, version = $3, ended_at = $4, closed_at_provider = $5 WHERE id = $1",
            moved.id,
            moved.status.value,
            moved.version,
            moved.ended_at,
            moved.closed_at_provider,
        )

    async def set_pay_url(self, checkout_id: UUID, pay_url: str) -> None:
        """Where it can be paid; the first answer stands."""
        await self._connection.execute(
            "UPDATE checkouts SET pay_url = $2 WHERE id = $1 AND pay_url IS NULL", checkout_id, pay_url
        )


def _found(row: Any) -> Checkout:
    if row is None:
        raise CheckoutNotFound
    facts = dict(row)
    items = facts.pop("items")
    return Checkout(
        **{
            **facts,
            "status": CheckoutStatus(facts["status"]),
            "lines": msgspec.convert(items, tuple[Line, ...]),
        }
    )
