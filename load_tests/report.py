"""What a bench hands back: a table to read, a JSON file to keep, a picture, and last the lines a script
reads.

The last lines are `name: value unit`, one figure each, and nothing follows them.  The picture
(load_tests/picture.py) is an SVG beside the JSON file.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from load_tests.picture import Curve, percentile_picture

Value = float | int | str

# Where a latency curve is read off; the last is its worst.
SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1.0)


@dataclass(frozen=True)
class Figure:
    """One number that a script reads."""

    name: str
    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.name}: {readable(self.value)} {self.unit}"


class Report:
    """Collects while a bench runs; `finish` prints and writes it all."""

    def __init__(self, name: str, machine: str) -> None:
        """`machine`: one line that says where the figures come from (load_tests.measure.machine)."""
        self.name = name
        self.machine = machine
        self._rows: list[tuple[str, Mapping[str, Value]]] = []
        self._notes: list[str] = []
        self._figures: list[Figure] = []
        self._curves: list[Curve] = []

    def row(self, label: str, values: Mapping[str, Value]) -> None:
        """A line of the table; neighbours with the same columns stand under one heading."""
        self._rows.append((label, values))

    def note(self, text: str) -> None:
        """A sentence below the table: how a figure came about."""
        self._notes.append(text)

    def figure(self, name: str, value: float, unit: str) -> None:
        """A final line, in the order they were told."""
        self._figures.append(Figure(name, value, unit))

    def latencies(self, label: str, values_ms: Iterable[float]) -> None:
        """A curve of the picture: which share of all took how long, in milliseconds."""
        ordered = sorted(values_ms)
        if ordered:
            self._curves.append(Curve(label, tuple((share, at_share(ordered, share)) for share in SHARES)))

    def finish(self, json_path: Path | None = None) -> None:
        """Print everything; with a path also write the JSON there and the picture beside it, as .svg."""
        print(f"\n{self.name}, on {self.machine}\n")
        for columns, rows in groupby(self._rows, key=lambda row: tuple(row[1])):
            print(table(columns, [(label, tuple(values.values())) for label, values in rows]), end="\n\n")
        for text in self._notes:
            print(text)
        if json_path is not None:
            json_path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self._as_json(), indent=2, ensure_ascii=False)
            json_path.write_text(text + "\n", encoding="utf-8")
            print(f"Kept in {json_path}")
            if self._curves:
                picture = percentile_picture(self.name, self.machine, self._curves)
                json_path.with_suffix(".svg").write_text(picture, encoding="utf-8")
                print(f"Drawn in {json_path.with_suffix('.svg')}")
        print()
        for figure in self._figures:
            print(figure, flush=True)

    def _as_json(self) -> dict[str, object]:
        return {
            "bench": self.name,
            "machine": self.machine,
            "figures": {
                figure.name: {"value": figure.value, "unit": figure.unit} for figure in self._figures
            },
            "rows": [{"label": label, **values} for label, values in self._rows],
            "notes": self._notes,
            "latencies_ms": {
                curve.label: {f"p{share * 100:g}": value for share, value in curve.points}
                for curve in self._curves
            },
        }


def at_share(ordered: list[float], share: float) -> float:
    """The smallest of these ascending values that at least `share` of them do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def readable(value: Value) -> str:
    """Three significant digits for fractions, all digits for whole numbers."""
    if isinstance(value, str):
        return value
    if not math.isfinite(value) or abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}"


def table(columns: tuple[str, ...], rows: list[tuple[str, tuple[Value, ...]]]) -> str:
    """Aligned text: labels to the left, numbers to the right, headings above."""
    lines = [("", *columns), *((label, *map(readable, values)) for label, values in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            (
                line[0].ljust(widths[0]),
                *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True)),
            )
        )
        for line in lines
    )
