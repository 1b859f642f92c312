"""A load of orders, with all their money, on a server that is killed with -9 again and again; and what must be so.

Used by tests/acceptance/test_orders_survive.py and, for a hundred kills, by tests/long/test_orders_kills.py.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from server.orders.ledger_store import LedgerStore
from server.simulator.bank_books import Card
from server.storage.embedded import EmbeddedPostgres
from server.wire.answers import RequestRefused
from server.wire.rest import RestClient
from tests.killing import GONE, bring_back, kill
from tests.sandbox import SandboxBank, sandbox_bank
from tests.started import Person, StartedServer, started_server
from tests.waiting import eventually

TRADERS = 4
BACK_WITHIN_S = 60.0
# Redis holds nothing of an order's: its deaths are tests/killing.py's business.
VICTIMS = ("a worker", "a worker", "postgres", "everything", "the supervisor")
REPEATED = 60  # answers that are asked for once more at each check

# Cards whose stories end in an order; what becomes of their refunds differs.
CARDS = (Card.OK, Card.TWICE, Card.LOST, Card.REORDERED, Card.REFUND_FAILS, Card.REFUND_TWICE)


@contextmanager
def mortal_market(data_dir: Path) -> Iterator[tuple[StartedServer, SandboxBank]]:
    """A server and its bank; only the server dies."""
    settings = {"SONGDA_LOG_LEVEL": "error", "SONGDA_TOKEN_TTL_S": "86400", "SONGDA_PAYMENT_RETRY_S": "1"}
    with (
        sandbox_bank(slow_s=0.5, late_s=1e6, scale=0.2) as bank,
        started_server(data_dir, workers=2, **bank.environment, **settings) as server,
    ):
        bank.tell(server)
        yield server, bank


@dataclass(frozen=True)
class Command:
    """Something said under an idempotency key."""

    path: str
    said: dict[str, Any]
    by: Person
    key: str


@dataclass
class Market:
    """People who trade, and what they were answered."""

    server: StartedServer
    bank: SandboxBank
    merchant: dict[str, Any]
    customer: Person
    kitchen: Person
    dispatcher: Person
    service: Person
    couriers: list[Person]
    answers: list[tuple[Command, Any]] = field(default_factory=list)
    told: dict[str, tuple[int, str]] = field(
        default_factory=dict
    )  # order → newest version answered, and its status
    lives: int = 0
    promises: int = 0
    kills: int = 0
    _numbers: list[int] = field(default_factory=lambda: [0] * TRADERS)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, server: StartedServer, bank: SandboxBank) -> "Market":
        merchant = server.merchant()
        return cls(
            server=server,
            bank=bank,
            merchant=merchant,
            customer=server.person("customer"),
            kitchen=server.person("merchant", merchant_id=merchant["id"]),
            dispatcher=server.person("dispatcher"),
            service=server.person("customer_service"),
            couriers=[server.person("courier") for _ in range(TRADERS)],
        )

    async def trade_until_killed(self, random: Random, victim: str) -> None:
        """All trade; after some answers `victim` is killed; they go on until the server has come back."""
        async with self._trading() as tasks:
            await self._more_answers(random.randint(1, 25), tasks)
            killed = kill(self.server, victim, random)
            self.kills += 1
            await asyncio.to_thread(bring_back, self.server, victim, killed)
            await self._more_answers(10, tasks)

    @asynccontextmanager
    async def _trading(self) -> AsyncIterator[list["asyncio.Task[None]"]]:
        tasks = [asyncio.create_task(self._trade(trader)) for trader in range(TRADERS)]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _more_answers(self, number: int, tasks: list["asyncio.Task[None]"]) -> None:
        enough = self.promises + number
        async with asyncio.timeout(BACK_WITHIN_S):
            while self.promises < enough:
                self._answered.clear()
                waiting = asyncio.create_task(self._answered.wait())
                await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                for task in tasks:
                    if task.done():
                        task.result()  # they trade for ever: who ends has failed

    async def _trade(self, trader: int) -> None:
        while True:
            await self._finished(trader)

    async def _finished(self, trader: int) -> bool:
        """Whether this trader's order under way got through, or one more."""
        rest = RestClient(self.server.url, timeout_s=BACK_WITHIN_S)
        try:
            with suppress(*GONE):
                await Life(self, rest, trader, self._numbers[trader]).live()
                self._numbers[trader] += 1
                self.lives += 1
                return True
            await asyncio.sleep(0.05)  # nobody is there
            return False
        finally:
            rest.close()

    def answered(self, command: Command, answer: Any) -> None:
        """Somebody was answered: from now on it is so, whatever dies."""
        self.answers.append((command, answer))
        if "items" in answer and "status" in answer and "lapses_at" not in answer:
            version, _ = self.told.get(answer["id"], (0, ""))
            if answer["version"] > version:  # the answer to a repeated key is the first one's
                self.told[answer["id"]] = (answer["version"], answer["status"])
        self.promises += 1
        self._answered.set()

    async def check(self, random: Random) -> None:
        """Every answered command's effect is there, nothing happened twice, and the books agree with the bank's."""
        for trader in range(TRADERS):
            await eventually(lambda trader=trader: self._finished(trader), BACK_WITHIN_S)
        connection = await asyncpg.connect(EmbeddedPostgres(self.server.data_dir).url)
        try:
            await self._money_comes_to_rest(connection)
            await self._check_orders(connection)
            await self._check_money(connection)
        finally:
            await connection.close()
        rest = RestClient(self.server.url)
        for command, answer in random.sample(self.answers, min(REPEATED, len(self.answers))):
            again = await rest.post(command.path, command.said, token=command.by.token, key=command.key)
            assert again == answer, (command, answer, again)
        rest.close()

    async def _money_comes_to_rest(self, connection: asyncpg.Connection) -> None:
        async def at_rest() -> bool:
            # Refunds wait for the minute of an undo, and for the pause after an attempt: here they need not.
            await connection.execute(
                "UPDATE timers SET due_at = now() WHERE entity_id IN (SELECT id FROM refunds) AND due_at > now()"
            )
            await asyncio.sleep(0.2)
            left = await connection.fetchval(
                "SELECT count(*) FROM refunds WHERE status IN ('requested', 'sent')"
            )
            return bool(left == 0)

        await eventually(at_rest, BACK_WITHIN_S)

    async def _check_orders(self, connection: asyncpg.Connection) -> None:
        rows = await connection.fetch(
            "SELECT array_agg(version ORDER BY version) AS versions FROM event_log GROUP BY entity, entity_id"
        )
        assert all(row["versions"] == list(range(1, len(row["versions"]) + 1)) for row in rows)
        orders = {
            str(row["id"]): (row["version"], row["status"])
            for row in await connection.fetch("SELECT id, version, status FROM orders")
        }
        for order_id, (version, status) in self.told.items():
            now_version, now_status = orders[order_id]
            assert now_version >= version, order_id
            assert now_version > version or now_status == status, order_id
        assert set(orders) == set(self.told), "an order was made twice, or nobody was told of one"

    async def _check_money(self, connection: asyncpg.Connection) -> None:
        assert await LedgerStore(connection).faults() == {}
        rows = await connection.fetch(
            "SELECT order_id, array_agg(amount_minor ORDER BY amount_minor) AS sums FROM refunds"
            " WHERE status = 'confirmed' GROUP BY order_id"
        )
        ours = {str(row["order_id"]): list(row["sums"]) for row in rows}
        for reference in self.bank.bank.books.payments:
            assert sorted(self.bank.given_back_minor(reference)) == ours.get(reference, []), reference
        balance = await connection.fetchval(
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM ledger_entries WHERE account = 'provider'"
        )
        assert -balance == self.bank.balance_minor()
        assert (
            await connection.fetchval("SELECT coalesce(sum(amount_minor), 0)::bigint FROM ledger_entries")
            == 0
        )


