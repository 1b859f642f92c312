"""All SQL about accounts and their device keys: tables `accounts` and `device_keys`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who can prove who they are.  Without a password hash, only by device key."""

    id: UUID
    role: Role
    login: str
    display_name: str
    merchant_id: UUID | None
    active: bool
    created_at: datetime


class AccountStore:
    """Reads and writes accounts on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, account: Account, password_hash: str | None) -> bool:
        """Store a new account; False when its login is taken."""
        return (
            await self._connection.fetchval(
                "INSERT INTO accounts (id, role, login, display_name, password_hash, merchant_id, active, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (login) DO NOTHING RETURNING true",
                account.id,
                account.role.value,
                account.login,
                account.display_name,
                password_hash,
                account.merchant_id,
                account.active,
                account.created_at,
            )
            is not None
        )

    async def merchant_exists(self, merchant_id: UUID) -> bool:
        """Whether there is such a merchant to belong to."""
        return bool(
            await self._connection.fetchval(
                "SELECT EXISTS (SELECT FROM merchants WHERE id = $1)", merchant_id
            )
        )

    async def by_id(self, account_id: UUID) -> Account | None:
        """The account, active or not."""
        row = await self._connection.fetchrow(f"SELECT {_COLUMNS} FROM accounts WHERE id = $1", account_id)
        return None if row is None else _account(row)

    async def by_login(self, login: str) -> tuple[Account, str | None] | None:
        """The account of this login with its password hash, active or not."""
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS}, password_hash FROM accounts WHERE login = $1", login
        )
        return None if row is None else (_account(row), row["password_hash"])

    async def by_device_key(self, key_hash: bytes) -> Account | None:
        """The active account that this device key belongs to."""
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS} FROM accounts"
            " WHERE active AND id = (SELECT account_id FROM device_keys WHERE key_hash = $1)",
            key_hash,
        )
        return None if row is None else _account(row)

    async def active_couriers(self, account_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Which of these accounts may carry orders, with the name they are shown by."""
        rows = await self._connection.fetch(
            "SELECT id, display_name FROM accounts WHERE id = ANY($1::uuid[]) AND role = $2 AND active",
            list(account_ids),
            Role.COURIER.value,
        )
        return {row["id"]: row["display_name"] for row in rows}

    async def couriers(self, account_ids: Sequence[UUID]) -> list[Account]:
        """Those of these accounts that are couriers, active or not."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM accounts WHERE id = ANY($1::uuid[]) AND role = $2",
            list(account_ids),
            Role.COURIER.value,
        )
        return [_account(row) for row in rows]

    async def add_device_key(
        self, key_hash: bytes, account_id: UUID, label: str, created_at: datetime
    ) -> None:
        """Store the hash of a new key."""
        await self._connection.execute(
            "INSERT INTO device_keys (key_hash, account_id, label, created_at) VALUES ($1, $2, $3, $4)",
            key_hash,
            account_id,
            label,
            created_at,
        )

    async def remove_device_keys(self, account_id: UUID) -> int:
        """Forget all keys of the account; how many there were."""
        removed = await self._connection.fetch(
            "DELETE FROM device_keys WHERE account_id = $1 RETURNING key_hash", account_id
        )
        return len(removed)

    async def renew_administrator(self, login: str, password_hash: str) -> bool:
        """Give an administrator a new password and make them active; whether there is one of this login."""
        return bool(
            await self._connection.fetchval(
                "UPDATE accounts SET password_hash = $2, active = true WHERE login = $1 AND role = $3 RETURNING true",
                login,
                password_hash,
                Role.ADMINISTRATOR.value,
            )
        )


_COLUMNS = "id, role, login, display_name, merchant_id, active, created_at"


def _account(row: Any) -> Account:
    return Account(
        id=row["id"],
        role=Role(row["role"]),
        login=row["login"],
        display_name=row["display_name"],
        merchant_id=row["merchant_id"],
        active=row["active"],
        created_at=row["created_at"],
    )
