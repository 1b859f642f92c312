"""Merchants who take what comes: each hears of new orders on `merchant:<id>` and accepts them after a look.

What a kitchen needs differs from order to order; its word is in our seconds, for that is what a customer waits.
"""

from typing import Any

from server.simulator.phone import Phone
from server.simulator.world import World
from server.wire.answers import ClosedForGood, RequestRefused
from server.wire.server_frames import ServerFrame

LOOK_S = (3.0, 25.0)
PREPARATION_S = (240.0, 840.0)
PENDING = "pending_acceptance"


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
            if frame.payload["name"] == "placed":
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
