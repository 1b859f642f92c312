"""One viewer: what they may say and in which order, no socket.  Text in, finished frames to the outbox.

Pure but for its desk, which does what needs others: joining topics, the map, a courier's fixes.  The carrier
below is the socket, or a test.  Every refusal is an answer; only who breaks the rules of the protocol itself
is closed.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from server.accounts.revocations import SignedOut
from server.accounts.tokens import TokenExpired
from server.accounts.viewer import Viewer
from server.clock import from_ms
from server.errors import BadInput, NotAllowed, NotAuthenticated, TrackingError
from server.realtime import counters
from server.realtime.frames_out import text_frame
from server.realtime.outbox import Outbox
from server.realtime.rate import FrameAllowance
from server.realtime.topics import SESSION, VIEWPORT, RefNeeded, TooManyTopics
from server.settings import Settings
from server.wire.close_codes import CloseCode
from server.wire.frames import BadFrame, Frame, decode_frame, encode_frame
from server.wire.messages import ErrorReply, decode_payload

if TYPE_CHECKING:  # what the desk keeps with a session; they need the session themselves
    from server.realtime.ingest import CourierSide
    from server.realtime.listeners import Membership

# One garbled frame is an accident of the road; a peer that sends nothing else does not speak songda.v1.
MAX_BAD_FRAMES_IN_A_ROW = 10


class UnknownEvent(BadInput):
    """There is no such event on this topic; see docs/protocol.md."""

    code = "unknown_event"


class Carrier(Protocol):
    """What brings a session's frames to its viewer."""

    def wake(self) -> None:
        """Something reliable waits in the outbox: send it in this turn of the loop."""
        ...

    def wake_on_tick(self) -> None:
        """Something newest-wins waits: send it with the next tick."""
        ...

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Send what waits, then this close code."""
        ...


class Desk(Protocol):
    """What a session cannot do by itself; the hub."""

    settings: Settings

    def now_s(self) -> float:
        """Seconds on the sockets' own wheel."""
        ...

    def now_ms(self) -> int:
        """The moment, in Unix ms."""
        ...

    def read_token(self, token: str) -> Viewer:
        """Whom a token speaks of; NotAuthenticated."""
        ...

    def arrived(self, session: "Session") -> None:
        """The session has a viewer now."""
        ...

    def join(self, session: "Session", topic: str, since: str | None, ref: str) -> None:
        """Listen to a topic; answers by itself, later."""
        ...

    def leave(self, session: "Session", topic: str) -> None:
        """Stop listening, if it did."""
        ...

    def look(self, session: "Session", cells: list[str]) -> object:
        """Follow these tiles of the map; who is there now."""
        ...

    def command(self, session: "Session", frame: Frame) -> None:
        """Carry out what the frame commands and answer by itself, later; UnknownEvent if it is no command."""
        ...

    def hear_courier(self, side: "CourierSide", frame: Frame, payload: Any) -> None:
        """A courier's own frame (fix, fixes, availability); answers by itself."""
        ...

    def left(self, session: "Session") -> None:
        """The socket is gone."""
        ...


