"""Bench `nearest`: the ten nearest couriers, our index in the process against Redis GEOSEARCH, in one run.

Both hold the same couriers, clustered as a city is, and are asked the same questions while another process
sends a fix per courier each four seconds: to us as the packed messages that servers hear through Redis, to
GEOSEARCH as GEOADD.  What the figures mean, each time at the expense of ours:

- Our latency counts from the scheduled moment when the loop was busy taking in a message then, so it holds the
  wait for that; a loop that slept is asked when it wakes.  GEOSEARCH's counts from the asking.  Its radius
  doubles until K are found, from whichever of STARTING_RADII_M costs Redis least here.
- Redis CPU per query is what Redis uses for COUNTED_QUESTIONS with the stream standing still, since upkeep is
  counted by the fix beside it.  Our questions do not reach Redis, so FLOOR_US, about the resolution of this
  measurement, stands for ours in `…_redis_cpu_vs_geosearch`.  The note under the table also says what ours
  would be if the questions were charged with all the delivering of the stream while they are asked.
"""

import argparse
import asyncio
import gc
import select
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import hiredis
import numpy as np
import psutil
from redis import Redis

from load_tests.crowd import Crowd, crowd
from load_tests.measure import machine, percentile
from load_tests.position_stream import GEO_KEY, PARTITIONS, PositionStream, command, geoadd, parts
from load_tests.report import Report
from server.clock import SystemClock
from server.geo.courier_index import CourierIndex
from server.geo.distances import distance_m, metres_of_chord, unit_vector, unit_vectors
from server.geo.nearest import NearestIndex, Neighbour
from server.geo.position import DEGREES_TO_INT, POSITION_SIZE, unpack
from server.geo.position_messages import channel_name, read_batch, read_message
from server.storage.embedded import EmbeddedValkey
from server.storage.redis import open_redis

SIZES = (10_000, 100_000, 1_000_000)
K = 10
MAX_RADIUS_M = 10_000.0
GONE_AFTER_MS = 120_000
QUESTIONS_PER_S = 500.0
CHECKED_QUESTIONS = 200  # against measuring everybody
STARTING_RADII_M = (125.0, 250.0, 500.0, 1_000.0, 2_000.0)
COUNTED_QUESTIONS = 1_000  # for Redis CPU per query
TRIED_QUESTIONS = 60  # for each starting radius
PLACED_SAMPLE, PLACED_AT_ONCE = 20_000, 250  # of the place script: a tick of 10 ms at 100,000 couriers
STALE_MS = 1_000
FLOOR_US = 1.0

Result = TypeVar("Result")


