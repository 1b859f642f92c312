"""An order's whole life as its people live it over their sockets: from placing to the customer's confirmation.

Each step is a command with an idempotency key, said by the one whose part it is.  Latencies are from the moment a step
was due: its own schedule, or the answer to the step before when that came later (nobody confirms what is not there).
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle
from typing import Any
from uuid import UUID

import msgspec

from load_tests.town import CENTER_LAT, CENTER_LNG, Kitchen
from load_tests.viewers import LoadSocket
from server.orders.codes import Codes

STEPS = (
    "place",
    "accept",
    "assign",
    "take",
    "confirm_pickup",
    "mark_ready",
    "arrive_at_pickup",
    "pick_up",
    "arrive_at_dropoff",
    "deliver",
    "confirm_receipt",
)
# What a customer's page shows a change of.
STATUS_CHANGES = frozenset({"accepted", "picked_up", "delivered", "completed"})


@dataclass
class Cast:
    """Open sockets of everybody who takes part."""

    customers: list[LoadSocket]
    cooks: list[tuple[LoadSocket, Kitchen]]
    couriers: list[tuple[LoadSocket, UUID]]
    dispatchers: list[LoadSocket]
    codes: Codes
    free_couriers: asyncio.Queue[tuple[LoadSocket, UUID]] = field(init=False)
    _next_customer: Iterator[LoadSocket] = field(init=False)
    _next_cook: Iterator[tuple[LoadSocket, Kitchen]] = field(init=False)
    _next_dispatcher: Iterator[LoadSocket] = field(init=False)
    _number: int = 0

    def __post_init__(self) -> None:
        self.free_couriers = asyncio.Queue()
        for courier in self.couriers:
            self.free_couriers.put_nowait(courier)
        self._next_customer = cycle(self.customers)
        self._next_cook = cycle(self.cooks)
        self._next_dispatcher = cycle(self.dispatchers)

    def roles(self) -> tuple[LoadSocket, LoadSocket, Kitchen, LoadSocket, int]:
        """Customer, cook and kitchen, dispatcher, and the number of the next life."""
        self._number += 1
        cook, kitchen = next(self._next_cook)
        return next(self._next_customer), cook, kitchen, next(self._next_dispatcher), self._number


@dataclass
class Seen:
    """What was measured, in seconds."""

    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    frames: list[float] = field(default_factory=list)
    lives: int = 0
    failed: list[str] = field(default_factory=list)


class _Change(msgspec.Struct):
    entity: str
    name: str
    at: datetime


_decode_change = msgspec.json.Decoder(_Change).decode


def watch(customer: LoadSocket, seen: Seen) -> None:
    """Measure how old a change of status is when the customer's frame comes.

    A change's moment is the one at which its transaction began, so the commit itself is in the figure.
    """

    def on_event(event: str, payload: msgspec.Raw) -> None:
        if event != "changed":
            return
        now_s = time.time()
        change = _decode_change(payload)
        if change.entity == "order" and change.name in STATUS_CHANGES:
            seen.frames.append(now_s - change.at.timestamp())

    customer.on_event = on_event


async def live(cast: Cast, seen: Seen, *, starts_s: float, pause_s: float) -> None:
    """One life.  `starts_s` on time.monotonic's scale; between two steps `pause_s` pass, if answers come in time."""
    customer, cook, kitchen, dispatcher, number = cast.roles()
    courier, courier_id = await cast.free_couriers.get()
    due_s = starts_s
    refs = iter(range(10**6))

    async def step(name: str, socket: LoadSocket, topic: str, **said: Any) -> dict[str, Any]:
        nonlocal due_s
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        said["key"] = f"{number}-{name}"
        answer = await socket.request(topic, name, said, f"{number}.{next(refs)}")
        done_s = time.monotonic()
        seen.steps[name].append(done_s - due_s)
        due_s = max(due_s + pause_s, done_s)
        return answer

    try:
        order = await step(
            "place",
            customer,
            f"merchant:{kitchen.id}",
            merchant_id=str(kitchen.id),
            items=[{"item_id": str(kitchen.item_id), "quantity": 1}],
            contact={
                "name": "Bench",
                "phone": "+358401234567",
                "address": "Katu 1",
                "lat": CENTER_LAT,
                "lng": CENTER_LNG,
            },
        )
        topic = f"order:{order['id']}"
        order_id = UUID(order["id"])
        await customer.request(topic, "join", {}, f"{number}.join")
        await step("accept", cook, topic, preparation_s=600)
        await step("assign", dispatcher, topic, courier_id=str(courier_id))
        await step("take", courier, topic)
        await step("confirm_pickup", courier, topic)
        await step("mark_ready", cook, topic)
        await step("arrive_at_pickup", courier, topic)
        await step("pick_up", courier, topic, code=cast.codes.pickup(order_id))
        await step("arrive_at_dropoff", courier, topic)
        await step("deliver", courier, topic, proof={"code": cast.codes.dropoff(order_id)})
        await step("confirm_receipt", customer, topic)
        customer.send(json.dumps({"topic": topic, "event": "leave"}).encode())
        seen.lives += 1
    except RuntimeError as error:
        seen.failed.append(str(error))
    finally:
        cast.free_couriers.put_nowait((courier, courier_id))
