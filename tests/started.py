"""A started Songda: real processes, reached as its users reach it.  For the acceptance and browser tests."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

from tests.conformance import hear
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN_S = 60
MARKET_SQUARE = (60.1675, 24.9525)


@dataclass(frozen=True)
class Person:
    """An account made for a test, signed in."""

    id: str
    role: str
    login: str
    password: str
    device_key: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class StartedServer:
    """`python -m server serve` on a data directory of its own; log lines are kept in `lines`."""

    data_dir: Path
    port: int
    workers: int = 1
    extra: dict[str, str] = field(default_factory=dict)
    administrator: Person | None = None
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "SONGDA_DATA": str(self.data_dir),
            "SONGDA_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "SONGDA_WORKERS": str(self.workers),
            **self.extra,
        }

    def start(self) -> Self:
        """Start and wait until it listens; AssertionError with its words when it does not."""
        listens = threading.Event()  # of this start: the reader of the one before may still have to end
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve"],
            env=self.environment,
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._read, args=(self.process, listens), daemon=True).start()
        assert listens.wait(START_WITHIN_S), "did not start:\n" + "".join(self.lines)
        assert self.process.poll() is None, "ended while starting:\n" + "".join(self.lines)
        return self

    def stop(self) -> int:
        """SIGTERM, as an operator would; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """kill -9 of everything we started, as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)

    def worker_pids(self) -> list[int]:
        """The server processes, without the supervisor."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def kill_worker(self, number: int = 0) -> None:
        os.kill(self.worker_pids()[number], signal.SIGKILL)

    def call(self, method: str, path: str, *, by: Person | None = None, **options: Any) -> Any:
        """One REST call that must succeed; its JSON."""
        response = self.request(method, path, by=by, **options)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def request(self, method: str, path: str, *, by: Person | None = None, **options: Any) -> httpx.Response:
        """One REST call, whatever comes back; commands get an idempotency key of their own."""
        headers = {**(by.headers if by else {}), **options.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", uuid4().hex)
        response = httpx.request(method, self.url + path, headers=headers, timeout=20, **options)
        hear(response)
        return response

    def person(self, role: str, *, merchant_id: str | None = None, password: str | None = None) -> Person:
        """A new account of `role` with a device key, signed in."""
        login = f"{role}-{uuid4().hex[:12]}"
        body = {
            "role": role,
            "login": login,
            "display_name": login.title(),
            "merchant_id": merchant_id,
            "password": password,
        }
        made = self.call(
            "POST",
            "/api/v1/accounts",
            by=self.administrator,
            json={name: value for name, value in body.items() if value is not None},
        )
        key = self.call(
            "POST",
            f"/api/v1/accounts/{made['id']}/device-keys",
            by=self.administrator,
            json={"label": "test"},
        )
        token = self.call("POST", "/api/v1/sessions", json={"device_key": key["device_key"]})["token"]
        return Person(made["id"], role, login, password or "", key["device_key"], token)

    def merchant(self, *, lat: float = MARKET_SQUARE[0], lng: float = MARKET_SQUARE[1]) -> dict[str, Any]:
        """A new merchant with one dish on the menu."""
        made = self.call(
            "POST",
            "/api/v1/merchants",
            by=self.administrator,
            json={
                "name": "Market Kitchen",
                "address": "Kauppatori 1",
                "lat": lat,
                "lng": lng,
                "preparation_s": 600,
                "pickup_code_required": False,
                "dropoff_proof_required": False,
                "menu": [{"name": "Salmon soup", "price_minor": 1290}],
            },
        )
        return dict(self.call("GET", f"/api/v1/merchants/{made['id']}", by=self.administrator))

    def place_order(self, customer: Person, merchant: dict[str, Any]) -> dict[str, Any]:
        """An order of one dish, to a door a kilometre away."""
        return dict(
            self.call(
                "POST",
                "/api/v1/orders",
                by=customer,
                json={
                    "merchant_id": merchant["id"],
                    "items": [{"item_id": merchant["menu"][0]["id"], "quantity": 1}],
                    "contact": {
                        "name": "Aino",
                        "phone": "+358401234567",
                        "address": "Katajanokka 5",
                        "lat": merchant["lat"] + 0.009,
                        "lng": merchant["lng"],
                    },
                },
            )
        )

    def _read(self, process: "subprocess.Popen[str]", listens: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line)
            if "Songda listens on" in line:
                listens.set()
        listens.set()


@contextlib.contextmanager
def started_server(data_dir: Path, *, workers: int = 1, **extra: str) -> Iterator[StartedServer]:
    """A server with an administrator signed in, stopped at the end."""
    server = StartedServer(data_dir, free_port(), workers, extra)
    password = make_administrator(server, "chief")
    server.start()
    try:
        said = server.call("POST", "/api/v1/sessions", json={"login": "chief", "password": password})
        server.administrator = Person(
            said["account"]["id"], "administrator", "chief", password, "", said["token"]
        )
        yield server
    finally:
        server.stop()


def make_administrator(server: StartedServer, login: str) -> str:
    """Run `python -m server administrator`; the password it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "server", "administrator", login],
        env=server.environment,
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=START_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^password:\s+(\S+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return found.group(1)
