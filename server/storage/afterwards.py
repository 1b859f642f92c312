"""What a commit sets off and nobody waits for: tasks of this process, which die with it.

Whoever needs something done for sure sets a timer in the same transaction; this is only the quick way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from server.telemetry import FAILURES

FINISH_WITHIN_S = 5.0

AfterCommit: TypeAlias = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


class Afterwards:
    """Runs what is given to it in the background; whatever fails there is logged and counted, and harms nobody."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself holds tasks only weakly (traps 18)

    def start(self, work: AfterCommit) -> None:
        """Have `work` run soon."""
        task = asyncio.create_task(_run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let what is under way finish, also what that starts; after `FINISH_WITHIN_S` it is cancelled."""
        try:
            async with asyncio.timeout(FINISH_WITHIN_S):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            log.warning("work after commits was cut off", tasks=len(self._tasks))
        finally:
            while left := set(self._tasks):
                for task in left:
                    task.cancel()
                await asyncio.wait(left)


async def _run(work: AfterCommit) -> None:
    try:
        await work()
    except Exception as error:
        FAILURES.labels("after_commit").inc()
        log.error("work after a commit failed", exc_info=error)