@dataclass
class Asked:
    """What became of the questions of one phase."""

    latencies_ms: list[float] = field(default_factory=list)
    calls_ms: list[float] = field(default_factory=list)
    cpu_s: float = 0.0  # of this process, for the questions alone
    upkeep_cpu_s: float = 0.0  # … for taking in the stream
    fixes: int = 0
    stalest_ms: int = 0  # the oldest fix at the moment it was taken in

    def cpu_us(self) -> float:
        return self.cpu_s / len(self.calls_ms) * 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every answer was right and none stale."""
    parser = argparse.ArgumentParser(prog="nearest", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="how many couriers, by commas")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each phase; a size has three")
    parser.add_argument("--json", type=Path, help="keep the result here, and a picture beside it")
    options = parser.parse_args(arguments)
    report = Report("nearest", machine())
    right = True
    for size in map(int, options.sizes.split(",")):
        with (
            tempfile.TemporaryDirectory(prefix="songda-bench-") as directory,
            EmbeddedValkey(Path(directory)) as valkey,
        ):
            right &= _measure(size, options.seconds, valkey, report)
    report.finish(options.json)
    return 0 if right else 1


def _measure(size: int, seconds: float, valkey: EmbeddedValkey, report: Report) -> bool:
    name = _short(size)
    unix_socket, redis = unquote(urlsplit(valkey.url).path), Redis.from_url(valkey.url)
    couriers = crowd(size, max(int(seconds * QUESTIONS_PER_S), CHECKED_QUESTIONS))

    index, bytes_each = _filled(couriers)
    stream = PositionStream(unix_socket, couriers, seconds)
    stream_redis_s, ours = _redis_cpu_of(
        redis, lambda: _ask_us(index, couriers, unix_socket, stream, seconds)
    )
    our_redis_us = _redis_cpu_us_each(redis, lambda place: _ask(index, *place), couriers, COUNTED_QUESTIONS)
    wrong = _wrong_answers(index, couriers)
    place_redis_us, place_us = asyncio.run(_place_upkeep_us(valkey.url, couriers, redis))
    redis.flushall()

    for rows in parts(couriers.here):
        _send(unix_socket, geoadd(rows))
    start_m = min(
        STARTING_RADII_M,
        key=lambda radius_m: _redis_cpu_us_each(
            redis, lambda place: _geosearch(redis, *place, radius_m), couriers, TRIED_QUESTIONS
        ),
    )
    geosearch_redis_us = _redis_cpu_us_each(
        redis, lambda place: _geosearch(redis, *place, start_m), couriers, COUNTED_QUESTIONS
    )
    stream = PositionStream(unix_socket, couriers, seconds, as_geoadd=True)
    with stream:
        theirs = _ask_geosearch(redis, couriers, start_m, seconds)
    stream = PositionStream(unix_socket, couriers, seconds / 2, as_geoadd=True)
    geoadd_s, _ = _redis_cpu_of(redis, lambda: _run(stream))
    geoadd_us = geoadd_s / stream.sent.fixes * 1e6

    upkeep_us = ours.upkeep_cpu_s / ours.fixes * 1e6
    columns = ("queries", "p50 ms", "p99 ms", "worst ms", "call p99 ms", "process CPU µs", "Redis CPU µs")
    for label, asked, redis_us in (("index", ours, our_redis_us), ("GEOSEARCH", theirs, geosearch_redis_us)):
        values = (
            len(asked.calls_ms), percentile(asked.latencies_ms, 0.5), percentile(asked.latencies_ms, 0.99),
            max(asked.latencies_ms), percentile(asked.calls_ms, 0.99), asked.cpu_us(), redis_us,
        )  # fmt: skip
        report.row(f"{name} {label}", dict(zip(columns, values, strict=True)))
        report.latencies(f"{name} {label}", asked.latencies_ms)
    report.row(
        f"{name} upkeep",
        {
            "index µs/fix": upkeep_us,
            "Redis delivers µs/fix": stream_redis_s / ours.fixes * 1e6,
            "place: Redis µs/fix": place_redis_us,
            "place: process µs/fix": place_us,
            "GEOADD µs/fix": geoadd_us,
            "stalest ms": ours.stalest_ms,
            "bytes/courier": bytes_each,
            "most in a cell": couriers.most_in_a_cell(),
        },
    )
    report.note(
        f"{name}: {wrong} of {CHECKED_QUESTIONS} answers differ from measuring everybody.  GEOSEARCH starts at "
        f"{start_m:.0f} m.  Redis CPU per query: GEOSEARCH {geosearch_redis_us:.1f} µs, index {our_redis_us:.1f} "
        f"µs, or {stream_redis_s / len(ours.calls_ms) * 1e6:.1f} µs if charged with all the delivering of the stream."
    )
    report.figure(f"nearest_{name}_p50", percentile(ours.latencies_ms, 0.5), "ms")
    report.figure(f"nearest_{name}_p99", percentile(ours.latencies_ms, 0.99), "ms")
    report.figure(f"nearest_{name}_redis_cpu_vs_geosearch", geosearch_redis_us / our_redis_us, "x")
    report.figure(f"nearest_{name}_upkeep_per_fix", upkeep_us, "µs")
    report.figure(f"geosearch_{name}_upkeep_per_fix", geoadd_us, "µs")
    redis.close()
    return wrong == 0 and ours.stalest_ms < STALE_MS


def _short(size: int) -> str:
    for unit, letter in ((1_000_000, "m"), (1_000, "k")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{letter}"
    return str(size)


# --- ours ---


def _filled(couriers: Crowd) -> tuple[NearestIndex, float]:
    """An index that knows everybody, and what it takes of memory for each."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    index = NearestIndex()
    now_ms = SystemClock().now_ms()
    for rows in parts(couriers.here):
        told = rows.copy()
        told["fix_time_ms"] = told["received_at_ms"] = now_ms
        index.update(told)
    gc.collect()
    gc.freeze()  # as the server does once it has loaded: what stays is not looked at again
    return index, (psutil.Process().memory_info().rss - before) / len(couriers)


