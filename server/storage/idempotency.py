"""A command sent twice takes effect once: its answer is kept under the sender's key, in its transaction."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from server.errors import BadInput, Refused

MAX_KEY_LENGTH = 200

Answer: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None


class KeyReused(Refused):
    """This idempotency key was used for another request."""

    code = "idempotency_key_reused"


class BadKey(BadInput):
    """An idempotency key has 1 to 200 characters."""

    code = "bad_idempotency_key"


async def once(
    connection: asyncpg.Connection,
    account_id: UUID,
    key: str,
    fingerprint: bytes,
    *,
    now: datetime,
    act: Callable[[], Awaitable[Answer]],
) -> Answer:
    """The answer kept under `key`, or that of `act`, which is then kept with its effects.

    Of two at the same time, the second waits in the INSERT until the first has committed or failed.
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH or "\x00" in key:
        raise BadKey
    claimed = await connection.fetchval(
        "INSERT INTO idempotency_keys (account_id, key, fingerprint, created_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING RETURNING true",
        account_id,
        key,
        fingerprint,
        now,
    )
    if not claimed:
        first_fingerprint, answer = await connection.fetchrow(
            "SELECT fingerprint, answer FROM idempotency_keys WHERE account_id = $1 AND key = $2",
            account_id,
            key,
        )
        if first_fingerprint != fingerprint:
            raise KeyReused
        return answer  # type: ignore[no-any-return]  # jsonb holds what Answer says
    # As JSON says it, so that the first answer and the repeated one are the same.
    answer = orjson.loads(orjson.dumps(await act()))
    await connection.execute(
        "UPDATE idempotency_keys SET answer = $3 WHERE account_id = $1 AND key = $2", account_id, key, answer
    )
    return answer  # type: ignore[no-any-return]


async def forget_answers(connection: asyncpg.Connection, before: datetime) -> None:
    """Forget the keys used before that moment."""
    await connection.execute("DELETE FROM idempotency_keys WHERE created_at < $1", before)
