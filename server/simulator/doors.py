"""What people tell each other at a door, over no wire: the codes by which a bag changes hands."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Telling = Callable[[str], Awaitable[str | None]]


@dataclass(slots=True)
class Doors:
    """Who stands at which counter, and at which door of an order; each tells the courier who asks."""

    counters: dict[str, Telling] = field(default_factory=dict)  # by merchant
    homes: dict[str, Telling] = field(default_factory=dict)  # by order

    async def ask_at_counter(self, merchant_id: str, order_id: str) -> str | None:
        """The pickup code; None when nobody is there who knows it."""
        telling = self.counters.get(merchant_id)
        return None if telling is None else await telling(order_id)

    async def ask_at_home(self, order_id: str) -> str | None:
        """The drop-off code; None when nobody opens who knows it."""
        telling = self.homes.get(order_id)
        return None if telling is None else await telling(order_id)
