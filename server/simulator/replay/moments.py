"""Reading the times that files of positions have: numbers since 1970 in some unit, ISO 8601, or a pattern. Pure."""

import math
import re
from datetime import UTC, datetime

UNITS_S = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
# pandas writes nanoseconds; datetime reads at most six digits after the second.
_FRACTION = re.compile(r"(?<=:\d\d)[.,](\d+)")


def parse_moment(text: str, *, unit: str = "s", pattern: str | None = None) -> float:
    """Unix seconds of `text`; ValueError when it is no time.

    A number counts `unit` since 1970; anything else is ISO 8601, or of `pattern` (strptime's).  A time
    without a zone is taken as UTC.
    """
    text = text.strip()
    if pattern is not None:
        return _unix_s(datetime.strptime(text, pattern))  # noqa: DTZ007 - `_unix_s` sees to the zone
    try:
        number = float(text)
    except ValueError:
        whole, fraction_s = text, 0.0
        if found := _FRACTION.search(text):
            whole = text[: found.start()] + text[found.end() :]
            fraction_s = float(f"0.{found[1]}")
        return _unix_s(datetime.fromisoformat(whole)) + fraction_s
    if not math.isfinite(number):
        raise ValueError(f"{text} is no time")
    return number * UNITS_S[unit]


def _unix_s(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
