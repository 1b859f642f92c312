"""Whom this process refuses although their token is good: proofs that were ended, accounts that were barred.

Fed by the event log's tail, so that every process knows within a moment, and loaded from the log at the start.  A
token needs nobody asked: it is looked up in memory, and forgotten here when it would have run out by itself.
"""

import heapq
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts.log import ACCOUNT, SESSION, TOPIC
from server.accounts.standing import BARRED, Standing, require_active
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import NotAuthenticated
from server.storage.database import database_errors
from server.storage.event_log import LogRow

LISTENED_S = 16 * 86_400.0  # longer than any token lives; a tracking link's does longest


class SignedOut(NotAuthenticated):
    """This session was ended; sign in again."""

    code = "signed_out"


# (the account whose proof or standing it is, the one proof that ended; None: all of the account's)
Listener = Callable[[UUID, UUID | None], None]


class Revocations:
    """The board of one process; apply rows by `tail.subscribe(board.apply)`."""

    def __init__(self, clock: Clock) -> None:
        self.on_change: list[Listener] = []
        self._clock = clock
        self._ended: dict[UUID, int] = {}  # proof -> when it may be forgotten, Unix ms
        self._barred: dict[UUID, tuple[Standing, int]] = {}  # account -> the same
        self._until: list[tuple[int, UUID]] = []  # all of these moments, the soonest first

    def __len__(self) -> int:
        return len(self._ended) + len(self._barred)

    def check(self, viewer: Viewer) -> None:
        """SignedOut, Suspended or Dismissed for whom we refuse."""
        if viewer.session_id in self._ended:
            raise SignedOut
        barred = self._barred.get(viewer.account_id)
        if barred is not None:
            require_active(barred[0])

    def apply(self, rows: Sequence[LogRow]) -> None:
        """What the log tells; the same row twice does no harm."""
        for row in rows:
            if TOPIC in row.topics:
                self._note(row.entity, row.entity_id, row.fields)

    async def load(self, pool: Any, *, now: datetime) -> None:
        """Read what was ended or decided lately; call it when the tail stands at the end of the log."""
        with database_errors():
            rows = await pool.fetch(
                "SELECT entity, entity_id, fields FROM event_log WHERE topics @> ARRAY[$1::text]"
                " AND received_at > $2::timestamptz - make_interval(secs => $3)"
                " ORDER BY transaction_id, position",
                TOPIC,
                now,
                LISTENED_S,
            )
        for row in rows:
            self._note(row["entity"], row["entity_id"], row["fields"])

    def _note(self, entity: str, entity_id: UUID, fields: dict[str, Any]) -> None:
        now_ms = self._clock.now_ms()
        self._forget(now_ms)
        until_ms = int(fields["until_ms"])
        if entity == ACCOUNT:
            self._barred.pop(entity_id, None)
        if until_ms <= now_ms:
            return
        if entity == SESSION and entity_id not in self._ended:
            self._ended[entity_id] = until_ms
            self._tell(UUID(fields["account_id"]), entity_id)
        elif entity == ACCOUNT and fields["status"] in BARRED:
            self._barred[entity_id] = Standing(fields["status"]), until_ms
            self._tell(entity_id, None)
        heapq.heappush(self._until, (until_ms, entity_id))

    def _tell(self, account_id: UUID, session_id: UUID | None) -> None:
        for listener in self.on_change:
            listener(account_id, session_id)

    def _forget(self, now_ms: int) -> None:
        while self._until and self._until[0][0] <= now_ms:
            _, entity_id = heapq.heappop(self._until)
            if self._ended.get(entity_id, now_ms + 1) <= now_ms:
                del self._ended[entity_id]
            if self._barred.get(entity_id, (None, now_ms + 1))[1] <= now_ms:
                del self._barred[entity_id]
