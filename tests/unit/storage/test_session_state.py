"""Connections go back to the pool as they are, so no statement of ours may leave anything in its session."""

import re
from pathlib import Path

import pytest

import server

# What outlives a transaction, as SQL says it.  Migrations have connections of their own.
LASTING = re.compile(
    r"\"\s*(?:SET\s+(?!LOCAL\b)\w+\s*(?:=|TO\b)|LISTEN\s+\w|PREPARE\s|DISCARD\s|CREATE\s+TEMP)"
    r"|pg_(?:try_)?advisory_lock|\bWITH\s+HOLD\b|set_config\([^)]*false\)|add_listener\("
)
SOURCES = sorted(
    path for path in Path(server.__file__).parent.rglob("*.py") if "migrations" not in path.parts
)


@pytest.mark.parametrize(
    "statement",
    ['"SET statement_timeout = 0"', '"LISTEN hints"', "pg_advisory_lock(1)", "set_config('a', 'b', false)"],
)
def test_what_would_stay_is_recognised(statement: str) -> None:
    assert LASTING.search(statement)


def test_no_statement_leaves_anything_in_its_session() -> None:
    assert [path.name for path in SOURCES if LASTING.search(path.read_text())] == []
