"""A hub with everything it needs, under a real uvicorn in this loop: sockets, PostgreSQL and Valkey are real.

Positions skip the pub/sub between processes (tests/acceptance has that): `Live.position` tells the hub directly.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect

from server.accounts.tokens import Tokens
from server.accounts.viewer import Viewer
from server.dispatch.tracking import Tracking
from server.geo.cells import cell_of
from server.geo.courier_index import CourierIndex
from server.geo.position import POSITION_DTYPE, Position
from server.geo.track_store import TrackStore
from server.realtime.endpoint import protocol_class
from server.realtime.hub import Hub
from server.realtime.snapshots import SnapshotReader, StoreSnapshots
from server.settings import Settings
from server.wire.frames import SUBPROTOCOL
from tests.builders import SECRET
from tests.integration.people import Town

# A test that waits this long has failed; nothing waits for time to pass.
PATIENCE_S = 10.0


@dataclass
class Visit:
    """One authenticated socket, as a client sees it."""

    socket: ClientConnection
    refs: int = 0
    waiting: list[Any] = field(default_factory=list)

    async def next(self) -> Any:
        """The next frame, whatever it is."""
        if self.waiting:
            return self.waiting.pop(0)
        async with asyncio.timeout(PATIENCE_S):
            return msgspec.json.decode(await self.socket.recv())

    async def event(self, name: str) -> Any:
        """The next frame with this event; others before it stay in the order they came."""
        passed = []
        while (frame := await self.next())["event"] != name:
            passed.append(frame)
        self.waiting = passed + self.waiting
        return frame

    async def say(self, topic: str, event: str, payload: object = None, *, ref: str | None = None) -> None:
        frame = {"topic": topic, "event": event, "payload": payload or {}} | ({"ref": ref} if ref else {})
        await self.socket.send(msgspec.json.encode(frame).decode())

    async def ask(self, topic: str, event: str, payload: object = None) -> Any:
        """Say something and wait for its reply: the whole frame."""
        self.refs += 1
        await self.say(topic, event, payload, ref=str(self.refs))
        reply = await self.event("reply")
        assert reply["ref"] == str(self.refs)
        return reply

    async def join(self, topic: str, since: str | None = None) -> Any:
        """Join and get the whole reply."""
        return await self.ask(topic, "join", {"since": since} if since else {})

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait for the server to close; code and reason."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason


@dataclass
class Live:
    """A running hub in a town."""

    town: Town
    hub: Hub
    tracking: Tracking
    tokens: Tokens
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator[Visit]:
        """A socket that has not said anything yet."""
        options = {"subprotocols": [SUBPROTOCOL], "compression": None, "max_size": None, **options}
        async with connect(options.pop("url", self.url), **options) as socket:
            yield Visit(socket)

    @asynccontextmanager
    async def visit(self, viewer: Viewer, **options: Any) -> AsyncIterator[Visit]:
        """An authenticated socket."""
        async with self.socket(**options) as visit:
            reply = await visit.ask("session", "authenticate", {"token": self.tokens.issue(viewer)})
            assert "ok" in reply["payload"], reply
            yield visit

    def position(self, courier_id: UUID, lat: float, lng: float, **facts: Any) -> Position:
        """Tell the nearest index and the hub of a courier's position, as the fan-out would."""
        now_ms = self.town.clock.now_ms()
        duty = self.town.duties.of(courier_id)
        position = Position(
            courier_id=courier_id, lat=lat, lng=lng, fix_time_ms=now_ms, received_at_ms=now_ms, cell=cell_of(lat, lng),
            duty_version=0 if duty is None else duty.version,
        )
        position = replace(position, **facts)
        batch = np.frombuffer(position.pack(), POSITION_DTYPE)
        self.town.nearest.update(batch)
        self.hub.on_positions(batch)
        return position


@asynccontextmanager
async def live(
    town: Town, redis: Redis, *, snapshots: SnapshotReader | None = None, **settings: Any
) -> AsyncIterator[Live]:
    """A hub in `town`, whose storage runs already, listening on a free port until the block ends."""
    chosen = Settings(secret=SECRET, **{"track_flush_s": 0.05, **settings})
    tokens = Tokens(SECRET, 3600, town.clock)
    tracking = Tracking(
        CourierIndex(redis, partitions=1), TrackStore(town.storage.pool), town.duties, town.clock, chosen
    )
    hub = Hub(
        tokens=tokens, snapshots=snapshots or StoreSnapshots(town.duties, town.nearest), pool=town.storage.pool,
        tail=town.storage.tail, nearest=town.nearest, duties=town.duties, tracking=tracking, clock=town.clock,
        settings=chosen,
    )
    server = uvicorn.Server(uvicorn.Config(
        Starlette(), port=0, ws=protocol_class(hub), lifespan="off", log_config=None, timeout_graceful_shutdown=1,
    ))
    serving = asyncio.create_task(server._serve())
    working = [asyncio.create_task(work) for work in (tracking.run(), hub.run())]
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Live(town, hub, tracking, tokens, port)
    finally:
        server.should_exit = True
        await serving
        for task in working:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await hub.stop()
