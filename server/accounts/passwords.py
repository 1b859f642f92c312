"""Passwords: argon2id, in a thread, since one hash takes 175 ms of a core and must not hold up the sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from server.errors import BadInput, TooMany

MIN_PASSWORD_LENGTH = 8  # NIST SP 800-63B-3 §5.1.1.2
MAX_PASSWORD_LENGTH = 200  # argon2 takes more, but nobody types it
# A flood of sign-ins must not make people wait for longer than they would.
LONGEST_WAIT_S = 10.0
MAX_WAITING = 50  # at 175 ms each


class BadPassword(BadInput):
    """A password has 8 to 200 characters."""

    code = "bad_password"


class TooManyPasswords(TooMany):
    """More people are signing in than we can check passwords; try again in a moment."""

    code = "too_many_passwords"


class Passwords:
    """Hashes and checks passwords, one at a time: several at once would take every core from the sockets."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher()
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The argon2id hash to store; BadPassword when too short or too long."""
        if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
            raise BadPassword
        async with self._in_turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether `password` made this hash.  Without a hash it takes just as long: time must not tell who exists."""
        if len(password) > MAX_PASSWORD_LENGTH:
            return False
        async with self._in_turn():
            return await asyncio.to_thread(self._verify, password, password_hash)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise TooManyPasswords(retry_after_s=LONGEST_WAIT_S)
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    def _verify(self, password: str, password_hash: str | None) -> bool:
        try:
            return (
                self._hasher.verify(password_hash or self._nobodys_hash, password)
                and password_hash is not None
            )
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash("whose password this is nobody knows")
