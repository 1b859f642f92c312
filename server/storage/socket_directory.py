"""Where the embedded servers' unix sockets lie: a short path, since the kernel takes about 100 bytes.

The name is worked out from the data directory, so that a later start finds the same place.  Others on the
machine may look up names in it but not write, and each server's own directory inside is closed to them.
"""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from server.errors import StartupError
from server.storage.child import RunAs
from server.storage.locks import prepare_directory

MAX_SOCKET_PATH_BYTES = 100  # sun_path holds 104 to 108 bytes, with the closing zero
_SHORT = Path("/tmp")  # noqa: S108  _check_ours looks whose directory it is


def socket_directory(data_dir: Path) -> Path:
    """The usual place for the sockets of the servers on `data_dir`."""
    name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
    # /tmp before TMPDIR: that one is often long (macOS) or below a directory that only we may enter (pytest).
    parent = _SHORT if os.access(_SHORT, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    return parent / f"songda-{os.geteuid()}-{name}"


def prepare_socket(run_dir: Path, server: str, file_name: str, run_as: RunAs) -> Path:
    """The socket path `run_dir/server/file_name` in a directory that only `run_as` (and we) may use.

    StartupError when the path is too long, or when somebody else made the directory before us.
    """
    path = run_dir / server / file_name
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise StartupError(
            f"The socket path {path} is longer than {MAX_SOCKET_PATH_BYTES} bytes, "
            "which some systems do not take: choose a shorter directory."
        )
    # A server that runs as another user must be able to pass through to its own directory.
    prepare_directory(run_dir, 0o700 if run_as.uid == os.geteuid() else 0o711)
    _check_ours(run_dir)
    if run_as.uid != os.geteuid():
        run_dir.chmod(0o711)
    prepare_directory(path.parent, 0o700)
    if os.geteuid() == 0:
        os.chown(path.parent, run_as.uid, run_as.gid, follow_symlinks=False)
    return path


def _check_ours(run_dir: Path) -> None:
    """In /tmp anybody may make a directory with the name that we would take."""
    status = run_dir.lstat()
    writable_by_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or writable_by_others:
        raise StartupError(f"{run_dir} is not a directory of ours alone: remove it.")
