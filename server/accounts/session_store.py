"""All SQL about signings-in and failed attempts at them: tables `sessions` and `sign_in_failures`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts.refresh import Kept
from server.accounts.sign_in_limit import NONE_YET, Failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody's signing-in, from its beginning to its end."""

    id: UUID
    account_id: UUID
    label: str
    generation: int
    created_at: datetime
    kept: Kept


class SessionStore:
    """Reads and writes sessions on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, session: Session, family_hash: bytes) -> None:
        """Store a new one."""
        await self._connection.execute(
            "INSERT INTO sessions (id, account_id, label, family_hash, secret_hash, generation,"
            " created_at, refreshed_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            session.id,
            session.account_id,
            session.label,
            family_hash,
            session.kept.secret_hash,
            session.generation,
            session.created_at,
            session.kept.refreshed_at,
            session.kept.ends_at,
        )

    async def lock_family(self, family_hash: bytes) -> Session | None:
        """The session of this family of refresh tokens, to be changed in this transaction."""
        row = await self._connection.fetchrow(
            "SELECT * FROM sessions WHERE family_hash = $1 FOR UPDATE", family_hash
        )
        return None if row is None else _session(row)

    async def refreshed(self, session: Session, secret_hash: bytes, now: datetime) -> None:
        """The next secret is the good one now."""
        await self._connection.execute(
            "UPDATE sessions SET previous_hash = secret_hash, secret_hash = $2, generation = generation + 1,"
            " refreshed_at = $3 WHERE id = $1",
            session.id,
            secret_hash,
            now,
        )

    async def open_of(self, account_id: UUID, now: datetime) -> list[Session]:
        """The account's sessions that have not ended, the one used last first."""
        rows = await self._connection.fetch(
            "SELECT * FROM sessions WHERE account_id = $1 AND ended_at IS NULL AND ends_at > $2"
            " ORDER BY refreshed_at DESC, id",
            account_id,
            now,
        )
        return [_session(row) for row in rows]

    async def end(
        self,
        account_id: UUID,
        now: datetime,
        why: str,
        *,
        only: UUID | None = None,
        but: UUID | None = None,
    ) -> list[UUID]:
        """End the account's open sessions: `only` that one, or all `but` one; the ids of those that were."""
        rows = await self._connection.fetch(
            "UPDATE sessions SET ended_at = $2, ended_why = $3 WHERE account_id = $1 AND ended_at IS NULL"
            " AND ($4::uuid IS NULL OR id = $4) AND ($5::uuid IS NULL OR id <> $5) RETURNING id",
            account_id,
            now,
            why,
            only,
            but,
        )
        return [row["id"] for row in rows]

    async def forget(self, sessions_before: datetime, failures_before: datetime) -> None:
        """Forget sessions that have ended, and failures that count no more, since then."""
        await self._connection.execute(
            "DELETE FROM sessions WHERE least(ended_at, ends_at) < $1", sessions_before
        )
        await self._connection.execute("DELETE FROM sign_in_failures WHERE last_at < $1", failures_before)

    # Failed attempts

    async def lock_failures(self, subject: bytes, now: datetime) -> Failures:
        """How often this subject failed; whoever asks next waits until this transaction is over."""
        await self._connection.execute(
            "INSERT INTO sign_in_failures (subject, failures, first_at, last_at) VALUES ($1, 0, $2, $2)"
            " ON CONFLICT DO NOTHING",
            subject,
            now,
        )
        row = await self._connection.fetchrow(
            "SELECT failures, first_at, last_at FROM sign_in_failures WHERE subject = $1 FOR UPDATE", subject
        )
        return NONE_YET if row is None else Failures(row["failures"], row["first_at"], row["last_at"])

    async def set_failures(self, subject: bytes, failures: Failures) -> None:
        """Write what they are now."""
        await self._connection.execute(
            "UPDATE sign_in_failures SET failures = $2, first_at = $3, last_at = $4 WHERE subject = $1",
            subject,
            failures.count,
            failures.first_at,
            failures.last_at,
        )

    async def forgive(self, subject: bytes) -> None:
        """This subject has proved itself."""
        await self._connection.execute("DELETE FROM sign_in_failures WHERE subject = $1", subject)

    async def one_less(self, subject: bytes) -> None:
        """What was counted before it was known was no failure."""
        await self._connection.execute(
            "UPDATE sign_in_failures SET failures = failures - 1 WHERE subject = $1 AND failures > 0", subject
        )


def _session(row: Any) -> Session:
    return Session(
        id=row["id"],
        account_id=row["account_id"],
        label=row["label"],
        generation=row["generation"],
        created_at=row["created_at"],
        kept=Kept(
            secret_hash=row["secret_hash"],
            previous_hash=row["previous_hash"],
            refreshed_at=row["refreshed_at"],
            ends_at=row["ends_at"],
            ended_at=row["ended_at"],
        ),
    )
