"""The composition root: the one place where all parts meet.  Nothing is decided here.

`open_app` builds the parts in the order of the layers and takes them down in reverse; `App.run` is the work that
goes on beside requests and sockets.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.applications import Starlette

from server.accounts.api_keys import ApiKeyService
from server.accounts.audit import Audit
from server.accounts.passwords import Passwords
from server.accounts.proofs import Proofs
from server.accounts.revocations import Revocations
from server.accounts.service import AccountService
from server.accounts.sessions import SessionService
from server.archive.service import ArchiveService
from server.clock import Clock, SystemClock
from server.dispatch.commands import Services
from server.dispatch.duties import DutyBoard
from server.dispatch.service import DispatchService
from server.dispatch.store import carriers_of
from server.dispatch.ticket_hands import MoneyHands, hands, open_tickets
from server.dispatch.tracking import Tracking
from server.geo.courier_index import CourierIndex
from server.geo.nearest import NearestIndex
from server.geo.track_store import TrackStore
from server.http.health import Check
from server.http.parts import HttpParts
from server.http.routes import create_asgi
from server.notify.webhooks import Webhooks
from server.orders.catalogue import Catalogue
from server.orders.codes import Codes
from server.orders.links import LinkService
from server.orders.media import MediaService
from server.orders.money import make_money
from server.orders.payment_provider import open_provider
from server.orders.review_service import ReviewService
from server.orders.service import OrderService
from server.realtime.fanout import PositionFanout
from server.realtime.hub import Hub
from server.realtime.silence import Silence
from server.realtime.snapshots import StoreSnapshots
from server.settings import Settings
from server.storage.database import open_database
from server.storage.housekeeping import keep_house
from server.storage.media_store import open_media
from server.storage.redis import open_listener, open_redis
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage
from server.telemetry import measure_loop_lag

# A tail or a reader this silent is not to be trusted with new viewers.
LOG_SILENT_S = 5.0
PROBE_SILENT_S = 2.0

Told = TypeVar("Told")


@dataclass(frozen=True, kw_only=True)
class App:
    """A running application.  `run` must run for anything to move; `drain` before cancelling it."""

    asgi: Starlette
    hub: Hub
    storage: Storage
    tracking: Tracking
    timers: Timers
    fanout: PositionFanout
    silence: Silence
    webhooks: Webhooks
    clock: Clock
    settings: Settings

    async def run(self) -> None:
        """All background work, until cancelled; ends with the error of a part that failed."""
        async with asyncio.TaskGroup() as tasks:
            for work in self._works():
                tasks.create_task(work)

    async def drain(self) -> None:
        """Tell the sockets to come back elsewhere, spread over the drain time."""
        await self.hub.drain(self.settings.drain_s)

    def _works(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self.storage.run(),
            self.timers.run(),
            self.fanout.run(),
            self.silence.run(),
            self.tracking.run(),
            self.hub.run(),
            self.webhooks.run(),
            measure_loop_lag(self.clock),
        ]


@asynccontextmanager
async def open_app(  # noqa: PLR0915  a list of parts is as long as it is
    settings: Settings, *, clock: Clock | None = None
) -> AsyncIterator[App]:
    """The whole application on the servers that `settings` names; StartupError when one of them does not answer."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        pool = await open_database(settings.database_url, pool_size=settings.database_pool_size)
        stack.push_async_callback(pool.close)
        redis = await open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        listener = open_listener(settings.redis_url)
        stack.push_async_callback(listener.aclose)

        media = open_media(settings.media_url, settings.data_dir, endpoint=settings.media_endpoint)
        storage = Storage(pool, redis, clock, poll_ms=settings.log_poll_ms)
        webhooks = Webhooks(storage, clock, settings)
        stack.push_async_callback(webhooks.close)
        stack.push_async_callback(storage.close)
        timers = Timers(storage, clock)
        board = Revocations(clock)
        storage.tail.subscribe(board.apply)
        tokens = Proofs(settings.secret, settings.token_ttl_s, clock, board)
        passwords = Passwords()
        sessions = SessionService(
            storage, tokens, clock, session_ttl_s=settings.session_ttl_s, passwords=passwords
        )
        accounts = AccountService(storage, tokens, clock, passwords)
        accounts.register(timers)
        audit, api_keys = Audit(storage, clock), ApiKeyService(storage, tokens, clock)
        links = LinkService(storage, tokens, clock)
        links.register(timers)
        duties = DutyBoard()
        nearest = NearestIndex()
        index = CourierIndex(redis, partitions=settings.position_partitions)
        tracks = TrackStore(pool)
        files = open_media(
            settings.archive_url, settings.data_dir, "archive", endpoint=settings.media_endpoint
        )
        archive = ArchiveService(storage, tracks, media, files, accounts, audit, settings)
        tracking = Tracking(index, tracks, duties, clock, settings)
        orders = OrderService(storage, clock, settings)
        dispatch = DispatchService(storage, nearest, clock, settings)
        orders.register(timers)
        dispatch.register(timers)
        provider = open_provider(settings)
        if provider is not None:
            stack.push_async_callback(provider.close)
        money = make_money(storage, clock, settings, provider, carriers_of)
        money.register(timers)
        ticket_hands = hands(
            moves=dispatch.moves,
            money=MoneyHands(money.service, money.refunds),
            accounts=accounts,
            nearest=nearest,
        )
        tickets = open_tickets(
            storage,
            timers,
            settings,
            orders.troubles,
            dispatch.troubles,
            hands=ticket_hands,
            moves=dispatch.moves,
        )

        # The board must know a duty before the hub asks whose order a row or a position belongs to.
        storage.tail.subscribe(duties.apply)
        duties.on_change.append(lambda courier_id, duty: nearest.set_busy(courier_id, duty is not None))
        hub = Hub(
            tokens=tokens,
            snapshots=StoreSnapshots(duties, nearest, Codes(settings.secret)),
            pool=pool,
            audit=audit,
            tail=storage.tail,
            nearest=nearest,
            duties=duties,
            tracking=tracking,
            services=Services(orders, dispatch, tickets),
            clock=clock,
            settings=settings,
        )
        stack.push_async_callback(hub.stop)
        board.on_change.append(hub.on_revoked)
        fanout = PositionFanout(
            listener,
            index,
            clock,
            # What is older than what the index has is shown to nobody.
            on_batch=lambda batch: hub.on_positions(nearest.update(batch)),
            on_left=_both(nearest.forget, hub.on_gone),
            on_claimed=tracking.claimed,
        )
        gone_after_ms = round(settings.gone_after_s * 1000)
        silence = Silence(nearest, clock, gone_after_ms=gone_after_ms, on_gone=hub.on_gone)
        parts = HttpParts(
            storage=storage,
            tokens=tokens,
            accounts=accounts,
            sessions=sessions,
            api_keys=api_keys,
            audit=audit,
            links=links,
            catalogue=Catalogue(storage, clock),
            media=MediaService(storage, media, clock, carriers_of),
            reviews=ReviewService(storage, carriers_of),
            archive=archive,
            orders=orders,
            money=money,
            dispatch=dispatch,
            tracking=tracking,
            nearest=nearest,
            tracks=tracks,
            tickets=tickets,
            webhooks=webhooks.service,
            clock=clock,
            settings=settings,
        )
        app = App(
            asgi=create_asgi(parts, _checks(storage, fanout)),
            hub=hub,
            storage=storage,
            tracking=tracking,
            timers=timers,
            fanout=fanout,
            silence=silence,
            webhooks=webhooks,
            clock=clock,
            settings=settings,
        )
        # The tail stands at the end of the log before the board is read, so that no duty falls between.
        await storage.tail.start()
        await duties.load(pool)
        await board.load(pool, now=clock.now())
        await sessions.register(timers)
        await keep_house(storage, timers)
        await archive.register(timers)
        await webhooks.register(timers)
        await money.payments.register(timers)
        yield app


def _both(first: Callable[[Told], object], second: Callable[[Told], object]) -> Callable[[Told], None]:
    """Tell `first`, then `second`: the index has forgotten somebody before the hub takes him off the map."""

    def tell(what: Told) -> None:
        first(what)
        second(what)

    return tell


def _checks(storage: Storage, fanout: PositionFanout) -> Mapping[str, Check]:
    """What `/readyz` asks: does the log's tail read, do positions demonstrably arrive?"""

    async def log_is_read() -> tuple[object, bool]:
        silent_s = storage.tail.silent_s()
        return {"silent_s": round(silent_s, 2)}, silent_s < LOG_SILENT_S

    async def positions_arrive() -> tuple[object, bool]:
        age_s = fanout.probe_age_s
        return {"probe_age_s": round(age_s, 2) if math.isfinite(age_s) else None}, age_s < PROBE_SILENT_S

    return {"record": log_is_read, "positions": positions_arrive}
