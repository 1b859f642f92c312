"""What every scenario measures with: percentiles, CPU of groups of processes, memory, and an open-loop schedule."""

import asyncio
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie; nan for none."""
    array = np.fromiter(values, dtype=np.float64)
    return float(np.quantile(array, share)) if array.size else float("nan")


@dataclass(frozen=True)
class Usage:
    """CPU seconds used and resident bytes, of one group of processes at one moment."""

    cpu_s: float
    rss_bytes: int

    def since(self, earlier: "Usage") -> float:
        """CPU seconds used since `earlier`."""
        return self.cpu_s - earlier.cpu_s


class ProcessGroups:
    """The processes below this one, grouped by what they are; finds new ones (PostgreSQL's backends) at every look.

    A process that ended between two looks keeps its last reading, so that a sum never falls.
    """

    def __init__(self) -> None:
        self._me = psutil.Process()
        self._last: dict[tuple[str, int], Usage] = {}

    def look(self) -> dict[str, Usage]:
        """Usage by group: `generator` (this process), `server`, `redis`, `postgresql`."""
        for process in [self._me, *self._me.children(recursive=True)]:
            try:
                group = "generator" if process.pid == self._me.pid else _group_of(process)
                times = process.cpu_times()
                usage = Usage(times.user + times.system, process.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
            self._last[group, process.pid] = usage
        groups: dict[str, Usage] = {}
        for (group, _), usage in self._last.items():
            total = groups.get(group, Usage(0.0, 0))
            groups[group] = Usage(total.cpu_s + usage.cpu_s, total.rss_bytes + usage.rss_bytes)
        return groups


def _group_of(process: psutil.Process) -> str:
    name = process.name()
    if "postgres" in name:
        return "postgresql"
    if "valkey" in name or "redis" in name:
        return "redis"
    command = process.cmdline()
    if "load_tests.relay" in command:
        return "floor"
    return "server" if "worker" in command else "other"


async def at_scheduled_moments(
    send: Callable[[int, float], None], *, per_s: float, duration_s: float, slice_s: float = 0.002
) -> float:
    """Call `send(number, scheduled_s)` `per_s` times a second for `duration_s`, whatever the calls do to us.

    Returns the seconds it took: `duration_s`, or more if the calls did not keep up with the schedule.

    `scheduled_s` is on `time.monotonic`'s scale.  A generator that stalls sends late but counts from the schedule.
    """
    started_s = time.monotonic()
    number, total, took_s = 0, int(per_s * duration_s), 0.0
    while number < total:
        due = min(total, int((time.monotonic() - started_s) * per_s) + 1)
        while number < due:
            send(number, started_s + number / per_s)
            number += 1
        took_s = time.monotonic() - slice_s - started_s  # what is late by a slice kept up
        await asyncio.sleep(slice_s)
    return max(duration_s, took_s)


def machine() -> str:
    """One line that says where the figures come from."""
    processor = next(
        (line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")),
        platform.machine(),
    )
    memory_gib = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores ({processor}), {memory_gib:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
