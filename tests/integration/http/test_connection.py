"""What a connection may cost before it has said anything, by a real uvicorn on a real port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.http.connection import BoundedHttp

SOON_S = 10


class Impatient(BoundedHttp):
    max_head_bytes = 10_000
    head_within_s = 0.1
    body_within_s = 0.1


class Patient(BoundedHttp):
    max_head_bytes = 10_000


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


@asynccontextmanager
async def speaking(
    http: type[BoundedHttp],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that speaks so."""
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=http, lifespan="off", log_config=None))
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.005)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def all_said(reader: asyncio.StreamReader) -> bytes:
    """Everything until the connection ends."""
    return await asyncio.wait_for(reader.read(), SOON_S)


@pytest.mark.parametrize("begun", [
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: here\r\n",
    b"GET / HTTP/1.1\r\nHost: here\r\n\r\nGET /",  # the next request on a connection that was kept
])  # fmt: skip
async def test_a_head_that_is_not_whole_in_time_ends_the_connection(begun: bytes):
    async with speaking(Impatient) as (reader, writer):
        writer.write(begun)
        assert (await all_said(reader)).endswith(
            b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )


async def test_an_empty_line_after_an_answer_keeps_the_connection_no_longer():
    async with speaking(Impatient) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SOON_S)
        writer.write(b"\r\n")
        assert b"408 Request Timeout" in await all_said(reader)


async def test_a_body_that_is_not_whole_in_time_ends_the_connection():
    async with speaking(Impatient) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhel")
        assert await all_said(reader) == b""


@pytest.mark.parametrize("begin", [b"GET /?", b"GET / HTTP/1.1\r\nHost: here\r\nCookie: "])
async def test_a_head_without_end_is_not_held(begin: bytes):
    async with speaking(Patient) as (reader, writer):
        writer.write(begin + b"a" * Patient.max_head_bytes)
        assert b"431 Request Header Fields Too Large" in await all_said(reader)


async def test_whoever_sends_in_time_is_answered_again_and_again():
    async with speaking(Patient) as (reader, writer):
        for word in (b"first", b"second"):
            writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(word))
            writer.write(word)
            answer = await asyncio.wait_for(reader.readuntil(word), SOON_S)
            assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_an_empty_line_after_an_answer_buys_no_time():
    async with speaking(Impatient) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nword")
        await asyncio.wait_for(reader.readuntil(b"word"), SOON_S)
        writer.write(b"\r\n")
        assert b"408 Request Timeout" in await all_said(reader)
