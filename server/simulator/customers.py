"""Customers who are hungry: orders arrive as in a lunch hour, and everybody watches their own to its end.

The demo's customer is hungry all the time: whoever opens the customer's page finds an order under way.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from server.simulator.demand import FIRST_MOMENT_S, HOUR_S, next_arrival_s, share_of_peak
from server.simulator.osm import Door
from server.simulator.people import Merchant
from server.simulator.phone import Phone
from server.simulator.world import World
from server.wire.answers import ClosedForGood, RequestRefused
from server.wire.client import Client

ENDED = frozenset({
    "delivered", "completed", "rejected", "expired", "cancelled", "returned", "closed",
    "lapsed", "failed", "abandoned", "paid_late", "paid_wrongly", "refunded",  # a checkout's
})  # fmt: skip
WATCHED = frozenset({"order", "checkout"})
BROUGHT = frozenset({"delivered", "completed"})
# Most people say that they have it, after a bite or two; the others are silent, and the clock says it for them.
CONFIRMS = 0.7
CONFIRMS_AFTER_S = (30.0, 300.0)
# Between one meal and the next, for the customer who is always hungry.
PAUSE_S = 20.0
ITEMS = (1, 3)
# A city that has just been opened is no empty one: the orders of the minutes before come at once.
HUNGRY_BEFORE_S = 600.0
FIRST_MINUTE_S = 60.0


class Customer:
    """One customer; `eat` places an order and watches it to its end."""

    def __init__(self, phone: Phone, merchants: Sequence[Merchant], world: World) -> None:
        self._phone = phone
        self._merchants = merchants
        self._world = world
        self._tally = world.tally
        self._random = world.random
        self._speed = world.agenda.speed
        self._home: Door = world.random.choice(world.city.doors)

    async def eat(self) -> None:
        """One order, from placing it to its end."""
        try:
            order = await self._place(self._order(self._random.choice(self._merchants)))
        except RequestRefused:
            self._tally.refused += 1
            return
        self._tally.placed += 1
        await self._watch(order["id"])

    async def _place(self, wish: dict[str, Any]) -> dict[str, Any]:
        """The order, or the checkout that becomes it."""
        if not self._world.cards.chosen():
            placed: dict[str, Any] = await self._phone.command("/orders", wish)
            return placed
        checkout: dict[str, Any] = await self._phone.command(
            "/checkouts", {**wish, "payment": {"method": "card"}}
        )
        await self._world.cards.pay(checkout["pay_url"])
        return checkout

    async def eat_on_and_on(self) -> None:
        """One order after the other; what an earlier run left open is watched first."""
        try:
            for order in (await self._phone.get("/orders?limit=20"))["orders"]:
                if order["status"] not in ENDED:
                    await self._watch(order["id"])
            while True:
                await self.eat()
                await asyncio.sleep(PAUSE_S / self._speed)
        except RequestRefused:
            self._tally.refused += 1

    async def _watch(self, order_id: str) -> None:
        topic = f"order:{order_id}"
        self._tally.open += 1
        self._world.doors.homes[order_id] = self._tell_code
        try:
            async with self._phone.socket() as client:
                status = _status(await self._phone.listen(client, topic))
                if status not in ENDED:
                    status = await self._end(client, topic)
            if status in BROUGHT:
                self._tally.delivered += 1
                if status == "delivered" and self._random.random() < CONFIRMS:
                    bites_s = self._random.uniform(*CONFIRMS_AFTER_S)
                    self._world.agenda.after(bites_s, self._world.act(self._confirm, order_id))
            else:
                self._tally.ended_otherwise += 1
        except (ClosedForGood, RequestRefused):
            self._tally.refused += 1
        finally:
            self._tally.open -= 1
            self._world.doors.homes.pop(order_id, None)

    async def _confirm(self, order_id: str) -> None:
        # The clock may have been faster.
        with suppress(RequestRefused):
            await self._phone.command(f"/orders/{order_id}/confirm-receipt", {})

    async def _tell_code(self, order_id: str) -> str | None:
        """The code of the order, for the courier at the door."""
        try:
            code = (await self._phone.get(f"/orders/{order_id}")).get("dropoff_code")
        except RequestRefused:
            return None
        return None if code is None else str(code)

    async def _end(self, client: Client, topic: str) -> str:
        """The status the order ends with."""
        async for frame in client.frames():
            status = ""
            if frame.topic == topic and frame.event == "snapshot":
                status = _status(frame.payload)
            elif frame.topic == topic and frame.event == "changed" and frame.payload["entity"] in WATCHED:
                status = frame.payload["fields"].get("status", "")
            if status in ENDED:
                return str(status)
        return ""

    def _order(self, merchant: Merchant) -> dict[str, Any]:
        dishes = self._random.sample(merchant.menu, k=min(self._random.randint(*ITEMS), len(merchant.menu)))
        number = self._random.randrange(1_000_000)
        return {
            "merchant_id": merchant.id,
            "items": [{"item_id": dish.id, "quantity": self._random.randint(1, 2)} for dish in dishes],
            "contact": {
                "name": self._phone.account.display_name, "phone": f"+35840{number:07d}",
                "address": f"{self._home.address}, Helsinki", "lat": self._home.place.lat,
                "lng": self._home.place.lng,
            },
        }  # fmt: skip


def _status(snapshot: dict[str, Any]) -> str:
    """Of the order, or of the checkout that it may become."""
    return str((snapshot["order"] or snapshot["checkout"])["status"])


class Crowd:
    """All who order now and then; `peak_per_hour` orders in the busiest hour."""

    def __init__(self, customers: Sequence[Customer], peak_per_hour: float, world: World) -> None:
        self._resting = list(customers)
        self._peak_per_hour = peak_per_hour
        self._world = world

    def begin(self) -> None:
        """Put the first arrival on the agenda; each puts the next.  Who was hungry before comes in the first minute."""
        waiting = self._peak_per_hour * share_of_peak(FIRST_MOMENT_S) * HUNGRY_BEFORE_S / HOUR_S
        for _ in range(round(waiting)):
            self._world.agenda.after(self._world.random.uniform(0.0, FIRST_MINUTE_S), self._arrive)
        self._next(FIRST_MOMENT_S)

    def _next(self, day_s: float) -> None:
        """The arrival after the moment `day_s` of the city's day."""
        arrival_s = next_arrival_s(day_s, self._peak_per_hour, self._world.random)

        def arrive() -> None:
            self._arrive()
            self._next(arrival_s)

        self._world.agenda.at(arrival_s - FIRST_MOMENT_S, arrive)

    def _arrive(self) -> None:
        # When everybody waits for a meal already, the city is full, and nobody orders.
        if self._resting:
            index = self._world.random.randrange(len(self._resting))
            self._world.start(self._feed(self._resting.pop(index)))

    async def _feed(self, customer: Customer) -> None:
        await customer.eat()
        self._resting.append(customer)
