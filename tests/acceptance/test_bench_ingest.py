"""The bench itself runs: two processes, every fix seen and stored, its figures printed for a script."""

import json
import subprocess
import sys
from pathlib import Path


def test_a_small_run_keeps_every_fix_and_prints_its_figures(tmp_path: Path) -> None:
    options = ["--couriers", "10", "--seconds", "1", "--json", str(tmp_path / "ingest.json")]
    run = subprocess.run(
        [sys.executable, "-m", "load_tests.ingest", *options],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    names = [line.split(":")[0] for line in run.stdout.splitlines()[-6:]]
    assert names == [
        "ingest_kept_per_s",
        "ingest_p50",
        "ingest_p99",
        "ingest_cpu_per_fix",
        "ingest_floor_cpu_per_fix",
        "ingest_rss_per_socket",
    ]
    figures = json.loads((tmp_path / "ingest.json").read_text("utf-8"))["figures"]
    assert figures["ingest_kept_per_s"]["value"] == 10
