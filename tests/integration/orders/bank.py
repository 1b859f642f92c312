"""A town that takes cards: the sandbox bank next door, whose words reach the town as over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from server.accounts.viewer import Viewer
from server.errors import TrackingError
from server.orders.ledger_store import LedgerStore
from server.orders.model import PaymentMethod
from server.orders.payment_provider import HttpPaymentProvider
from server.orders.payments import Money, ProviderAway, ToldPayment, ToldRefund
from server.orders.placing import PaymentWish
from server.settings import Settings
from server.simulator.bank import Bank, BankOptions
from server.simulator.bank_books import Books, Card
from server.storage.unit_of_work import Storage
from server.wire.standard_webhooks import write_secret
from tests.builders import a_wish
from tests.fakes import ManualClock
from tests.integration.people import Town, a_town

KEY = "the shop's key"
SECRET = b"a secret of thirty-two bytes or so"


@dataclass
class Frail:
    """A provider between whose lines a process may die, or the network go away."""

    real: HttpPaymentProvider
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    away: bool = False
    refunds: int = 0

    async def create(self, payment_id: UUID, money: Money) -> ToldPayment:
        self._gone()
        return await self.real.create(payment_id, money)

    async def query(self, payment_id: UUID) -> ToldPayment | None:
        self._gone()
        return await self.real.query(payment_id)

    async def cancel(self, payment_id: UUID) -> ToldPayment | None:
        self._gone()
        return await self.real.cancel(payment_id)

    async def refund(self, payment_id: UUID, refund_id: UUID, money: Money) -> ToldRefund:
        self._gone()
        self.refunds += 1
        if self.before is not None:
            self.before()
        told = await self.real.refund(payment_id, refund_id, money)
        if self.after is not None:
            self.after()
        return told

    def _gone(self) -> None:
        if self.away:
            raise ProviderAway


@dataclass
class Street:
    """The town and its bank."""

    town: Town
    bank: Bank
    provider: Frail
    words: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    deaf: bool = False  # the bank's words do not come through

    async def hear(self, request: httpx.Request) -> httpx.Response:
        """A word of the bank's reaches the town."""
        if self.deaf:
            return httpx.Response(503)
        headers, body = {name.lower(): value for name, value in request.headers.items()}, request.content
        self.words.append((headers, body))
        try:
            await self.town.money.payments.listen(headers, body)
        except TrackingError as error:
            return httpx.Response(error.http_status)
        return httpx.Response(200)

    async def open(self, *, by: Viewer | None = None, key: str | None = None, **wish: Any) -> dict[str, Any]:
        """A new checkout of the customer's."""
        asked = a_wish(
            self.town.merchant.id, *self.town.menu, payment=PaymentWish(PaymentMethod.CARD), **wish
        )
        return await self.town.money.checkouts.open(by or self.town.customer, asked, key=key)

    async def paid(self, card: Card = Card.OK, **wish: Any) -> UUID:
        """The id of an order that is paid."""
        checkout = await self.open(**wish)
        self.bank.pay(checkout["id"], card)
        await self.quiet()
        if card is Card.LOST or card is Card.REORDERED:
            await self.turn(20)
        return UUID(checkout["id"])

    async def quiet(self) -> None:
        """Wait until nothing is under way: no word of the bank's, no work after a commit, no timer that is due."""
        while True:
            fired = await self.town.timers.run_due()
            busy = [*self.bank._tasks, *self.town.storage._afterwards._tasks]
            if not busy and not fired:
                return
            if busy:
                await asyncio.wait(busy)

    async def turn(self, seconds: float) -> None:
        """Time passes, and what is due happens."""
        self.town.clock.turn(seconds)
        await self.quiet()

    async def status(self, checkout_id: UUID | str) -> str:
        """Where the checkout is."""
        return str(
            await self.town.storage.pool.fetchval(
                "SELECT status FROM checkouts WHERE id = $1", UUID(str(checkout_id))
            )
        )

    async def payment_status(self, order_id: UUID) -> str:
        """What people see of the order's money."""
        found = await self.town.storage.pool.fetchval(
            "SELECT payment_status FROM orders WHERE id = $1", order_id
        )
        return str(found)

    async def refunds(self, order_id: UUID) -> list[tuple[str, int]]:
        """Its refunds: status and amount."""
        rows = await self.town.storage.pool.fetch(
            "SELECT status, amount_minor FROM refunds WHERE order_id = $1 ORDER BY id", order_id
        )
        return [(row["status"], row["amount_minor"]) for row in rows]

    async def accounts(self, order_id: UUID | None = None) -> dict[str, int]:
        """What each kind of account has to get."""
        rows = await self.town.storage.pool.fetch(
            "SELECT account, sum(amount_minor)::bigint AS amount_minor FROM ledger_entries"
            " WHERE $1::uuid IS NULL OR order_id = $1 GROUP BY account",
            order_id,
        )
        return {row["account"]: row["amount_minor"] for row in rows if row["amount_minor"]}

    async def agree(self) -> None:
        """Our books hold together, and say what the bank's say."""
        assert await faults(self.town.storage.pool) == {}
        ours = await self.accounts()
        assert -ours.get("provider", 0) == self.bank.books.balance_minor()
        assert sum(ours.values()) == 0


async def faults(pool: asyncpg.Pool) -> dict[str, list[str]]:
    """What does not hold in the books."""
    return await LedgerStore(pool).faults()


@asynccontextmanager
async def a_street(storage: Storage, clock: ManualClock, **settings: Any) -> AsyncIterator[Street]:
    """A town next to a bank."""
    options = BankOptions(
        key=KEY,
        webhook_url="http://town/api/v1/payments/webhook",
        webhook_secret=SECRET,
        slow_s=1e6,
        late_s=1e6,
        scale=0.0005,
    )
    bank = Bank(options, Books(), clock)
    await bank.start()
    real = HttpPaymentProvider(bank.url, KEY, within_s=5.0)
    provider = Frail(real)
    town = await a_town(
        storage,
        clock,
        Settings(payment_webhook_secrets=(write_secret(SECRET),), **settings),
        provider,
    )
    street = Street(town, bank, provider)
    await bank._client.aclose()
    bank._client = httpx.AsyncClient(transport=httpx.MockTransport(street.hear))
    try:
        yield street
    finally:
        await bank.stop()
        await real.close()
