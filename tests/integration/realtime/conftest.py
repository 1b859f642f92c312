"""The town of the tests here, on real servers."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from server.storage.unit_of_work import Storage
from tests.fakes import ManualClock
from tests.integration.people import Town, a_town


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of production: when it writes, and when it says that it is blocked, is what is tested here."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def town(storage: Storage, clock: ManualClock) -> Town:
    """One merchant, one customer, one dispatcher."""
    return await a_town(storage, clock)
