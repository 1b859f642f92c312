"""The hub: who listens to what in this process, and the way in for all that is to be told.

It carries the event log's rows and the position batches to the parts that know their listeners, and sessions
to the parts that do their work.  It decides nothing itself and awaits nobody.
"""

import asyncio
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any
from uuid import UUID

import structlog

from server.accounts.audit import Audit
from server.accounts.roles import Role
from server.accounts.tokens import Tokens
from server.accounts.viewer import Viewer
from server.clock import Clock
from server.dispatch.commands import Services
from server.dispatch.duties import Duty, DutyBoard
from server.dispatch.tracking import Tracking
from server.errors import NotAllowed, NotAuthenticated
from server.geo.nearest import Batch, NearestIndex
from server.realtime import counters
from server.realtime.commands import CommandDesk
from server.realtime.flusher import Flusher
from server.realtime.followers import Followers
from server.realtime.frames_out import text_frame
from server.realtime.ingest import CourierSide, Ingest
from server.realtime.joins import JoinDesk
from server.realtime.listeners import Membership, Topic
from server.realtime.session import Carrier, Session
from server.realtime.snapshots import SnapshotReader
from server.realtime.topics import VIEWPORT, Kind, audience_of, check_may_look, parse_topic
from server.realtime.viewport import Viewports
from server.realtime.wheel import BEAT_S, Timed, Wheel
from server.settings import Settings
from server.storage.event_log import Cursor, EventTail, LogRow, read_at
from server.telemetry import FAILURES
from server.wire.close_codes import CloseCode
from server.wire.frames import Frame, encode_frame

DRAIN_STEP_S = 0.05
# A phone that is told when to come back finds another process at once, or this one after its restart.
RETRY_MS = (200, 3000)

log = structlog.get_logger()


