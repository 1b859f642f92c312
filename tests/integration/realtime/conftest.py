"""The town of the tests here, on real servers."""

import pytest

from server.storage.unit_of_work import Storage
from tests.fakes import ManualClock
from tests.integration.people import Town, a_town


@pytest.fixture
async def town(storage: Storage, clock: ManualClock) -> Town:
    """One merchant, one customer, one dispatcher."""
    return await a_town(storage, clock)
