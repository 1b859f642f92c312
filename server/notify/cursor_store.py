"""The SQL that turns the event log into deliveries: the stored place in the log, the rows after it, who wants them.

The order of the three looks matters.  `below` is taken before the rows and the endpoints are: an endpoint that is
not seen afterwards was committed later, so its `since` is not below; and what is below never changes any more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.notify.happenings import WORDS, Happened

_LOCK = 0x77656268  # "webh": the first half of our advisory lock's name
_LEVEL = """
    SELECT pg_snapshot_xmin(snapshot)::text::bigint AS below, pg_snapshot_xmax(snapshot)::text::bigint AS not_yet_given,
        (SELECT min(since)::text::bigint FROM webhook_endpoints WHERE enabled) AS since,
        transaction_id AS kept_transaction_id, position AS kept_position
    FROM pg_current_snapshot() AS snapshot, webhook_cursor
"""
_ROWS = """
    SELECT entity, entity_id, version, name, topics, fields, occurred_at, transaction_id, position FROM event_log
    WHERE (transaction_id, position) > ($1::xid8, $2::bigint) AND transaction_id < $3::xid8
        AND entity || '.' || name = ANY($4)
    ORDER BY transaction_id, position LIMIT $5
"""
_INSERT = """
    INSERT INTO webhook_deliveries
        (id, endpoint_id, transaction_id, position, type, order_id, body, state, next_at, created_at)
    SELECT id, endpoint_id, transaction_id::text::xid8, position, type, order_id, body, 'waiting', $8, $8
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::uuid[], $7::text[])
        AS made (id, endpoint_id, transaction_id, position, type, order_id, body)
    ON CONFLICT ON CONSTRAINT webhook_deliveries_once DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Place:
    """After this row of the log."""

    transaction_id: int
    position: int


@dataclass(frozen=True, slots=True)
class Level:
    """How far the log may be read, from where anybody wants to hear of it (None: nobody does), and how far we are."""

    below: int
    not_yet_given: int
    since: int | None
    kept: Place


@dataclass(frozen=True, slots=True)
class Listening:
    """An endpoint that is switched on."""

    id: UUID
    merchant_id: UUID | None  # none: all merchants
    events: tuple[str, ...]
    since: int

    def wants(self, type_: str, merchant_id: UUID | None, transaction_id: int, not_yet_given: int) -> bool:
        """Whether it is to be told of an event of this type, merchant and transaction."""
        return (
            # One that was made in another life of this database hears of everything.
            (transaction_id >= self.since or self.since > not_yet_given)
            and self.merchant_id in {None, merchant_id}
            and (not self.events or type_ in self.events)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A message for one endpoint."""

    id: UUID
    endpoint_id: UUID
    place: Place
    type: str
    order_id: UUID | None
    body: str


class CursorStore:
    """On the connection of one unit of work."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def hold(self) -> bool:
        """Whether the place in the log is ours until the transaction ends.

        Not by its row's lock: that would cost a commit on disk each time, also when there is nothing to do.
        """
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_xact_lock($1, 0)", _LOCK))

    async def level(self) -> Level:
        """How far the log may be read now, and how far it was read by whoever held the place before."""
        row = await self._connection.fetchrow(_LEVEL)
        kept = Place(row["kept_transaction_id"], row["kept_position"])
        return Level(row["below"], row["not_yet_given"], row["since"], kept)

    async def rows_after(self, place: Place, below: int, *, most: int) -> list[tuple[Place, Happened]]:
        """The rows that the table of happenings names, in commit order."""
        rows = await self._connection.fetch(
            _ROWS, place.transaction_id, place.position, below, list(WORDS), most
        )
        return [
            (
                Place(row["transaction_id"], row["position"]),
                Happened(
                    entity=row["entity"],
                    entity_id=row["entity_id"],
                    version=row["version"],
                    name=row["name"],
                    topics=tuple(row["topics"]),
                    fields=row["fields"],
                    occurred_at=row["occurred_at"],
                ),
            )
            for row in rows
        ]

    async def listening(self, merchant_ids: Collection[UUID]) -> list[Listening]:
        """The endpoints of these merchants and of the platform; none of them goes away before the commit."""
        rows = await self._connection.fetch(
            "SELECT id, merchant_id, events, since FROM webhook_endpoints"
            " WHERE enabled AND (merchant_id IS NULL OR merchant_id = ANY($1::uuid[])) ORDER BY id FOR KEY SHARE",
            list(merchant_ids),
        )
        return [Listening(row["id"], row["merchant_id"], tuple(row["events"]), row["since"]) for row in rows]

    async def add(self, made: Sequence[NewDelivery], at: datetime) -> None:
        """Store these messages, to be sent at once; each event once an endpoint, whatever happens."""
        columns: list[list[object]] = [
            [one.id for one in made],
            [one.endpoint_id for one in made],
            [one.place.transaction_id for one in made],
            [one.place.position for one in made],
            [one.type for one in made],
            [one.order_id for one in made],
            [one.body for one in made],
        ]
        await self._connection.execute(_INSERT, *columns, at)

    async def move_to(self, place: Place) -> None:
        """All up to here has been turned into deliveries."""
        await self._connection.execute(
            "UPDATE webhook_cursor SET transaction_id = $1::xid8, position = $2",
            place.transaction_id,
            place.position,
        )
