"""A command sent twice takes effect once: its answer is kept under the sender's key, in its transaction.

Nobody asks first whether the key is new: that would cost every command two statements.  The work is done, the answer
is kept with it, and whoever finds the key taken then, or is refused on the way, looks what the first was answered
(unit_of_work.py).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from server.errors import BadInput, Refused

MAX_KEY_LENGTH = 200

Answer: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None

KEEP_ANSWER = """
    INSERT INTO idempotency_keys (account_id, key, fingerprint, answer, created_at) VALUES ({}, {}, {}, {}, {})
"""


class KeyReused(Refused):
    """This idempotency key was used for another request."""

    code = "idempotency_key_reused"


class BadKey(BadInput):
    """An idempotency key has 1 to 200 characters."""

    code = "bad_idempotency_key"


class KeyTaken(Exception):
    """Another transaction has kept an answer under this key: never seen outside of `Storage.once`."""


@dataclass(frozen=True, slots=True)
class Request:
    """Whose command it is, under which key, and what was asked (a fingerprint of it)."""

    account_id: UUID
    key: str
    fingerprint: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.key) <= MAX_KEY_LENGTH or "\x00" in self.key:
            raise BadKey


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a request as JSON text, so that whoever repeats it gets the same, to the byte."""

    request: Request
    text: str

    @classmethod
    def of(cls, request: Request, answer: Answer) -> "KeptAnswer":
        """`answer`, to be kept."""
        return cls(request, orjson.dumps(answer).decode())

    def read(self) -> Answer:
        """The answer, as everybody gets it: also the first, who could have had a tuple for a list."""
        return orjson.loads(self.text)  # type: ignore[no-any-return]

    def row(self, now: datetime) -> tuple[object, ...]:
        """The values of KEEP_ANSWER."""
        request = self.request
        return request.account_id, request.key, request.fingerprint, self.text, now


def taken_key(error: asyncpg.UniqueViolationError) -> KeyTaken | None:
    """KeyTaken, if that is what the database complains of."""
    return KeyTaken() if error.constraint_name == "idempotency_keys_pkey" else None


async def find_kept(connection: Any, request: Request) -> KeptAnswer | None:
    """What was answered under this key, if anything; KeyReused when it was asked something else."""
    row = await connection.fetchrow(
        "SELECT fingerprint, answer FROM idempotency_keys WHERE account_id = $1 AND key = $2",
        request.account_id,
        request.key,
    )
    if row is None:
        return None
    if row["fingerprint"] != request.fingerprint:
        raise KeyReused
    kept = row["answer"]
    return KeptAnswer(request, kept) if isinstance(kept, str) else KeptAnswer.of(request, kept)


async def forget_answers(connection: asyncpg.Connection, before: datetime) -> None:
    """Forget the keys used before that moment."""
    await connection.execute("DELETE FROM idempotency_keys WHERE created_at < $1", before)