def _ask_us(
    index: NearestIndex, couriers: Crowd, unix_socket: str, stream: PositionStream, seconds: float
) -> Asked:
    """Take in the stream and answer the questions, one thing after the other, as the server's loop does."""
    asked = Asked()
    waiting: deque[bytes] = deque()
    reader = hiredis.Reader()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(unix_socket)
        connection.sendall(command((b"SSUBSCRIBE", *(channel_name(n).encode() for n in range(PARTITIONS)))))
        with stream:
            started_s = time.perf_counter()
            for number in range(int(seconds * QUESTIONS_PER_S)):
                due_s = started_s + number / QUESTIONS_PER_S
                was_busy = _take_in_until(due_s, index, connection, reader, waiting, asked)
                cpu_s, called_s = time.thread_time(), time.perf_counter()
                _ask(index, float(couriers.asked_lat[number]), float(couriers.asked_lng[number]))
                done_s = time.perf_counter()
                asked.cpu_s += time.thread_time() - cpu_s
                asked.latencies_ms.append((done_s - (due_s if was_busy else called_s)) * 1e3)
                asked.calls_ms.append((done_s - called_s) * 1e3)
    return asked


def _take_in_until(
    due_s: float,
    index: NearestIndex,
    connection: socket.socket,
    reader: hiredis.Reader,
    waiting: deque[bytes],
    asked: Asked,
) -> bool:
    """Take in one message after the other; whether that still went on when `due_s` came."""
    was_busy = True
    while (left_s := due_s - time.perf_counter()) > 0:
        was_busy = bool(waiting or select.select([connection], [], [], left_s)[0])
        if was_busy:
            cpu_s = time.thread_time()
            _take_in(index, connection, reader, waiting, asked)
            asked.upkeep_cpu_s += time.thread_time() - cpu_s
    return was_busy


def _ask(index: NearestIndex, lat: float, lng: float) -> list[Neighbour]:
    return index.nearest(
        lat, lng, K, max_radius_m=MAX_RADIUS_M, now_ms=SystemClock().now_ms(), gone_after_ms=GONE_AFTER_MS
    )


def _take_in(
    index: NearestIndex,
    connection: socket.socket,
    reader: hiredis.Reader,
    waiting: deque[bytes],
    asked: Asked,
) -> None:
    """One message of the stream."""
    if not waiting:
        reader.feed(connection.recv(1 << 16))
        while (push := reader.gets()) is not False:
            if push[0] == b"smessage":
                waiting.append(push[2])
    if waiting and (message := read_message(waiting.popleft())) is not None:
        batch = read_batch(message.body)
        index.update(batch)
        asked.fixes += len(batch)
        asked.stalest_ms = max(asked.stalest_ms, SystemClock().now_ms() - message.published_at_ms)


def _wrong_answers(index: NearestIndex, couriers: Crowd) -> int:
    """How many of a sample of questions the index answers otherwise than by measuring everybody."""
    told = couriers.here.copy()
    told["fix_time_ms"] = told["received_at_ms"] = SystemClock().now_ms() + 1
    index.update(told)
    lat, lng = told["lat_e7"] / DEGREES_TO_INT, told["lng_e7"] / DEGREES_TO_INT
    everybody = unit_vectors(lat, lng)
    wrong = 0
    for number in range(CHECKED_QUESTIONS):
        place = float(couriers.asked_lat[number]), float(couriers.asked_lng[number])
        apart = everybody - unit_vector(*place)
        chords = np.sort(np.einsum("ij,ij->i", apart, apart))[:K]
        expected_m = [there_m for there_m in map(metres_of_chord, chords.tolist()) if there_m <= MAX_RADIUS_M]
        found = _ask(index, *place)
        claimed_m = [neighbour.distance_m for neighbour in found]
        measured_m = [distance_m(*place, neighbour.lat, neighbour.lng) for neighbour in found]
        right = len(found) == len(expected_m)
        wrong += not (right and np.allclose(claimed_m, expected_m) and np.allclose(measured_m, expected_m))
    return wrong


