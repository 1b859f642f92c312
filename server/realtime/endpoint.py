"""The socket endpoint: the only file that touches a transport.  It carries frames and decides nothing about
them.

uvicorn hands over a connection after its upgrade request (`ws=protocol_class(hub)`).  websockets' core
without I/O does the handshake, parses what comes in, answers pings and closes by the book; what goes out are
finished frames from the session's outbox, one write for all that wait.  An idle socket holds no task, queue
or timer of its own.

Why not ASGI: docs/decisions/0004-socket-endpoint.md.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.frames import CloseCode as Rfc6455
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN, SEND_EOF
from websockets.server import ServerProtocol
from websockets.typing import BytesLike, Subprotocol

from server.realtime import counters
from server.realtime.frames_out import PING
from server.realtime.hub import Hub
from server.realtime.origins import may_connect
from server.realtime.session import Session
from server.wire.close_codes import CloseCode
from server.wire.frames import SUBPROTOCOL

PATH = "/ws"
# A viewer who reads slowly should wait in our outbox, where positions overwrite each other, not in buffers
# below it, where they grow old: 16 KiB in the kernel that are not yet sent, 32 KiB in the transport.
KERNEL_UNSENT_BYTES = 16 * 1024
TRANSPORT_HIGH_BYTES = 32 * 1024
TRANSPORT_LOW_BYTES = 8 * 1024
CLOSE_WITHIN_S = 3.0  # for the peer to answer our close frame
SLOW_LOOK_S = 1.0  # how often a socket that takes nothing is looked at

_websockets_log = logging.getLogger("websockets.server")


def protocol_class(hub: Hub) -> type["SongdaProtocol"]:
    """The class for uvicorn's `ws` setting, bound to one hub."""
    return type("BoundSongdaProtocol", (SongdaProtocol,), {"hub": hub, "__slots__": ()})


class _Handshake(ServerProtocol):
    """The handshake by RFC 6455, without extensions."""

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """Ours, or the first that was offered: a browser hears a close code (4504) only on a socket that was
        opened, and opens it only when one of its own words comes back.
        """
        if SUBPROTOCOL in subprotocols:
            return Subprotocol(SUBPROTOCOL)
        return subprotocols[0] if subprotocols else None


