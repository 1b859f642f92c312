"""Keys of merchants' own programs: made for one merchant, with some of its people's permissions, shown once.

The form and the scopes are here, and what is done about them; SQL stands in the store below.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.accounts.audit import AuditStore
from server.accounts.log import session_ended
from server.accounts.permissions import Permission, require_for_merchant
from server.accounts.proofs import Proofs
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import BadInput, NotAuthenticated, NotFound
from server.ids import new_id
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage

PREFIX = "sk_"
KEY_BYTES = 32
SHOWN_LETTERS = 10  # of a key, in lists: enough to know it again, and 200 bits short of using it
CACHE_S = 2.0
MAX_CACHED_KEYS = 10_000


class KeyScope(StrEnum):
    """What a program may be let do; none of these lets it make keys."""

    ORDERS_READ = "orders:read"
    ORDERS_ANSWER = "orders:answer"
    MENU_WRITE = "menu:write"
    WEBHOOKS_MANAGE = "webhooks:manage"


SCOPES: dict[KeyScope, frozenset[Permission]] = {
    KeyScope.ORDERS_READ: frozenset({Permission.SEE_ORDER, Permission.SEE_MERCHANTS, Permission.SEE_TICKET}),
    KeyScope.ORDERS_ANSWER: frozenset(
        {Permission.ANSWER_ORDER, Permission.CANCEL_ORDER, Permission.UNDO_ORDER}
    ),
    KeyScope.MENU_WRITE: frozenset({Permission.SEE_MERCHANTS, Permission.MANAGE_MENU}),
    KeyScope.WEBHOOKS_MANAGE: frozenset({Permission.MANAGE_WEBHOOKS}),
}


class UnknownApiKey(NotAuthenticated):
    """This key is none, or none any more."""

    code = "unknown_api_key"


class ApiKeyNotFound(NotFound):
    """This merchant has no such key."""

    code = "api_key_not_found"


class BadScopes(BadInput):
    """A key has at least one scope."""

    code = "bad_scopes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key, without what would let anybody use it."""

    id: UUID
    merchant_id: UUID
    label: str
    scopes: tuple[KeyScope, ...]
    prefix: str
    created_at: datetime
    last_used_on: date | None

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that its scopes let it do."""
        return frozenset[Permission]().union(*(SCOPES[scope] for scope in self.scopes))


class ApiKeyStore:
    """All SQL about programs' keys: table `api_keys`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, key: ApiKey, key_hash: bytes, made_by: UUID) -> None:
        """Store a new one."""
        await self._connection.execute(
            "INSERT INTO api_keys (id, merchant_id, label, scopes, prefix, key_hash, made_by, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            key.id,
            key.merchant_id,
            key.label,
            [scope.value for scope in key.scopes],
            key.prefix,
            key_hash,
            made_by,
            key.created_at,
        )

    async def by_hash(self, key_hash: bytes) -> ApiKey | None:
        """The key of this hash, unless it has ended."""
        row = await self._connection.fetchrow(
            "SELECT * FROM api_keys WHERE key_hash = $1 AND ended_at IS NULL", key_hash
        )
        return None if row is None else _key(row)

    async def of_merchant(self, merchant_id: UUID) -> list[ApiKey]:
        """The merchant's keys, the newest first."""
        rows = await self._connection.fetch(
            "SELECT * FROM api_keys WHERE merchant_id = $1 AND ended_at IS NULL ORDER BY id DESC", merchant_id
        )
        return [_key(row) for row in rows]

    async def end(self, merchant_id: UUID, key_id: UUID, now: datetime) -> bool:
        """End one; whether it was there."""
        return bool(
            await self._connection.fetchval(
                "UPDATE api_keys SET ended_at = $3 WHERE id = $2 AND merchant_id = $1 AND ended_at IS NULL"
                " RETURNING true",
                merchant_id,
                key_id,
                now,
            )
        )

    async def used(self, key_id: UUID, day: date) -> None:
        """It was used on this day."""
        await self._connection.execute(
            "UPDATE api_keys SET last_used_on = $2 WHERE id = $1 AND last_used_on IS DISTINCT FROM $2",
            key_id,
            day,
        )


