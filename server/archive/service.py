"""The archive's clockwork and its reading room.

Three timers, each its own and set again when it has fired: orders long over are put away, changed days are written to
Parquet, what is kept of people is erased when its time has come.  All of it may be interrupted anywhere and goes on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import structlog

from server.accounts.audit import LOOKED_AT_ARCHIVE, Audit, AuditStore
from server.accounts.permissions import OrderNotFound, Permission, may, require
from server.accounts.service import AccountNotFound, AccountService
from server.accounts.standing import Standing, Verdict
from server.accounts.store import AccountStore
from server.accounts.viewer import Viewer
from server.archive import erasure
from server.archive.parquet import day_file
from server.archive.store import ArchiveStore, Wanted
from server.archive.tracks import kept_track, ridden
from server.errors import BadInput, Refused
from server.geo.track_store import TrackStore
from server.orders.commands import fingerprint, once
from server.orders.media import MediaTable
from server.orders.store import OrderStore
from server.orders.views import Json, contact_json
from server.settings import Settings
from server.storage.database import database_errors
from server.storage.media_store import MediaStore
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

PUT_AWAY, WRITE_DAY, ERASE = "archive_orders", "archive_day", "erase_people"
ERASED = "erased"  # a deed, and the reason of a dismissal
NOBODY = UUID(int=0)  # these timers belong to no entity
BATCH = 50  # orders in one transaction
EVERY = timedelta(hours=1)
AT_ONCE = timedelta(0)

log = structlog.get_logger("songda.archive")


class WrongLogin(BadInput):
    """The login does not belong to this account; nothing was erased."""

    code = "wrong_login"


class OrderUnderWay(Refused):
    """This person has an order under way; erase them when it is over."""

    code = "order_under_way"


def day_name(day: date) -> str:
    """Under which name a day's file is kept; the form that readers of partitioned Parquet understand."""
    return f"orders/day={day.isoformat()}/orders.parquet"


