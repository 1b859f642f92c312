"""What a merchant's people do about their house: hours, pause, fees, menu, and where they deliver to."""

from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.viewer import Viewer
from server.geo.areas import BadArea, MultiPolygon, Polygon
from server.http.answers import Answer, MenuItemAnswer, MerchantAnswer
from server.http.operations import operation
from server.http.parts import HttpParts
from server.http.requests import (
    BadPrecondition,
    answer,
    body_of,
    key_of,
    tagged,
    version_in_if_match,
    viewer_of,
)
from server.orders.delivery_areas import AreaChanged, AreaNotFound
from server.orders.drawing import DrawnArea, TooManyAreas
from server.orders.hours import Hours
from server.orders.merchant_facts import (
    BadMerchant,
    ChangedItem,
    ChangedMerchant,
    CurrencyFixed,
    NewItem,
    TooManyItems,
)
from server.orders.merchant_log import MerchantChanged
from server.orders.merchants import ItemNotFound, MerchantNotFound

ONE = "/api/v1/merchants/{merchant_id:uuid}"
MENU = f"{ONE}/menu"
ITEM = f"{MENU}/{{item_id:uuid}}"
AREAS = f"{ONE}/areas"
AREA = f"{AREAS}/{{area_id:uuid}}"


class AreaAnswer(Answer):
    """A delivery area; `repaired`: the drawing had small faults, and this is what it must have meant."""

    id: UUID
    merchant_id: UUID
    name: str
    polygon: Polygon | MultiPolygon
    hours: Hours | None
    delivery_fee_minor: int | None
    drawn_by: UUID
    version: int
    active: bool
    repaired: bool


class AreaList(Answer):
    """All areas of a merchant, oldest first.  Without any it delivers within the platform's radius."""

    areas: list[AreaAnswer]


class Gone(Answer):
    """What was taken away."""

    id: UUID


