"""The demo city for ten minutes: it lives, nothing unexpected is logged, and the workers do not grow."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.long.conftest import resident_kib
from tests.ports import free_port
from tests.started import ROOT

pytestmark = pytest.mark.long

SECONDS = 600.0
WARM_UP_SHARE = 0.4  # caches, and the couriers of a first round
MAY_GROW_SHARE = 0.05


def test_a_city_of_a_hundred_couriers_keeps_its_size(tmp_path: Path, scale: float) -> None:
    environment = os.environ | {"SONGDA_DATA": str(tmp_path), "SONGDA_PORT": str(free_port())}
    command = [sys.executable, "-m", "server", "demo", "--workers", "2", "--couriers", "100", "--speed", "4"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as city:
        lines: list[str] = []
        opened = threading.Event()

        def read() -> None:
            assert city.stdout is not None
            for line in city.stdout:
                lines.append(line)
                if "Ctrl-C stops everything" in line:
                    opened.set()

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        try:
            assert opened.wait(60), "".join(lines)
            listed = Path(f"/proc/{city.pid}/task/{city.pid}/children").read_text().split()
            workers = [int(pid) for pid in listed if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            reading.join(SECONDS * scale * WARM_UP_SHARE)
            before_kib = resident_kib(workers)
            reading.join(SECONDS * scale * (1 - WARM_UP_SHARE))
            after_kib = resident_kib(workers)  # raises when one of them has died
        finally:
            city.send_signal(signal.SIGINT)
            code = city.wait(30)
    said = "".join(lines)
    *_, (delivered, stored) = re.findall(r"([\d,]+) delivered, .* ([\d,]+) stored", said)
    print(f"{delivered} delivered, {stored} fixes stored; workers {before_kib} KiB, then {after_kib} KiB")
    assert code == 0
    assert "Traceback" not in said, said
    assert '"level": "error"' not in said, said
    assert stored != "0"
    assert after_kib < before_kib * (1 + MAY_GROW_SHARE), f"from {before_kib} to {after_kib} KiB"
