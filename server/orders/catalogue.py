"""What people do about merchants: add them, look at them, change them and their menus; their areas: drawing.py."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from server.accounts.permissions import Permission, require, require_for_all, require_for_merchant
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.ids import new_id
from server.orders.commands import fingerprint, once
from server.orders.drawing import DeliveryAreas
from server.orders.hours import next_business_day
from server.orders.merchant_facts import (
    MAX_ITEMS,
    PLATFORM_S,
    ChangedItem,
    ChangedMerchant,
    CurrencyFixed,
    NewItem,
    NewMerchant,
    TooManyItems,
    changes_in,
    check_facts,
)
from server.orders.merchant_log import require_seen, step, tell
from server.orders.merchants import MenuItem, Merchant, MerchantStore
from server.orders.views import Json, item_json, merchant_json
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage, UnitOfWork

__all__ = ["Catalogue", "ChangedItem", "ChangedMerchant", "NewItem", "NewMerchant"]


class Catalogue:
    """The merchants of this platform.  `version`, where given, is what the person saw: MerchantChanged otherwise."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self.areas = DeliveryAreas(storage, clock)

    async def add(self, viewer: Viewer, new: NewMerchant, *, key: str | None = None) -> Json:
        """A new merchant, open from now on."""
        require(viewer, Permission.MANAGE_MERCHANTS)
        facts = {name: getattr(new, name) for name in new.__struct_fields__ if name != "menu"}
        check_facts(facts)

        async def act(work: UnitOfWork) -> Json:
            merchant = Merchant(id=new_id(self._clock.now_ms()), open=True, **facts)
            ids = sorted(
                new_id(self._clock.now_ms()) for _ in new.menu
            )  # a menu is shown by them, as it was told
            menu = [_item(item_id, item) for item_id, item in zip(ids, new.menu, strict=True)]
            await MerchantStore(work.connection).insert(merchant, menu, work.now)
            await tell(work, merchant, "created", {"name": merchant.name}, viewer)
            return merchant_json(merchant, menu, at=work.now)

        return await once(self._storage, viewer, key, fingerprint("add_merchant", new), act)

    async def all(self, viewer: Viewer, *, after: UUID | None, limit: int) -> list[Json]:
        """Merchants in the order they joined, without menus; `after` is the last one of the page before."""
        require(viewer, Permission.SEE_MERCHANTS)
        now = self._clock.now()
        with database_errors():
            merchants = await MerchantStore(self._storage.pool).all(after=after, limit=limit)
        return [merchant_json(merchant, at=now) for merchant in merchants]

    async def one(self, viewer: Viewer, merchant_id: UUID) -> Json:
        """A merchant with its menu; MerchantNotFound."""
        require(viewer, Permission.SEE_MERCHANTS)
        store = MerchantStore(self._storage.pool)
        with database_errors():
            merchant = await store.get(merchant_id)
            menu = await store.menu(merchant_id)
        return merchant_json(merchant, menu, at=self._clock.now())

    async def change(
        self,
        viewer: Viewer,
        merchant_id: UUID,
        changed: ChangedMerchant,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The merchant with some of its facts changed; its own people decide all but who and where it is."""
        require_for_merchant(viewer, Permission.MANAGE_MENU, merchant_id)
        changes = changes_in(changed)
        if changes.keys() & PLATFORM_S:
            require_for_all(viewer, Permission.MANAGE_MERCHANTS)
        check_facts(changes)

        async def act(work: UnitOfWork) -> Json:
            store = MerchantStore(work.connection)
            merchant = await store.lock(merchant_id)
            require_seen(merchant, version)
            news = {name: value for name, value in changes.items() if value != getattr(merchant, name)}
            if "currency" in news and await store.has_orders(merchant_id):
                raise CurrencyFixed
            if news:
                merchant = await step(work, replace(merchant, **news), "changed", news, viewer)
            return merchant_json(merchant, at=work.now)

        told = fingerprint("change_merchant", merchant_id, changed, version)
        return await once(self._storage, viewer, key, told, act)

    async def add_item(
        self, viewer: Viewer, merchant_id: UUID, new: NewItem, *, key: str | None = None
    ) -> Json:
        """A new item of the menu."""

        async def put(work: UnitOfWork, store: MerchantStore, merchant: Merchant) -> tuple[str, Json]:
            if len(await store.menu(merchant_id)) >= MAX_ITEMS:
                raise TooManyItems
            item = _item(new_id(self._clock.now_ms()), new)
            await store.put_item(merchant_id, item)
            return "item_added", item_json(item, work.now)

        return await self._on_the_menu(
            viewer, merchant_id, put, fingerprint("add_item", merchant_id, new), key
        )

    async def change_item(
        self,
        viewer: Viewer,
        merchant_id: UUID,
        item_id: UUID,
        changed: ChangedItem,
        *,
        key: str | None = None,
    ) -> Json:
        """An item with some of its facts changed; orders that were placed keep the old name and price."""

        async def put(work: UnitOfWork, store: MerchantStore, merchant: Merchant) -> tuple[str, Json]:
            changes = changes_in(changed)
            sold_out_today = changes.pop("sold_out_today", None)
            if sold_out_today is not None:
                until = next_business_day(merchant.hours, merchant.zone, work.now)
                changes["sold_out_until"] = until if sold_out_today else None
            item = replace(await store.item(merchant_id, item_id), **changes)
            await store.put_item(merchant_id, item)
            return "item_changed", item_json(item, work.now)

        told = fingerprint("change_item", merchant_id, item_id, changed)
        return await self._on_the_menu(viewer, merchant_id, put, told, key)

    async def remove_item(
        self, viewer: Viewer, merchant_id: UUID, item_id: UUID, *, key: str | None = None
    ) -> Json:
        """The item is off the menu; orders that were placed keep it."""

        async def put(work: UnitOfWork, store: MerchantStore, merchant: Merchant) -> tuple[str, Json]:
            item = await store.item(merchant_id, item_id)
            await store.remove_item(item_id, work.now)
            return "item_removed", {"id": str(item.id)}

        told = fingerprint("remove_item", merchant_id, item_id)
        return await self._on_the_menu(viewer, merchant_id, put, told, key)

    async def _on_the_menu(
        self,
        viewer: Viewer,
        merchant_id: UUID,
        put: Callable[[UnitOfWork, MerchantStore, Merchant], Awaitable[tuple[str, Json]]],
        told: bytes,
        key: str | None,
    ) -> Json:
        """Change the menu with the merchant's row held, and tell its topic."""
        require_for_merchant(viewer, Permission.MANAGE_MENU, merchant_id)

        async def act(work: UnitOfWork) -> Json:
            store = MerchantStore(work.connection)
            merchant = await store.lock(merchant_id)
            happened, item = await put(work, store, merchant)
            await step(work, merchant, happened, {"item": item}, viewer)
            return item

        return await once(self._storage, viewer, key, told, act)


def _item(item_id: UUID, new: NewItem) -> MenuItem:
    return MenuItem(id=item_id, name=new.name, price_minor=new.price_minor, available=new.available)
