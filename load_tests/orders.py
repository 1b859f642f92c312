"""Bench `orders`: whole lives of orders, place to completed, over sockets, with PostgreSQL flushing every commit.

First the floor: one-row transactions of the same server.  Then as many lives at once as keep everything busy, for the
lives a second; then, open-loop, half of what is asked for, for the latency of each command and the age of a change of
status when the customer's frame comes.  Generator, servers and databases share the machine.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import uvloop

from load_tests.floor_commits import commits_per_s
from load_tests.lives import STEPS, Cast, Seen, live, watch
from load_tests.measure import ProcessGroups, machine, percentile
from load_tests.report import Report
from load_tests.town import Town, seed_town
from load_tests.viewers import CONNECTING_AT_ONCE, LoadSocket, connect
from server.accounts.roles import Role
from server.accounts.tokens import Tokens
from server.clock import SystemClock
from server.commands.children import Children
from server.commands.serve import worker
from server.commands.servers import servers_ready
from server.orders.codes import Codes
from server.settings import Settings
from tests.ports import free_port

WARM_UP_S = 5.0
FLOOR_S = 4.0
PAUSE_S = 0.25  # between the steps of a life at half load
SETTLE_WITHIN_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench orders", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="how long each part measures (default 20)"
    )
    parser.add_argument("--at-once", type=int, default=64, help="lives at once at full load (default 64)")
    parser.add_argument("--half", type=float, default=30.0, help="lives a second at half load (default 30)")
    parser.add_argument("--workers", type=int, default=2, help="server processes (default 2)")
    parser.add_argument("--json", type=Path, help="also write the figures there, and a picture beside it")
    options = parser.parse_args()
    return uvloop.run(_bench(options))


async def _bench(options: argparse.Namespace) -> int:
    report = Report("orders", machine())
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as data_dir:
        settings = Settings(
            data_dir=Path(data_dir), port=free_port(), workers=options.workers, log_level="warning"
        )
        async with servers_ready(settings) as servers:
            ready = servers.settings
            floor = await commits_per_s(ready.database_url, FLOOR_S)
            town = await seed_town(
                ready.database_url, kitchens=24, customers=96, couriers=400, dispatchers=12
            )
            children = Children(grace_s=20.0)
            try:
                stop = asyncio.Event()
                await children.start([worker(ready, number) for number in range(options.workers)], stop)
                cast = await _cast(ready, town)
                _say(f"{len(town.couriers) + len(town.customers) + 36} sockets connected; warming up")
                await _full(cast, Seen(), options.at_once, WARM_UP_S)
                gc.collect()
                gc.freeze()
                _say(f"as many lives as go, for {options.seconds:.0f} s")
                full, groups = Seen(), ProcessGroups()
                before = groups.look()
                took_s = await _full(cast, full, options.at_once, options.seconds)
                after = groups.look()
                _say(f"{options.half:g} lives a second, for {options.seconds:.0f} s")
                half = Seen()
                await _half(cast, half, options.half, options.seconds)
            finally:
                await children.stop()
    for seen in (full, half):
        if seen.failed:
            report.note(f"{len(seen.failed)} lives failed, the first with: {seen.failed[0]}")
    for group, usage in sorted(after.items()):
        cpu_s = usage.since(before[group])
        report.row(f"CPU of {group}", {"ms a life": cpu_s / full.lives * 1e3, "cores": cpu_s / took_s})
    for name in STEPS:
        report.row(name, _row(half.steps[name], full.steps[name]))
    commands = [latency_s for latencies in half.steps.values() for latency_s in latencies]
    report.row(
        "all commands", _row(commands, [one for latencies in full.steps.values() for one in latencies])
    )
    report.latencies("command, from its schedule to its answer", [one * 1e3 for one in commands])
    report.latencies("change of status to the customer's frame", [one * 1e3 for one in half.frames])
    report.note(
        f"{full.lives} lives at full load, {half.lives} at half; {len(half.frames)} changes seen by customers."
    )
    report.figure("orders_lives_per_s", full.lives / took_s, "lives/s")
    report.figure("orders_command_p50", percentile(commands, 0.5) * 1e3, "ms")
    report.figure("orders_command_p99", max(percentile(half.steps[name], 0.99) for name in STEPS) * 1e3, "ms")
    report.figure("orders_status_to_frame_p50", percentile(half.frames, 0.5) * 1e3, "ms")
    report.figure("orders_status_to_frame_p99", percentile(half.frames, 0.99) * 1e3, "ms")
    report.figure("orders_floor_commits_per_s", floor, "commits/s")
    report.finish(options.json)
    return 1 if full.failed or half.failed else 0


def _row(half: Sequence[float], full: Sequence[float]) -> dict[str, float]:
    return {
        "p50 ms": percentile(half, 0.5) * 1e3,
        "p99 ms": percentile(half, 0.99) * 1e3,
        "p50 ms, full load": percentile(full, 0.5) * 1e3,
        "p99 ms, full load": percentile(full, 0.99) * 1e3,
    }


async def _full(cast: Cast, seen: Seen, at_once: int, seconds: float) -> float:
    """So many lives at a time, the next beginning when one is over; the seconds it took.

    Only lives that end within the time count, and those under way at its end are lived to their end uncounted.
    """
    _listen(cast, seen)
    started_s = time.monotonic()
    until_s = started_s + seconds
    lives_in_time = 0

    async def one_after_the_other() -> None:
        nonlocal lives_in_time
        while time.monotonic() < until_s:
            before = seen.lives
            await live(cast, seen, starts_s=time.monotonic(), pause_s=0.0)
            lives_in_time += seen.lives > before and time.monotonic() < until_s

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(one_after_the_other())
    seen.lives = lives_in_time
    return seconds


async def _half(cast: Cast, seen: Seen, per_s: float, seconds: float) -> None:
    """Lives beginning at their moments, whatever becomes of those before."""
    _listen(cast, seen)
    started_s = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(per_s * seconds)):
            starts_s = started_s + number / per_s
            await asyncio.sleep(max(0.0, starts_s - time.monotonic()))
            tasks.create_task(live(cast, seen, starts_s=starts_s, pause_s=PAUSE_S))


def _listen(cast: Cast, seen: Seen) -> None:
    for customer in cast.customers:
        watch(customer, seen)


async def _cast(settings: Settings, town: Town) -> Cast:
    """A socket for everybody."""
    url = f"ws://{settings.host}:{settings.port}/ws"
    tokens = Tokens(settings.secret, ttl_s=settings.token_ttl_s, clock=SystemClock())
    places = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def socket(account_id: UUID, role: Role, merchant_id: UUID | None = None) -> LoadSocket:
        async with places:
            connected, _ = await connect(url, tokens.issue(tokens.viewer(account_id, role, merchant_id)))
            return connected

    async def all_of(account_ids: Sequence[UUID], role: Role) -> list[LoadSocket]:
        return await asyncio.gather(*(socket(account_id, role) for account_id in account_ids))

    couriers = await all_of(town.couriers, Role.COURIER)
    cooks = await asyncio.gather(
        *(socket(account_id, Role.MERCHANT, kitchen.id) for account_id, kitchen in town.cooks)
    )
    return Cast(
        customers=await all_of(town.customers, Role.CUSTOMER),
        cooks=[(cook, kitchen) for cook, (_, kitchen) in zip(cooks, town.cooks, strict=True)],
        couriers=list(zip(couriers, town.couriers, strict=True)),
        dispatchers=await all_of(town.dispatchers, Role.DISPATCHER),
        codes=Codes(settings.secret),
    )


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