class SongdaProtocol(asyncio.Protocol):
    """One socket, from its upgrade request to its end."""

    hub: Hub

    __slots__ = (
        "_blocked_bytes",
        "_blocked_since_s",
        "_core",
        "_heard_s",
        "_message",
        "_pinged_s",
        "_server_state",
        "_session",
        "_transport",
        "_woken",
        "_woken_on_tick",
        "slot",
    )

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        self._server_state = server_state
        self._core: ServerProtocol = _Handshake(logger=_websockets_log)
        self._session: Session | None = None
        self._message: list[BytesLike] | None = None  # the fragments so far of a message in several frames
        self._woken = self._woken_on_tick = False
        self._blocked_since_s: float | None = None
        self._blocked_bytes = 0
        self._heard_s = self.hub.wheel.now_s
        self._pinged_s: float | None = None  # when a ping went out to which nothing has been heard yet
        self.slot = 0

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=TRANSPORT_HIGH_BYTES, low=TRANSPORT_LOW_BYTES)
        raw = transport.get_extra_info("socket")
        if (
            raw is not None
            and raw.family in (socket.AF_INET, socket.AF_INET6)
            and hasattr(socket, "TCP_NOTSENT_LOWAT")
        ):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_UNSENT_BYTES)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self.hub.wheel.put(self, self.hub.settings.authenticate_within_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        self.hub.wheel.remove(self)
        if self._session is not None:
            self._session.end()
            self._session.outbox.clear()

    def data_received(self, data: bytes) -> None:
        self._heard_s = self.hub.wheel.now_s
        self._pinged_s = None
        self._core.receive_data(data)
        for event in self._core.events_received():
            if isinstance(event, Frame):
                self._hear(event)
            elif isinstance(event, Request):
                self._shake_hands(event)
        if self._core.writes:
            self._write_core()

    def eof_received(self) -> bool:
        self._core.receive_eof()
        self._core.data_to_send()
        return False  # the transport closes itself

    def pause_writing(self) -> None:
        self._blocked_since_s = self.hub.wheel.now_s
        self._blocked_bytes = self._transport.get_write_buffer_size()
        self.hub.wheel.remove(self)
        self.hub.wheel.put(self, SLOW_LOOK_S)

    def resume_writing(self) -> None:
        self._blocked_since_s = None
        self.flush()

    def shutdown(self) -> None:
        """uvicorn stops; whoever the drain has not reached goes now."""
        if self._session is not None:
            self._session.close(CloseCode.RESTART)
        else:
            self._transport.close()

    # In

    def _shake_hands(self, request: Request) -> None:
        refusal = self._why_not(request)
        response = self._core.accept(request) if refusal is None else self._core.reject(*refusal)
        self._core.send_response(response)
        if self._core.state is not OPEN:
            return
        self._write_core()
        subprotocol = self._core.subprotocol
        # The one that shook hands would keep the request with all its headers: a third of an idle socket's memory.
        self._core = ServerProtocol(
            state=OPEN, max_size=self.hub.settings.max_frame_bytes, logger=_websockets_log
        )
        self._session = self.hub.session(self)
        if subprotocol != SUBPROTOCOL:
            self._session.close(CloseCode.VERSION, f"this server speaks {SUBPROTOCOL}")

    def _why_not(self, request: Request) -> tuple[HTTPStatus, str] | None:
        """Why this request gets no socket, whatever the rest of the handshake says."""
        hosts, origins = request.headers.get_all("Host"), request.headers.get_all("Origin")
        if urlsplit(request.path).path != PATH:
            return HTTPStatus.NOT_FOUND, "The socket is at /ws.\n"
        origin, host = origins[0] if origins else None, hosts[0] if hosts else None
        if len(origins) > 1 or not may_connect(origin, host, self.hub.origins):
            return HTTPStatus.FORBIDDEN, "Pages of this origin may not connect.\n"
        if self.hub.draining:
            return HTTPStatus.SERVICE_UNAVAILABLE, "Restarting; come back in a moment.\n"
        return None

    def _hear(self, frame: Frame) -> None:
        """One frame of any kind: it counts against the allowance; control frames the core has answered
        already.
        """
        self.hub.frames_in += 1
        session = self._session
        if session is None or session.closed or not session.spend():
            return
        if frame.opcode is Opcode.TEXT:
            if frame.fin:
                self._hear_message(session, frame.data)
            else:
                self._message = [frame.data]
        elif frame.opcode is Opcode.CONT and self._message is not None:
            self._message.append(frame.data)
            if frame.fin:
                message, self._message = b"".join(self._message), None
                self._hear_message(session, message)
        elif frame.opcode is Opcode.BINARY:
            session.close(CloseCode.PROTOCOL_ERROR, f"{SUBPROTOCOL} is text")

    def _hear_message(self, session: Session, data: BytesLike) -> None:
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            self._core.fail(Rfc6455.INVALID_DATA, "not UTF-8")
            return
        session.receive(text)

    # Out: what a session asks of its carrier

    def wake(self) -> None:
        if self._blocked_since_s is not None:
            if (
                self._session is not None
                and self._session.outbox.backlog_bytes > self.hub.settings.max_status_backlog_bytes
            ):
                self._evict("backlog")
        elif not self._woken:
            self._woken = True
            self.hub.flusher.soon(self)

    def wake_on_tick(self) -> None:
        if self._blocked_since_s is None and not self._woken_on_tick:
            self._woken_on_tick = True
            self.hub.flusher.on_tick(self)

    def close(self, code: CloseCode, reason: str = "") -> None:
        self._write_outbox()
        if self._core.state is OPEN:
            self._core.send_close(int(code), reason)
        self._write_core()
        if code is CloseCode.TOO_MANY_FRAMES:
            self._transport.pause_reading()  # the flood stops in the kernel, and soon at its source
        self._give_time_to_close()

    def flush(self) -> None:
        """Write what waits, unless the peer has yet to take what was written before."""
        self._woken = self._woken_on_tick = False
        if self._blocked_since_s is None:
            self._write_outbox()

    def _write_outbox(self) -> None:
        # After a close frame nothing may follow, and after the end of the stream nothing can.
        if self._session is not None and self._session.outbox and self._core.state is OPEN:
            data = self._session.outbox.take()
            self.hub.writes_out += 1
            self.hub.bytes_out += len(data)
            self._transport.write(data)

    def _write_core(self) -> None:
        """Handshake, pongs, close frames; and the end of the stream, after which the peer has to close."""
        for data in self._core.data_to_send():
            if data is not SEND_EOF:
                self._transport.write(data)
                continue
            if self._session is not None:
                self._session.end()
            # Closing at once with data unread would reset the connection, and cut off what we have just said.
            if self._transport.can_write_eof():
                self._transport.write_eof()
                self._give_time_to_close()
            else:
                self._transport.close()

    # Time

    def look(self, now_s: float) -> float | None:
        """See wheel.Timed.  A socket past its close frame, or without a session, has had its time."""
        session = self._session
        if session is None or session.closed:
            self._transport.abort()
            return None
        session_s = session.look_at_time()
        if session_s is None:
            return None  # closed; it is on the wheel for that already
        if self._blocked_since_s is not None:
            return self._look_at_slowness(now_s, self._blocked_since_s)
        quiet_s = now_s - self._heard_s
        heartbeat_s = self.hub.settings.heartbeat_s
        if quiet_s < heartbeat_s:
            return min(session_s, heartbeat_s - quiet_s)
        if self._pinged_s is None:
            self._pinged_s = now_s
            self._transport.write(PING)
        # Whoever was looked at early (a token near its end, a moment of slowness) still has all of his time.
        left_s = self._pinged_s + heartbeat_s - now_s
        if left_s <= 0:
            counters.EVICTED.labels("silent").inc()
            session.end()
            self._transport.abort()
            return None
        return min(session_s, left_s)

    def _look_at_slowness(self, now_s: float, since_s: float) -> float | None:
        waiting_bytes = self._transport.get_write_buffer_size()
        if waiting_bytes < self._blocked_bytes:  # slow, but reading
            self._blocked_since_s, self._blocked_bytes = now_s, waiting_bytes
        elif now_s - since_s >= self.hub.settings.slow_viewer_s:
            self._evict("stalled")
            return None
        return SLOW_LOOK_S

    def _give_time_to_close(self) -> None:
        self.hub.wheel.remove(self)
        self.hub.wheel.put(self, CLOSE_WITHIN_S)

    def _evict(self, why: str) -> None:
        """End a viewer who does not take what we send: 4008 if there is room for it, and no waiting."""
        counters.EVICTED.labels(why).inc()
        if self._session is not None:
            self._session.end()
        if self._core.state is OPEN:
            self._core.send_close(int(CloseCode.SLOW))
            self._write_core()
        asyncio.get_running_loop().call_soon(self._transport.abort)