class Session:
    """From a socket's opening to its end."""

    __slots__ = (
        "_allowance",
        "_bad_in_a_row",
        "_carrier",
        "_desk",
        "_opened_s",
        "closed",
        "courier",
        "outbox",
        "tiles",
        "topics",
        "viewer",
    )

    def __init__(self, desk: Desk, carrier: Carrier) -> None:
        self._desk = desk
        self._carrier = carrier
        self._opened_s = desk.now_s()
        self._allowance = FrameAllowance(desk.settings.max_frames_per_s, self._opened_s)
        self._bad_in_a_row = 0
        self.outbox = Outbox()
        self.viewer: Viewer | None = None
        self.closed = False
        # Filled by the desk only: what this session listens to, by topic; tiles in view; a courier's side.
        self.topics: dict[str, Membership] = {}
        self.tiles: frozenset[int] = frozenset()
        self.courier: CourierSide | None = None

    # In

    def spend(self) -> bool:
        """Count one frame of any kind against the allowance; closes and says False when it is used up."""
        if self._allowance.spend(self._desk.now_s()):
            return True
        self.close(CloseCode.TOO_MANY_FRAMES)
        return False

    def receive(self, text: str) -> None:
        """One whole text message."""
        if self.closed:
            return
        try:
            frame = decode_frame(text)
        except BadFrame as error:
            self._garbled(error)
            return
        self._bad_in_a_row = 0
        if self.viewer is None and not (frame.topic == SESSION and frame.event == "authenticate"):
            self.close(CloseCode.NOT_AUTHENTICATED, "authenticate first")
            return
        try:
            act = ACTS.get(frame.event)
            if act is not None:
                act(self, frame, decode_payload(frame.event, frame.payload))
            else:
                self._desk.command(self, frame)
        except TrackingError as error:
            self.refuse(frame.topic, frame.ref, error)

    def _garbled(self, error: BadFrame) -> None:
        self._bad_in_a_row += 1
        if self.viewer is None:
            self.close(CloseCode.NOT_AUTHENTICATED, "authenticate first")
        elif self._bad_in_a_row >= MAX_BAD_FRAMES_IN_A_ROW:
            self.close(CloseCode.PROTOCOL_ERROR, "not songda.v1")
        else:
            self.refuse(SESSION, None, error)

    def _authenticate(self, frame: Frame, payload: Any) -> None:
        if frame.topic != SESSION:
            raise UnknownEvent
        try:
            viewer = self._desk.read_token(payload.token)
            if self.viewer is not None and not _same_person(self.viewer, viewer):
                raise NotAuthenticated("a socket stays with the account that opened it")
        except (NotAuthenticated, NotAllowed) as error:
            self.refuse(SESSION, frame.ref, error)
            self.close(_code_of(error))
            return
        is_new = self.viewer is None
        self.viewer = viewer
        expires_at = from_ms(viewer.expires_at_ms).isoformat().replace("+00:00", "Z")
        self.reply(
            SESSION,
            frame.ref,
            {
                "account_id": viewer.account_id,
                "role": viewer.role,
                "expires_at": expires_at,
                # For those whose clock is not ours.
                "good_for_s": (viewer.expires_at_ms - self._desk.now_ms()) // 1000,
                "node": self._desk.settings.node,
            },
        )
        if is_new:
            self._desk.arrived(self)

    def _heartbeat(self, frame: Frame, payload: Any) -> None:
        if frame.topic != SESSION:
            raise UnknownEvent
        self.reply(SESSION, frame.ref, {})

    def _join(self, frame: Frame, payload: Any) -> None:
        if frame.ref is None:
            raise RefNeeded
        if frame.topic not in self.topics and len(self.topics) >= self._desk.settings.max_topics_per_socket:
            raise TooManyTopics
        self._desk.join(self, frame.topic, payload.since, frame.ref)

    def _leave(self, frame: Frame, payload: Any) -> None:
        self._desk.leave(self, frame.topic)
        self.reply(frame.topic, frame.ref, {})

    def _look(self, frame: Frame, payload: Any) -> None:
        if frame.topic != VIEWPORT:
            raise UnknownEvent
        if frame.ref is None:
            raise RefNeeded
        self.reply(VIEWPORT, frame.ref, self._desk.look(self, payload.cells))

    def _hear_courier(self, frame: Frame, payload: Any) -> None:
        side = self.courier
        if side is not None and frame.topic == side.topic:
            self._desk.hear_courier(side, frame, payload)
        elif frame.topic.startswith("courier:"):
            raise NotAllowed
        else:
            raise UnknownEvent

    # Out

    def reply(self, topic: str, ref: str | None, payload: object, *, cursor: str | None = None) -> None:
        """The one answer to a frame with a `ref`; without one nobody waits for it."""
        if ref is not None:
            self.push(text_frame(encode_frame(topic, "reply", {"ok": payload}, ref=ref, cursor=cursor)))

    def refuse(self, topic: str, ref: str | None, error: TrackingError) -> None:
        """Say why not: as the reply, or as the event `error` when there was no `ref`."""
        counters.REFUSED.labels(error.code).inc()
        answer = ErrorReply(error.code, str(error), dict(error.details))
        if ref is None:
            self.push(text_frame(encode_frame(topic, "error", answer)))
        else:
            self.push(text_frame(encode_frame(topic, "reply", {"error": answer}, ref=ref)))

    def push(self, frame: bytes) -> None:
        """A finished frame for the reliable lane."""
        if not self.closed:
            self.outbox.put(frame)
            self._carrier.wake()

    def show(self, key: str, frame: bytes) -> None:
        """A finished frame of which only the newest with this key counts."""
        if not self.closed:
            self.outbox.put_newest(key, frame)
            self._carrier.wake_on_tick()

    # Time and end

    def look_at_time(self) -> float | None:
        """Close if the time to authenticate or the token has run out; seconds until that has to be asked
        again.
        """
        viewer = self.viewer
        if viewer is None:
            left_s = self._opened_s + self._desk.settings.authenticate_within_s - self._desk.now_s()
            code, reason = CloseCode.NOT_AUTHENTICATED, "no token in time"
        else:
            left_s = (viewer.expires_at_ms - self._desk.now_ms()) / 1000
            code, reason = CloseCode.TOKEN_EXPIRED, ""
        if left_s > 0:
            return left_s
        self.close(code, reason)
        return None

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Say no more after what waits in the outbox already, and hear no more."""
        if not self.closed:
            self.end()
            counters.CLOSED.labels(int(code)).inc()
            self._carrier.close(code, reason)

    def end(self) -> None:
        """The viewer is gone or on the way out; whatever listens for them stops."""
        if not self.closed:
            self.closed = True
            self._desk.left(self)


def _code_of(refusal: TrackingError) -> CloseCode:
    """How a socket ends whose token was refused: with a fresh one it may come back, suspended it may not."""
    if isinstance(refusal, NotAllowed):
        return CloseCode.SUSPENDED
    fresh = isinstance(refusal, TokenExpired | SignedOut)
    return CloseCode.TOKEN_EXPIRED if fresh else CloseCode.NOT_AUTHENTICATED


def _same_person(old: Viewer, new: Viewer) -> bool:
    """Also with no more and no fewer permissions."""
    return replace(new, expires_at_ms=old.expires_at_ms, session_id=old.session_id) == old


Act = Callable[[Session, Frame, Any], None]
ACTS: dict[str, Act] = {
    "fix": Session._hear_courier,
    "fixes": Session._hear_courier,
    "availability": Session._hear_courier,
    "authenticate": Session._authenticate,
    "heartbeat": Session._heartbeat,
    "join": Session._join,
    "leave": Session._leave,
    "look": Session._look,
}
