"""A fix arrives: the list of steps it goes through, the same for sockets and for phones that speak HTTP.

Fixes gather for a tick (settings.place_tick_ms) and go through the steps together.  Then their senders hear
`received`; `stored` follows when the track is committed.  Who owns a courier, and how Redis gets back what
it lost, stands in owners.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from server.clock import Clock
from server.dispatch import steps
from server.dispatch.arrivals import Arrival, Courier, MicroBatch
from server.dispatch.duties import Duty, DutyBoard
from server.dispatch.owners import Owners
from server.dispatch.track_buffer import SLICES, TrackBuffer
from server.geo.courier_index import CourierIndex
from server.geo.fixes import FixLimits
from server.geo.track_store import TrackStore
from server.settings import Settings
from server.telemetry import FAILURES
from server.wire.messages import Fix, FixesReceived

Step = Callable[[steps.Parts, MicroBatch], Awaitable[None]]

STEPS: tuple[Step, ...] = (
    steps.believe,  # range, clocks, order, speed: live, history or refused
    steps.place,  # his H3 cell in Redis, newest wins
    steps.track,  # towards PostgreSQL
    steps.broadcast,  # to every process, and from there to whoever may see him
)

WATCH_EVERY_S = 0.5
SWEEP_EVERY_S = 5.0
DRAIN_TRIES = 20  # a record that is away when we stop is asked again for …
DRAIN_TRY_EVERY_S = 0.25  # … five seconds in all

log = structlog.get_logger()


class Tracking:
    """Takes fixes in and sees them through.  `run` must be running for anything to happen."""

    def __init__(
        self, index: CourierIndex, tracks: TrackStore, duties: DutyBoard, clock: Clock, settings: Settings
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._buffer = TrackBuffer(tracks, clock)
        gone_after_ms = round(settings.gone_after_s * 1000)
        self._owners = Owners(index, clock, gone_after_ms=gone_after_ms, put_again=self._put_again)
        self._parts = steps.Parts(index, self._buffer, duties, clock, FixLimits.from_settings(settings))
        self._arrivals: list[Arrival] = []
        self._has_arrivals = asyncio.Event()
        self._stopping = asyncio.Event()
        duties.on_change.append(self._duty_changed)

    @property
    def on_replaced(self) -> Callable[[UUID], None]:
        """Called when a newer owner of one of our couriers has been seen on another process."""
        return self._owners.on_replaced

    @on_replaced.setter
    def on_replaced(self, listener: Callable[[UUID], None]) -> None:
        self._owners.on_replaced = listener

    async def adopt(self, courier_id: UUID) -> Courier:
        """Own this courier from now on, in place of every earlier owner, until `release`."""
        return await self._owners.adopt(courier_id)

    def release(self, courier: Courier) -> None:
        """His socket is gone: he is no longer ours to put again."""
        self._owners.release(courier)

    def claimed(self, courier_id: UUID, owner: int) -> None:
        """Another process says that it owns this courier now."""
        self._owners.claimed(courier_id, owner)

    def submit(
        self,
        courier: Courier,
        fixes: Sequence[Fix],
        on_received: Callable[[FixesReceived], None] | None,
        on_stored: Callable[[list[int]], None] | None,
    ) -> None:
        """Take a frame's fixes; cheap.

        `on_received` is called after the steps, `on_stored` with the fixes' `seq` after the
        commit.  Listeners that are equal (a bound method, not a closure made for each frame) are called
        once for all fixes of a commit.
        """
        self._arrive(Arrival(courier, fixes, self._clock.now_ms(), on_received, on_stored))

    async def submit_and_store(self, courier_id: UUID, fixes: Sequence[Fix]) -> FixesReceived:
        """Take fixes of a phone that speaks HTTP and wait for the commit; RecordAway when there is none."""
        courier = await self._owners.phone(courier_id)
        committed: asyncio.Future[FixesReceived] = asyncio.get_running_loop().create_future()

        def received(answer: FixesReceived) -> None:
            if not arrival.packed and not committed.done():
                committed.set_result(answer)  # everything refused: there is nothing to commit

        def stored(_seqs: list[int]) -> None:
            if not committed.done():
                committed.set_result(arrival.answer())

        def not_stored(error: Exception) -> None:
            if not committed.done():
                committed.set_exception(error)

        arrival = Arrival(courier, fixes, self._clock.now_ms(), received, stored, not_stored, is_urgent=True)
        self._arrive(arrival)
        return await committed

    def set_available(self, courier: Courier, available: bool) -> None:
        """Whether this courier may be offered work, from the next tick on."""
        courier.available = available
        if courier.last is not None:
            courier.last = replace(courier.last, available=available)
            self._put_again(courier)

    async def run(self) -> None:
        """Work until cancelled; then see through what has arrived, and commit it."""
        loops = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("fixes", self._tick()),
                ("track", self._write_slices()),
                ("urgent track", self._write_urgent()),
                ("owners", self._watch()),
            )
        ]
        try:
            await asyncio.wait(loops, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            # Nobody is cancelled inside a command to Redis or PostgreSQL: each loop ends where it may.
            self._stopping.set()
            self._has_arrivals.set()
            self._buffer.has_urgent.set()
            ended = await asyncio.gather(*loops, return_exceptions=True)
            await self._drain()
        for result in ended:
            if result is not None:
                raise result

    async def _tick(self) -> None:
        while not self._stopping.is_set():
            await self._has_arrivals.wait()
            await asyncio.sleep(self._settings.place_tick_ms / 1000)
            await self._go_through_steps()

    async def _go_through_steps(self) -> None:
        self._has_arrivals.clear()
        arrivals, self._arrivals = self._arrivals, []
        batch = MicroBatch(arrivals)
        try:
            for step in STEPS:
                await step(self._parts, batch)
        except (
            Exception
        ) as error:  # a mistake of ours: the phones hear nothing and send again, the others go on
            FAILURES.labels("steps").inc()
            log.error("a batch of fixes failed", exc_info=error)
            for arrival in arrivals:
                arrival.courier.held_until_ms = None  # what comes again is no duplicate: nobody holds it
                if arrival.on_not_stored is not None:
                    arrival.on_not_stored(error)
            return
        self._owners.after(batch)
        for arrival in arrivals:
            if arrival.on_received is not None:
                self._answer(arrival, arrival.on_received)

    async def _write_slices(self) -> None:
        while not await self._stopped_within(self._settings.track_flush_s / SLICES):
            await self._guarded("track", self._buffer.write_next_slice())

    async def _write_urgent(self) -> None:
        while not self._stopping.is_set():
            await self._buffer.has_urgent.wait()
            await self._stopped_within(self._settings.http_track_flush_ms / 1000)
            await self._guarded("urgent track", self._buffer.write_urgent())

    async def _watch(self) -> None:
        sweep_at_s = self._clock.monotonic_s()
        while not await self._stopped_within(WATCH_EVERY_S):
            await self._guarded("owners", self._owners.watch())
            if self._clock.monotonic_s() >= sweep_at_s:
                sweep_at_s = self._clock.monotonic_s() + SWEEP_EVERY_S
                await self._guarded("sweep", self._owners.sweep())

    async def _drain(self) -> None:
        while self._arrivals:
            await self._go_through_steps()
        for _ in range(DRAIN_TRIES):
            if await self._buffer.write_everything():
                return
            await asyncio.sleep(DRAIN_TRY_EVERY_S)
        log.error("fixes could not be stored before the end; their phones have them", fixes=len(self._buffer))

    async def _guarded(self, what: str, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception as error:  # a mistake of ours must not end the loop for everybody
            FAILURES.labels(what).inc()
            log.error("tracking failed", part=what, exc_info=error)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _answer(self, arrival: Arrival, on_received: Callable[[FixesReceived], None]) -> None:
        try:
            on_received(arrival.answer())
        except Exception as error:  # one session's mistake is not the others'
            FAILURES.labels("received").inc()
            log.error("a listener to received fixes failed", exc_info=error)

    def _arrive(self, arrival: Arrival) -> None:
        self._arrivals.append(arrival)
        self._has_arrivals.set()

    def _put_again(self, courier: Courier) -> None:
        self._arrive(Arrival(courier, (), self._clock.now_ms()))

    def _duty_changed(self, courier_id: UUID, duty: Duty | None) -> None:
        """His position carries his duty's version: the new one brings it to its new audience at once."""
        courier = self._owners.of(courier_id)
        if courier is not None and courier.last is not None:
            courier.last = replace(courier.last, duty_mark=0 if duty is None else duty.mark)
            self._put_again(courier)
