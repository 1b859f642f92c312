"""How long to wait before the next attempt.  Pure; chance comes in."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with full jitter: ten thousand phones that lost one server do not come back as one wave."""

    first_s: float = 0.5
    longest_s: float = 30.0

    def delay_s(self, failures: int, random: Random) -> float:
        """Seconds to wait after this many failures in a row (from 1): anything up to a doubling ceiling."""
        ceiling_s = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return random.uniform(0.0, ceiling_s)
