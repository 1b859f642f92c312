"""How long is long, and servers for it.  `SONGDA_LONG_SCALE=0.1 ./dev test --long` takes a tenth of it."""

import asyncio
import faulthandler
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of production, for the parts that run in a test's own."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def scale() -> float:
    """What the usual seconds, rounds and examples are multiplied by."""
    return float(os.environ.get("SONGDA_LONG_SCALE", "1"))


@pytest.fixture(autouse=True)
def _long_is_no_hang() -> None:
    """pytest.ini's time-out is for tests that should be short."""
    faulthandler.cancel_dump_traceback_later()


def resident_kib(pids: list[int]) -> int:
    """Memory of these processes together, in KiB."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KIB for pid in pids)
