"""Believed fixes between arrival and commit; whoever waits hears `stored` after the commit, never before.

Fixes from sockets gather per courier for `track_flush_s`.  The couriers are dealt into slices, and each
slice is written at its own moment: sixteen small COPYs spread over the time instead of one that holds the
event loop.  Fixes of phones that wait with an open request go by themselves, within `http_track_flush_ms`.

While PostgreSQL is away, what came from sockets is kept (up to `max_fixes`, beyond that it is not taken,
and the phones, never having heard `stored`, send it again); who waits with a request is told at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import prometheus_client
import structlog

from server.clock import Clock
from server.dispatch.arrivals import Arrival
from server.errors import Unavailable
from server.geo.track_store import TrackStore
from server.telemetry import FAILURES

SLICES = 16
MAX_FIXES = 1_000_000  # about 100 MB, or 200 s of 5,000 fixes a second

BUFFERED = prometheus_client.Gauge(
    "songda_track_buffered_fixes", "Believed fixes not yet committed", multiprocess_mode="livesum"
)
NOT_TAKEN = prometheus_client.Counter(
    "songda_track_not_taken_total", "Believed fixes for which the track had no room; their phones keep them"
)
WRITE_S = prometheus_client.Histogram(
    "songda_track_write_seconds", "From the start of a COPY of fixes to its commit"
)
WRITE_FAILURES = prometheus_client.Counter("songda_track_write_failures_total", "COPYs of fixes that failed")

log = structlog.get_logger()


class RecordAway(Unavailable):
    """The record does not take fixes now; keep them and send them again."""

    code = "record_away"


@dataclass(slots=True)
class _Held:
    """One courier's fixes that wait to be written, and who wants to hear of which."""

    packed: list[bytes] = field(default_factory=list)
    listeners: dict[Callable[[list[int]], None], list[int]] = field(default_factory=dict)


class TrackBuffer:
    """Fixes on their way into the record."""

    def __init__(self, store: TrackStore, clock: Clock, *, max_fixes: int = MAX_FIXES) -> None:
        self._store = store
        self._clock = clock
        self._max_fixes = max_fixes
        self._slices: list[dict[UUID, _Held]] = [defaultdict(_Held) for _ in range(SLICES)]
        self._next_slice = 0
        self._urgent: list[Arrival] = []
        self._fixes = 0
        self.has_urgent = asyncio.Event()

    def __len__(self) -> int:
        return self._fixes

    def add(self, arrival: Arrival) -> bool:
        """Take an arrival's believed fixes; False when there is no room: nobody will hear `stored`."""
        if self._fixes + len(arrival.packed) > self._max_fixes:
            NOT_TAKEN.inc(len(arrival.packed))
            _tell_not_stored(arrival, RecordAway())
            return False
        self._fixes += len(arrival.packed)
        if arrival.is_urgent:
            self._urgent.append(arrival)
            self.has_urgent.set()
            return True
        courier_id = arrival.courier.courier_id
        held = self._slices[courier_id.int % SLICES][courier_id]
        held.packed += arrival.packed
        if arrival.on_stored is not None and arrival.seqs:
            held.listeners.setdefault(arrival.on_stored, []).extend(arrival.seqs)
        return True

    async def write_next_slice(self) -> bool:
        """Commit the slice whose turn it is; False when the record is away (the fixes are kept)."""
        BUFFERED.set(self._fixes)
        number, self._next_slice = self._next_slice, (self._next_slice + 1) % SLICES
        return await self._write_slice(number)

    async def write_urgent(self) -> bool:
        """Commit what phones wait for; when the record is away they are told so, and keep it themselves."""
        self.has_urgent.clear()
        arrivals, self._urgent = self._urgent, []
        self._fixes -= sum(len(arrival.packed) for arrival in arrivals)
        by_courier: dict[UUID, list[bytes]] = defaultdict(list)
        for arrival in arrivals:
            by_courier[arrival.courier.courier_id] += arrival.packed
        try:
            await self._write(by_courier)
        except Exception as error:
            for arrival in arrivals:
                _tell_not_stored(arrival, error)
            if isinstance(error, Unavailable):
                return False
            raise
        for arrival in arrivals:
            if arrival.on_stored is not None:
                _tell(arrival.on_stored, arrival.seqs)
        return True

    async def write_everything(self) -> bool:
        """Commit all there is; False when the record is away.  For the end of a process."""
        is_written = await self.write_urgent()
        for number in range(SLICES):
            is_written = await self._write_slice(number) and is_written
        return is_written

    async def _write_slice(self, number: int) -> bool:
        taken, self._slices[number] = self._slices[number], defaultdict(_Held)
        is_written = False
        try:
            await self._write({courier_id: held.packed for courier_id, held in taken.items()})
            is_written = True
        except Unavailable:
            return False
        finally:
            if not is_written:  # whatever went wrong, nothing is lost
                self._put_back(number, taken)
        self._fixes -= sum(len(held.packed) for held in taken.values())
        for held in taken.values():
            for on_stored, seqs in held.listeners.items():
                _tell(on_stored, seqs)
        return True

    async def _write(self, by_courier: dict[UUID, list[bytes]]) -> None:
        if not by_courier:
            return
        started_s = self._clock.monotonic_s()
        try:
            await self._store.append(by_courier.items(), stored_at=self._clock.now())
        except Unavailable:
            WRITE_FAILURES.inc()
            raise
        WRITE_S.observe(self._clock.monotonic_s() - started_s)

    def _put_back(self, number: int, taken: dict[UUID, _Held]) -> None:
        """What could not be written goes before what has come since."""
        since, self._slices[number] = self._slices[number], taken
        for courier_id, held in since.items():
            before = taken[courier_id]
            before.packed += held.packed
            for on_stored, seqs in held.listeners.items():
                before.listeners.setdefault(on_stored, []).extend(seqs)


def _tell_not_stored(arrival: Arrival, error: Exception) -> None:
    if arrival.on_not_stored is not None:
        arrival.on_not_stored(error)


def _tell(listener: Callable[[list[int]], None], seqs: list[int]) -> None:
    try:
        listener(seqs)
    except Exception as error:  # one listener's mistake is not the others'
        FAILURES.labels("stored").inc()
        log.error("a listener to stored fixes failed", exc_info=error)
