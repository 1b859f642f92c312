"""What keeps a server from starting is one sentence and a non-zero exit; never a traceback."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.started import ROOT, StartedServer


def refusal(environment: dict[str, str]) -> str:
    """The one sentence of a `serve` that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "server", "serve"],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    *progress, last = done.stderr.splitlines()
    assert all(re.fullmatch(r"(Starting|Preparing) .* … (\d+\.\d s|failed)", line) for line in progress), (
        done.stderr
    )
    return last


def test_a_port_in_use(server: StartedServer, tmp_path: Path) -> None:
    said = refusal({"SONGDA_PORT": str(server.port), "SONGDA_DATA": str(tmp_path)})
    assert said.startswith(f"songda: Port {server.port} on 127.0.0.1 is in use by another program;")


def test_a_second_instance_on_the_same_data(server: StartedServer) -> None:
    assert server.process is not None
    said = refusal({"SONGDA_PORT": str(free_port()), "SONGDA_DATA": str(server.data_dir)})
    assert said == f"songda: Songda already runs on {server.data_dir} (process {server.process.pid})."


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SONGDA_PORT", "abc", "SONGDA_PORT must be a number"),
        ("SONGDA_DATA", "/dev/null/songda", "The data directory /dev/null/songda cannot be made"),
        ("REDIS_URL", "hello", "REDIS_URL is not a Redis address"),
    ],
)
def test_a_setting_that_cannot_be(tmp_path: Path, name: str, value: str, said: str) -> None:
    usual = {
        "SONGDA_PORT": str(free_port()),
        "SONGDA_DATA": str(tmp_path),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
    }
    assert refusal(usual | {name: value}).startswith(f"songda: {said}")


def test_ctrl_c_during_the_imports_is_an_end_without_a_word() -> None:
    """The interpreter says when it imports the first of the command's own modules: then it is our turn."""
    process = subprocess.Popen(
        [sys.executable, "-v", "-m", "server", "serve"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "server.commands" in line:
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in said
