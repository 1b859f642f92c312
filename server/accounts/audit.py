"""Who did and who looked at what: table `audit_log`, which nobody can change (migration 0003).

Deeds are written in the transaction that does them, looks at personal data before the answer goes out.  Ids only: no
name, phone, address or network address stands here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts.permissions import Permission, require_for_all
from server.accounts.viewer import Viewer
from server.clock import Clock, to_ms
from server.ids import new_id
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage

# What is looked at; a deed is named by the word of its command.
LOOKED_AT_CONTACT = "looked_at_contact"
LOOKED_AT_TRACK = "looked_at_track"
LOOKED_AT_PICTURE = "looked_at_picture"
LOOKED_AT_ARCHIVE = "looked_at_archive"
LOOKED_AT_AUDIT = "looked_at_audit"
LOOKED_AT_TICKET = "looked_at_ticket"  # with what people wrote in it


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody is about to be shown personal data of these things."""

    viewer: Viewer
    what: str
    entity: str
    entity_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are asked for; None: all."""

    entity: str | None = None
    entity_id: UUID | None = None
    actor_id: UUID | None = None
    before: UUID | None = None  # an entry's id


class AuditStore:
    """Adds to and reads the audit on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def did(
        self, viewer: Viewer | None, what: str, entity: str, *entity_ids: UUID, at: datetime, **details: Any
    ) -> None:
        """Somebody (None: the program by itself) did `what` to these; within the deed's own transaction."""
        await self._connection.execute(_INSERT, *_row(viewer, what, entity, entity_ids, at, details))

    async def looked(self, looks: Iterable[Look], *, at: datetime) -> None:
        """These looks, one entry each, in one statement."""
        rows = [_row(look.viewer, look.what, look.entity, look.entity_ids, at, {}) for look in looks]
        if rows:
            await self._connection.executemany(_INSERT, rows)

    async def newest(self, asked: AuditFilter, *, limit: int) -> list[dict[str, Any]]:
        """Entries, newest first."""
        rows = await self._connection.fetch(
            "SELECT id, at, actor_id, actor_role, session_id, what, entity, entity_ids, details FROM audit_log"
            " WHERE ($1::text IS NULL OR entity = $1) AND ($2::uuid IS NULL OR entity_ids @> ARRAY[$2::uuid])"
            " AND ($3::uuid IS NULL OR actor_id = $3) AND ($4::uuid IS NULL OR id < $4)"
            " ORDER BY id DESC LIMIT $5",
            asked.entity,
            asked.entity_id,
            asked.actor_id,
            asked.before,
            limit,
        )
        return [dict(row) for row in rows]


class Audit:
    """The audit as edges use it."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def looked(self, viewer: Viewer, what: str, entity: str, entity_ids: Sequence[UUID]) -> None:
        """Call it, and wait for it, before the answer goes out; nothing is written about nothing."""
        if entity_ids:
            await self.note([Look(viewer, what, entity, tuple(entity_ids))])

    async def note(self, looks: Sequence[Look]) -> None:
        """Several looks at once; committed when this returns."""
        with database_errors():
            async with self._storage.pool.acquire() as connection:
                await AuditStore(connection).looked(looks, at=self._clock.now())

    async def read(self, viewer: Viewer, asked: AuditFilter, *, limit: int) -> list[dict[str, Any]]:
        """Entries, newest first, to those who may; that is a look as well."""
        require_for_all(viewer, Permission.SEE_AUDIT)
        with database_errors():
            entries = await AuditStore(self._storage.pool).newest(asked, limit=limit)
        about = [one for one in (asked.entity_id, asked.actor_id) if one is not None]
        await self.note([Look(viewer, LOOKED_AT_AUDIT, "audit", tuple(about))])
        return entries


_INSERT = (
    "INSERT INTO audit_log (id, at, actor_id, actor_role, session_id, what, entity, entity_ids, details)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)


def _row(
    viewer: Viewer | None,
    what: str,
    entity: str,
    entity_ids: Sequence[UUID],
    at: datetime,
    details: dict[str, Any],
) -> tuple[Any, ...]:
    return (
        new_id(to_ms(at)),
        at,
        None if viewer is None else viewer.account_id,
        None if viewer is None else viewer.role.value,
        None if viewer is None else viewer.session_id,
        what,
        entity,
        list(entity_ids),
        details,
    )
