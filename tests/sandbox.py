"""The sandbox bank beside a started server, in a thread of its own: it outlives tests, and whatever they kill."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from server.clock import SystemClock
from server.simulator.bank import Bank, BankOptions
from server.simulator.bank_books import Books, Card, State
from server.wire.standard_webhooks import write_secret
from tests.started import StartedServer

KEY, SECRET = "sandbox-shop-key", b"sandbox shop's own 32 byte secret"
T = TypeVar("T")


class SandboxBank:
    """A real HTTP server; cards say what becomes of payments and refunds (server/simulator/bank_books.py)."""

    def __init__(self, bank: Bank, loop: asyncio.AbstractEventLoop) -> None:
        self.bank = bank
        self._loop = loop

    @property
    def environment(self) -> dict[str, str]:
        """What a server is told of this bank."""
        return {
            "SONGDA_PAYMENT_PROVIDER_URL": self.bank.url,
            "SONGDA_PAYMENT_PROVIDER_KEY": KEY,
            "SONGDA_PAYMENT_WEBHOOK_SECRETS": write_secret(SECRET),
        }

    def tell(self, server: StartedServer) -> None:
        """Say words to this server from now on."""
        url = f"{server.url}/api/v1/payments/webhook"
        self.bank.options = replace(self.bank.options, webhook_url=url)

    def pay(self, reference: str, card: Card = Card.OK) -> None:
        """A customer pays, as on the bank's page."""
        self._there(lambda: self.bank.pay(reference, card))

    def settle_refunds(self) -> None:
        """All refunds that take their time have gone through."""
        self._there(self.bank.settle_refunds)

    def finish(self, reference: str) -> None:
        """A payment that takes its time has gone through."""
        self._there(lambda: self.bank.finish(reference))

    def payable(self, reference: str) -> bool:
        """Whether the bank knows the payment and waits for its customer."""
        payment = self.bank.books.payments.get(reference)
        return payment is not None and payment.status is State.OPEN

    def given_back_minor(self, reference: str) -> list[int]:
        """The sums that went back of this payment, one each refund."""
        return self._there(lambda: [one.amount_minor for one in self.bank.books.refunds_of(reference)])

    def balance_minor(self) -> int:
        """What lies at the bank for the shop."""
        return self._there(self.bank.books.balance_minor)

    def _there(self, act: Callable[[], T]) -> T:
        async def acting() -> T:
            return act()

        return run_in(self._loop, acting())


def run_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(30)


@contextmanager
def sandbox_bank(**options: Any) -> Iterator[SandboxBank]:
    """A bank that is open; `options` as in BankOptions."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def opened() -> Bank:
        bank = Bank(BankOptions(key=KEY, webhook_secret=SECRET, **options), Books(), SystemClock())
        await bank.start()
        return bank

    bank = run_in(loop, opened())
    try:
        yield SandboxBank(bank, loop)
    finally:
        run_in(loop, bank.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
