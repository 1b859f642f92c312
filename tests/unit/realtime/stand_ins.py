"""A session's two neighbours, as tests see them: the carrier keeps what was sent, the desk what was asked."""

from typing import Any
from uuid import UUID

import msgspec

from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.errors import NotAuthenticated, TrackingError
from server.ids import new_id
from server.realtime.session import Session, UnknownEvent
from server.settings import Settings
from server.wire.close_codes import CloseCode
from tests.fakes import ManualClock


def payloads(data: bytes) -> list[Any]:
    """The JSON of the text frames in `data`, read by the rules of RFC 6455 and not by our own code."""
    found = []
    while data:
        assert data[0] == 0x81, "an unfragmented text frame"
        assert not data[1] & 0x80, "a server does not mask"
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        found.append(msgspec.json.decode(data[start : start + size]))
        data = data[start + size :]
    return found


class KeepingCarrier:
    """Keeps the frames it is woken for, decoded, and why it was closed."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.closed: tuple[CloseCode, str] | None = None
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    def wake_on_tick(self) -> None:
        self.woken += 1

    def close(self, code: CloseCode, reason: str = "") -> None:
        self.closed = (code, reason)

    def sent(self) -> list[Any]:
        """What was to be sent since the last call."""
        assert self.session is not None
        return payloads(self.session.outbox.take())


class NotingDesk:
    """Knows the tokens it was told of, and notes what it is asked."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.clock = ManualClock()
        self.people: dict[str, Viewer | TrackingError] = {}
        self.asked: list[Any] = []

    def now_s(self) -> float:
        return self.clock.monotonic_s()

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def read_token(self, token: str) -> Viewer:
        found = self.people.get(token, NotAuthenticated())
        if isinstance(found, TrackingError):
            raise found
        return found

    def arrived(self, session: Session) -> None:
        self.asked.append("arrived")

    def join(self, session: Session, topic: str, since: str | None, ref: str) -> None:
        self.asked.append(("join", topic, since, ref))
        session.topics[topic] = None  # type: ignore[assignment]

    def leave(self, session: Session, topic: str) -> None:
        self.asked.append(("leave", topic))
        session.topics.pop(topic, None)

    def look(self, session: Session, cells: list[str]) -> object:
        self.asked.append(("look", cells))
        return {"couriers": []}

    def command(self, session: Session, frame: Any) -> None:
        raise UnknownEvent

    def hear_courier(self, side: Any, frame: Any, payload: Any) -> None:
        self.asked.append((frame.event, payload))

    def left(self, session: Session) -> None:
        self.asked.append("left")


def a_viewer(
    role: Role = Role.CUSTOMER,
    *,
    account_id: UUID | None = None,
    merchant_id: UUID | None = None,
    ttl_s: float = 3600,
) -> Viewer:
    now_ms = ManualClock().now_ms()
    return Viewer(account_id or new_id(now_ms), role, merchant_id, now_ms + int(ttl_s * 1000))


def a_session(viewer: Viewer | None = None, **settings: Any) -> tuple[Session, KeepingCarrier, NotingDesk]:
    """A session, authenticated as `viewer` if there is one, with nothing left to send."""
    desk, carrier = NotingDesk(**settings), KeepingCarrier()
    session = carrier.session = Session(desk, carrier)
    if viewer is not None:
        desk.people["good"] = viewer
        say(session, "session", "authenticate", {"token": "good"})
        carrier.sent()
        desk.asked.clear()
    return session, carrier, desk


def say(session: Session, topic: str, event: str, payload: object = None, ref: str | None = None) -> None:
    """Let the viewer send one frame."""
    frame = {"topic": topic, "event": event, "payload": payload or {}}
    session.receive(msgspec.json.encode(frame | ({"ref": ref} if ref else {})).decode())