class ArchiveService:
    """Puts away, writes, erases, and looks up."""

    def __init__(
        self,
        storage: Storage,
        tracks: TrackStore,
        media: MediaStore,
        files: MediaStore,
        accounts: AccountService,
        audit: Audit,
        settings: Settings,
    ) -> None:
        self._storage = storage
        self._accounts = accounts
        self._audit = audit
        self._tracks = tracks
        self._media = media
        self._files = files
        self._archive_after = timedelta(seconds=settings.archive_after_s)
        self._keep_personal = timedelta(seconds=settings.keep_personal_s)
        self._keep_tracks = timedelta(seconds=settings.keep_tracks_s)

    async def register(self, timers: Timers) -> None:
        """Let the clock do it, from now on and every hour."""
        timers.on(PUT_AWAY, self._put_away)
        timers.on(WRITE_DAY, self._write_day)
        timers.on(ERASE, self._erase)
        async with self._storage.unit_of_work() as work:
            for kind in (PUT_AWAY, WRITE_DAY, ERASE):
                await work.set_timer(kind, NOBODY, work.now)

    async def find(
        self, viewer: Viewer, wanted: Wanted, *, before: UUID | None, limit: int
    ) -> list[dict[str, Any]]:
        """Archived orders; by phone only for those who may see contacts."""
        require(viewer, Permission.SEE_ARCHIVE)
        if wanted.phone is not None:
            require(viewer, Permission.SEE_CONTACT)
        with database_errors():
            found = await ArchiveStore(self._storage.pool).find(wanted, before=before, limit=limit)
        if wanted.phone is not None:
            await self._audit.looked(viewer, LOOKED_AT_ARCHIVE, "order", [one["order_id"] for one in found])
        return found

    async def one(self, viewer: Viewer, order_id: UUID) -> Json:
        """An archived order, whole; contact, words and tracks for those who may see contacts.  OrderNotFound."""
        require(viewer, Permission.SEE_ARCHIVE)
        shown = may(viewer, Permission.SEE_CONTACT)
        with database_errors():
            store = ArchiveStore(self._storage.pool)
            found = await store.get(order_id)
            if found is None:
                raise OrderNotFound
            contact = await OrderStore(self._storage.pool).contact(order_id) if shown else None
            words = await store.words(order_id) if shown else []
        if shown:
            await self._audit.looked(viewer, LOOKED_AT_ARCHIVE, "order", [order_id])
        return {
            **found,
            "tracks": found["tracks"] if shown else None,
            "words": words,
            "contact": None if contact is None else contact_json(contact),
        }

    async def erase_account(
        self, viewer: Viewer, account_id: UUID, login: str, *, key: str | None = None
    ) -> Json:
        """Erase a person, named twice so that it is no slip; AccountNotFound, WrongLogin, OrderUnderWay."""
        require(viewer, Permission.ERASE_PERSON)

        async def act(work: UnitOfWork) -> Json:
            account = await AccountStore(work.connection).by_id(account_id)
            if account is None:
                raise AccountNotFound
            if account.login != login:
                raise WrongLogin
            order_ids, is_open = await erasure.orders_of(work.connection, account_id)
            if is_open:
                raise OrderUnderWay
            await self._erase_orders(work, order_ids)
            if account.status is not Standing.DISMISSED:  # every process must hear that they are gone
                await self._accounts.judge_within(work, viewer, account_id, Verdict.DISMISS, ERASED)
            await erasure.erase_account(work.connection, account_id)
            await AuditStore(work.connection).did(viewer, ERASED, "account", account_id, at=work.now)
            return {"orders": len(order_ids)}

        # What is answered is kept under the key, so the login is not told to it in clear.
        told = fingerprint("erase", account_id, login)
        return await once(self._storage, viewer, key, told, act)

    async def _put_away(self, work: UnitOfWork, entity_id: UUID, payload: Mapping[str, Any]) -> None:
        store = ArchiveStore(work.connection)
        ended_before = work.now - self._archive_after
        # What takes long comes before the first lock: who holds one holds the readers of the log up (traps 32).
        tracks: dict[UUID, list[dict[str, Any]]] = {}
        for ride in await store.due(ended_before, BATCH):
            tracks.setdefault(ride["order_id"], []).extend(await self._kept_tracks(ride))
        held = await store.hold(list(tracks), ended_before)
        if held:
            orders = await store.read(held)
            for order in orders:
                order.tracks = tracks[order.row["order_id"]]
            await store.put_away(orders, work.now)
            await work.set_timer(WRITE_DAY, NOBODY, work.now)
        await work.set_timer(PUT_AWAY, NOBODY, work.now + (AT_ONCE if len(tracks) == BATCH else EVERY))

    async def _kept_tracks(self, ride: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The ride of one assignment, if the bag was on the bike and something is left of the way."""
        when = ridden(ride["moments"] or {}, ride["created_at"], ride["ended_at"])
        if when is None:
            return []
        track = kept_track(ride["courier_id"], await self._tracks.read(ride["courier_id"], *when))
        return [] if track is None else [track]

    async def _write_day(self, work: UnitOfWork, entity_id: UUID, payload: Mapping[str, Any]) -> None:
        """Write one changed day, then look for the next; the file may be written twice, never not at all."""
        store = ArchiveStore(work.connection)
        changed = await store.unwritten_days(1)
        for day, changed_at in changed:
            orders = await store.of_day(day)
            try:
                data = await asyncio.to_thread(day_file, orders)
            except ImportError:
                log.warning("the archive writes no Parquet: the extra 'archive' is not installed")
                changed = []
                break
            await self._files.put(day_name(day), data)
            await store.written(day, changed_at, work.now, len(orders))
        await work.set_timer(WRITE_DAY, NOBODY, work.now + (AT_ONCE if changed else EVERY))

    async def _erase(self, work: UnitOfWork, entity_id: UUID, payload: Mapping[str, Any]) -> None:
        due = await erasure.due_for_erasure(work.connection, (work.now - self._keep_personal).date(), BATCH)
        if due:
            await self._erase_orders(work, due)
        await erasure.forget_tracks(work.connection, (work.now - self._keep_tracks).date())
        await work.set_timer(ERASE, NOBODY, work.now + (AT_ONCE if len(due) == BATCH else EVERY))

    async def _erase_orders(self, work: UnitOfWork, order_ids: Sequence[UUID]) -> None:
        # The bytes go first: a row that is left says that they must be tried again.  And before any lock, as above.
        media = MediaTable(work.connection)
        for media_id in await media.ids_of(order_ids):
            await self._media.delete(str(media_id))
        await media.forget(order_ids)
        days = await erasure.erase_orders(work.connection, order_ids, work.now)
        if days:
            await ArchiveStore(work.connection).touch(days, work.now)
            await work.set_timer(WRITE_DAY, NOBODY, work.now)
