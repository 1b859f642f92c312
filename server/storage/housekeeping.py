"""What the record forgets by itself, by a timer like any other: one process does it, whichever comes first."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from server.storage.idempotency import forget_answers
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

KIND = "housekeeping"
EVERY = timedelta(hours=1)
KEEP_ANSWERS = timedelta(days=7)  # a phone that was off over a holiday still gets its first answer

_NOBODY_S = UUID(int=0)  # the timer belongs to no entity


async def keep_house(storage: Storage, timers: Timers) -> None:
    """Begin to forget old answers, now and then every hour; call it before `timers.run()`."""
    timers.on(KIND, _forget)
    async with storage.unit_of_work() as work:
        await work.set_timer(KIND, _NOBODY_S, work.now)


async def _forget(work: UnitOfWork, entity_id: UUID, payload: dict[str, Any]) -> None:
    await forget_answers(work.connection, work.now - KEEP_ANSWERS)
    await work.set_timer(KIND, entity_id, work.now + EVERY)
