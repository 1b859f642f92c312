"""All SQL about accounts and their device keys: tables `accounts` and `device_keys`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts.roles import Role
from server.accounts.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who can prove who they are.  Without a password hash, only by device key."""

    id: UUID
    role: Role
    login: str
    display_name: str
    merchant_id: UUID | None
    created_at: datetime
    status: Standing = Standing.ACTIVE
    version: int = 0  # of what was decided about it

    @property
    def active(self) -> bool:
        """Whether they may come in."""
        return self.status is Standing.ACTIVE


class AccountStore:
    """Reads and writes accounts on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, account: Account, password_hash: str | None) -> bool:
        """Store a new account; False when its login is taken."""
        return (
            await self._connection.fetchval(
                "INSERT INTO accounts (id, role, login, display_name, password_hash, merchant_id, status, active,"
                " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7::text, $7::text = 'active', $8)"
                " ON CONFLICT (login) DO NOTHING RETURNING true",
                account.id,
                account.role.value,
                account.login,
                account.display_name,
                password_hash,
                account.merchant_id,
                account.status.value,
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

    async def by_device_key(self, key_hash: bytes) -> tuple[Account, UUID] | None:
        """The account that this device key belongs to, active or not, and the key's id."""
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS}, key_id FROM accounts"
            " JOIN (SELECT account_id, id AS key_id FROM device_keys WHERE key_hash = $1) k ON k.account_id = id",
            key_hash,
        )
        return None if row is None else (_account(row), row["key_id"])

    async def lock(self, account_id: UUID) -> Account | None:
        """The account, to be changed in this transaction."""
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS} FROM accounts WHERE id = $1 FOR UPDATE", account_id
        )
        return None if row is None else _account(row)

    async def set_standing(self, account_id: UUID, standing: Standing) -> int:
        """Write what was decided; the account's new version."""
        version: int = await self._connection.fetchval(
            "UPDATE accounts SET status = $2::text, active = ($2::text = 'active'), version = version + 1"
            " WHERE id = $1 RETURNING version",
            account_id,
            standing.value,
        )
        return version

    async def password_hash(self, account_id: UUID) -> str | None:
        """The hash of the account's password, if it has one."""
        found: str | None = await self._connection.fetchval(
            "SELECT password_hash FROM accounts WHERE id = $1", account_id
        )
        return found

    async def set_password_hash(self, account_id: UUID, password_hash: str) -> None:
        """Give the account another password."""
        await self._connection.execute(
            "UPDATE accounts SET password_hash = $2 WHERE id = $1", account_id, password_hash
        )

    async def active_couriers(self, account_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Which of these accounts may carry orders, with the name they are shown by."""
        rows = await self._connection.fetch(
            "SELECT id, display_name FROM accounts WHERE id = ANY($1::uuid[]) AND role = $2 AND active",
            list(account_ids),
            Role.COURIER.value,
        )
        return {row["id"]: row["display_name"] for row in rows}

    async def several(self, account_ids: Sequence[UUID]) -> list[Account]:
        """Those of these accounts that there are, active or not."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM accounts WHERE id = ANY($1::uuid[])", list(account_ids)
        )
        return [_account(row) for row in rows]

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

    async def remove_device_keys(self, account_id: UUID) -> list[UUID]:
        """Forget all keys of the account; their ids."""
        removed = await self._connection.fetch(
            "DELETE FROM device_keys WHERE account_id = $1 RETURNING id", account_id
        )
        return [row["id"] for row in removed]

    async def renew_administrator(self, login: str, password_hash: str) -> UUID | None:
        """Give the administrator of this login, if there is one, a new password and make them active; their id."""
        account_id: UUID | None = await self._connection.fetchval(
            "UPDATE accounts SET password_hash = $2, status = 'active', active = true WHERE login = $1 AND role = $3"
            " RETURNING id",
            login,
            password_hash,
            Role.ADMINISTRATOR.value,
        )
        return account_id


_COLUMNS = "id, role, login, display_name, merchant_id, created_at, status, version"


def _account(row: Any) -> Account:
    return Account(
        id=row["id"],
        role=Role(row["role"]),
        login=row["login"],
        display_name=row["display_name"],
        merchant_id=row["merchant_id"],
        created_at=row["created_at"],
        status=Standing(row["status"]),
        version=row["version"],
    )
