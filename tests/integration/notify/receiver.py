"""A merchant's server as it may be: slow, broken, moved, gone; over plain TCP, so that it can misbehave at will."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import TypeAlias

import orjson
from standardwebhooks.webhooks import Webhook

Say: TypeAlias = Callable[["Received"], bytes | None]  # None: nothing, ever

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def says(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An answer; header names with _ for -."""
    lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Received:
    """One request."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(orjson.loads(self.body)["type"])

    def check(self, secret: str) -> None:
        """As the standard's library does, the time aside: it is a test's."""
        webhook = Webhook(secret)
        signatures = self.headers["webhook-signature"].split(" ")
        from datetime import UTC, datetime  # the library wants a datetime of that second

        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        assert webhook.sign(self.id, at, self.body.decode()) in signatures


@dataclass
class Receiver:
    """What it was sent, and what it answers next: the first of `answers`, then `usual`."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    answers: list[bytes | None] = field(default_factory=list)
    usual: bytes | None = OK
    hold: asyncio.Event | None = None  # answers wait for this
    at_once: int = 0
    most_at_once: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.received]

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._answer(reader, writer)
        finally:
            self.at_once -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Received(line, headers, body))
        self.came.set()
        answer = self.answers.pop(0) if self.answers else self.usual
        if self.hold is not None:
            await self.hold.wait()
        if answer is None:
            await reader.read()  # until the other side has had enough
            return
        writer.write(answer)
        await writer.drain()


@asynccontextmanager
async def receiving(*, ssl: SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on the loopback address."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=ssl)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        if receiver.hold is not None:
            receiver.hold.set()
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None
