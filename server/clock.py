"""The one file that reads the clock.  Everything else is handed a Clock, or a moment."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for the record, monotonic time for waiting; tests bring one they can turn."""

    def now(self) -> datetime:
        """The moment, in UTC."""
        ...

    def now_ms(self) -> int:
        """The same moment in Unix milliseconds, for the hot path."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that only ever grow; for intervals."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()


def to_ms(moment: datetime) -> int:
    """Unix milliseconds of an aware `moment`."""
    return round(moment.timestamp() * 1000)


def from_ms(unix_ms: int) -> datetime:
    """The UTC moment of Unix milliseconds; OverflowError or ValueError beyond year 9999."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC)
