import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from load_tests.report import Report, at_share, readable


def a_report() -> Report:
    report = Report("demo", "a machine & more")
    report.row("ours", {"p50 ms": 0.1234, "queries": 100_000})
    report.row("theirs", {"p50 ms": 12.0, "queries": 7})
    report.latencies("ours <fast>", [0.1, 0.2, 0.3, 5.0])
    report.note("A sentence.")
    report.figure("demo_p50", 0.1234, "ms")
    report.figure("demo_ratio", 41.7, "x")
    return report


def test_the_last_lines_are_the_figures_and_nothing_follows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a_report().finish(tmp_path / "demo.json")
    assert capsys.readouterr().out.splitlines()[-2:] == ["demo_p50: 0.123 ms", "demo_ratio: 41.7 x"]


def test_a_table_has_its_headings_above_aligned_columns(capsys: pytest.CaptureFixture[str]) -> None:
    a_report().finish()
    lines = capsys.readouterr().out.splitlines()
    assert lines[3:6] == [
        "        p50 ms  queries",
        "ours     0.123   100000",
        "theirs      12        7",
    ]


def test_what_is_kept_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "results" / "demo.json"
    a_report().finish(path)
    kept = json.loads(path.read_text("utf-8"))
    assert kept["figures"]["demo_p50"] == {"value": 0.1234, "unit": "ms"}
    assert kept["latencies_ms"]["ours <fast>"]["p50"] == 0.2
    assert ET.fromstring(path.with_suffix(".svg").read_text("utf-8")).tag.endswith("svg")


@pytest.mark.parametrize(("share", "expected"), [(0.01, 1), (0.5, 2), (0.75, 3), (0.99, 4), (1.0, 4)])
def test_the_value_that_a_share_does_not_exceed(share: float, expected: float) -> None:
    assert at_share([1, 2, 3, 4], share) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.00012345, "0.000123"),
        (1.0, "1"),
        (99.95, "100"),
        (123.4, "123"),
        (float("nan"), "nan"),
        ("as is", "as is"),
    ],
)
def test_readable(value: float | str, expected: str) -> None:
    assert readable(value) == expected
