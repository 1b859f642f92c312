"""Viewer: somebody who has proved who they are.  What they may do is asked of permissions.py."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from server.accounts.roles import Role

if TYPE_CHECKING:  # which itself speaks of viewers
    from server.accounts.permissions import Permission


@dataclass(frozen=True, slots=True)
class Viewer:
    """An account as its token tells it.  `merchant_id` is set for a merchant's people only.

    Somebody without an account who follows an order by a link is a viewer, too: `account_id` is then the link's id.
    """

    account_id: UUID
    role: Role
    merchant_id: UUID | None
    expires_at_ms: int  # Unix ms; after this the proof must be renewed
    permissions: "frozenset[Permission] | None" = (
        None  # these only (a program's key, a link); None: all of the role's
    )
    order_id: UUID | None = None  # this order only: a tracking link's
    session_id: UUID | None = None  # the signing-in that this proof came from, if it was one
