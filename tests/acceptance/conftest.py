"""Started servers for all acceptance tests of a test process; tests make their own people, merchants and orders."""

from collections.abc import Iterator

import pytest

from tests.acceptance.houses import House, Platform, platform
from tests.started import StartedServer, started_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """Two server processes on embedded PostgreSQL and Valkey."""
    with started_server(tmp_path_factory.mktemp("songda"), workers=2) as started:
        yield started


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Another one next to a bank, for the workflow."""
    with platform(tmp_path_factory.mktemp("town")) as started:
        yield started


@pytest.fixture
def house(town: Platform) -> House:
    """A merchant with its people and a customer, in a city of their own."""
    return House(town)


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Another platform, whose clocks do not wait long for anybody."""
    waits = {
        "accept_within_s": "3", "take_within_s": "2", "ready_grace_s": "1", "pickup_within_s": "1",
        "receipt_remind_s": "1", "receipt_within_s": "2", "checkout_lapses_after_s": "2", "archive_after_s": "1",
        "max_speed_mps": "100000",
    }  # fmt: skip
    with platform(tmp_path_factory.mktemp("hasty"), workers=1, **waits) as started:
        yield started
