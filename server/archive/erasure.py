"""What is known of people, as one table, and how it is erased.

Every column that holds a name, a phone, a place, a picture or words about people stands in PERSONAL; a test reads the
schema and asks for each new table whether it belongs here.  Nothing else of ours holds them: orders, events, audit and
ledger know ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Personal:
    """One place where something is known of an order's people, and the statement that erases it.

    $1: the orders' ids; $2: now.
    """

    table: str
    what: str
    erase: str


_BY_ORDER = "order_id = ANY($1::uuid[])"
_OF_TICKETS = f"ticket_id IN (SELECT id FROM tickets WHERE {_BY_ORDER})"
PERSONAL: tuple[Personal, ...] = (
    Personal("order_contacts", "name, phone, address, place, note", f"DELETE FROM order_contacts WHERE {_BY_ORDER}"),
    Personal("archived_words", "what was written about an order", f"DELETE FROM archived_words WHERE {_BY_ORDER}"),
    Personal(
        "archived_orders",
        "where it was ridden",
        f"UPDATE archived_orders SET tracks = NULL, erased_at = $2 WHERE {_BY_ORDER} AND erased_at IS NULL",
    ),
    Personal("ticket_notes", "words", f"DELETE FROM ticket_notes WHERE {_OF_TICKETS}"),
    Personal("ticket_contacts", "words on calls", f"DELETE FROM ticket_contacts WHERE {_OF_TICKETS}"),
    Personal("ticket_evidence", "places, pictures", f"DELETE FROM ticket_evidence WHERE {_OF_TICKETS}"),
    Personal("reviews", "words", f"UPDATE reviews SET words = '' WHERE {_BY_ORDER}"),
    Personal("handovers", "words", f"UPDATE handovers SET words = '' WHERE {_BY_ORDER}"),
    Personal("orders", "reasons in people's words", "UPDATE orders SET reason = NULL WHERE id = ANY($1::uuid[])"),
    Personal("assignments", "reasons in couriers' words", f"UPDATE assignments SET reason = NULL WHERE {_BY_ORDER}"),
    Personal(
        "event_log",
        "the same reasons, while the order is not archived",
        "UPDATE event_log SET fields = fields - 'reason' - 'why'"
        " WHERE topics && ARRAY(SELECT 'order:' || id FROM unnest($1::uuid[]) AS id)"
        " AND entity IN ('order', 'assignment') AND fields ?| ARRAY['reason', 'why']",
    ),
)  # fmt: skip
# media: the rows name bytes in the media store, so they go one by one (service.py).  accounts: see `erase_account`.
# track_chunks: by age, a day at a time.


async def erase_orders(connection: Any, order_ids: Sequence[UUID], at: datetime) -> list[date]:
    """Erase what is known of these orders' people; the archive's days whose files must be written anew."""
    days = await connection.fetch(
        f"SELECT DISTINCT ended_on FROM archived_orders WHERE {_BY_ORDER} AND erased_at IS NULL",
        list(order_ids),
    )
    for personal in PERSONAL:
        arguments = (list(order_ids), at) if "$2" in personal.erase else (list(order_ids),)
        await connection.execute(personal.erase, *arguments)
    return [row["ended_on"] for row in days]


async def erase_account(connection: Any, account_id: UUID) -> bool:
    """Leave nothing of an account but its id, which the record needs; whether there was one to erase."""
    erased = await connection.fetchval(
        "UPDATE accounts SET login = 'erased-' || id, display_name = '', password_hash = NULL"
        " WHERE id = $1 AND login <> 'erased-' || id RETURNING true",
        account_id,
    )
    # Answers are kept a week; whose account ends repeats no command.
    for table in ("sessions", "device_keys", "idempotency_keys"):
        await connection.execute(f"DELETE FROM {table} WHERE account_id = $1", account_id)
    await connection.execute("DELETE FROM track_chunks WHERE courier_id = $1", account_id)
    await connection.execute(
        "UPDATE event_log SET fields = fields - 'courier_name'"
        " WHERE topics @> ARRAY['courier:' || $1::uuid] AND fields ? 'courier_name'",
        account_id,
    )
    return erased is not None


async def due_for_erasure(connection: Any, ended_before: date, limit: int) -> list[UUID]:
    """Archived orders whose people have not been erased yet, though they are over long enough.

    None is locked: their pictures are deleted first, which may take long (traps 32).
    """
    rows = await connection.fetch(
        "SELECT order_id FROM archived_orders WHERE ended_on < $1 AND erased_at IS NULL ORDER BY ended_on LIMIT $2",
        ended_before,
        limit,
    )
    return [row["order_id"] for row in rows]


async def orders_of(connection: Any, account_id: UUID) -> tuple[list[UUID], bool]:
    """A customer's orders, archived or not; and whether this customer or courier has one under way, be it one that
    is only to be paid for.
    """
    rows = await connection.fetch(
        "SELECT id, ended_at IS NULL AS is_open FROM orders WHERE customer_id = $1"
        " UNION ALL SELECT order_id, false FROM archived_orders WHERE customer_id = $1",
        account_id,
    )
    is_busy = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM assignments WHERE courier_id = $1 AND ended_at IS NULL)"
        " OR EXISTS (SELECT FROM checkouts WHERE customer_id = $1 AND status = 'awaiting_payment')",
        account_id,
    )
    return [row["id"] for row in rows], is_busy or any(row["is_open"] for row in rows)


async def forget_tracks(connection: Any, before: date) -> int:
    """Drop the days of the couriers' tracks that lie before that day; how many."""
    dropped: int = await connection.fetchval("SELECT drop_track_days($1)", before)
    return dropped
