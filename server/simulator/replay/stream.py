"""Streaming a planned replay: each recording's person is a courier with a socket of his own.

Fixes wait in each courier's buffer until they are stored, so that a server that restarts loses none of them.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

from server.clock import Clock
from server.errors import StartupError, TrackingError
from server.simulator.people import Credentials, People, Wanted
from server.simulator.phone import Account, Line, Phone
from server.simulator.replay.plan import Part
from server.wire.answers import RequestRefused
from server.wire.backoff import Backoff
from server.wire.client import Client
from server.wire.fix_buffer import FixTally
from server.wire.rest import RestClient

BOOK_NAME = "replay.json"
# Fixes due within this time travel in one frame.
TICK_S = 0.05
PER_TICK = 300
# As fast as it goes means: no more than this many on the way, unstored, of one courier.
ON_THE_WAY = 1_200
PROGRESS_EVERY_S = 3.0
# When for so long nothing more was stored, the rest is given up.
PATIENCE_S = 30.0

LONGEST_NAME = 120

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """Whose names the couriers get, and whether they may be offered work (None: as it was)."""

    prefix: str = "replay-"
    available: bool | None = None


@dataclass(slots=True)
class Outcome:
    """What became of the fixes; `waiting` were neither stored nor refused when we gave up."""

    couriers: int
    fixes: FixTally
    waiting: int = 0
    ended: int = 0  # couriers whose socket the server closed for good

    def lines(self) -> list[str]:
        """The summary, for people and for scripts."""
        fixes = self.fixes
        refused = ", ".join(f"{count:,} {reason}" for reason, count in fixes.refused.most_common())
        lines = [
            f"couriers: {self.couriers:,}",
            f"sent: {fixes.sent:,}",
            f"received: {fixes.received + fixes.history:,}" + _aside(fixes.history, "late: history only"),
            f"stored: {fixes.stored:,}" + _aside(fixes.known, "more were known already"),
            f"refused: {fixes.refused.total():,}" + (f" ({refused})" if refused else ""),
        ]
        if fixes.sent_again:
            lines.append(f"sent again after a loss: {fixes.sent_again:,}")
        if self.waiting or self.ended:
            lines.append(f"never answered: {self.waiting:,}" + _aside(self.ended, "couriers were sent away"))
        return lines


async def stream(
    url: str, parts: Sequence[Part], options: ReplayOptions, administrator: Credentials, data_dir: Path, *,
    clock: Clock, tell: Tell | None = None,
) -> Outcome:  # fmt: skip
    """Send everything and wait until it is stored; StartupError when it cannot begin."""
    tell = tell or _to_stderr
    rest = RestClient(url)
    outcome = Outcome(len(parts), FixTally())
    line = Line(rest, clock, Random(), Backoff(), outcome.fixes)
    try:
        people = People(line, administrator, data_dir / BOOK_NAME)
        await people.open()
        wanted = [
            Wanted("courier", _short(f"{options.prefix}{part.name}"), _short(part.name)) for part in parts
        ]
        try:
            accounts = await people.accounts(wanted, tell)
        except RequestRefused as refusal:
            raise StartupError(f"The couriers cannot be made: {refusal}.") from refusal
        stage = _Stage(line, clock, clock.monotonic_s(), options, outcome)
        async with asyncio.TaskGroup() as tasks:
            progress = tasks.create_task(stage.tell_progress(tell))
            players = [
                tasks.create_task(stage.play(part, account))
                for part, account in zip(parts, accounts, strict=True)
            ]
            await asyncio.wait(players)
            progress.cancel()
    finally:
        rest.close()
    return outcome


class _Stage:
    """Where all play: the line, the time since the beginning, the sums."""

    def __init__(
        self, line: Line, clock: Clock, began_s: float, options: ReplayOptions, outcome: Outcome
    ) -> None:
        self._line = line
        self._clock = clock
        self._began_s = began_s
        self._options = options
        self._outcome = outcome
        self._playing = 0

    async def play(self, part: Part, account: Account) -> None:
        """One courier, from his first fix until his last is stored."""
        await self._sleep_until(part.due[0].send_s)
        self._playing += 1
        try:
            async with Phone(self._line, account).socket() as client:
                sending = asyncio.create_task(self._send(client, part, account))
                ending = asyncio.create_task(client.ended())
                await asyncio.wait({sending, ending}, return_when=asyncio.FIRST_COMPLETED)
                if ending.done():
                    self._outcome.ended += 1
                for task in (sending, ending):
                    task.cancel()
                    with suppress(asyncio.CancelledError, TrackingError):
                        await task
                self._outcome.waiting += len(client.fixes)
        finally:
            self._playing -= 1

    async def tell_progress(self, tell: Tell) -> None:
        """A line each few seconds."""
        while True:
            await asyncio.sleep(PROGRESS_EVERY_S)
            fixes = self._outcome.fixes
            tell(f"{self._playing:,} couriers riding, fixes {fixes.sent:,} sent, {fixes.stored:,} stored")

    async def _send(self, client: Client, part: Part, account: Account) -> None:
        if self._options.available is not None:
            topic = f"courier:{account.id}"
            await client.request(topic, "availability", {"available": self._options.available})
        sent = 0
        while sent < len(part.due):
            await self._sleep_until(part.due[sent].send_s)
            soon_s = self._now_s() + TICK_S
            batch = [one.fix for one in part.due[sent : sent + PER_TICK] if one.send_s <= soon_s]
            client.send_fixes(account.id, batch)
            sent += len(batch)
            while len(client.fixes) > ON_THE_WAY:  # noqa: ASYNC110 - a glance each tick is all it needs
                await asyncio.sleep(TICK_S)
        await self._all_stored(client)

    async def _all_stored(self, client: Client) -> None:
        """Wait until the buffer is empty, as long as something happens."""
        left, changed_s = len(client.fixes), self._now_s()
        while left and self._now_s() - changed_s < PATIENCE_S:
            await asyncio.sleep(TICK_S)
            if len(client.fixes) != left:
                left, changed_s = len(client.fixes), self._now_s()

    async def _sleep_until(self, moment_s: float) -> None:
        wait_s = moment_s - self._now_s()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def _now_s(self) -> float:
        return self._clock.monotonic_s() - self._began_s


def _short(name: str) -> str:
    """A name that an account may have, still different for different names."""
    return (
        name
        if len(name) <= LONGEST_NAME
        else f"{name[:LONGEST_NAME]}-{sha256(name.encode()).hexdigest()[:12]}"
    )


def _aside(count: int, what: str) -> str:
    return f" ({count:,} {what})" if count else ""


def _to_stderr(sentence: str) -> None:
    print(f"replay: {sentence}", file=sys.stderr, flush=True)
