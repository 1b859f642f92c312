"""A hub with everything it needs, under a real uvicorn in this loop: sockets, PostgreSQL and Valkey are real.

Positions skip the pub/sub between processes (tests/acceptance has that): `Live.position` tells the hub directly.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np
import uvicorn
from redis.asyncio import Redis
from starlette.applications import Starlette

from server.accounts.audit import Audit
from server.accounts.proofs import Proofs
from server.accounts.revocations import Revocations
from server.accounts.viewer import Viewer
from server.dispatch.commands import Services
from server.dispatch.tracking import Tracking
from server.geo.cells import cell_of
from server.geo.courier_index import CourierIndex
from server.geo.position import POSITION_DTYPE, Position
from server.geo.track_store import TrackStore
from server.orders.codes import Codes
from server.realtime.endpoint import protocol_class
from server.realtime.hub import Hub
from server.realtime.snapshots import SnapshotReader, StoreSnapshots
from server.settings import Settings
from tests.builders import SECRET
from tests.integration.people import Town
from tests.visits import Visit, opened, visiting
from tests.waiting import eventually


@dataclass
class Live:
    """A running hub in a town."""

    town: Town
    hub: Hub
    tracking: Tracking
    tokens: Proofs
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def socket(self, **options: Any) -> AbstractAsyncContextManager[Visit]:
        """A socket that has not said anything yet."""
        return opened(self.url, **options)

    def visit(self, viewer: Viewer) -> AbstractAsyncContextManager[Visit]:
        """An authenticated socket."""
        return visiting(self.url, self.tokens.issue(viewer))

    async def assigned(self, courier: Viewer) -> UUID:
        """The id of an order that this courier is to fetch, once the tail has told the board of it."""
        order_id = await self.town.assigned(courier)

        async def is_known() -> bool:
            return self.town.duties.by_order(order_id) is not None

        await eventually(is_known)
        return order_id

    def position(self, courier_id: UUID, lat: float, lng: float, **facts: Any) -> Position:
        """Tell the nearest index and the hub of a courier's position, as the fan-out would."""
        now_ms = self.town.clock.now_ms()
        duty = self.town.duties.of(courier_id)
        position = Position(
            courier_id=courier_id,
            lat=lat,
            lng=lng,
            fix_time_ms=now_ms,
            received_at_ms=now_ms,
            cell=cell_of(lat, lng),
            duty_mark=0 if duty is None else duty.mark,
        )
        position = replace(position, **facts)
        batch = np.frombuffer(position.pack(), POSITION_DTYPE)
        self.hub.on_positions(self.town.nearest.update(batch))
        return position


@asynccontextmanager
async def live(
    town: Town, redis: Redis, *, snapshots: SnapshotReader | None = None, **settings: Any
) -> AsyncIterator[Live]:
    """A hub in `town`, whose storage runs already, listening on a free port until the block ends."""
    chosen = Settings(secret=SECRET, **{"track_flush_s": 0.05, **settings})
    board = Revocations(town.clock)
    town.storage.tail.subscribe(board.apply)
    tokens = Proofs(SECRET, 3600, town.clock, board)
    tracking = Tracking(
        CourierIndex(redis, partitions=1), TrackStore(town.storage.pool), town.duties, town.clock, chosen
    )
    hub = Hub(
        tokens=tokens,
        snapshots=snapshots or StoreSnapshots(town.duties, town.nearest, Codes(town.settings.secret)),
        pool=town.storage.pool,
        audit=Audit(town.storage, town.clock),
        tail=town.storage.tail,
        nearest=town.nearest,
        duties=town.duties,
        tracking=tracking,
        services=Services(town.orders, town.dispatch, town.tickets),
        clock=town.clock,
        settings=chosen,
    )
    board.on_change.append(hub.on_revoked)
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(),
            port=0,
            ws=protocol_class(hub),
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
    )
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
