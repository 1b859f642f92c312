"""Bench `ingest`: N couriers at 1 Hz, one fix a frame, each watched by one customer on another process.

Everything is on: the track (PostgreSQL, fsync), Redis' append-only file, two server processes.  Latency is from the
scheduled moment of a fix to the customer's first frame that is at least as new.  Beside it, in the same run and with
the same generator, the floor: a bare websocket sink and source that hands each frame on without looking at it.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import msgspec
import picows
import uvloop

from load_tests.couples import Couple, seed_couples
from load_tests.measure import ProcessGroups, Usage, at_scheduled_moments, machine, percentile
from load_tests.report import Report
from load_tests.viewers import CONNECTING_AT_ONCE, LoadSocket, close, connect
from server.accounts.roles import Role
from server.accounts.tokens import Tokens
from server.clock import SystemClock
from server.commands.children import Children
from server.commands.serve import worker
from server.commands.servers import servers_ready
from server.settings import Settings
from tests.ports import free_port

WORKERS = 2
WARM_UP_S = 4.0
SETTLE_WITHIN_S = 8.0  # after the last fix; longer than the track gathers, so that each can be `stored`
SETTLE_LOOK_S = 0.1
SPEED_MPS = 5.0
METRES_PER_DEGREE = 111_195.0


class _Position(msgspec.Struct):
    fix_time: int


_decode_position = msgspec.json.Decoder(_Position).decode


@dataclass
class Watched:
    """One courier, the customer who watches him, and what is under way between them."""

    couple: Couple
    courier: LoadSocket
    customer: LoadSocket
    waiting: deque[tuple[int, float]] = field(default_factory=deque)  # (fix_time, scheduled_s), oldest first
    sent: int = 0
    measured_from: int = 0  # `seq` of the first fix that counts; earlier ones warmed up


@dataclass
class Tally:
    """What was seen while measuring."""

    latencies_s: list[float] = field(default_factory=list)
    sent: int = 0
    stored: int = 0
    refused: int = 0
    last_seen_s: float = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench ingest", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--couriers", type=int, default=5000, help="each sends once a second (default 5000)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to measure (default 30)")
    parser.add_argument("--json", type=Path, help="also write the figures there, and a picture beside it")
    options = parser.parse_args()
    return uvloop.run(_bench(options.couriers, options.seconds, options.json))


async def _bench(couriers: int, seconds: float, json_path: Path | None) -> int:
    report = Report("ingest", machine())
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as data_dir:
        floor = await _measure_floor(couriers, min(seconds, 10.0))
        ours = await _measure_songda(couriers, seconds, Path(data_dir), report)
    report.row(
        "floor: bare sink and source",
        {"p50 ms": floor.p50_ms, "p99 ms": floor.p99_ms, "CPU µs a fix": floor.cpu_us},
    )
    report.figure("ingest_kept_per_s", ours.kept_per_s, "fixes/s")
    report.figure("ingest_p50", ours.p50_ms, "ms")
    report.figure("ingest_p99", ours.p99_ms, "ms")
    report.figure("ingest_cpu_per_fix", ours.cpu_us, "µs")
    report.figure("ingest_floor_cpu_per_fix", floor.cpu_us, "µs")
    report.figure("ingest_rss_per_socket", ours.rss_per_socket_kib, "KiB")
    report.finish(json_path)
    return 0


@dataclass(frozen=True)
class Measured:
    """The figures of one run."""

    p50_ms: float
    p99_ms: float
    cpu_us: float
    kept_per_s: float = 0.0
    rss_per_socket_kib: float = 0.0


async def _measure_songda(couriers: int, seconds: float, data_dir: Path, report: Report) -> Measured:
    settings = Settings(data_dir=data_dir, port=free_port(), workers=WORKERS, log_level="warning")
    groups = ProcessGroups()
    async with servers_ready(settings) as servers:
        ready = servers.settings
        couples = await seed_couples(ready.database_url, couriers)
        children = Children(grace_s=20.0)
        try:
            stop = asyncio.Event()
            await children.start([worker(ready, number) for number in range(WORKERS)], stop)
            empty = groups.look()["server"].rss_bytes
            watched = await _connect_all(ready, couples)
            connected = groups.look()["server"].rss_bytes
            _say(f"{2 * couriers} sockets connected; warming up")
            await _stream(watched, couriers, min(WARM_UP_S, seconds), Tally())
            before = groups.look()
            tally = Tally()
            _say(f"measuring for {seconds:.0f} s")
            during_s = await _stream(watched, couriers, seconds, tally)
            await _settled(tally)
            after = groups.look()
        finally:
            await children.stop()
    return _figures(tally, before, after, during_s, (connected - empty) / (2 * couriers) / 1024, report)


def _figures(
    tally: Tally,
    before: dict[str, Usage],
    after: dict[str, Usage],
    during_s: float,
    rss_per_socket_kib: float,
    report: Report,
) -> Measured:
    nothing = Usage(0.0, 0)
    cpu_us = {
        group: usage.since(before.get(group, nothing)) / tally.sent * 1e6 for group, usage in after.items()
    }
    for group in ("server", "redis", "postgresql", "generator"):
        rss_mib = after[group].rss_bytes / 2**20
        report.row(f"CPU of {group}", {"CPU µs a fix": cpu_us.get(group, 0.0), "RSS MiB": rss_mib})
    p50_ms, p99_ms = percentile(tally.latencies_s, 0.5) * 1e3, percentile(tally.latencies_s, 0.99) * 1e3
    report.row(
        "songda, two processes",
        {
            "p50 ms": p50_ms,
            "p99 ms": p99_ms,
            "CPU µs a fix": cpu_us["server"] + cpu_us["redis"] + cpu_us["postgresql"],
            "sent": tally.sent,
            "seen": len(tally.latencies_s),
            "stored": tally.stored,
            "refused": tally.refused,
        },
    )
    report.latencies(
        "scheduled moment to the customer's frame", [latency_s * 1e3 for latency_s in tally.latencies_s]
    )
    kept = min(len(tally.latencies_s), tally.stored)
    return Measured(
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        cpu_us=cpu_us["server"] + cpu_us["redis"] + cpu_us["postgresql"],
        kept_per_s=kept / during_s,
        rss_per_socket_kib=rss_per_socket_kib,
    )


async def _connect_all(settings: Settings, couples: Sequence[Couple]) -> list[Watched]:
    """A courier's socket on any process and his customer's on the other one."""
    url = f"ws://{settings.host}:{settings.port}/ws"
    tokens = Tokens(settings.secret, ttl_s=settings.token_ttl_s, clock=SystemClock())
    places = asyncio.Semaphore(CONNECTING_AT_ONCE)

    def token_for(role: Role, account_id: UUID) -> str:
        return tokens.issue(tokens.viewer(account_id, role, None))

    async def couple_up(couple: Couple) -> Watched:
        async with places:
            courier, said = await connect(url, token_for(Role.COURIER, couple.courier_id))
            customer, heard = await connect(url, token_for(Role.CUSTOMER, couple.customer_id))
            while heard["node"] == said["node"]:
                close(customer)
                customer, heard = await connect(url, token_for(Role.CUSTOMER, couple.customer_id))
            await customer.request(f"order:{couple.order_id}", "join", {}, "join")
            return Watched(couple, courier, customer)

    return await asyncio.gather(*(couple_up(couple) for couple in couples))


async def _stream(watched: Sequence[Watched], per_s: int, seconds: float, tally: Tally) -> float:
    """Each courier sends one fix a second, spread evenly over it; what comes back is tallied.  Seconds it took."""
    # One wall moment for one monotonic moment: fix_time and schedule must not drift apart within a run.
    wall_ms, mono_s = time.time_ns() // 1_000_000, time.monotonic()
    for one in watched:
        one.waiting.clear()
        one.measured_from = one.sent + 1
        _listen(one, tally)

    def send(number: int, scheduled_s: float) -> None:
        one = watched[number % len(watched)]
        fix_time = wall_ms + round((scheduled_s - mono_s) * 1000)
        one.sent += 1
        tally.sent += 1
        one.waiting.append((fix_time, scheduled_s))
        lat = one.couple.lat + one.sent * SPEED_MPS / METRES_PER_DEGREE
        one.courier.send(
            b'{"topic":"courier:%b","event":"fix","ref":"%d","payload":{"lat":%.6f,"lng":%.6f,"fix_time":%d,'
            b'"accuracy_m":5,"bearing_deg":0,"speed_mps":5,"seq":%d}}'
            % (one.couple.courier_text, one.sent, lat, one.couple.lng, fix_time, one.sent)
        )

    gc.collect()
    gc.freeze()
    return await at_scheduled_moments(send, per_s=per_s, duration_s=seconds)


async def _settled(tally: Tally) -> None:
    """Until every fix has been seen and stored; or not, for longer than that takes."""
    until_s = time.monotonic() + SETTLE_WITHIN_S
    while min(len(tally.latencies_s), tally.stored) < tally.sent and time.monotonic() < until_s:
        await asyncio.sleep(SETTLE_LOOK_S)


def _listen(one: Watched, tally: Tally) -> None:
    waiting, latencies_s = one.waiting, tally.latencies_s

    def on_customer(event: str, payload: msgspec.Raw) -> None:
        if event != "position":
            return
        now_s, fix_time = time.monotonic(), _decode_position(payload).fix_time
        while waiting and waiting[0][0] <= fix_time:
            latencies_s.append(now_s - waiting.popleft()[1])

    def on_courier(event: str, payload: msgspec.Raw) -> None:
        if event == "stored":
            tally.stored += sum(seq >= one.measured_from for seq in msgspec.json.decode(payload)["seqs"])
        elif event == "reply" and b"refused" in bytes(payload):
            tally.refused += 1

    one.customer.on_event = on_customer
    one.courier.on_event = on_courier


async def _measure_floor(couriers: int, seconds: float) -> Measured:
    """The same frames at the same rate through the bare relay."""
    port, groups = free_port(), ProcessGroups()
    relay = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load_tests.relay", str(port), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert relay.stdout is not None
        await relay.stdout.readline()
        places = asyncio.Semaphore(CONNECTING_AT_ONCE)
        latencies_s: list[float] = []

        async def pair(number: int) -> tuple[LoadSocket, deque[float]]:
            async with places:
                sockets = [await _bare_socket(port, role, number) for role in ("customer", "courier")]
            scheduled: deque[float] = deque()
            sockets[0].on_event = lambda event, payload: latencies_s.append(
                time.monotonic() - scheduled.popleft()
            )
            return sockets[1], scheduled

        pairs = await asyncio.gather(*(pair(number) for number in range(couriers)))
        before = groups.look()["floor"]

        def send(number: int, scheduled_s: float) -> None:
            courier, scheduled = pairs[number % couriers]
            scheduled.append(scheduled_s)
            courier.send(
                b'{"topic":"courier:00000000-0000-7000-8000-000000000000","event":"fix","payload":{"lat":60.17,'
                b'"lng":24.94,"fix_time":1700000000000,"accuracy_m":5,"bearing_deg":0,"speed_mps":5,"seq":%d}}'
                % number
            )

        await at_scheduled_moments(send, per_s=couriers, duration_s=seconds)
        await asyncio.sleep(0.2)
        cpu_us = groups.look()["floor"].since(before) / int(couriers * seconds) * 1e6
    finally:
        relay.terminate()
        await relay.wait()
    return Measured(percentile(latencies_s, 0.5) * 1e3, percentile(latencies_s, 0.99) * 1e3, cpu_us)


async def _bare_socket(port: int, role: str, number: int) -> LoadSocket:
    url = f"ws://127.0.0.1:{port}/{role}/{number}"
    _, socket = await picows.ws_connect(LoadSocket, url, websocket_handshake_timeout=30)
    assert isinstance(socket, LoadSocket)
    return socket


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
