"""A merchant with a webhook receiver, and the parts that tell it what happens; time stands until it is turned."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.notify.caller import Caller
from server.notify.fan_out import FanOut
from server.notify.model import NewEndpoint, SecretAnswer
from server.notify.sending import Sending
from server.notify.service import WebhookService
from server.orders.merchants import Merchant
from server.settings import Settings
from server.storage.event_log import Event
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage
from tests.builders import a_viewer
from tests.fakes import ManualClock
from tests.integration.notify.receiver import Receiver, receiving
from tests.integration.people import add_merchant
from tests.waiting import eventually

SETTINGS = Settings(webhook_allow_http=True, webhook_allow_private=True)


class NoChance:
    """Jitter that can be foretold."""

    def random(self) -> float:
        return 0.0


@dataclass
class Shop:
    """A merchant and its webhooks."""

    storage: Storage
    clock: ManualClock
    merchant: Merchant
    kitchen: Viewer
    service: WebhookService
    sending: Sending
    fan_out: FanOut
    timers: Timers
    receiver: Receiver
    versions: dict[UUID, int] = field(default_factory=dict)

    async def endpoint(self, url: str = "", *, merchant: Merchant | None = None, **wish: Any) -> SecretAnswer:
        """A new endpoint, of the receiver unless told otherwise."""
        whose = merchant or self.merchant
        owner = a_viewer(Role.MERCHANT, merchant_id=whose.id)
        return await self.service.add(owner, whose.id, NewEndpoint(url or self.receiver.url, **wish))

    def event(self, name: str = "accepted", order_id: UUID | None = None, **facts: Any) -> Event:
        """Something that happened to an order of the merchant's."""
        order_id = order_id or uuid4()
        self.versions[order_id] = self.versions.get(order_id, 0) + 1
        ordinary = {
            "entity": "order",
            "entity_id": order_id,
            "version": self.versions[order_id],
            "name": name,
            "topics": (f"order:{order_id}", f"merchant:{self.merchant.id}", "dispatch:all"),
            "fields": {"status": name},
            "actor_id": None,
            "occurred_at": self.clock.now(),
        }
        return Event(**{**ordinary, **facts})

    async def happens(self, *events: Event) -> None:
        """These events, in one transaction; one accepted order if none is named."""
        async with self.storage.unit_of_work() as work:
            await work.append(*(events or (self.event(),)))

    async def told(self, expected: int) -> None:
        """All that happened is turned into so many deliveries."""
        made = 0

        async def all_made() -> bool:
            nonlocal made
            made += await self.fan_out.catch_up()
            return made >= expected

        await eventually(all_made)
        assert made == expected

    async def sent(self) -> None:
        """What is due is tried, and what came of it recorded."""
        await self.timers.run_due()
        await eventually(self.nothing_under_way)

    async def nothing_under_way(self) -> bool:
        return not await self.storage.pool.fetchval(
            "SELECT EXISTS (SELECT FROM webhook_deliveries WHERE state = 'waiting' AND sending_until > $1)",
            self.clock.now(),
        )

    async def states(self) -> list[str]:
        rows = await self.storage.pool.fetch("SELECT state FROM webhook_deliveries ORDER BY id")
        return [row["state"] for row in rows]

    async def outcomes(self) -> list[str]:
        """How every try ended, in order."""
        rows = await self.storage.pool.fetch(
            "SELECT outcome FROM webhook_attempts ORDER BY delivery_id, number"
        )
        return [row["outcome"] for row in rows]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def shop(storage: Storage, clock: ManualClock, receiver: Receiver) -> AsyncIterator[Shop]:
    """A merchant without any endpoint yet."""
    merchant = await add_merchant(storage, [])
    caller = Caller(allow_private=True)
    timers = Timers(storage, clock)
    sending = Sending(storage, caller, clock, NoChance())
    await sending.register(timers)
    await timers.run_due()
    yield Shop(
        storage=storage,
        clock=clock,
        merchant=merchant,
        kitchen=a_viewer(Role.MERCHANT, merchant_id=merchant.id),
        service=WebhookService(storage, clock, SETTINGS),
        sending=sending,
        fan_out=FanOut(storage, clock),
        timers=timers,
        receiver=receiver,
    )
    await caller.close()