class ApiKeyService:
    """Programs' keys, and who shows one."""

    def __init__(self, storage: Storage, proofs: Proofs, clock: Clock) -> None:
        self._storage = storage
        self._proofs = proofs
        self._clock = clock
        self._viewers: dict[bytes, tuple[Viewer, float]] = {}  # by the key's hash, cached until (monotonic)

    async def make(
        self, viewer: Viewer, merchant_id: UUID, label: str, scopes: list[KeyScope]
    ) -> tuple[ApiKey, str]:
        """A new key and its words, told this once; they are stored nowhere."""
        self._require(viewer, merchant_id)
        if not scopes:
            raise BadScopes
        words = PREFIX + secrets.token_urlsafe(KEY_BYTES)
        async with self._storage.unit_of_work() as work:
            key = ApiKey(
                id=new_id(self._clock.now_ms()),
                merchant_id=merchant_id,
                label=label,
                scopes=tuple(sorted(set(scopes))),
                prefix=words[:SHOWN_LETTERS],
                created_at=work.now,
                last_used_on=None,
            )
            await ApiKeyStore(work.connection).insert(key, _hash(words), viewer.account_id)
            await AuditStore(work.connection).did(
                viewer, "make_api_key", "api_key", key.id, merchant_id, at=work.now, scopes=list(key.scopes)
            )
        return key, words

    async def of_merchant(self, viewer: Viewer, merchant_id: UUID) -> list[ApiKey]:
        """The merchant's keys."""
        self._require(viewer, merchant_id)
        with database_errors():
            return await ApiKeyStore(self._storage.pool).of_merchant(merchant_id)

    async def revoke(self, viewer: Viewer, merchant_id: UUID, key_id: UUID) -> None:
        """End a key, in every process within two seconds; ApiKeyNotFound."""
        self._require(viewer, merchant_id)
        async with self._storage.unit_of_work() as work:
            if not await ApiKeyStore(work.connection).end(merchant_id, key_id, work.now):
                raise ApiKeyNotFound
            await work.append(
                session_ended(
                    key_id,
                    key_id,
                    until=self._proofs.last_good(work.now),
                    actor_id=viewer.account_id,
                    at=work.now,
                )
            )
            await AuditStore(work.connection).did(
                viewer, "revoke_api_key", "api_key", key_id, merchant_id, at=work.now
            )
        self._viewers = {
            key_hash: entry for key_hash, entry in self._viewers.items() if entry[0].account_id != key_id
        }

    async def viewer_of(self, words: str) -> Viewer:
        """Who shows this key, a program of the merchant's; UnknownApiKey.  Asked of the database each two seconds."""
        key_hash, now_s = _hash(words), self._clock.monotonic_s()
        cached = self._viewers.get(key_hash)
        if cached is not None and now_s < cached[1]:
            self._proofs.board.check(cached[0])
            return cached[0]
        today = self._clock.now().date()
        with database_errors():
            store = ApiKeyStore(self._storage.pool)
            key = await store.by_hash(key_hash)
            if key is None:
                raise UnknownApiKey
            if key.last_used_on != today:
                await store.used(key.id, today)
        viewer = self._proofs.viewer(
            key.id, Role.MERCHANT, key.merchant_id, permissions=key.permissions, session_id=key.id
        )
        if len(self._viewers) >= MAX_CACHED_KEYS:
            self._viewers.clear()
        self._viewers[key_hash] = viewer, now_s + CACHE_S
        return viewer

    def _require(self, viewer: Viewer, merchant_id: UUID) -> None:
        require_for_merchant(viewer, Permission.MAKE_API_KEY, merchant_id)


def _hash(words: str) -> bytes:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row["id"],
        merchant_id=row["merchant_id"],
        label=row["label"],
        scopes=tuple(KeyScope(scope) for scope in row["scopes"]),
        prefix=row["prefix"],
        created_at=row["created_at"],
        last_used_on=row["last_used_on"],
    )
