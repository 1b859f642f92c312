"""Small honest stand-ins for what is slow or foreign.

PostgreSQL and Redis are never imitated: they start in no time.
"""

from datetime import UTC, datetime, timedelta

from server.clock import to_ms

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is turned."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment
        self._started = moment

    def now(self) -> datetime:
        return self.moment

    def now_ms(self) -> int:
        return to_ms(self.moment)

    def monotonic_s(self) -> float:
        return (self.moment - self._started).total_seconds()

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass (backwards, if negative, as a wall clock may)."""
        self.moment += timedelta(seconds=seconds)