async def _place_upkeep_us(url: str, couriers: Crowd, redis: Redis) -> tuple[float, float]:
    """CPU a fix costs in the shared truth: Redis's, and the placing process's, microseconds each."""
    client = await open_redis(url)
    shared = CourierIndex(client, partitions=PARTITIONS)
    ticks = []
    for rows in (couriers.here, couriers.there):
        packed = rows[:PLACED_SAMPLE].tobytes()
        positions = [unpack(packed, offset) for offset in range(0, len(packed), POSITION_SIZE)]
        ticks.append([positions[n : n + PLACED_AT_ONCE] for n in range(0, len(positions), PLACED_AT_ONCE)])
    for positions in ticks[0]:
        await shared.place(positions)
    redis_s, cpu_s = _redis_cpu_s(redis), time.thread_time()
    for positions in ticks[1]:
        await shared.place(positions)
    fixes = sum(map(len, ticks[1]))
    spent_us = (time.thread_time() - cpu_s) / fixes * 1e6
    redis_us = (_redis_cpu_s(redis) - redis_s) / fixes * 1e6
    await client.aclose()
    return redis_us, spent_us


# --- GEOSEARCH ---


def _ask_geosearch(redis: Redis, couriers: Crowd, start_m: float, seconds: float) -> Asked:
    """The same questions; one that is late is asked at once, and its wait is not counted."""
    asked = Asked()
    started_s = time.perf_counter()
    for number in range(int(seconds * QUESTIONS_PER_S)):
        due_s = started_s + number / QUESTIONS_PER_S
        if (left_s := due_s - time.perf_counter()) > 0:
            time.sleep(left_s)
        elif time.perf_counter() - started_s > seconds:
            break  # it cannot keep up; so many answers must do
        cpu_s, called_s = time.thread_time(), time.perf_counter()
        _geosearch(redis, float(couriers.asked_lat[number]), float(couriers.asked_lng[number]), start_m)
        asked.calls_ms.append((time.perf_counter() - called_s) * 1e3)
        asked.cpu_s += time.thread_time() - cpu_s
    asked.latencies_ms = asked.calls_ms
    return asked


def _geosearch(redis: Redis, lat: float, lng: float, start_m: float) -> Sequence[object]:
    """The K nearest; the radius doubles until they are found or it is MAX_RADIUS_M."""
    radius_m = start_m
    while True:
        found: Sequence[object] = redis.geosearch(
            GEO_KEY,
            longitude=lng,
            latitude=lat,
            radius=radius_m,
            unit="m",
            sort="ASC",
            count=K,
            withdist=True,
        )
        if len(found) >= K or radius_m >= MAX_RADIUS_M:
            return found
        radius_m = min(2 * radius_m, MAX_RADIUS_M)


# --- CPU of Redis ---


def _redis_cpu_us_each(
    redis: Redis, ask: Callable[[tuple[float, float]], object], couriers: Crowd, questions: int
) -> float:
    """CPU of Redis for each of these questions, microseconds; FLOOR_US at least."""

    def ask_all() -> int:
        places = list(zip(couriers.asked_lat.tolist(), couriers.asked_lng.tolist(), strict=True))[:questions]
        for place in places:
            ask(place)
        return len(places)

    redis_s, asked = _redis_cpu_of(redis, ask_all)
    return max(redis_s / asked * 1e6, FLOOR_US)


def _redis_cpu_of(redis: Redis, act: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds Redis uses while we `act`, and what comes of it."""
    before = _redis_cpu_s(redis)
    result = act()
    return _redis_cpu_s(redis) - before, result


def _run(stream: PositionStream) -> None:
    with stream:
        pass


def _redis_cpu_s(redis: Redis) -> float:
    """CPU seconds the Redis process has used, in the kernel too."""
    usage = redis.info("cpu")
    return float(usage["used_cpu_user"]) + float(usage["used_cpu_sys"])


def _send(unix_socket: str, packed: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(unix_socket)
        connection.sendall(packed)
        connection.recv(64)


if __name__ == "__main__":
    sys.exit(main())
