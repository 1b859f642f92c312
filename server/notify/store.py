"""All SQL about webhook endpoints, deliveries and their attempts.  What turns the log into deliveries: cursor_store.py.

Locks are taken in this order: endpoint, delivery, timer.  Whoever begins tries takes deliveries with SKIP LOCKED and
waits for nobody.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.notify.model import (
    AttemptAnswer,
    DeliveryAnswer,
    DeliveryWithAttempts,
    Endpoint,
    Sendable,
    State,
    WebhookNotFound,
)
from server.notify.schedule import Answer, Outcome, Why

_ENDPOINT = (
    "id, version, merchant_id, url, description, events, enabled, off_why, secret, former_secret, former_until, "
    "failing_since, last_success_at, created_at"
)
_DELIVERY = "id, type, order_id, state, attempts, next_at, last_outcome, last_status, created_at, ended_at"
# One that is just being sent has no next try yet.
_DELIVERY_COLUMNS = _DELIVERY.replace(
    "next_at", "CASE WHEN sending_until IS NULL THEN next_at END AS next_at"
)
_CLAIM = """
    UPDATE webhook_deliveries SET attempts = attempts + 1, next_at = $3, sending_until = $3
    WHERE id IN (
        SELECT id FROM webhook_deliveries WHERE endpoint_id = $1 AND state = 'waiting' AND next_at <= $2
        ORDER BY next_at, id LIMIT $4 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, attempts, body
"""
_GIVE_UP_WAITING = """
    UPDATE webhook_deliveries SET state = 'failed', next_at = NULL, sending_until = NULL, ended_at = $2
    WHERE id IN (
        SELECT id FROM webhook_deliveries WHERE endpoint_id = $1 AND state = 'waiting' FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""
_REPLAY = """
    UPDATE webhook_deliveries SET state = 'waiting', tries = 0, next_at = $3, sending_until = NULL, ended_at = NULL
    WHERE endpoint_id = $1 AND {which} RETURNING id
"""


class WebhookStore:
    """Reads and writes webhooks on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, endpoint: Endpoint) -> None:
        """Store a new endpoint; it hears of what is committed from now on."""
        await self._connection.execute(
            f"INSERT INTO webhook_endpoints ({_ENDPOINT}, since) VALUES"
            " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, pg_current_xact_id())",
            endpoint.id,
            endpoint.version,
            endpoint.merchant_id,
            *_changeable(endpoint),
            endpoint.created_at,
        )

    async def count(self, merchant_id: UUID | None) -> int:
        """How many endpoints the merchant has."""
        found: int = await self._connection.fetchval(
            "SELECT count(*) FROM webhook_endpoints WHERE merchant_id IS NOT DISTINCT FROM $1", merchant_id
        )
        return found

    async def all(self, merchant_id: UUID | None) -> list[Endpoint]:
        """The merchant's endpoints, or the platform's; the oldest first."""
        rows = await self._connection.fetch(
            f"SELECT {_ENDPOINT} FROM webhook_endpoints WHERE merchant_id IS NOT DISTINCT FROM $1 ORDER BY id",
            merchant_id,
        )
        return [_endpoint(row) for row in rows]

    async def get(self, endpoint_id: UUID, merchant_id: UUID | None, *, lock: bool = False) -> Endpoint:
        """An endpoint of this merchant, or of the platform; WebhookNotFound."""
        row = await self._connection.fetchrow(
            f"SELECT {_ENDPOINT} FROM webhook_endpoints WHERE id = $1 AND merchant_id IS NOT DISTINCT FROM $2"
            + (" FOR NO KEY UPDATE" if lock else ""),
            endpoint_id,
            merchant_id,
        )
        if row is None:
            raise WebhookNotFound
        return _endpoint(row)

    async def find(self, endpoint_id: UUID, *, lock: bool = False) -> Endpoint | None:
        """The endpoint, whosever it is."""
        row = await self._connection.fetchrow(
            f"SELECT {_ENDPOINT} FROM webhook_endpoints WHERE id = $1"
            + (" FOR NO KEY UPDATE" if lock else ""),
            endpoint_id,
        )
        return None if row is None else _endpoint(row)

    async def replace(self, endpoint: Endpoint, *, from_now: bool = False) -> None:
        """Store a changed endpoint; `from_now`: what happened while it was off it does not hear of."""
        since = "pg_current_xact_id()" if from_now else "since"
        await self._connection.execute(
            "UPDATE webhook_endpoints SET version = $2, url = $3, description = $4, events = $5, enabled = $6,"
            " off_why = $7, secret = $8, former_secret = $9, former_until = $10, failing_since = $11,"
            f" last_success_at = $12, since = {since} WHERE id = $1",
            endpoint.id,
            endpoint.version,
            *_changeable(endpoint),
        )

    async def remove(self, endpoint_id: UUID) -> None:
        """Forget an endpoint and all that was sent to it."""
        await self._connection.execute("DELETE FROM webhook_endpoints WHERE id = $1", endpoint_id)

    # What is to be sent.

    async def add_delivery(
        self, delivery_id: UUID, endpoint_id: UUID, type_: str, body: str, at: datetime
    ) -> None:
        """A message that is not of the log: a test."""
        await self._connection.execute(
            "INSERT INTO webhook_deliveries (id, endpoint_id, type, body, state, next_at, created_at)"
            " VALUES ($1, $2, $3, $4, 'waiting', $5, $5)",
            delivery_id,
            endpoint_id,
            type_,
            body,
            at,
        )

    async def claim(
        self, endpoint: Endpoint, *, at: datetime, until: datetime, at_once: int, free: int
    ) -> list[Sendable]:
        """Begin what is due, so that no more than `at_once` are under way to this endpoint, `free` from here."""
        under_way: int = await self._connection.fetchval(
            "SELECT count(*) FROM webhook_deliveries"
            " WHERE endpoint_id = $1 AND state = 'waiting' AND sending_until > $2",
            endpoint.id,
            at,
        )
        most = min(at_once - under_way, free)
        if most <= 0:
            return []
        rows = await self._connection.fetch(_CLAIM, endpoint.id, at, until, most)
        await self._begin_attempts(rows, at)
        return [
            Sendable(
                delivery_id=row["id"],
                endpoint_id=endpoint.id,
                number=row["attempts"],
                url=endpoint.url,
                secrets=endpoint.secrets(at),
                body=row["body"].encode(),
                sending_until=until,
            )
            for row in rows
        ]

    async def _begin_attempts(self, rows: Sequence[Any], at: datetime) -> None:
        ids, numbers = [row["id"] for row in rows], [row["attempts"] for row in rows]
        await self._connection.execute(
            "UPDATE webhook_attempts SET outcome = $2 WHERE delivery_id = ANY($1::uuid[]) AND outcome = $3",
            ids,
            Outcome.LOST.value,
            Outcome.UNDER_WAY.value,
        )
        await self._connection.execute(
            "INSERT INTO webhook_attempts (delivery_id, number, began_at, outcome)"
            " SELECT id, number, $3, $4 FROM unnest($1::uuid[], $2::int[]) AS begun (id, number)",
            ids,
            numbers,
            at,
            Outcome.UNDER_WAY.value,
        )

    async def end_attempt(self, one: Sendable, answer: Answer, took_ms: int) -> int | None:
        """Keep how a try ended; how many have failed before it.  None: another try has begun, or it is forgotten."""
        await self._connection.execute(
            "UPDATE webhook_attempts SET took_ms = $3, outcome = $4, status = $5, answer = $6"
            " WHERE delivery_id = $1 AND number = $2",
            one.delivery_id,
            one.number,
            took_ms,
            answer.outcome.value,
            answer.status,
            answer.text,
        )
        tries: int | None = await self._connection.fetchval(
            "UPDATE webhook_deliveries SET last_outcome = $3, last_status = $4, sending_until = NULL"
            " WHERE id = $1 AND attempts = $2 AND state = 'waiting' RETURNING tries",
            one.delivery_id,
            one.number,
            answer.outcome.value,
            answer.status,
        )
        return tries

    async def put_off(self, delivery_id: UUID, tries: int, next_at: datetime) -> None:
        """It failed so many times, and is tried again then."""
        await self._connection.execute(
            "UPDATE webhook_deliveries SET tries = $2, next_at = $3 WHERE id = $1",
            delivery_id,
            tries,
            next_at,
        )

    async def end(self, delivery_id: UUID, state: State, at: datetime) -> None:
        """It is delivered, or will not be."""
        await self._connection.execute(
            "UPDATE webhook_deliveries SET state = $2, next_at = NULL, ended_at = $3 WHERE id = $1",
            delivery_id,
            state.value,
            at,
        )

    async def give_up_waiting(self, endpoint_id: UUID, at: datetime) -> int:
        """All that waits for this endpoint has failed; how many.  What is just being finished finds out itself."""
        return len(await self._connection.fetch(_GIVE_UP_WAITING, endpoint_id, at))

    async def next_at(self, endpoint_id: UUID) -> datetime | None:
        """When the next try to this endpoint is due."""
        moment: datetime | None = await self._connection.fetchval(
            "SELECT min(next_at) FROM webhook_deliveries WHERE endpoint_id = $1 AND state = 'waiting'",
            endpoint_id,
        )
        return moment

    async def is_due(self, endpoint_id: UUID, at: datetime) -> bool:
        """Whether a try to this endpoint could begin."""
        return bool(
            await self._connection.fetchval(
                "SELECT EXISTS (SELECT FROM webhook_deliveries"
                " WHERE endpoint_id = $1 AND state = 'waiting' AND next_at <= $2)",
                endpoint_id,
                at,
            )
        )

    async def succeeded(self, endpoint_id: UUID, at: datetime) -> None:
        """It has taken something."""
        await self._connection.execute(
            "UPDATE webhook_endpoints SET failing_since = NULL, last_success_at = $2 WHERE id = $1",
            endpoint_id,
            at,
        )

    async def failed(self, endpoint_id: UUID, at: datetime) -> None:
        """It has not; the first time after a success is remembered."""
        await self._connection.execute(
            "UPDATE webhook_endpoints SET failing_since = $2 WHERE id = $1 AND failing_since IS NULL",
            endpoint_id,
            at,
        )

    # What people look at and send again.

    async def deliveries(
        self, endpoint_id: UUID, *, state: State | None, before: UUID | None, limit: int
    ) -> list[DeliveryAnswer]:
        """What was sent there or waits, the newest first, those before the delivery `before`."""
        rows = await self._connection.fetch(
            f"SELECT {_DELIVERY_COLUMNS} FROM webhook_deliveries WHERE endpoint_id = $1"
            " AND ($2::uuid IS NULL OR id < $2) AND ($3::text IS NULL OR state = $3) ORDER BY id DESC LIMIT $4",
            endpoint_id,
            before,
            None if state is None else state.value,
            limit,
        )
        return [_delivery(row) for row in rows]

    async def delivery(self, endpoint_id: UUID, delivery_id: UUID) -> DeliveryWithAttempts:
        """One of them, with its body and all its attempts; WebhookNotFound."""
        row = await self._connection.fetchrow(
            f"SELECT {_DELIVERY_COLUMNS}, body FROM webhook_deliveries WHERE endpoint_id = $1 AND id = $2",
            endpoint_id,
            delivery_id,
        )
        if row is None:
            raise WebhookNotFound
        attempts = await self._connection.fetch(
            "SELECT number, began_at, took_ms, outcome, status, answer FROM webhook_attempts"
            " WHERE delivery_id = $1 ORDER BY number DESC LIMIT 100",
            delivery_id,
        )
        return DeliveryWithAttempts(
            delivery=_delivery(row),
            body=row["body"],
            attempts=[AttemptAnswer(**dict(attempt)) for attempt in attempts],
        )

    async def replay(self, endpoint_id: UUID, delivery_id: UUID, at: datetime) -> bool:
        """Send it again as if for the first time; whether there is such a delivery that is not just being sent."""
        which = "id = $2 AND (sending_until IS NULL OR sending_until <= $3)"
        statement = _REPLAY.format(which=which)
        return bool(await self._connection.fetch(statement, endpoint_id, delivery_id, at))

    async def replay_failed(self, endpoint_id: UUID, since: datetime, at: datetime) -> int:
        """Send all again that were made since then and failed; how many."""
        statement = _REPLAY.format(which="state = 'failed' AND created_at >= $2")
        return len(await self._connection.fetch(statement, endpoint_id, since, at))

    # What we watch and forget.

    async def waiting_s(self, at: datetime) -> tuple[float, float]:
        """The age of the oldest that waits, and how long the most overdue has been due; seconds."""
        made, due = await self._connection.fetchrow(
            "SELECT min(created_at), min(next_at) FROM webhook_deliveries WHERE state = 'waiting'"
        )
        if made is None:
            return 0.0, 0.0
        return (at - made).total_seconds(), max(0.0, (at - due).total_seconds())

    async def forget(self, before: datetime, *, most: int) -> int:
        """Forget deliveries made before then, not all at once; how many went."""
        gone = await self._connection.fetch(
            "DELETE FROM webhook_deliveries WHERE id IN"
            " (SELECT id FROM webhook_deliveries WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id",
            before,
            most,
        )
        return len(gone)

    async def forget_former_secrets(self, at: datetime) -> None:
        """What no longer signs need not be kept."""
        await self._connection.execute(
            "UPDATE webhook_endpoints SET former_secret = NULL, former_until = NULL WHERE former_until <= $1",
            at,
        )


def _changeable(endpoint: Endpoint) -> tuple[object, ...]:
    return (
        endpoint.url,
        endpoint.description,
        list(endpoint.events),
        endpoint.enabled,
        None if endpoint.off_why is None else endpoint.off_why.value,
        endpoint.secret,
        endpoint.former_secret,
        endpoint.former_until,
        endpoint.failing_since,
        endpoint.last_success_at,
    )


def _endpoint(row: Any) -> Endpoint:
    facts = {name: row[name] for name in _ENDPOINT.split(", ")}
    off_why = None if row["off_why"] is None else Why(row["off_why"])
    return Endpoint(**{**facts, "events": tuple(row["events"]), "off_why": off_why})


def _delivery(row: Any) -> DeliveryAnswer:
    facts = {name: row[name] for name in _DELIVERY.split(", ")}
    return DeliveryAnswer(**{**facts, "state": State(row["state"])})
