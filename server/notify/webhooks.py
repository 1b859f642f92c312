"""Webhooks as a whole: what app.py builds, runs beside requests, and closes."""

from random import SystemRandom

from server.clock import Clock
from server.notify.caller import Caller
from server.notify.fan_out import FanOut
from server.notify.sending import AT_ONCE_HERE, Sending
from server.notify.service import WebhookService
from server.settings import Settings
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage


class Webhooks:
    """`register` before the timers run, `run` beside requests, `close` when nothing sends any more."""

    def __init__(self, storage: Storage, clock: Clock, settings: Settings) -> None:
        self.service = WebhookService(storage, clock, settings)
        self._caller = Caller(
            allow_private=settings.webhook_allow_private,
            proxy_url=settings.webhook_proxy_url,
            most_at_once=2 * AT_ONCE_HERE,
        )
        self._sending = Sending(storage, self._caller, clock, SystemRandom())
        self._fan_out = FanOut(storage, clock)

    async def register(self, timers: Timers) -> None:
        """Have the timers send what is due."""
        await self._sending.register(timers)

    async def run(self) -> None:
        """Turn the event log into deliveries, until cancelled."""
        await self._fan_out.run()

    async def close(self) -> None:
        """End the connections to receivers."""
        await self._caller.close()
