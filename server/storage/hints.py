"""“Look now”: the Redis channel that wakes the other processes' tails.  A lost hint costs half a second.

{log}:hint   channel   the transaction id of a commit, as decimal text
"""

import asyncio
from contextlib import suppress

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.storage.event_log import EventTail

CHANNEL = "{log}:hint"
LISTEN_S = 2.0
RECONNECT_S = 0.5
APART_S = 0.004  # hints wake every process; under load one speaks for several commits

log = structlog.get_logger(__name__)


class HintSender:
    """Publishes the newest transaction id; while one publish is under way, later ones gather into the next.

    So commands never wait for Redis, and a Redis that hangs holds up one task and nothing else.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._newest = 0
        self._sent = 0
        self._task: asyncio.Task[None] | None = None

    def send(self, transaction_id: int) -> None:
        """Tell the others, soon."""
        self._newest = max(self._newest, transaction_id)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await self._task

    async def _send_all(self) -> None:
        while self._sent < self._newest:
            self._sent = self._newest
            try:
                await self._redis.publish(CHANNEL, str(self._sent))
            except (RedisError, OSError) as error:
                log.info("hint not sent; the others will poll", error=type(error).__name__)
            await asyncio.sleep(APART_S)


async def listen_for_hints(redis: Redis, tail: EventTail) -> None:
    """Wake `tail` at every hint, until cancelled; comes back by itself when Redis does."""
    while True:
        with suppress(RedisError, OSError):  # without hints the tail polls: nothing to tell anybody
            async with redis.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(CHANNEL)
                tail.hint()  # what was said while nobody listened
                while True:
                    message = await subscription.get_message(timeout=LISTEN_S)
                    if message is not None and message["data"].isdigit():
                        tail.hint(int(message["data"]))
        await asyncio.sleep(RECONNECT_S)
