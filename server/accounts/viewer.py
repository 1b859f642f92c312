"""Viewer: somebody who has proved who they are.  What they may do is asked of permissions.py."""

from dataclasses import dataclass
from uuid import UUID

from server.accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Viewer:
    """An account as its token tells it.  `merchant_id` is set for a merchant's people only."""

    account_id: UUID
    role: Role
    merchant_id: UUID | None
    expires_at_ms: int  # Unix ms; after this the proof must be renewed
