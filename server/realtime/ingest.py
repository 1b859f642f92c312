"""A courier's own frames (fix, fixes, availability) to Tracking, and its acknowledgements back.

The newest authenticated socket of a courier owns him.  Until Tracking has handed him over, his frames wait
here; what else the socket does (his topic, his order) does not wait.
"""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from server.dispatch.arrivals import Courier
from server.dispatch.tracking import Tracking
from server.errors import TooMany, TrackingError, Unavailable
from server.realtime.frames_out import text_frame
from server.realtime.session import Session
from server.telemetry import FAILURES
from server.wire.close_codes import CloseCode
from server.wire.frames import Frame, encode_frame
from server.wire.messages import Availability, Fix, Fixes, FixesReceived, FixesStored

MAX_WAITING_FRAMES = 64  # a minute of a phone that sends once a second

log = structlog.get_logger()


class StillAdopting(TooMany):
    """Too many fixes while the courier is still being taken over from another socket; send them again."""

    code = "still_adopting"


class CourierSide:
    """What a session has when its viewer is a courier."""

    __slots__ = ("adopting", "courier", "courier_id", "session", "topic", "waiting")

    def __init__(self, session: Session, courier_id: UUID) -> None:
        self.session = session
        self.courier_id = courier_id
        self.topic = f"courier:{courier_id}"
        self.courier: Courier | None = None
        self.adopting = False
        self.waiting: list[tuple[Frame, Any]] = []

    def received(self, ref: str, answer: FixesReceived) -> None:
        """His fixes are on the map, or in history, or refused."""
        self.session.reply(self.topic, ref, answer)

    def stored(self, seqs: list[int]) -> None:
        """His fixes are committed; those without a number he cannot be told of."""
        if seqs:
            self.session.push(text_frame(encode_frame(self.topic, "stored", FixesStored(seqs))))


class Ingest:
    """The couriers connected here."""

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking
        self._sides: dict[UUID, CourierSide] = {}
        self._adoptions: set[asyncio.Task[None]] = set()

    def arrived(self, session: Session, courier_id: UUID) -> None:
        """A courier has authenticated; an older socket of his here is closed, one elsewhere by its own
        process.
        """
        older = self._sides.get(courier_id)
        side = session.courier = self._sides[courier_id] = CourierSide(session, courier_id)
        if older is not None:
            older.session.close(CloseCode.REPLACED)
        self._adopt(side)

    def left(self, session: Session) -> None:
        """The socket is gone."""
        side = session.courier
        if side is None:
            return
        if self._sides.get(side.courier_id) is side:
            del self._sides[side.courier_id]
        if side.courier is not None:
            self._tracking.release(side.courier)

    def session_of(self, courier_id: UUID) -> Session | None:
        """The socket that owns him here."""
        side = self._sides.get(courier_id)
        return None if side is None else side.session

    def replaced(self, courier_id: UUID) -> None:
        """A newer socket of his has been seen on another process."""
        side = self._sides.get(courier_id)
        if side is not None and side.courier is not None:
            side.session.close(CloseCode.REPLACED)

    def hear(self, side: CourierSide, frame: Frame, payload: Any) -> None:
        """One frame of his, now or once he has been handed over."""
        if side.courier is not None:
            self._act(side, side.courier, frame, payload)
            return
        if len(side.waiting) >= MAX_WAITING_FRAMES:
            raise StillAdopting
        side.waiting.append((frame, payload))
        self._adopt(side)

    async def stop(self) -> None:
        """End the adoptions under way."""
        for adoption in self._adoptions:
            adoption.cancel()
        await asyncio.gather(*self._adoptions, return_exceptions=True)

    def _adopt(self, side: CourierSide) -> None:
        if not side.adopting:
            side.adopting = True
            adoption = asyncio.create_task(self._finish_adoption(side), name="adopt courier")
            self._adoptions.add(adoption)
            adoption.add_done_callback(self._adoptions.discard)

    async def _finish_adoption(self, side: CourierSide) -> None:
        refusal: TrackingError | None = None
        try:
            side.courier = await self._tracking.adopt(side.courier_id)
        except TrackingError as error:
            refusal = error
        except Exception as error:  # whatever it was, the phone must hear of it and send again
            FAILURES.labels("adopt").inc()
            log.error("a courier could not be adopted", exc_info=error)
            refusal = Unavailable()
        side.adopting = False
        waiting, side.waiting = side.waiting, []
        if side.session.closed:
            if side.courier is not None:
                self._tracking.release(side.courier)
            return  # whatever waited was not acknowledged: the phone sends it again
        for frame, payload in waiting:
            if side.courier is None:
                side.session.refuse(frame.topic, frame.ref, refusal or Unavailable())
            else:
                self._act(side, side.courier, frame, payload)

    def _act(self, side: CourierSide, courier: Courier, frame: Frame, payload: Any) -> None:
        match payload:
            case Fix():
                self._submit(side, courier, frame, [payload])
            case Fixes():
                self._submit(side, courier, frame, payload.fixes)
            case Availability():
                self._tracking.set_available(courier, payload.available)
                side.session.reply(frame.topic, frame.ref, {"available": payload.available})

    def _submit(self, side: CourierSide, courier: Courier, frame: Frame, fixes: list[Fix]) -> None:
        answer = None if frame.ref is None else partial(side.received, frame.ref)
        self._tracking.submit(courier, fixes, answer, side.stored)
