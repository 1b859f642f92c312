"""What a server said before it gave up, as one sentence."""

import os
import subprocess
from pathlib import Path

import pytest

from server.storage.child import environment, explain_failure, is_living


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "2026-11-23 13:01:02.123 UTC [7] LOG:  starting PostgreSQL 18.6\n"
            '2026-11-23 13:01:02.130 UTC [7] FATAL:  lock file "postmaster.pid" already exists\n'
            "2026-11-23 13:01:02.130 UTC [7] LOG:  database system is shut down\n",
            'lock file "postmaster.pid" already exists.',
        ),
        (
            "8:M 23 Nov 2026 13:35:28.636 * Server initialized\n"
            "8:M 23 Nov 2026 13:35:28.636 # Invalid AOF manifest file format\n\n",
            "Invalid AOF manifest file format.",
        ),
        ("initdb: error: could not look up effective user ID 12345: user does not exist\n", None),
        ("a last word", "a last word."),
        ("", "it ended without a word."),
    ],
)
def test_the_reason_is_told_without_what_stands_around_it(
    output: str, sentence: str | None, tmp_path: Path
) -> None:
    expected = sentence or "could not look up effective user ID 12345: user does not exist."
    assert explain_failure(output, tmp_path) == expected


@pytest.mark.parametrize("words", ["No space left on device", "Disk quota exceeded", "File too large"])
def test_a_full_disk_is_called_so_whatever_came_after(words: str, tmp_path: Path) -> None:
    output = f'PANIC:  could not write to file "pg_wal/xlogtemp.7": {words}\nFATAL:  something else\n'
    assert explain_failure(output, tmp_path) == f"the disk of {tmp_path} takes no more ({words})."


def test_a_zombie_and_another_program_are_not_the_server() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        assert is_living(sleeper.pid, "sleep")
        assert not is_living(sleeper.pid, "postgres")
        sleeper.kill()
        os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
        assert not is_living(sleeper.pid, "sleep")
    assert not is_living(sleeper.pid, "sleep")


def test_the_servers_do_not_see_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGDA_SECRET", "hush")
    monkeypatch.setenv("PGOPTIONS", "-c fsync=off")
    assert set(environment()) == {"PATH", "LC_ALL", "TZ"}
