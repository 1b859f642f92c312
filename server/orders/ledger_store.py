"""All SQL about the ledger: ledger_entries, which is only ever added to, and the questions that hold it to the rest."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from server.orders.ledger import Account, Transfer

_ENTRY = "id, transfer_id, order_id, account, owner_id, amount_minor, currency, reason, borne_by, refund_id, created_at"
# Each must find nothing.  What the books say, what came in and what went back are one story.
CHECKS: dict[str, str] = {
    "a transfer that does not add up": """
        SELECT transfer_id::text AS what FROM ledger_entries GROUP BY transfer_id, currency
        HAVING sum(amount_minor) <> 0
    """,
    "money that came in and is not booked, or otherwise": """
        SELECT order_id::text AS what FROM payments FULL JOIN (
            SELECT order_id, -sum(amount_minor) AS booked_minor FROM ledger_entries
            WHERE account IN ('provider', 'cash_in_hand') AND reason IN ('payment', 'cash_collected')
            GROUP BY order_id
        ) AS booked USING (order_id)
        WHERE amount_minor IS DISTINCT FROM booked_minor
    """,
    "a refund that is confirmed and not booked, or otherwise": """
        SELECT coalesce(refunds.id, booked.refund_id)::text AS what
        FROM (SELECT id, amount_minor FROM refunds WHERE status = 'confirmed') AS refunds FULL JOIN (
            SELECT refund_id, sum(amount_minor) AS booked_minor FROM ledger_entries
            WHERE account IN ('provider', 'cash_in_hand') AND reason = 'refund' GROUP BY refund_id
        ) AS booked ON booked.refund_id = refunds.id
        WHERE amount_minor IS DISTINCT FROM booked_minor
    """,
    "an order whose refunds are not what is set aside for them": """
        SELECT order_id::text AS what FROM payments LEFT JOIN (
            SELECT order_id, sum(amount_minor) AS asked_minor FROM refunds
            WHERE status IN ('requested', 'sent', 'confirmed') GROUP BY order_id
        ) AS asked USING (order_id)
        WHERE given_back_minor <> coalesce(asked_minor, 0)
    """,
    "an order over which a customer's money is still undivided": """
        SELECT payments.order_id::text AS what FROM payments LEFT JOIN (
            SELECT order_id, sum(amount_minor) AS held_minor FROM ledger_entries
            WHERE account = 'customer' AND reason <> 'compensation' GROUP BY order_id
        ) AS held USING (order_id)
        WHERE shared_at IS NOT NULL AND coalesce(held_minor, 0) <> 0
    """,
}


class LedgerStore:
    """Reads and adds to the ledger on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def book(self, transfers: Iterable[Transfer], at: datetime) -> None:
        """Write these transfers; the record refuses what does not add up and what is booked already."""
        rows = [
            {
                "transfer_id": str(transfer.id),
                "order_id": str(transfer.order_id),
                "account": entry.account.value,
                "owner_id": None if entry.owner_id is None else str(entry.owner_id),
                "amount_minor": entry.amount_minor,
                "currency": transfer.currency,
                "reason": transfer.why.value,
                "borne_by": None if transfer.borne_by is None else transfer.borne_by.value,
                "refund_id": None if transfer.refund_id is None else str(transfer.refund_id),
            }
            for transfer in transfers
            for entry in transfer.entries
        ]
        if rows:
            await self._connection.execute(
                "INSERT INTO ledger_entries (transfer_id, order_id, account, owner_id, amount_minor, currency, reason,"
                " borne_by, refund_id, created_at)"
                " SELECT *, $2 FROM jsonb_to_recordset($1) AS (transfer_id uuid, order_id uuid, account text,"
                " owner_id uuid, amount_minor bigint, currency char(3), reason text, borne_by text, refund_id uuid)",
                rows,
                at,
            )

    async def of_order(self, order_id: UUID) -> list[dict[str, Any]]:
        """All entries about an order, in the order they were booked."""
        rows = await self._connection.fetch(
            f"SELECT {_ENTRY} FROM ledger_entries WHERE order_id = $1 ORDER BY id", order_id
        )
        return [dict(row) for row in rows]

    async def of_account(
        self,
        account: Account,
        owner_id: UUID,
        *,
        begins: datetime | None,
        ends: datetime | None,
        before: int | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Entries of one account, newest first, booked from `begins` on and until just before `ends`."""
        rows = await self._connection.fetch(
            f"SELECT {_ENTRY} FROM ledger_entries WHERE account = $1 AND owner_id = $2"
            " AND ($3::timestamptz IS NULL OR created_at >= $3) AND ($4::timestamptz IS NULL OR created_at < $4)"
            " AND ($5::bigint IS NULL OR id < $5) ORDER BY id DESC LIMIT $6",
            account.value,
            owner_id,
            begins,
            ends,
            before,
            limit,
        )
        return [dict(row) for row in rows]

    async def sums(
        self, account: Account, owner_id: UUID, *, begins: datetime | None, ends: datetime | None
    ) -> dict[str, int]:
        """What an account has to get in that span, by currency."""
        rows = await self._connection.fetch(
            "SELECT currency, sum(amount_minor)::bigint AS amount_minor FROM ledger_entries"
            " WHERE account = $1 AND owner_id = $2 AND ($3::timestamptz IS NULL OR created_at >= $3)"
            " AND ($4::timestamptz IS NULL OR created_at < $4) GROUP BY currency ORDER BY currency",
            account.value,
            owner_id,
            begins,
            ends,
        )
        return {row["currency"]: row["amount_minor"] for row in rows}

    async def balances(self) -> list[dict[str, Any]]:
        """What all accounts of a kind have to get together, by currency."""
        rows = await self._connection.fetch(
            "SELECT account, currency, sum(amount_minor)::bigint AS amount_minor FROM ledger_entries"
            " GROUP BY account, currency ORDER BY account, currency"
        )
        return [dict(row) for row in rows]

    async def faults(self, *, most: int = 20) -> dict[str, list[str]]:
        """What does not hold, and of which order, refund or transfer; nothing, if the books are right."""
        found = {}
        for what, query in CHECKS.items():
            rows = await self._connection.fetch(f"{query} LIMIT {most}")
            if rows:
                found[what] = [row["what"] for row in rows]
        return found