class Hub:
    """One a process.  Everything but `run`, `drain` and `stop` is called from the event loop and returns at
    once.
    """

    def __init__(
        self,
        *,
        tokens: Tokens,
        snapshots: SnapshotReader,
        pool: Any,
        audit: Audit,
        tail: EventTail,
        nearest: NearestIndex,
        duties: DutyBoard,
        tracking: Tracking,
        services: Services,
        clock: Clock,
        settings: Settings,
        random: Random | None = None,
    ) -> None:
        """Registers itself with tail, duty board and tracking; positions come through `on_positions`."""
        self.settings = settings
        self.origins = frozenset(settings.origins)
        self.flusher = Flusher()
        self.wheel = Wheel()
        self.frames_in = self.writes_out = self.bytes_out = 0  # since the last beat
        self.draining = False
        self._tokens = tokens
        self._tail = tail
        self._duties = duties
        self._clock = clock
        self._random = random or Random()
        self._sessions: set[Session] = set()
        self._visits: dict[UUID, tuple[Session, ...]] = {}  # by account
        self._topics: dict[str, Topic] = {}
        self._followers = Followers(duties)
        self._viewports = Viewports(nearest, duties)
        self._ingest = Ingest(tracking)
        self._commands = CommandDesk(services)
        self._joins = JoinDesk(
            lambda: read_at(pool), snapshots, self._close_if_idle, clock.monotonic_s, audit.note
        )
        tail.subscribe(self.on_rows)
        duties.on_change.append(self._on_duty)
        tracking.on_replaced = self._ingest.replaced

    # What is to be told

    def on_rows(self, rows: Sequence[LogRow]) -> None:
        """Rows of the event log, in commit order."""
        for row in rows:
            for name in row.topics:
                topic = self._topics.get(name)
                if topic is not None:
                    topic.deliver(row)

    def on_positions(self, batch: Batch) -> None:
        """Positions from anywhere that were news to the nearest-courier index: none older than what it had."""
        packed = batch.tobytes()
        self._followers.show(packed)
        self._viewports.follow(batch, packed)

    def on_gone(self, courier_ids: Iterable[UUID]) -> None:
        """Couriers who have been silent for too long: off the map."""
        self._viewports.vanish(courier_ids)

    def on_revoked(self, account_id: UUID, session_id: UUID | None) -> None:
        """A proof of this account has ended, or (None) the account may not come in any more."""
        for session in self._visits.get(account_id, ()):
            viewer = session.viewer
            if session_id is None:
                session.close(CloseCode.SUSPENDED)
            elif viewer is not None and viewer.session_id == session_id:
                session.close(CloseCode.TOKEN_EXPIRED, "signed out")

    def _on_duty(self, courier_id: UUID, duty: Duty | None) -> None:
        topic = None if duty is None else self._topics.get(f"{Kind.ORDER}:{duty.order_id}")
        self._followers.duty_changed(courier_id, duty, topic)
        self._viewports.duty_changed(courier_id)
        session = self._ingest.session_of(courier_id)
        if session is not None:
            # Asked again in a moment, when the rows that end his duty have been told on the order's topic.
            asyncio.get_running_loop().call_soon(self._ask_again, session, courier_id)

    def _ask_again(self, session: Session, courier_id: UUID) -> None:
        """A courier hears of an order while he has it, and no longer."""
        duty = self._duties.of(courier_id)
        own = None if duty is None else f"{Kind.ORDER}:{duty.order_id}"
        for topic, member in tuple(session.topics.items()):
            if member.topic.name.kind is Kind.ORDER and topic != own:
                self.leave(session, topic)
                session.push(text_frame(encode_frame(topic, "left", {"code": NotAllowed.code})))

    # What sessions ask (see session.Desk)

    def now_s(self) -> float:
        return self.wheel.now_s

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def read_token(self, token: str) -> Viewer:
        return self._tokens.read(token)

    def arrived(self, session: Session) -> None:
        viewer = session.viewer
        if viewer is None:
            return
        self._visits[viewer.account_id] = *self._visits.get(viewer.account_id, ()), session
        if viewer.role is Role.COURIER:
            self._ingest.arrived(session, viewer.account_id)

    def join(self, session: Session, topic: str, since: str | None, ref: str) -> None:
        viewer = session.viewer
        if viewer is None:
            raise NotAuthenticated
        name = parse_topic(topic)
        audience = audience_of(viewer, name)
        cursor = None if since is None else Cursor.parse(since)
        self.leave(session, topic)
        listened = self._topics.get(topic)
        if listened is None:
            listened = self._topics[topic] = Topic(name, self._tail.incarnation)
            self._followers.topic_opened(listened)
        member = session.topics[topic] = Membership(session, listened, audience)
        self._joins.join(member, viewer, cursor, ref)

    def leave(self, session: Session, topic: str) -> None:
        if topic == VIEWPORT:
            self._viewports.forget(session)
        member = session.topics.pop(topic, None)
        if member is not None:
            member.topic.members.discard(member)
            session.outbox.forget(topic)
            self._close_if_idle(member.topic)

    def look(self, session: Session, cells: list[str]) -> object:
        if session.viewer is None:
            raise NotAuthenticated
        check_may_look(session.viewer)
        return self._viewports.look(session, cells)

    def command(self, session: Session, frame: Frame) -> None:
        if session.viewer is None:
            raise NotAuthenticated
        self._commands.hear(session, session.viewer, frame)

    def hear_courier(self, side: CourierSide, frame: Frame, payload: Any) -> None:
        self._ingest.hear(side, frame, payload)

    def left(self, session: Session) -> None:
        self._sessions.discard(session)
        if session.viewer is not None:
            account_id = session.viewer.account_id
            others = tuple(other for other in self._visits.get(account_id, ()) if other is not session)
            if others:
                self._visits[account_id] = others
            else:
                self._visits.pop(account_id, None)
        self._ingest.left(session)
        self._viewports.forget(session)
        for topic in tuple(session.topics):
            self.leave(session, topic)

    def _close_if_idle(self, topic: Topic) -> None:
        if topic.is_idle and self._topics.get(topic.text) is topic:
            del self._topics[topic.text]
            self._followers.topic_closed(topic)

    # The life of the process

    def session(self, carrier: Carrier) -> Session:
        """A new session; nobody yet."""
        session = Session(self, carrier)
        self._sessions.add(session)
        return session

    async def run(self) -> None:
        """Beat until cancelled: deadlines, maps, counters."""
        while True:
            await asyncio.sleep(BEAT_S)
            self.beat()

    def beat(self) -> None:
        """What happens four times a second."""
        for item in self.wheel.turn():
            self._look_at(item)
        self._viewports.beat()
        counters.FRAMES_IN.inc(self.frames_in)
        counters.WRITES_OUT.inc(self.writes_out)
        counters.BYTES_OUT.inc(self.bytes_out)
        self.frames_in = self.writes_out = self.bytes_out = 0
        counters.SOCKETS.set(len(self._sessions))
        counters.TOPICS.set(len(self._topics))

    def _look_at(self, item: Timed) -> None:
        try:
            after_s = item.look(self.wheel.now_s)
        except Exception as error:  # one socket's trouble must not stop the clock of all others
            FAILURES.labels("sockets").inc()
            log.error("a socket could not be looked at", exc_info=error)
            return
        if after_s is not None:
            self.wheel.put(item, after_s)

    async def drain(self, seconds: float) -> None:
        """Take no new sockets; close those there are, spread over `seconds`, each told when to come back."""
        self.draining = True
        sessions = list(self._sessions)
        self._random.shuffle(sessions)
        steps = max(1, round(seconds / DRAIN_STEP_S))
        for step in range(steps):
            for session in sessions[step::steps]:
                retry_in_ms = self._random.randint(*RETRY_MS)
                session.close(CloseCode.RESTART, f'{{"retry_in_ms":{retry_in_ms}}}')
            if not self._sessions:
                return
            await asyncio.sleep(seconds / steps)

    async def stop(self) -> None:
        """End what is under way for sockets that are gone."""
        await self._joins.stop()
        await self._ingest.stop()
        await self._commands.stop()
