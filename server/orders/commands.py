"""What all commands people give have in common: given twice under one key, they happen once."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from server.accounts.viewer import Viewer
from server.orders.views import Json
from server.storage.unit_of_work import Storage, UnitOfWork


def fingerprint(name: str, *parts: Any) -> bytes:
    """The same bytes for the same command with the same body, and for no other."""
    return hashlib.sha256(msgspec.json.encode([name, *parts])).digest()


async def once(
    storage: Storage,
    viewer: Viewer,
    key: str | None,
    told: bytes,
    act: Callable[[UnitOfWork], Awaitable[Json]],
) -> Json:
    """What `act` answers, or answered when the viewer gave this `key` before; KeyReused when told otherwise then."""
    answer = await storage.once(viewer.account_id, key, told, act)
    assert isinstance(answer, dict)  # as `act` makes them
    return answer
