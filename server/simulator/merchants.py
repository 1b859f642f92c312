"""Merchants who take what comes: each hears of new orders on `merchant:<id>`, accepts them after a look, says when the
food is ready, and tells whoever comes for it the code.

What a kitchen needs differs from order to order; its word is in our seconds, for that is what a customer waits.
"""

from contextlib import suppress
from typing import Any

from server.simulator.phone import Phone
from server.simulator.world import World
from server.wire.answers import ClosedForGood, RequestRefused
from server.wire.server_frames import ServerFrame

LOOK_S = (3.0, 25.0)
PREPARATION_S = (240.0, 840.0)
PENDING = "pending_acceptance"
NEW = frozenset({"placed", "released", "undone"})
# Of a hundred kitchens so many say that the food is ready; the others are busy, and the bag stands there all the same.
SAYS_READY = 0.9


class MerchantDesk:
    """One merchant's counter; `keep_open` is its task."""

    def __init__(self, phone: Phone, world: World) -> None:
        self._phone = phone
        self._world = world
        # Orders it has in hand, so that none is looked at twice.
        self._seen: set[str] = set()

    @property
    def topic(self) -> str:
        """The merchant's topic."""
        return f"merchant:{self._phone.account.merchant_id}"

    async def keep_open(self) -> None:
        """Listen and accept until cancelled, or until the server will not have this account any more."""
        self._world.doors.counters[self._phone.account.merchant_id] = self._tell_code
        try:
            async with self._phone.socket() as client:
                self._look_at((await self._phone.listen(client, self.topic))["orders"])
                async for frame in client.frames():
                    self._hear(frame)
        except (ClosedForGood, RequestRefused):
            self._world.tally.refused += 1

    def _hear(self, frame: ServerFrame) -> None:
        if frame.topic != self.topic:
            return
        if frame.event == "snapshot":
            self._look_at(frame.payload["orders"])
        elif frame.event == "changed" and frame.payload["entity"] == "order":
            if frame.payload["name"] in NEW:
                self._take(frame.payload["id"])
            elif frame.payload["fields"].get("status") != PENDING:
                self._seen.discard(frame.payload["id"])

    def _look_at(self, orders: list[dict[str, Any]]) -> None:
        for order in orders:
            if order["status"] == PENDING:
                self._take(order["id"])

    def _take(self, order_id: str) -> None:
        if order_id not in self._seen:
            self._seen.add(order_id)
            look_s = self._world.random.uniform(*LOOK_S)
            self._world.agenda.after(look_s, lambda: self._accept(order_id))

    def _accept(self, order_id: str) -> None:
        self._world.start(self._tell(order_id))

    async def _tell(self, order_id: str) -> None:
        preparation_s = max(1, round(self._world.random.uniform(*PREPARATION_S) / self._world.agenda.speed))
        try:
            await self._phone.command(f"/orders/{order_id}/accept", {"preparation_s": preparation_s})
        except RequestRefused:
            self._world.tally.refused += 1  # expired or cancelled meanwhile; the wire has said so or will
            return
        if self._world.random.random() < SAYS_READY:
            ready_s = preparation_s * self._world.agenda.speed
            self._world.agenda.after(ready_s, self._world.act(self._say_ready, order_id))

    async def _say_ready(self, order_id: str) -> None:
        # Cancelled, or fetched already: then it need not be said.
        with suppress(RequestRefused):
            await self._phone.command(f"/orders/{order_id}/mark-ready", {})

    async def _tell_code(self, order_id: str) -> str | None:
        """The code of an order, for the courier at the counter."""
        try:
            code = (await self._phone.get(f"/orders/{order_id}")).get("pickup_code")
        except RequestRefused:
            return None
        return None if code is None else str(code)
