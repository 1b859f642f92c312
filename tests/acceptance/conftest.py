"""One started server for all acceptance tests of a test process; tests make their own people, merchants and orders."""

from collections.abc import Iterator

import pytest

from tests.started import StartedServer, started_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedServer]:
    """Two server processes on embedded PostgreSQL and Valkey."""
    with started_server(tmp_path_factory.mktemp("songda"), workers=2) as started:
        yield started
