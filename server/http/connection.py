"""A connection that speaks HTTP, with the bounds that uvicorn leaves to a proxy before it.

Whoever sends a request too slowly, or a head too large, holds a descriptor or memory that others need.  How
large a body may be is body_limit.py's business; a socket's time to authenticate the realtime endpoint's.
"""

import asyncio
from asyncio import TimerHandle
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The largest honest head is a phone's, with a fix and its network in the address, or a browser's with cookies.
MAX_HEAD_BYTES = 64 * 1024
HEAD_WITHIN_S = 10.0
BODY_WITHIN_S = 60.0  # the largest body we take, at 140 kbit/s


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol; a request that is not whole in time, or never ends its head, ends the connection."""

    max_head_bytes = MAX_HEAD_BYTES
    head_within_s = HEAD_WITHIN_S
    body_within_s = BODY_WITHIN_S

    _deadline: TimerHandle | None = None
    _head_bytes: int | None = 0  # received of a head that is not whole yet; None: there is none

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_within(self.head_within_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_idle = self._deadline is None and (self.cycle is None or self.cycle.response_complete)
        if is_idle:  # any byte ends uvicorn's keep-alive time, also an empty line that begins no request
            self._expect_within(self.head_within_s)
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > self.max_head_bytes and not self.transport.is_closing():
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._expect_within(self.head_within_s)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._expect_within(self.body_within_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._expect_nothing()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._expect_nothing()
        super().handle_websocket_upgrade()

    def _expect_within(self, seconds: float) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(seconds, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why, unless an answer is under way already, and close."""
        self._expect_nothing()
        if self.cycle is None or self.cycle.response_complete:
            answer = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            self.transport.write(answer.encode("ascii"))
        self.transport.close()