@dataclass
class Life:
    """One order's.  Its keys are its number's, so that what a kill cut off is repeated, not done again."""

    market: Market
    rest: RestClient
    trader: int
    number: int

    async def live(self) -> None:
        """Placed or paid, and then as the number has it."""
        random = Random(f"{self.trader} {self.number}")
        market, courier = self.market, self.market.couriers[self.trader]
        by_card = random.random() < 0.6
        order_id = await self._paid(random.choice(CARDS)) if by_card else await self._placed()
        match random.choice(("rejected", "cancelled", "undone", "delivered", "delivered", "returned")):
            case "rejected":
                await self._say(market.kitchen, order_id, "reject", reason="no fish")
            case "cancelled":
                await self._accept(order_id)
                await self._say(market.customer, order_id, "cancel", reason="not hungry")
            case "undone":
                await self._say(market.customer, order_id, "cancel", reason="a slip")
                try:
                    await self._say(market.customer, order_id, "undo")
                except RequestRefused as error:
                    if error.code != "too_late_to_undo":  # as when the server was away for a minute
                        raise
                    return
                await self._accept(order_id)
                await self._say(market.customer, order_id, "cancel", "cancel again", reason="not hungry")
            case "delivered":
                await self._deliver(order_id, courier)
                await self._say(market.customer, order_id, "confirm-receipt")
                if by_card:
                    said = {"reason": "item_missing", "borne_by": "merchant", "amount_minor": 100}
                    await self._post(f"/api/v1/orders/{order_id}/refunds", said, market.service, "refund")
            case "returned":
                await self._fetch(order_id, courier)
                failed = await self._say(courier, order_id, "fail", reason="refused_changed_mind")
                assert failed["status"] == "delivery_exception"
                found = await self.rest.get(
                    f"/api/v1/tickets?order_id={order_id}", token=market.service.token
                )
                ticket = f"/api/v1/tickets/{found['tickets'][0]['id']}"
                await self._post(f"{ticket}/return", {}, market.service, "return")
                await self._say(courier, order_id, "hand-back")

    async def _placed(self) -> str:
        order = await self._post("/api/v1/orders", self._wish("cash"), self.market.customer, "place")
        return str(order["id"])

    async def _paid(self, card: Card) -> str:
        checkout = await self._post("/api/v1/checkouts", self._wish("card"), self.market.customer, "checkout")
        checkout_id = str(checkout["id"])
        self.market.bank.pay(checkout_id, card)

        async def is_there() -> bool:
            path = f"/api/v1/checkouts/{checkout_id}"
            return bool((await self.rest.get(path, token=self.market.customer.token))["status"] == "paid")

        async with asyncio.timeout(BACK_WITHIN_S):
            while not await is_there():
                await asyncio.sleep(0.05)
        return checkout_id

    async def _accept(self, order_id: str) -> None:
        await self._say(self.market.kitchen, order_id, "accept", preparation_s=600)

    async def _fetch(self, order_id: str, courier: Person) -> None:
        await self._accept(order_id)
        await self._say(self.market.dispatcher, order_id, "assign", courier_id=courier.id)
        await self._say(courier, order_id, "take")
        await self._say(self.market.kitchen, order_id, "mark-ready")
        await self._say(courier, order_id, "pick-up")

    async def _deliver(self, order_id: str, courier: Person) -> None:
        await self._fetch(order_id, courier)
        await self._say(courier, order_id, "arrive-at-dropoff")
        await self._say(courier, order_id, "deliver")

    async def _say(self, by: Person, order_id: str, command: str, word: str = "", **said: Any) -> Any:
        return await self._post(f"/api/v1/orders/{order_id}/{command}", said, by, word or command)

    async def _post(self, path: str, said: dict[str, Any], by: Person, word: str) -> Any:
        key = f"{self.trader} {self.number} {word}"
        answer = await self.rest.post(path, said, token=by.token, key=key)
        self.market.answered(Command(path, said, by, key), answer)
        return answer

    def _wish(self, method: str) -> dict[str, Any]:
        merchant = self.market.merchant
        where = {"address": "Katajanokka 5", "lat": merchant["lat"] + 0.009, "lng": merchant["lng"]}
        return {
            "merchant_id": merchant["id"],
            "items": [{"item_id": merchant["menu"][0]["id"], "quantity": 1}],
            "contact": {"name": "Aino", "phone": "+358401234567", **where},
            "payment": {"method": method},
        }
