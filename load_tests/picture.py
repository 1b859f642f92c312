"""A picture of latencies, drawn as SVG by hand: one curve a series, the rare slow ones spread out.  Pure.

Across: the share of all, on a scale that gives every further nine the same room (50 %, 90 %, 99 %, 99.9 %).
Upwards: milliseconds, logarithmic.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 250, 60, 50  # room for the scale, the curves' names, the title, the shares
COLOURS = ("#1b6ca8", "#d1495b", "#3c8d5a", "#8f5ea8", "#c98b1d", "#4a4a4a")
DASHES = ("", "6 3", "2 2")
MARKED_SHARES = (0.5, 0.9, 0.99, 0.999)
NINES = 3.5  # how many fit across; the worst of all stands at the right edge
SMALLEST_MS = 1e-3


@dataclass(frozen=True)
class Curve:
    """One series: (share of all, milliseconds), shares ascending."""

    label: str
    points: tuple[tuple[float, float], ...]


def percentile_picture(title: str, subtitle: str, curves: Sequence[Curve]) -> str:
    """The SVG text."""
    values_ms = [max(value, SMALLEST_MS) for curve in curves for _, value in curve.points]
    low = math.floor(math.log10(min(values_ms)))
    high = max(math.ceil(math.log10(max(values_ms))), low + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="16">{escape(title)}: latency by share of all</text>',
        f'<text x="{LEFT}" y="42" fill="#666">{escape(subtitle)}</text>',
    ]
    for power in range(low, high + 1):
        y = _y(10.0**power, low, high)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} ms</text>')
    for share in MARKED_SHARES:
        x = _x(share)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        at = f'x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle"'
        parts.append(f"<text {at}>{share * 100:g} %</text>")
    for number, curve in enumerate(curves):
        parts.extend(_curve(number, curve, low, high))
    return "\n".join((*parts, "</svg>\n"))


def _curve(number: int, curve: Curve, low: int, high: int) -> list[str]:
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
    line = " ".join(f"{_x(share):.1f},{_y(value, low, high):.1f}" for share, value in curve.points)
    stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
    x, y = WIDTH - RIGHT + 16, TOP + 10 + number * 20
    return [
        f'<polyline points="{line}" fill="none" {stroke}/>',
        f'<path d="M{x} {y}h22" {stroke}/><text x="{x + 28}" y="{y + 4}">{escape(curve.label)}</text>',
    ]


def _x(share: float) -> float:
    nines = NINES if share >= 1 else min(-math.log10(1 - share), NINES)
    return LEFT + nines / NINES * (WIDTH - LEFT - RIGHT)


def _y(value_ms: float, low: int, high: int) -> float:
    height = (math.log10(max(value_ms, SMALLEST_MS)) - low) / (high - low)
    return HEIGHT - BOTTOM - height * (HEIGHT - TOP - BOTTOM)
