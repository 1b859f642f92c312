"""A process of its own that sends a crowd's fixes to Redis on schedule: as our packed messages, or as GEOADD.

It stands for all the other server processes.  Every courier is told once every four seconds, in messages of
one tick and partition each, as dispatch/tracking.py publishes them.  Answers are thrown away unread.
"""

import multiprocessing
import socket
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from types import TracebackType
from typing import NamedTuple

from load_tests.crowd import Batch, Crowd
from server.clock import SystemClock
from server.geo.position import DEGREES_TO_INT, POSITION_SIZE
from server.geo.position_messages import Kind, channel_name, pack_message

CYCLE_S = 4.0  # a fix per courier each four seconds
TICK_S = 0.010  # settings.place_tick_ms
PARTITIONS = 4  # settings.position_partitions
MESSAGES_A_CYCLE = int(CYCLE_S / TICK_S) * PARTITIONS
GEO_KEY = b"couriers"
READ_BYTES = 1 << 20


class Sent(NamedTuple):
    """What the stream did."""

    fixes: int
    latest_s: float  # how far behind its schedule a tick was sent at worst


class PositionStream:
    """Sends from `with` until its end; `sent` is known afterwards."""

    def __init__(self, unix_socket: str, crowd: Crowd, seconds: float, *, as_geoadd: bool = False) -> None:
        context = multiprocessing.get_context("fork")  # the crowd is shared, not copied
        self._answer, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_send_all, args=(unix_socket, crowd, seconds, as_geoadd, theirs)
        )
        self.sent = Sent(0, 0.0)

    def __enter__(self) -> "PositionStream":
        self._process.start()
        self._answer.recv()  # connected, about to send
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.sent = self._answer.recv()
        else:
            self._process.kill()
        self._process.join()


def parts(rows: Batch) -> Iterator[Batch]:
    """A cycle's rows, cut into its messages; none of them is empty."""
    count = min(MESSAGES_A_CYCLE, len(rows))
    for number in range(count):
        yield rows[number * len(rows) // count : (number + 1) * len(rows) // count]


def geoadd(rows: Batch) -> bytes:
    """One GEOADD command for all these rows."""
    ids, data = rows.tobytes(), [b"GEOADD", GEO_KEY]
    for number, (lng_e7, lat_e7) in enumerate(
        zip(rows["lng_e7"].tolist(), rows["lat_e7"].tolist(), strict=True)
    ):
        data += (
            b"%.7f" % (lng_e7 / DEGREES_TO_INT),
            b"%.7f" % (lat_e7 / DEGREES_TO_INT),
            ids[number * POSITION_SIZE : number * POSITION_SIZE + 16],
        )
    return command(data)


def command(words: Iterable[bytes]) -> bytes:
    """A command as Redis reads it."""
    words = list(words)
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%s\r\n" % (len(word), word) for word in words])


def _publish(rows: Batch, number: int) -> bytes:
    """The SPUBLISH of these couriers as they are now."""
    now_ms = SystemClock().now_ms()
    rows = rows.copy()
    rows["fix_time_ms"] = rows["received_at_ms"] = now_ms
    message = pack_message(Kind.POSITIONS, rows.tobytes(), now_ms=now_ms)
    return command((b"SPUBLISH", channel_name(number % PARTITIONS).encode(), message))


def _send_all(unix_socket: str, crowd: Crowd, seconds: float, as_geoadd: bool, answer: Connection) -> None:
    cycles = [list(parts(rows)) for rows in (crowd.there, crowd.here)]
    ready = [[geoadd(rows) for rows in cycle] for cycle in cycles] if as_geoadd else None
    interval_s = CYCLE_S / len(cycles[0])
    fixes, latest_s = 0, 0.0
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(unix_socket)
        answer.send("ready")
        started_s = time.monotonic()
        for number in range(int(seconds / interval_s)):
            due_s = started_s + number * interval_s // TICK_S * TICK_S
            if due_s > (now_s := time.monotonic()):
                time.sleep(due_s - now_s)
            turn, place = divmod(number, len(cycles[0]))
            rows = cycles[turn % 2][place]
            connection.sendall(_publish(rows, number) if ready is None else ready[turn % 2][place])
            latest_s = max(latest_s, time.monotonic() - due_s)
            fixes += len(rows)
            _throw_answers_away(connection)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(READ_BYTES):  # until Redis has done it all and hangs up
            pass
    answer.send(Sent(fixes, latest_s))


def _throw_answers_away(connection: socket.socket) -> None:
    connection.setblocking(False)
    try:
        connection.recv(READ_BYTES)
    except BlockingIOError:
        pass
    finally:
        connection.setblocking(True)
