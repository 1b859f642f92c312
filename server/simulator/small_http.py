"""A small HTTP/1.1 server on asyncio's streams, for what the simulator plays beside people: a bank.

Requests with a Content-Length, answers with one, connections kept; nothing more, and nothing for the open internet.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 64 * 1024
IDLE_S = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; ValueError."""
        return msgspec.json.decode(self.body or b"{}")

    def form(self) -> dict[str, str]:
        """The body as a page's form sends it; the last value of a name counts."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in fields.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Answer":
        """`value` as JSON."""
        return cls(status, msgspec.json.encode(value))

    def encode(self, *, keep: bool) -> bytes:
        """As it goes over the wire."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "Connection: keep-alive" if keep else "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


Handler: TypeAlias = Callable[[Request], Awaitable[Answer]]


class BadRequest(ValueError):
    """Not the HTTP that we speak."""


async def listen(handler: Handler, host: str, port: int) -> asyncio.Server:
    """Answer requests with `handler` from now on; port 0: any that is free."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A visit that is cancelled when the bank closes is over; asyncio of Python 3.11 would make a noise of it.
        with contextlib.suppress(
            ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError
        ):
            while await _one(handler, reader, writer):
                pass
        writer.close()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()

    return await asyncio.start_server(serve, host, port, limit=MAX_HEAD_BYTES)


async def _one(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; whether another may follow."""
    try:
        async with asyncio.timeout(IDLE_S):
            request = await _read(reader)
        answer, keep = await handler(request), request.headers.get("connection", "").lower() != "close"
    except (BadRequest, asyncio.LimitOverrunError):
        answer, keep = Answer.json({"code": "bad_request"}, HTTPStatus.BAD_REQUEST), False
    writer.write(answer.encode(keep=keep))
    await writer.drain()
    return keep


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    try:
        method, target, _version = first.split(" ")
        pairs = [line.split(":", 1) for line in lines]
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        length = int(headers.get("content-length", "0"))
    except ValueError as error:
        raise BadRequest from error
    if not 0 <= length <= MAX_BODY_BYTES or "transfer-encoding" in headers:
        raise BadRequest
    body = await reader.readexactly(length)
    return Request(method, unquote(urlsplit(target).path), headers, body)
