"""A viewer's socket in a test: it asks, waits for events and keeps what came in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from server.wire.frames import SUBPROTOCOL

# A test that waits this long has failed; nothing waits for time to pass.
PATIENCE_S = 10.0


@dataclass
class Visit:
    """One authenticated socket, as a client sees it."""

    socket: ClientConnection
    refs: int = 0
    waiting: list[Any] = field(default_factory=list)
    node: str = ""  # the server process that it reached

    async def next(self) -> Any:
        """The next frame, whatever it is."""
        if self.waiting:
            return self.waiting.pop(0)
        async with asyncio.timeout(PATIENCE_S):
            return msgspec.json.decode(await self.socket.recv())

    async def event(self, name: str) -> Any:
        """The next frame with this event; others before it stay in the order they came."""
        passed = []
        while (frame := await self.next())["event"] != name:
            passed.append(frame)
        self.waiting = passed + self.waiting
        return frame

    async def say(self, topic: str, event: str, payload: object = None, *, ref: str | None = None) -> None:
        frame = {"topic": topic, "event": event, "payload": payload or {}} | ({"ref": ref} if ref else {})
        await self.socket.send(msgspec.json.encode(frame).decode())

    async def ask(self, topic: str, event: str, payload: object = None) -> Any:
        """Say something and wait for its reply: the whole frame."""
        self.refs += 1
        await self.say(topic, event, payload, ref=str(self.refs))
        reply = await self.event("reply")
        assert reply["ref"] == str(self.refs)
        return reply

    async def join(self, topic: str, since: str | None = None) -> Any:
        """Join and get the whole reply."""
        return await self.ask(topic, "join", {"since": since} if since else {})

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait for the server to close; code and reason."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[Visit]:
    """A socket that has not said anything yet."""
    async with connect(
        url, **{"subprotocols": [SUBPROTOCOL], "compression": None, "max_size": None, **options}
    ) as socket:
        yield Visit(socket)


@asynccontextmanager
async def visiting(url: str, token: str) -> AsyncIterator[Visit]:
    """An authenticated socket."""
    async with opened(url) as visit:
        reply = await visit.ask("session", "authenticate", {"token": token})
        assert "ok" in reply["payload"], reply
        visit.node = reply["payload"]["ok"]["node"]
        yield visit
