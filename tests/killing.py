"""People at work on a server that is killed with -9 again and again, and what they were promised meanwhile.

Used by tests/acceptance/test_kills.py and, for longer, by tests/long/test_kills.py.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid5

import asyncpg
import msgspec
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from server.clock import SystemClock
from server.storage.embedded import EmbeddedPostgres
from server.storage.locks import wait_until
from server.wire.answers import Unreachable
from server.wire.rest import RestClient
from tests.started import MARKET_SQUARE, Person, StartedServer, started_server
from tests.visits import visiting
from tests.waiting import eventually

COURIERS = 3
FIX_EVERY_S = 0.03
BACK_WITHIN_S = 30.0
VICTIMS = ("everything", "the supervisor", "a worker", "postgres", "valkey")
GONE = (OSError, EOFError, TimeoutError, ConnectionClosed, InvalidHandshake, Unreachable)

_PROGRAMS = {"a worker": b"worker", "postgres": b"postgres", "valkey": b"valkey-server"}
_clock = SystemClock()


@contextmanager
def mortal_server(data_dir: Path) -> Iterator[StartedServer]:
    """A server whose acknowledgements come quickly, so that there is much to lose."""
    with started_server(data_dir, workers=2, SONGDA_TRACK_FLUSH_S="0.2", SONGDA_LOG_LEVEL="error") as started:
        yield started


def children(server: StartedServer) -> dict[int, bytes]:
    """The processes that the supervisor started, by their command lines."""
    assert server.process is not None
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    commands: dict[int, bytes] = {}
    for pid in listed:
        with suppress(FileNotFoundError, ProcessLookupError):  # ended while we looked
            commands[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes()
    return commands


def kill(server: StartedServer, victim: str, random: Random) -> set[int]:
    """kill -9 of `victim`; the processes that died of it."""
    assert server.process is not None
    started = children(server)
    if victim == "everything":
        pids = [server.process.pid, *started]
    elif victim == "the supervisor":
        pids = [server.process.pid]
    else:
        pids = [random.choice([pid for pid, command in started.items() if _PROGRAMS[victim] in command])]
    for pid in pids:
        with suppress(ProcessLookupError):  # died of the one before
            os.kill(pid, signal.SIGKILL)
    return set(pids)


def bring_back(server: StartedServer, victim: str, killed: set[int]) -> None:
    """Start again what nobody else would; wait until the rest has been."""
    assert server.process is not None
    if server.process.pid in killed:
        server.process.wait(BACK_WITHIN_S)
        server.start()
        return

    def back() -> bool:
        now = [pid for pid, command in children(server).items() if _PROGRAMS[victim] in command]
        return not killed & set(now) and len(now) == (server.workers if victim == "a worker" else 1)

    assert wait_until(back, BACK_WITHIN_S), f"{victim} did not come back"


@dataclass
class People:
    """Couriers who stream and a kitchen that cooks; `stored` and `answered` are what the server has promised."""

    server: StartedServer
    couriers: list[Person]
    customer: Person
    kitchen: Person
    dispatcher: Person
    merchant: dict[str, Any]
    stored: dict[str, set[int]] = field(default_factory=dict)  # courier → fix_times acknowledged as stored
    answered: dict[str, tuple[int, str]] = field(default_factory=dict)  # order → version and status last told
    promises: int = 0
    _fix_time: int = 0
    _orders: int = 0
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _enough_promises: int = 0

    @classmethod
    def of(cls, server: StartedServer) -> "People":
        merchant = server.merchant()
        return cls(
            server=server,
            couriers=[server.person("courier") for _ in range(COURIERS)],
            customer=server.person("customer"),
            kitchen=server.person("merchant", merchant_id=merchant["id"]),
            dispatcher=server.person("dispatcher"),
            merchant=merchant,
        )

    async def work_until_killed(self, random: Random, victim: str) -> None:
        """All at work; after some promises `victim` is killed; they go on until the server has come back."""
        tasks = [
            *(asyncio.create_task(self._ride(courier)) for courier in self.couriers),
            asyncio.create_task(self._cook()),
        ]
        try:
            await self._more_promises(random.randint(3, 40), tasks)
            killed = kill(self.server, victim, random)
            await asyncio.to_thread(bring_back, self.server, victim, killed)
            await self._more_promises(20, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def check(self) -> None:
        """Every promise is kept: fixes in the tracks, orders as told or further, versions without a gap."""
        await eventually(self._finished, BACK_WITHIN_S)
        rest = RestClient(self.server.url)
        now = _clock.now()
        span = urlencode({"from": (now - timedelta(hours=2)).isoformat(), "to": now.isoformat()})
        for courier_id, promised in self.stored.items():
            track = await rest.get(f"/api/v1/couriers/{courier_id}/track?{span}", token=self.dispatcher.token)
            lost = promised - {fix["fix_time"] for fix in track["fixes"]}
            assert not lost, f"{len(lost)} of {len(promised)} stored fixes are lost"
        for order_id, (version, status) in self.answered.items():
            order = await rest.get(f"/api/v1/orders/{order_id}", token=self.customer.token)
            assert order["version"] >= version
            assert order["version"] > version or order["status"] == status
        rest.close()
        await self._check_log()

    async def _check_log(self) -> None:
        connection = await asyncpg.connect(EmbeddedPostgres(self.server.data_dir).url)
        try:
            rows = await connection.fetch(
                "SELECT array_agg(version ORDER BY version) AS versions FROM event_log GROUP BY entity, entity_id"
            )
            orders = await connection.fetchval("SELECT count(*) FROM orders")
        finally:
            await connection.close()
        assert all(row["versions"] == list(range(1, len(row["versions"]) + 1)) for row in rows)
        # A command that was repeated with its key after the kill has happened once.
        assert orders == len(self.answered), "an order was made twice, or nobody was told of one"

    async def _more_promises(self, number: int, tasks: list["asyncio.Task[None]"]) -> None:
        self._enough.clear()
        self._enough_promises = self.promises + number
        enough = asyncio.create_task(self._enough.wait())
        try:
            async with asyncio.timeout(BACK_WITHIN_S):
                await asyncio.wait({enough, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            enough.cancel()
        for task in tasks:
            if task.done():
                task.result()  # they work for ever: who ends has failed

    def _promised(self, number: int = 1) -> None:
        self.promises += number
        if self.promises >= self._enough_promises:
            self._enough.set()

    async def _ride(self, courier: Person) -> None:
        """Stream fixes, on as many sockets as it takes."""
        while True:
            with suppress(*GONE):
                await self._ride_once(courier)
            await asyncio.sleep(FIX_EVERY_S)

    async def _ride_once(self, courier: Person) -> None:
        sent: list[int] = []
        async with visiting(self.server.socket_url, courier.token) as visit:

            async def hear() -> None:
                with suppress(ConnectionClosed):
                    async for text in visit.socket:
                        said = msgspec.json.decode(text)
                        if said["event"] == "stored":
                            seqs = said["payload"]["seqs"]
                            self.stored.setdefault(courier.id, set()).update(sent[seq - 1] for seq in seqs)
                            self._promised(len(seqs))

            async with asyncio.TaskGroup() as tasks:
                hearing = tasks.create_task(hear())
                while not hearing.done():
                    sent.append(self._next_fix_time())
                    fix = {"lat": MARKET_SQUARE[0], "lng": MARKET_SQUARE[1], "fix_time": sent[-1]}
                    with suppress(ConnectionClosed):
                        await visit.say(f"courier:{courier.id}", "fix", fix | {"seq": len(sent)}, ref="fix")
                    await asyncio.sleep(FIX_EVERY_S)

    def _next_fix_time(self) -> int:
        """Now, but never the same moment twice: a fix is known by it."""
        self._fix_time = max(self._fix_time + 1, _clock.now_ms())
        return self._fix_time

    async def _cook(self) -> None:
        """Place and accept orders, one after the other."""
        while True:
            await self._finished()
            await asyncio.sleep(FIX_EVERY_S)

    async def _finished(self) -> bool:
        """Whether the order under way got through, or one more."""
        with suppress(*GONE):
            await self._cook_one()
            return True
        return False

    async def _cook_one(self) -> None:
        """One order.  Its keys are its number's, so that what the kill cut off is repeated, not done again."""
        place_key, accept_key = (
            uuid5(UUID(self.merchant["id"]), f"{command} {self._orders}").hex
            for command in ("place", "accept")
        )
        rest = RestClient(self.server.url, timeout_s=BACK_WITHIN_S)
        try:
            order = await rest.post("/api/v1/orders", self._meal(), token=self.customer.token, key=place_key)
            self._told(order)
            path = f"/api/v1/orders/{order['id']}/accept"
            order = await rest.post(path, {"preparation_s": 600}, token=self.kitchen.token, key=accept_key)
            self._told(order)
        finally:
            rest.close()
        self._orders += 1

    def _meal(self) -> dict[str, Any]:
        lat, lng = MARKET_SQUARE
        address = {"address": "Katajanokka 5", "lat": lat + 0.009, "lng": lng}
        return {
            "merchant_id": self.merchant["id"],
            "items": [{"item_id": self.merchant["menu"][0]["id"], "quantity": 1}],
            "contact": {"name": "Aino", "phone": "+358401234567", **address},
        }

    def _told(self, order: dict[str, Any]) -> None:
        known_version, _ = self.answered.get(order["id"], (0, ""))
        if order["version"] > known_version:  # the answer to a repeated key is the first one's
            self.answered[order["id"]] = (order["version"], order["status"])
        self._promised()
