"""The Lua scripts of geo/courier_index.py: each one atomic step on the keys of one hash tag.

Called by digest; a server that has lost them (restarted, failed over) is sent the text again.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError


@dataclass(frozen=True, slots=True)
class Script:
    """One Lua script and the SHA-1 by which servers know it."""

    text: bytes
    digest: str

    @classmethod
    def read(cls, name: str) -> "Script":
        """The script beside this file."""
        text = files(__package__).joinpath(f"{name}.lua").read_bytes()
        return cls(text, hashlib.sha1(text, usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a script; all `keys` share a hash tag."""

    script: Script
    keys: tuple[str, ...]
    arguments: tuple[str | bytes | int, ...]


async def run(redis: Redis, calls: list[Call]) -> list[Any]:
    """The answers of `calls`, all sent at once; redis-py's exceptions pass through."""
    answers = await _send(redis, calls, by_digest=True)
    unknown = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        again = await _send(redis, [calls[place] for place in unknown], by_digest=False)
        for place, answer in zip(unknown, again, strict=True):
            answers[place] = answer
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


async def _send(redis: Redis, calls: list[Call], *, by_digest: bool) -> list[Any]:
    async with redis.pipeline(transaction=False) as pipeline:
        for call in calls:
            how = ("EVALSHA", call.script.digest) if by_digest else ("EVAL", call.script.text)
            pipeline.execute_command(*how, len(call.keys), *call.keys, *call.arguments)
        return await pipeline.execute(raise_on_error=False)
