"""A small server that speaks songda.v1 with the client under test, and does just what a test tells it to.

Not an imitation of ours: it keeps no state but a list of frames, so that a test can say what a broken network
does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection, serve

Heard = dict[str, Any]


class Visit:
    """One connection of the client, seen from the server."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def hear(self) -> Heard:
        """The next frame."""
        return orjson.loads(await self.socket.recv())

    async def say(self, topic: str, event: str, payload: Any, **more: Any) -> None:
        await self.socket.send(
            orjson.dumps({"topic": topic, "event": event, "payload": payload, **more}), text=True
        )

    async def grant(self, heard: Heard, ok: Any = None, **more: Any) -> None:
        """Reply with `ok`."""
        await self.say(heard["topic"], "reply", {"ok": ok or {}}, ref=heard["ref"], **more)

    async def refuse(self, heard: Heard, code: str) -> None:
        error = {"code": code, "message": "No."}
        await self.say(heard["topic"], "reply", {"error": error}, ref=heard["ref"])

    async def welcome(self) -> Heard:
        """Let the client authenticate; its frame."""
        heard = await self.hear()
        await self.grant(heard, {"account_id": "a", "role": "courier", "expires_at": "2026-11-23T13:00:00Z"})
        return heard

    def vanish(self) -> None:
        """As a killed process does: no close frame."""
        self.socket.transport.abort()


@asynccontextmanager
async def contract_server(*visits: Callable[[Visit], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that serves the first connection with the first of `visits`, and so on; yields its http:// address.

    What goes wrong inside a visit is raised at the end of the block.
    """
    waiting = list(visits)
    failures: list[BaseException] = []

    async def handle(socket: ServerConnection) -> None:
        if not waiting:
            await socket.close(4500, "no more visits")
            return
        try:
            await waiting.pop(0)(Visit(socket))
            await socket.wait_closed()
        except (AssertionError, KeyError) as failure:
            failures.append(failure)
            await socket.close(4500, "failed")

    async with serve(
        handle, "127.0.0.1", 0, subprotocols=["songda.v1"], compression=None, ping_interval=None
    ) as server:
        async with asyncio.timeout(10):
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if failures:
        raise failures[0]
