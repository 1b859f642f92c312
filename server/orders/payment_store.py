"""All SQL about money that came in and goes back.

payments         one row an order whose money has come; the lock of all its money
refunds          money that goes back, at its newest version
compensations    what was given beyond the price
provider_words   words of the payment provider that took effect
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from server.orders.ledger import Compensation
from server.orders.model import PaymentMethod
from server.orders.payments import Money, Payment
from server.orders.refunds import Refund, RefundNotFound, RefundStatus
from server.orders.tickets import Bearer

_PAYMENT = (
    "order_id, customer_id, merchant_id, courier_id, method, amount_minor, currency, provider_id, came_at, shared_at,"
    " given_back_minor"
)
_REFUND_NAMES = tuple(Refund.__dataclass_fields__)
_REFUND = ", ".join(_REFUND_NAMES)
_REFUND_PLACES = ", ".join(f"${number}" for number in range(1, len(_REFUND_NAMES) + 1))


class PaymentStore:
    """Reads and writes payments and refunds on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, payment: Payment) -> bool:
        """Store that the money has come; False when it had before."""
        written = await self._connection.fetchval(
            f"INSERT INTO payments ({_PAYMENT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            " ON CONFLICT DO NOTHING RETURNING true",
            payment.order_id,
            payment.customer_id,
            payment.merchant_id,
            payment.courier_id,
            payment.method.value,
            payment.money.amount_minor,
            payment.money.currency,
            payment.provider_id,
            payment.came_at,
            payment.shared_at,
            payment.given_back_minor,
        )
        return written is True

    async def find(self, order_id: UUID, *, lock: bool = False) -> Payment | None:
        """The money that came in for an order; `lock` holds it, after the order itself, until this transaction ends."""
        row = await self._connection.fetchrow(
            f"SELECT {_PAYMENT} FROM payments WHERE order_id = $1{' FOR UPDATE' if lock else ''}", order_id
        )
        return None if row is None else _payment(row)

    async def collect(self, order_id: UUID, courier_id: UUID | None, at: datetime) -> Payment | None:
        """The courier has taken the price of this order, if it is one for cash and he had not before."""
        row = await self._connection.fetchrow(
            f"INSERT INTO payments ({_PAYMENT})"
            " SELECT id, customer_id, merchant_id, $2, 'cash', total_minor, currency, NULL, $3, NULL, 0 FROM orders"
            " WHERE id = $1 AND payment_method = 'cash' AND total_minor > 0"
            f" ON CONFLICT DO NOTHING RETURNING {_PAYMENT}",
            order_id,
            courier_id,
            at,
        )
        return None if row is None else _payment(row)

    async def share(self, order_id: UUID, at: datetime) -> Payment | None:
        """Merchant and platform get their shares now; None when nothing came in or they have them."""
        row = await self._connection.fetchrow(
            f"UPDATE payments SET shared_at = $2 WHERE order_id = $1 AND shared_at IS NULL RETURNING {_PAYMENT}",
            order_id,
            at,
        )
        return None if row is None else _payment(row)

    async def reserve(self, order_id: UUID, amount_minor: int) -> None:
        """So much more goes back; less, if it is negative."""
        await self._connection.execute(
            "UPDATE payments SET given_back_minor = given_back_minor + $2 WHERE order_id = $1",
            order_id,
            amount_minor,
        )

    async def put_refund(self, refund: Refund) -> None:
        """Store the refund at its version."""
        await self._connection.execute(
            f"INSERT INTO refunds ({_REFUND}) VALUES ({_REFUND_PLACES})"
            " ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = excluded.version,"
            " attempts = excluded.attempts, sent_at = excluded.sent_at, ended_at = excluded.ended_at,"
            " failure = excluded.failure",
            *(getattr(refund, name) for name in _REFUND_NAMES),
        )

    async def refund(self, refund_id: UUID) -> Refund:
        """The refund as it is; RefundNotFound."""
        row = await self._connection.fetchrow(f"SELECT {_REFUND} FROM refunds WHERE id = $1", refund_id)
        if row is None:
            raise RefundNotFound
        return _refund(row)

    async def refunds(self, order_id: UUID) -> list[Refund]:
        """All refunds of an order, oldest first."""
        rows = await self._connection.fetch(
            f"SELECT {_REFUND} FROM refunds WHERE order_id = $1 ORDER BY id", order_id
        )
        return [_refund(row) for row in rows]

    async def insert_compensation(
        self,
        given: Compensation,
        *,
        form: str,
        reason: str,
        decided_by: UUID,
        ticket_id: UUID | None,
        at: datetime,
    ) -> None:
        """Store who was given what, why and by whom."""
        await self._connection.execute(
            "INSERT INTO compensations"
            " (id, order_id, beneficiary, beneficiary_id, form, amount_minor, currency, reason, borne_by,"
            " bearer_id, decided_by, ticket_id, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            given.id,
            given.order_id,
            given.beneficiary.value,
            given.beneficiary_id,
            form,
            given.amount_minor,
            given.currency,
            reason,
            given.borne_by.value,
            given.bearer_id,
            decided_by,
            ticket_id,
            at,
        )

    async def compensations(self, order_id: UUID) -> list[dict[str, Any]]:
        """What was given beyond an order's price, oldest first."""
        rows = await self._connection.fetch(
            "SELECT id, beneficiary, beneficiary_id, form, amount_minor, currency, reason, borne_by, bearer_id,"
            " decided_by, ticket_id, created_at FROM compensations WHERE order_id = $1 ORDER BY id",
            order_id,
        )
        return [dict(row) for row in rows]

    async def heed(self, word_id: str, word_type: str, payment_id: UUID, at: datetime) -> bool:
        """Keep that a word takes effect now; False when it has before."""
        written = await self._connection.fetchval(
            "INSERT INTO provider_words (id, type, payment_id, received_at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING RETURNING true",
            word_id,
            word_type,
            payment_id,
            at,
        )
        return written is True

    async def forget_words(self, before: datetime) -> None:
        """Forget the words of before that moment: they are too old to be believed again."""
        await self._connection.execute("DELETE FROM provider_words WHERE received_at < $1", before)


def _payment(row: Any) -> Payment:
    facts = dict(row)
    money = Money(facts.pop("amount_minor"), facts.pop("currency"))
    return Payment(**{**facts, "method": PaymentMethod(facts["method"]), "money": money})


def _refund(row: Any) -> Refund:
    return Refund(
        **{
            **row,
            "method": PaymentMethod(row["method"]),
            "status": RefundStatus(row["status"]),
            "borne_by": Bearer(row["borne_by"]),
        }
    )
