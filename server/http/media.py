"""Pictures of an order: brought as proof or evidence, shown to those who may see them."""

from enum import StrEnum
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.audit import LOOKED_AT_PICTURE
from server.accounts.permissions import Permission, Scope, reach
from server.errors import BadInput
from server.http.operations import Query, operation
from server.http.parts import HttpParts
from server.http.requests import answer, key_of, query_choice, viewer_of
from server.orders.media import MediaKind, MediaNotFound, TooManyPictures
from server.orders.pictures import BadPicture
from server.storage.media_store import MediaGone, MediaUnavailable


class PictureTypes(StrEnum):
    """What a picture may be when it comes."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"


class PictureTypeNeeded(BadInput):
    """The Content-Type of a picture is image/jpeg, image/png or image/webp."""

    code = "picture_type_needed"
    http_status = 415


class MediaAnswer(msgspec.Struct, frozen=True):
    """What is known of a picture."""

    id: UUID
    order_id: UUID
    kind: MediaKind
    media_type: str
    size_bytes: int
    width_px: int
    height_px: int
    created_at: str


class MediaList(msgspec.Struct, frozen=True):
    """An order's pictures."""

    media: list[MediaAnswer]


class Pictures:
    """`/api/v1/orders/{id}/media` and `/api/v1/media/{id}`."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        of_order = "/api/v1/orders/{order_id:uuid}/media"
        kind = Query("kind", MediaKind, "what the picture is: photo (as it is without this) or signature")
        return [
            operation("POST", of_order, self.upload, "Bring a photo or a signature", body=bytes,
                      body_types=tuple(PictureTypes), answer=MediaAnswer, status=201, query=(kind,), tag="media",
                      keyed=True, errors=(BadPicture, PictureTypeNeeded, TooManyPictures, MediaUnavailable)),
            operation("GET", of_order, self.of_order, "What pictures there are of an order", answer=MediaList,
                      tag="media"),
            operation("GET", "/api/v1/media/{media_id:uuid}", self.show, "See a picture", answer=bytes,
                      answer_types=("image/jpeg", "image/png"), tag="media",
                      errors=(MediaNotFound, MediaGone, MediaUnavailable)),
        ]  # fmt: skip

    async def upload(self, request: Request) -> Response:
        """The body is the picture itself.  It is drawn anew: what the phone wrote into it (place, time) is dropped.

        Its id is then the proof of `deliver`, or evidence of a ticket.
        """
        viewer = viewer_of(request, self._parts.tokens)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in set(PictureTypes):
            raise PictureTypeNeeded
        kind = query_choice(request, "kind", MediaKind) or MediaKind.PHOTO
        data = await request.body()
        order_id = request.path_params["order_id"]
        return answer(await self._parts.media.upload(viewer, order_id, kind, data, key=key_of(request)), 201)

    async def of_order(self, request: Request) -> Response:
        """In the order they came."""
        viewer = viewer_of(request, self._parts.tokens)
        return answer({"media": await self._parts.media.of_order(viewer, request.path_params["order_id"])})

    async def show(self, request: Request) -> Response:
        """The bytes; nobody on the way may keep them.  Staff who look are written down."""
        viewer = viewer_of(request, self._parts.tokens)
        media, data = await self._parts.media.show(viewer, request.path_params["media_id"])
        if reach(viewer, Permission.SEE_MEDIA) is Scope.ALL:
            await self._parts.audit.looked(viewer, LOOKED_AT_PICTURE, "order", [media.order_id])
        return Response(data, 200, {"Cache-Control": "private, no-store"}, media.media_type)
