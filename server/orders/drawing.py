"""What people do about delivery areas: draw them, change them, take them away."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.accounts.permissions import Permission, require, require_for_merchant
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import Refused
from server.faults import Fault
from server.geo.areas import Area, Drawing, area_of
from server.ids import new_id
from server.orders.commands import fingerprint, once
from server.orders.delivery_areas import AreaChanged, AreaStore, DeliveryArea
from server.orders.hours import Hours
from server.orders.merchant_facts import BadMerchant, Minor, Version, hours_faults
from server.orders.merchant_log import step
from server.orders.merchants import Merchant, MerchantStore
from server.orders.views import Json, area_json, area_summary_json
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage, UnitOfWork

MAX_AREAS = 50
MAX_AWAY_KM = 50.0  # a drawing farther away than this was meant for another city


class TooManyAreas(Refused):
    """A merchant has at most 50 delivery areas."""

    code = "too_many_areas"


class DrawnArea(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A delivery area as somebody draws it; `version` is the one that was seen, of an area that there is."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    polygon: Drawing
    hours: Hours | None = None  # none: whenever the merchant is open
    delivery_fee_minor: Minor | None = None  # none: the merchant's
    active: bool = True
    version: Version | None = None


class DeliveryAreas:
    """The delivery areas of merchants, drawn by their own people or by operators."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def all(self, viewer: Viewer, merchant_id: UUID) -> list[Json]:
        """The areas of the merchant, oldest first; MerchantNotFound."""
        require(viewer, Permission.SEE_MERCHANTS)
        with database_errors():
            await MerchantStore(self._storage.pool).get(merchant_id)
            areas = await AreaStore(self._storage.pool).of_merchant(merchant_id)
        return [area_json(area) for area in areas]

    async def one(self, viewer: Viewer, merchant_id: UUID, area_id: UUID) -> Json:
        """One area; AreaNotFound."""
        require(viewer, Permission.SEE_MERCHANTS)
        with database_errors():
            return area_json(await AreaStore(self._storage.pool).get(merchant_id, area_id))

    async def draw(
        self, viewer: Viewer, merchant_id: UUID, drawn: DrawnArea, *, key: str | None = None
    ) -> Json:
        """A new area; BadArea says what is wrong with the drawing."""
        require_for_merchant(viewer, Permission.MANAGE_DELIVERY_AREA, merchant_id)
        parsed = _parsed(drawn)

        async def act(work: UnitOfWork) -> Json:
            merchant = await MerchantStore(work.connection).lock(merchant_id)
            _check_near(parsed, merchant)
            store = AreaStore(work.connection)
            if len(await store.of_merchant(merchant_id)) >= MAX_AREAS:
                raise TooManyAreas
            area = DeliveryArea(
                id=new_id(self._clock.now_ms()),
                merchant_id=merchant_id,
                name=drawn.name,
                area=parsed,
                hours=drawn.hours,
                delivery_fee_minor=drawn.delivery_fee_minor,
                drawn_by=viewer.account_id,
                active=drawn.active,
            )
            await store.put(area, work.now)
            await step(work, merchant, "area_drawn", {"area": area_summary_json(area)}, viewer)
            return area_json(area)

        told = fingerprint("draw_area", merchant_id, drawn)
        return await once(self._storage, viewer, key, told, act)

    async def redraw(
        self,
        viewer: Viewer,
        merchant_id: UUID,
        area_id: UUID,
        drawn: DrawnArea,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The area as it is drawn now; AreaChanged when the version seen is no longer the one there is."""
        require_for_merchant(viewer, Permission.MANAGE_DELIVERY_AREA, merchant_id)
        parsed = _parsed(drawn)

        async def act(work: UnitOfWork) -> Json:
            merchant = await MerchantStore(work.connection).lock(merchant_id)
            _check_near(parsed, merchant)
            before = await AreaStore(work.connection).get(merchant_id, area_id)
            _require_seen(before, version)
            area = replace(
                before,
                name=drawn.name,
                area=parsed,
                hours=drawn.hours,
                delivery_fee_minor=drawn.delivery_fee_minor,
                drawn_by=viewer.account_id,
                active=drawn.active,
                version=before.version + 1,
            )
            await AreaStore(work.connection).put(area, work.now)
            await step(work, merchant, "area_drawn", {"area": area_summary_json(area)}, viewer)
            return area_json(area)

        told = fingerprint("redraw_area", merchant_id, area_id, drawn, version)
        return await once(self._storage, viewer, key, told, act)

    async def remove(
        self,
        viewer: Viewer,
        merchant_id: UUID,
        area_id: UUID,
        *,
        version: int | None = None,
        key: str | None = None,
    ) -> Json:
        """The area is gone; without any, the merchant delivers within the platform's radius."""
        require_for_merchant(viewer, Permission.MANAGE_DELIVERY_AREA, merchant_id)

        async def act(work: UnitOfWork) -> Json:
            merchant = await MerchantStore(work.connection).lock(merchant_id)
            store = AreaStore(work.connection)
            area = await store.get(merchant_id, area_id)
            _require_seen(area, version)
            await store.delete(area_id)
            gone = {"id": str(area_id)}
            await step(work, merchant, "area_removed", {"area": gone}, viewer)
            return gone

        told = fingerprint("remove_area", merchant_id, area_id, version)
        return await once(self._storage, viewer, key, told, act)


def _parsed(drawn: DrawnArea) -> Area:
    faults = [*hours_faults(drawn.hours, "/hours")]
    if faults:
        raise BadMerchant(faults)
    return area_of(drawn.polygon)


def _check_near(area: Area, merchant: Merchant) -> None:
    if area.distance_m(merchant.lat, merchant.lng) > MAX_AWAY_KM * 1000:
        raise BadMerchant([Fault("/polygon", "area_far_away", {"most_km": MAX_AWAY_KM})])


def _require_seen(area: DeliveryArea, version: int | None) -> None:
    if version is not None and version != area.version:
        raise AreaChanged(area=area_json(area))
