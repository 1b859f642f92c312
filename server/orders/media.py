"""Pictures of an order, as proof or evidence: who may bring and see them, and all SQL about them (table `media`).

The bytes lie in the media store under the picture's id.  They are put there first: a row never names what is not kept.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.accounts.permissions import Permission, may, require_for_order
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.errors import NotFound, Refused
from server.ids import new_id
from server.orders.commands import fingerprint, once
from server.orders.pictures import fit_to_keep
from server.orders.store import OrderStore
from server.orders.views import Json
from server.storage.database import database_errors
from server.storage.media_store import MediaStore
from server.storage.unit_of_work import Storage, UnitOfWork

MAX_PICTURES_PER_ORDER = 40  # proof, and evidence of several troubles
AT_ONCE = 2  # pictures drawn anew at a time: each takes a core and some 200 MB at worst

# Who had or has the order on his bike, newest first; dispatch knows.
CarriersOf = Callable[[Any, UUID], Awaitable[Sequence[UUID]]]


class MediaNotFound(NotFound):
    """No picture has this id, or it is not yours to see."""

    code = "media_not_found"


class TooManyPictures(Refused):
    """This order has as many pictures as an order may have."""

    code = "too_many_pictures"


class MediaKind(StrEnum):
    """What a picture is."""

    PHOTO = "photo"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What is known of a picture."""

    id: UUID
    order_id: UUID
    uploaded_by: UUID
    kind: MediaKind
    media_type: str
    size_bytes: int
    width_px: int
    height_px: int
    created_at: datetime


class MediaTable:
    """Reads and writes the table on one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, media: Media) -> None:
        """Store what is known of a new picture."""
        await self._connection.execute(
            "INSERT INTO media"
            " (id, order_id, uploaded_by, kind, media_type, size_bytes, width_px, height_px, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            media.id,
            media.order_id,
            media.uploaded_by,
            media.kind.value,
            media.media_type,
            media.size_bytes,
            media.width_px,
            media.height_px,
            media.created_at,
        )

    async def get(self, media_id: UUID) -> Media:
        """The picture; MediaNotFound."""
        row = await self._connection.fetchrow("SELECT * FROM media WHERE id = $1", media_id)
        if row is None:
            raise MediaNotFound
        return _media(row)

    async def of_order(self, order_id: UUID) -> list[Media]:
        """An order's pictures, in the order they came."""
        rows = await self._connection.fetch("SELECT * FROM media WHERE order_id = $1 ORDER BY id", order_id)
        return [_media(row) for row in rows]

    async def ids_of(self, order_ids: Sequence[UUID]) -> list[UUID]:
        """Under which ids the bytes of these orders' pictures are kept."""
        rows = await self._connection.fetch(
            "SELECT id FROM media WHERE order_id = ANY($1::uuid[])", list(order_ids)
        )
        return [row["id"] for row in rows]

    async def forget(self, order_ids: Sequence[UUID]) -> None:
        """Take these orders' pictures out of the table; their bytes are gone already."""
        await self._connection.execute("DELETE FROM media WHERE order_id = ANY($1::uuid[])", list(order_ids))


class MediaService:
    """Bringing pictures, and showing them to those who may see them."""

    def __init__(self, storage: Storage, kept: MediaStore, clock: Clock, carriers_of: CarriersOf) -> None:
        self._storage = storage
        self._kept = kept
        self._clock = clock
        self._carriers_of = carriers_of
        self._drawing = asyncio.Semaphore(AT_ONCE)

    async def upload(
        self, viewer: Viewer, order_id: UUID, kind: MediaKind, data: bytes, *, key: str | None = None
    ) -> Json:
        """Keep a picture of the order; BadPicture, OrderNotFound, TooManyPictures."""
        with database_errors():
            await self._check(self._storage.pool, viewer, Permission.UPLOAD_MEDIA, order_id)

        async def act(work: UnitOfWork) -> Json:
            order = await OrderStore(work.connection).lock(order_id)
            if len(await MediaTable(work.connection).of_order(order_id)) >= MAX_PICTURES_PER_ORDER:
                raise TooManyPictures
            media = Media(
                id=media_id,
                order_id=order.id,
                uploaded_by=viewer.account_id,
                kind=kind,
                media_type=picture.media_type,
                size_bytes=len(picture.data),
                width_px=picture.width_px,
                height_px=picture.height_px,
                created_at=work.now,
            )
            await MediaTable(work.connection).insert(media)
            return media_json(media)

        told = fingerprint("upload", order_id, kind, hashlib.sha256(data).hexdigest())
        async with self._drawing:
            picture = await asyncio.to_thread(fit_to_keep, data)
        media_id = new_id(self._clock.now_ms())
        await self._kept.put(str(media_id), picture.data)
        try:
            answer = await once(self._storage, viewer, key, told, act)
        except Exception:
            await self._kept.delete(str(media_id))
            raise
        if answer["id"] != str(media_id):  # the same upload came before
            await self._kept.delete(str(media_id))
        return answer

    async def show(self, viewer: Viewer, media_id: UUID) -> tuple[Media, bytes]:
        """A picture with its bytes; MediaNotFound when it is not the viewer's to see."""
        with database_errors():
            media = await MediaTable(self._storage.pool).get(media_id)
            try:
                await self._check(self._storage.pool, viewer, Permission.SEE_MEDIA, media.order_id)
            except NotFound as error:
                # Where its order is archived, for those who read there what people wrote.
                if not (may(viewer, Permission.SEE_ARCHIVE) and may(viewer, Permission.SEE_CONTACT)):
                    raise MediaNotFound from error
        return media, await self._kept.get(str(media_id))

    async def of_order(self, viewer: Viewer, order_id: UUID) -> list[Json]:
        """What pictures there are of an order."""
        with database_errors():
            await self._check(self._storage.pool, viewer, Permission.SEE_MEDIA, order_id)
            return [media_json(media) for media in await MediaTable(self._storage.pool).of_order(order_id)]

    async def _check(self, connection: Any, viewer: Viewer, permission: Permission, order_id: UUID) -> None:
        order = await OrderStore(connection).get(order_id)
        carriers = await self._carriers_of(connection, order_id)
        require_for_order(
            viewer,
            permission,
            **order.people(viewer.account_id if viewer.account_id in carriers else None),
        )


def media_json(media: Media) -> Json:
    """A picture as it is told of."""
    return {
        "id": str(media.id),
        "order_id": str(media.order_id),
        "kind": media.kind.value,
        "media_type": media.media_type,
        "size_bytes": media.size_bytes,
        "width_px": media.width_px,
        "height_px": media.height_px,
        "created_at": media.created_at.isoformat().replace("+00:00", "Z"),
    }


def _media(row: Any) -> Media:
    return Media(**{**dict(row), "kind": MediaKind(row["kind"])})
