"""Sockets of the load generator: a courier who sends fixes, a customer who watches one order."""

import asyncio
from collections.abc import Callable

import msgspec
import picows

from server.wire.frames import SUBPROTOCOL

HEADERS = {"Sec-WebSocket-Protocol": SUBPROTOCOL}
CONNECTING_AT_ONCE = 64


class _Answer(msgspec.Struct):
    """As much of a frame as the generator looks at."""

    event: str
    payload: msgspec.Raw
    ref: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode


class LoadSocket(picows.WSListener):
    """One socket: `request` waits for a reply; every other frame goes to `on_event(event, payload)`."""

    def __init__(self) -> None:
        self.transport: picows.WSTransport | None = None
        self.closed = False
        self.on_event: Callable[[str, msgspec.Raw], None] = lambda event, payload: None
        self._replies: dict[str, asyncio.Future[msgspec.Raw]] = {}

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.closed = True
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(ConnectionError("the server closed the socket"))

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        answer = _decode(frame.get_payload_as_bytes())
        waiting = self._replies.pop(answer.ref, None) if answer.ref else None
        if waiting is not None:
            waiting.set_result(answer.payload)
        else:
            self.on_event(answer.event, answer.payload)

    def send(self, data: bytes) -> None:
        if not self.closed and self.transport is not None:
            self.transport.send(picows.WSMsgType.TEXT, data)

    async def request(
        self, topic: str, event: str, payload: dict[str, object], ref: str
    ) -> dict[str, object]:
        """Send with `ref` and wait for the reply's payload; RuntimeError when it is an error."""
        reply: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._replies[ref] = reply
        self.send(msgspec.json.encode({"topic": topic, "event": event, "payload": payload, "ref": ref}))
        answer = msgspec.json.decode(await asyncio.wait_for(reply, 30))
        if "error" in answer:
            raise RuntimeError(f"{topic} {event}: {answer['error']}")
        ok: dict[str, object] = answer["ok"]
        return ok


async def connect(url: str, token: str) -> tuple[LoadSocket, dict[str, object]]:
    """An authenticated socket, and what the server said to the authentication."""
    _, socket = await picows.ws_connect(
        LoadSocket, url, extra_headers=HEADERS, websocket_handshake_timeout=30
    )
    assert isinstance(socket, LoadSocket)
    return socket, await socket.request("session", "authenticate", {"token": token}, "authenticate")


def close(socket: LoadSocket) -> None:
    if socket.transport is not None and not socket.closed:
        socket.transport.disconnect()
