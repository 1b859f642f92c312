"""What another user can reach, by the modes of all directories on the way."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.storage.child import RunAs
from server.storage.reach import can_reach

STRANGER = RunAs("stranger", 54_321, 54_321)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A program in directories that everybody may pass through."""
    with tempfile.TemporaryDirectory(dir="/tmp") as outer:
        program = Path(outer, "inner", "program")
        program.parent.mkdir()
        program.write_text("")
        for path in (program, *program.parents[:2]):
            path.chmod(0o755)
        yield program


def test_open_all_the_way_is_reachable(open_path: Path) -> None:
    assert can_reach(STRANGER, open_path)


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_one_closed_door_is_enough(open_path: Path, closed: int) -> None:
    [open_path, *open_path.parents][closed].chmod(0o700)
    assert not can_reach(STRANGER, open_path)


def test_the_owner_s_and_the_group_s_rights_count_for_them(open_path: Path) -> None:
    status = open_path.stat()
    open_path.chmod(0o050)
    assert can_reach(RunAs("colleague", 54_321, status.st_gid), open_path)
    assert not can_reach(STRANGER, open_path)
