"""From a join to a settled membership: subscribe first, then read, then tell what the reading has not seen.

Readers of a topic who come while it is being read share that reading, and up to BATCH readings share one
REPEATABLE READ transaction, so that ten thousand phones coming back at once ask for little more than there is
to know.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import structlog

from server.accounts.audit import LOOKED_AT_CONTACT, Look
from server.accounts.viewer import Viewer
from server.errors import NotFound, Refused, TrackingError, Unavailable
from server.realtime import counters
from server.realtime.listeners import Membership, Topic, change_frame, tell
from server.realtime.snapshots import SnapshotReader, contact_shown
from server.realtime.topics import Audience, Parties, check_parties
from server.storage.event_log import Cursor, LogRow, changes_since
from server.telemetry import FAILURES

BATCH = 32  # readings in one transaction
READERS = 3  # transactions at once; the rest of the pool is for commands
READ_WITHIN_S = 10.0  # a database that answers no sooner is away

log = structlog.get_logger()
OpenReading = Callable[[], AbstractAsyncContextManager[tuple[Any, Cursor]]]


class JoinOvertaken(Refused):
    """You left this topic, or joined it anew, or lost it, before this join could be answered."""

    code = "join_overtaken"


@dataclass(slots=True)
class Joiner:
    """One session waiting for its snapshot."""

    membership: Membership
    viewer: Viewer
    ref: str
    asked_s: float


@dataclass(slots=True, eq=False)
class Reading:
    """One snapshot being read, for all who asked for the same in the meantime."""

    topic: Topic
    audience: Audience
    since: Cursor | None
    joiners: list[Joiner] = field(default_factory=list)
    happened: list[LogRow] = field(default_factory=list)  # what the log told while it was being read


@dataclass(slots=True)
class Found:
    """What a reading brought: a whole snapshot, or what was missed since the viewer's cursor."""

    parties: Parties | None  # of an order
    cursor: Cursor
    horizon: int = 0  # … of all transactions below this one
    snapshot: msgspec.Raw | None = None
    missed: list[LogRow] = field(default_factory=list)
    contact_of: UUID | None = None  # whose order's contact the snapshot shows


NoteLooks = Callable[[list[Look]], Awaitable[None]]


