"""The bench itself runs: against a real Valkey, its answers right, its figures printed for a script."""

import json
import subprocess
import sys
from pathlib import Path


def test_a_small_run_finds_every_answer_right_and_prints_its_figures(tmp_path: Path) -> None:
    options = ["--sizes", "1000", "--seconds", "0.3", "--json", str(tmp_path / "nearest.json")]
    run = subprocess.run(
        [sys.executable, "-m", "load_tests.nearest", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    names = [line.split(":")[0] for line in run.stdout.splitlines()[-5:]]
    assert names == [
        "nearest_1k_p50",
        "nearest_1k_p99",
        "nearest_1k_redis_cpu_vs_geosearch",
        "nearest_1k_upkeep_per_fix",
        "geosearch_1k_upkeep_per_fix",
    ]
    figures = json.loads((tmp_path / "nearest.json").read_text("utf-8"))["figures"]
    assert all(figure["value"] > 0 for figure in figures.values())
