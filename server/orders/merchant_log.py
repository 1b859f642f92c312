"""A merchant's changes: of its facts, its menu and its areas, each a version and an event on `merchant:<id>`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec

from server.accounts.audit import AuditStore
from server.accounts.viewer import Viewer
from server.errors import Refused
from server.orders.merchants import Merchant, MerchantStore
from server.orders.views import merchant_json
from server.storage.event_log import Event
from server.storage.unit_of_work import UnitOfWork

ENTITY = "merchant"


class MerchantChanged(Refused):
    """The merchant has changed since you saw it; `merchant` is what it is now."""

    code = "merchant_changed"

    def __init__(self, merchant: Merchant) -> None:
        super().__init__(merchant=merchant_json(merchant))


def require_seen(merchant: Merchant, version: int | None) -> None:
    """MerchantChanged when somebody decided on another version than the one there is."""
    if version is not None and version != merchant.version:
        raise MerchantChanged(merchant)


async def tell(
    work: UnitOfWork, merchant: Merchant, name: str, fields: Mapping[str, Any], viewer: Viewer
) -> None:
    """Write to the log and the audit what happened to the merchant, which is at its new version."""
    await work.append(
        Event(
            entity=ENTITY,
            entity_id=merchant.id,
            version=merchant.version,
            name=name,
            topics=(f"{ENTITY}:{merchant.id}",),
            fields=msgspec.to_builtins(fields),
            actor_id=viewer.account_id,
            occurred_at=work.now,
        )
    )
    # Of which item or area it was, and which facts: their values are the log's to tell.
    parts = [UUID(str(part["id"])) for part in fields.values() if isinstance(part, dict) and "id" in part]
    await AuditStore(work.connection).did(
        viewer,
        f"merchant_{name}",
        ENTITY,
        merchant.id,
        *parts,
        at=work.now,
        version=merchant.version,
        facts=sorted(fields),
    )


async def step(
    work: UnitOfWork, merchant: Merchant, name: str, fields: Mapping[str, Any], viewer: Viewer
) -> Merchant:
    """The merchant one version on, for what happened to something of its own; its row is locked."""
    moved = replace(merchant, version=merchant.version + 1)
    await MerchantStore(work.connection).replace(moved)
    await tell(work, moved, name, fields, viewer)
    return moved