class JoinDesk:
    """The joins under way in this process."""

    def __init__(
        self,
        open_reading: OpenReading,
        snapshots: SnapshotReader,
        read_done: Callable[[Topic], None],
        now_s: Callable[[], float],
        note_looks: NoteLooks,
    ) -> None:
        """`read_done` hears of a topic that may have nobody left; `now_s` counts seconds for the metrics; a look
        at personal data is noted by `note_looks` before it is granted.
        """
        self._note_looks = note_looks
        self._open_reading = open_reading
        self._read_done = read_done
        self._snapshots = snapshots
        self._now_s = now_s
        self._waiting: deque[Reading] = deque()
        self._shared: dict[tuple[str, Audience, str | None], Reading] = {}
        self._readers: set[asyncio.Task[None]] = set()

    def join(self, membership: Membership, viewer: Viewer, since: Cursor | None, ref: str) -> None:
        """Read for this membership; it is answered and settled when that is done."""
        topic, audience = membership.topic, membership.audience
        key = (topic.text, audience, None if since is None else str(since))
        reading = self._shared.get(key)
        if reading is None:
            reading = self._shared[key] = Reading(topic, audience, since)
            topic.joining.append(reading.happened)
            self._waiting.append(reading)
            if len(self._readers) < READERS:
                reader = asyncio.create_task(self._read_all(), name="snapshot reader")
                self._readers.add(reader)
                reader.add_done_callback(self._readers.discard)
        reading.joiners.append(Joiner(membership, viewer, ref, self._now_s()))

    async def stop(self) -> None:
        """End the readings under way; their joiners are on the way out as well."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _close(self, reading: Reading) -> None:
        """Nobody else shares this reading."""
        since = None if reading.since is None else str(reading.since)
        key = (reading.topic.text, reading.audience, since)
        if self._shared.get(key) is reading:
            del self._shared[key]

    async def _read_all(self) -> None:
        """Read until nobody waits."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            found = await self._noted(batch, await self._read_batch(batch))
            for reading, brought in zip(batch, found, strict=True):
                self._land(reading, brought)

    async def _read_batch(self, batch: list[Reading]) -> list[Found | TrackingError]:
        found: list[Found | TrackingError] = []
        try:
            async with asyncio.timeout(READ_WITHIN_S), self._open_reading() as (connection, cursor):
                for reading in batch:
                    found.append(await self._read(connection, cursor, reading))
        except Exception as error:  # whatever it was, those who wait must hear of it
            FAILURES.labels("joins").inc()
            log.warning("snapshots could not be read", error=type(error).__name__)
            found.extend([Unavailable()] * (len(batch) - len(found)))
        return found

    async def _noted(
        self, batch: list[Reading], found: list[Found | TrackingError]
    ) -> list[Found | TrackingError]:
        """What was found, once it is written down who is about to see personal data in it."""
        looks: list[Look] = []
        for reading, brought in zip(batch, found, strict=True):
            if not isinstance(brought, TrackingError) and brought.contact_of is not None:
                self._close(reading)  # whoever asks from now on is another look
                looks += [
                    Look(joiner.viewer, LOOKED_AT_CONTACT, "order", (brought.contact_of,))
                    for joiner in reading.joiners
                    if _refusal(joiner.viewer, brought) is None
                ]
        if not looks:
            return found
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                await self._note_looks(looks)
        except Exception as error:  # what cannot be written down is not shown
            FAILURES.labels("joins").inc()
            log.warning("looks could not be noted", error=type(error).__name__)
            return [
                Unavailable() if isinstance(brought, Found) and brought.contact_of is not None else brought
                for brought in found
            ]
        return found

    async def _read(self, connection: Any, cursor: Cursor, reading: Reading) -> Found | TrackingError:
        name = reading.topic.name
        try:
            if reading.since is not None:
                changes = await changes_since(connection, reading.topic.text, reading.since)
                if changes is not None:
                    missed, horizon = changes
                    parties = await self._snapshots.parties(connection, name, reading.audience)
                    return Found(parties, reading.since, horizon, missed=missed)
            parties, snapshot = await self._snapshots.read(connection, name, reading.audience)
            return Found(
                parties,
                cursor,
                snapshot=msgspec.Raw(msgspec.json.encode(snapshot)),
                contact_of=contact_shown(reading.audience, snapshot),
            )
        except NotFound as error:
            return error

    def _land(self, reading: Reading, found: Found | TrackingError) -> None:
        """Answer and settle everybody who waited; from here on they hear the log themselves.  Nothing is
        awaited between the last row kept for them and the first they are told, so none is lost and none comes
        twice.
        """
        topic = reading.topic
        self._close(reading)
        # This very list: two readings that have heard the same, often nothing, are equal, and the other goes on.
        topic.joining = [rows for rows in topic.joining if rows is not reading.happened]
        settled: list[Membership] = []
        for joiner in reading.joiners:
            member = joiner.membership
            session = member.session
            if session.topics.get(topic.text) is not member:
                if not session.closed:  # every `ref` gets its one reply
                    session.refuse(topic.text, joiner.ref, JoinOvertaken())
                continue
            counters.JOIN_TIME.observe(self._now_s() - joiner.asked_s)
            refusal = _refusal(joiner.viewer, found)
            if refusal is not None or isinstance(found, TrackingError):
                del session.topics[topic.text]
                session.refuse(topic.text, joiner.ref, refusal or Unavailable())
                continue
            session.reply(topic.text, joiner.ref, _answer(reading, found), cursor=str(found.cursor))
            topic.members.add(member)
            settled.append(member)
        if not isinstance(found, TrackingError):
            place = found.cursor
            for row in found.missed:
                place = place.after(row)
                frame = change_frame(topic.text, row, str(place))
                for member in settled:
                    member.session.push(frame)
            for member in settled:
                member.settle(place.level_with(found.horizon))
            for row in reading.happened:
                tell(settled, row)
        self._read_done(topic)


def _refusal(viewer: Viewer, found: Found | TrackingError) -> TrackingError | None:
    """Why this viewer is not shown what was found; None: they are."""
    if isinstance(found, TrackingError):
        return found
    try:
        if found.parties is not None:
            check_parties(viewer, found.parties)
    except TrackingError as error:
        return error
    return None


def _answer(reading: Reading, found: Found) -> dict[str, object]:
    if found.snapshot is None:
        return {"changes": len(found.missed)}
    return (
        {"snapshot": found.snapshot}
        if reading.since is None
        else {"resync": True, "snapshot": found.snapshot}
    )
