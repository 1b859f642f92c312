"""What people do about merchants: add them, look at them and their menus."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.accounts.permissions import Permission, require
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.ids import new_id
from server.orders.commands import fingerprint, once
from server.orders.merchants import MenuItem, Merchant, MerchantStore
from server.orders.views import Json, merchant_json
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage, UnitOfWork

Name = Annotated[str, Meta(min_length=1, max_length=200)]
# A lunch for a million, in cents: anything above is a slip of the hand.
MAX_PRICE_MINOR = 100_000_000


class NewItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item of a new menu."""

    name: Name
    price_minor: Annotated[int, Meta(ge=0, le=MAX_PRICE_MINOR)]
    available: bool = True


class NewMerchant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an administrator says of a new merchant."""

    name: Name
    address: Annotated[str, Meta(min_length=1, max_length=400)]
    lat: Annotated[float, Meta(ge=-90, le=90)]
    lng: Annotated[float, Meta(ge=-180, le=180)]
    menu: Annotated[list[NewItem], Meta(max_length=500)]
    preparation_s: Annotated[int, Meta(ge=0, le=4 * 3600)] = 600


class Catalogue:
    """The merchants of this platform."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def add(self, viewer: Viewer, new: NewMerchant, *, key: str | None = None) -> Json:
        """A new merchant, open from now on."""
        require(viewer, Permission.MANAGE_MERCHANTS)

        async def act(work: UnitOfWork) -> Json:
            now_ms = self._clock.now_ms()
            merchant = Merchant(
                id=new_id(now_ms),
                name=new.name,
                address=new.address,
                lat=new.lat,
                lng=new.lng,
                preparation_s=new.preparation_s,
                open=True,
            )
            menu = [
                MenuItem(
                    id=new_id(now_ms), name=item.name, price_minor=item.price_minor, available=item.available
                )
                for item in new.menu
            ]
            await MerchantStore(work.connection).insert(merchant, menu, work.now)
            return merchant_json(merchant, menu)

        return await once(self._storage, viewer, key, fingerprint("add_merchant", new), act)

    async def all(self, viewer: Viewer, *, after: UUID | None, limit: int) -> list[Json]:
        """Merchants in the order they joined, without menus; `after` is the last one of the page before."""
        require(viewer, Permission.SEE_MERCHANTS)
        with database_errors():
            merchants = await MerchantStore(self._storage.pool).all(after=after, limit=limit)
        return [merchant_json(merchant) for merchant in merchants]

    async def one(self, viewer: Viewer, merchant_id: UUID) -> Json:
        """A merchant with its menu; MerchantNotFound."""
        require(viewer, Permission.SEE_MERCHANTS)
        store = MerchantStore(self._storage.pool)
        with database_errors():
            merchant = await store.get(merchant_id)
            menu = await store.menu(merchant_id)
        return merchant_json(merchant, menu)