class Merchants:
    """`PATCH /api/v1/merchants/{id}`, and below it `/menu` and `/areas`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts
        self._catalogue = parts.catalogue
        self._areas = parts.catalogue.areas

    def routes(self) -> list[Route]:
        seeing = partial(operation, tag="merchants")
        doing = partial(operation, tag="merchants", keyed=True)
        no_item, bad_area = (MerchantNotFound, ItemNotFound), (MerchantNotFound, BadArea, BadMerchant)
        moved = (AreaNotFound, AreaChanged, BadPrecondition)
        return [
            doing("PATCH", ONE, self.change, "Change hours, pause, fees and other facts of a merchant",
                  body=ChangedMerchant, answer=MerchantAnswer,
                  errors=(MerchantNotFound, MerchantChanged, BadMerchant, CurrencyFixed, BadPrecondition)),
            doing("POST", MENU, self.add_item, "Put an item on the menu", body=NewItem, answer=MenuItemAnswer,
                  status=201, errors=(MerchantNotFound, TooManyItems)),
            doing("PATCH", ITEM, self.change_item, "Change an item, or mark it sold out for today",
                  body=ChangedItem, answer=MenuItemAnswer, errors=no_item),
            doing("DELETE", ITEM, self.remove_item, "Take an item off the menu", answer=Gone, errors=no_item),
            seeing("GET", AREAS, self.areas, "Where a merchant delivers to", answer=AreaList,
                   errors=(MerchantNotFound,)),
            doing("POST", AREAS, self.draw, "Draw a delivery area", body=DrawnArea, answer=AreaAnswer,
                  status=201, errors=(*bad_area, TooManyAreas)),
            seeing("GET", AREA, self.area, "One delivery area", answer=AreaAnswer, etag=True,
                   errors=(AreaNotFound,)),
            doing("PUT", AREA, self.redraw, "Draw a delivery area anew", body=DrawnArea, answer=AreaAnswer,
                  errors=(*bad_area, *moved)),
            doing("DELETE", AREA, self.remove_area, "Take a delivery area away", answer=Gone,
                  errors=(MerchantNotFound, *moved)),
        ]  # fmt: skip

    async def change(self, request: Request) -> Response:
        """Only what is named changes.  `version`, or If-Match, is what was seen: 409 with the merchant as it is now."""
        changed = await body_of(request, ChangedMerchant)
        version = _seen(request, changed.version)
        viewer, merchant_id = self._viewer(request), _id(request, "merchant_id")
        return answer(
            await self._catalogue.change(viewer, merchant_id, changed, version=version, key=key_of(request))
        )

    async def add_item(self, request: Request) -> Response:
        """The item is on the menu at once, for all who open it."""
        new = await body_of(request, NewItem)
        viewer, merchant_id = self._viewer(request), _id(request, "merchant_id")
        return answer(await self._catalogue.add_item(viewer, merchant_id, new, key=key_of(request)), 201)

    async def change_item(self, request: Request) -> Response:
        """Orders that were placed keep the old name and price.  `sold_out_today`: off until the next day's opening."""
        changed = await body_of(request, ChangedItem)
        viewer, merchant_id, item_id = (
            self._viewer(request), _id(request, "merchant_id"), _id(request, "item_id"),
        )  # fmt: skip
        return answer(
            await self._catalogue.change_item(viewer, merchant_id, item_id, changed, key=key_of(request))
        )

    async def remove_item(self, request: Request) -> Response:
        """Orders that were placed keep it."""
        viewer, merchant_id, item_id = (
            self._viewer(request), _id(request, "merchant_id"), _id(request, "item_id"),
        )  # fmt: skip
        return answer(await self._catalogue.remove_item(viewer, merchant_id, item_id, key=key_of(request)))

    async def areas(self, request: Request) -> Response:
        """Whoever orders may see how far a merchant delivers."""
        viewer, merchant_id = self._viewer(request), _id(request, "merchant_id")
        return answer({"areas": await self._areas.all(viewer, merchant_id)})

    async def area(self, request: Request) -> Response:
        """The polygon as it is used, which a small repair may have changed."""
        viewer = self._viewer(request)
        area = await self._areas.one(viewer, _id(request, "merchant_id"), _id(request, "area_id"))
        return tagged(request, area, version=area["version"])

    async def draw(self, request: Request) -> Response:
        """A GeoJSON Polygon or MultiPolygon, lng before lat.  Several may overlap: the cheapest open one counts."""
        drawn = await body_of(request, DrawnArea)
        viewer, merchant_id = self._viewer(request), _id(request, "merchant_id")
        return answer(await self._areas.draw(viewer, merchant_id, drawn, key=key_of(request)), 201)

    async def redraw(self, request: Request) -> Response:
        """The whole area as it shall be.  `version`, or If-Match, is what was seen: 409 with the area as it is now."""
        drawn = await body_of(request, DrawnArea)
        version = _seen(request, drawn.version)
        viewer, merchant_id, area_id = (
            self._viewer(request), _id(request, "merchant_id"), _id(request, "area_id"),
        )  # fmt: skip
        return answer(
            await self._areas.redraw(
                viewer, merchant_id, area_id, drawn, version=version, key=key_of(request)
            )
        )

    async def remove_area(self, request: Request) -> Response:
        """Without any area the merchant delivers within the platform's radius."""
        viewer, merchant_id, area_id = (
            self._viewer(request), _id(request, "merchant_id"), _id(request, "area_id"),
        )  # fmt: skip
        version = _seen(request, None)
        return answer(
            await self._areas.remove(viewer, merchant_id, area_id, version=version, key=key_of(request))
        )

    def _viewer(self, request: Request) -> Viewer:
        return viewer_of(request, self._parts.tokens)


def _id(request: Request, name: str) -> UUID:
    found: UUID = request.path_params[name]
    return found


def _seen(request: Request, in_body: int | None) -> int | None:
    """The version that was seen, by the body or else by If-Match."""
    return in_body if in_body is not None else version_in_if_match(request)
