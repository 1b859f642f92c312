"""Positions from all processes, our own too, to what listens here: one reader with its own connection.

Pub/sub loses messages without an error (traps 13), and a Redis that hangs raises none.  So the reader
proves each second that what is published arrives, by a probe on the way that positions take; `probe_age_s`
is the age of the last proof. Without one it connects anew, and then reads all positions from Redis, since
it cannot know what it has missed.
"""

import asyncio
import math
import secrets
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast
from uuid import UUID

import prometheus_client
import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from server.clock import Clock
from server.geo.courier_index import CourierIndex, LiveStateAway
from server.geo.position_messages import (
    PARTITIONS,
    Kind,
    Message,
    Positions,
    channel_name,
    probe_channel,
    read_batch,
    read_claim,
    read_ids,
    read_message,
)
from server.telemetry import FAILURES

PROBE_EVERY_S = 1.0
PROBE_WITHIN_S = 2.5  # no proof for longer: connect anew
CONNECT_AGAIN_AFTER_S = 0.2
LOAD_AGAIN_AFTER_S = 0.5
PROBE_PARTITION = 0

RECONNECTS = prometheus_client.Counter(
    "songda_fanout_reconnects_total", "Times the reader of positions connected anew"
)
POSITIONS = prometheus_client.Counter("songda_fanout_positions_total", "Positions heard from all processes")
LAG_S = prometheus_client.Histogram(
    "songda_fanout_lag_seconds",
    "From the publication of positions to their delivery here",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)

_PROOF = struct.Struct("<d")

log = structlog.get_logger()


class PositionFanout:
    """Hears every process's positions.  The callbacks are called in the event loop, one after the other:

    `on_batch` with what has come in since the last time, `on_left` with couriers who were silent for too
    long, `on_claimed` with a courier and his newest owner number.
    """

    def __init__(
        self,
        listener: Redis,
        index: CourierIndex,
        clock: Clock,
        *,
        on_batch: Callable[[Positions], None],
        on_left: Callable[[list[UUID]], None],
        on_claimed: Callable[[UUID, int], None],
    ) -> None:
        """`listener` is a client whose connections wait without a time-out (storage.redis.open_listener)."""
        self._listener = listener
        self._index = index
        self._clock = clock
        self._on_batch = on_batch
        self._on_left = on_left
        self._on_claimed = on_claimed
        self._reader = secrets.token_hex(8)
        self._subscribed = asyncio.Event()
        self._pending: list[memoryview] = []
        self._proved_at_s = -math.inf
        self._is_lost = False

    @property
    def probe_age_s(self) -> float:
        """Seconds since the sending of the last message that demonstrably arrived; infinite until one has."""
        return self._clock.monotonic_s() - self._proved_at_s

    async def run(self) -> None:
        """Read until cancelled; whatever happens to Redis, connect and subscribe again."""
        while True:
            await self._visit()
            RECONNECTS.inc()
            await asyncio.sleep(CONNECT_AGAIN_AFTER_S)

    async def _visit(self) -> None:
        """One connection's life: until it breaks, or stops proving itself."""
        self._subscribed.clear()
        reading, proving = asyncio.create_task(self._read()), asyncio.create_task(self._prove())
        works = [reading, proving, asyncio.create_task(self._load())]
        try:
            await asyncio.wait([reading, proving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            results = await asyncio.gather(*works, return_exceptions=True)
        for result in results:
            if isinstance(result, (RedisError, OSError)):
                if not self._is_lost:  # once; we try again five times a second
                    log.warning("the connection that brings positions was lost", error=type(result).__name__)
                self._is_lost = True
            elif isinstance(result, Exception):
                FAILURES.labels("fanout").inc()
                log.error("the reader of positions failed", exc_info=result)

    async def _read(self) -> None:
        connection = self._connection()
        try:
            await cast(Any, connection).connect()  # untyped in redis-py
            channels = [channel_name(partition) for partition in range(PARTITIONS)]
            await connection.send_command(
                "SSUBSCRIBE", *channels, probe_channel(PROBE_PARTITION, self._reader)
            )
            awaited = len(channels) + 1
            while True:
                match await connection.read_response(timeout=math.inf):
                    case [b"smessage", _, bytes(data)]:
                        self._hear(data)
                    case [b"ssubscribe", _, _]:
                        awaited -= 1
                        if awaited == 0:
                            self._is_lost = False
                            self._subscribed.set()
                    case [b"sunsubscribe", *_]:
                        return  # the channel's slot has moved to another node
        finally:
            with suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)

    def _connection(self) -> AbstractConnection:
        pool = self._listener.connection_pool
        # RESP2: redis-py's push handler of RESP3 writes every message into a debug string, logged or not.
        options: dict[str, Any] = {**pool.connection_kwargs, "protocol": 2}
        connection: AbstractConnection = pool.connection_class(**options)
        return connection

    async def _prove(self) -> None:
        await self._subscribed.wait()
        since_s = self._clock.monotonic_s()
        while self._clock.monotonic_s() - max(self._proved_at_s, since_s) <= PROBE_WITHIN_S:
            with suppress(LiveStateAway):  # then no proof arrives, either
                proof = _PROOF.pack(self._clock.monotonic_s())
                await self._index.publish_probe(
                    PROBE_PARTITION, self._reader, proof, now_ms=self._clock.now_ms()
                )
            await asyncio.sleep(PROBE_EVERY_S)

    async def _load(self) -> None:
        """Everything that was placed before we listened; what comes meanwhile is newer and wins."""
        await self._subscribed.wait()
        while True:
            try:
                async for batch in self._index.load():
                    self._deliver(batch)
                return
            except LiveStateAway:
                await asyncio.sleep(LOAD_AGAIN_AFTER_S)

    def _hear(self, data: bytes) -> None:
        message = read_message(data)
        if message is None:
            return
        if message.kind is Kind.POSITIONS:
            LAG_S.observe(max(0, self._clock.now_ms() - message.published_at_ms) / 1000)
            if not self._pending:
                # Runs once the reader has taken all that the socket held: many messages, one batch.
                asyncio.get_running_loop().call_soon(self._deliver_pending)
            self._pending.append(message.body)
            return
        self._deliver_pending()
        self._hear_notice(message)

    def _hear_notice(self, message: Message) -> None:
        if message.kind is Kind.PROBE:
            if len(message.body) == _PROOF.size:
                (self._proved_at_s,) = _PROOF.unpack(message.body)
        elif message.kind is Kind.LEFT:
            self._tell(self._on_left, read_ids(message.body))
        elif message.kind is Kind.CLAIMED and (claim := read_claim(message.body)) is not None:
            self._tell(self._on_claimed, claim.courier_id, claim.owner)

    def _deliver_pending(self) -> None:
        if self._pending:
            pending, self._pending = self._pending, []
            self._deliver(read_batch(b"".join(pending)))

    def _deliver(self, batch: Positions) -> None:
        POSITIONS.inc(len(batch))
        self._tell(self._on_batch, batch)

    def _tell(self, listener: Callable[..., None], *what: object) -> None:
        try:
            listener(*what)
        except Exception as error:  # a listener's mistake must not stop the reading
            FAILURES.labels("fanout").inc()
            log.error("a listener to positions failed", exc_info=error)
