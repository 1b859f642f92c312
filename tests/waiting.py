"""Waiting for something that tells nobody when it happens: we look again and again, not for long."""

import asyncio
from collections.abc import Awaitable, Callable

LOOK_AGAIN_S = 0.005


async def eventually(condition: Callable[[], Awaitable[bool]], within_s: float = 10.0) -> None:
    """Come back when `condition` holds; TimeoutError after `within_s`."""
    async with asyncio.timeout(within_s):
        while True:
            if await condition():
                return
            await asyncio.sleep(LOOK_AGAIN_S)
