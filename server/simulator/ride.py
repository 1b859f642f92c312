"""How a courier rides a route, and what his phone's GPS makes of it.  Pure; chance comes in."""

import math
from random import Random

from server.simulator.plane import Place, moved
from server.simulator.routes import Route
from server.wire.messages import Fix

# Couriers on bicycles: 17 km/h on the move, some faster (e-bikes are cut off at 25 km/h = 6.9 m/s in the EU).
CRUISING_MEAN_MPS = 4.7
CRUISING_SPREAD_MPS = 0.7
CRUISING_RANGE_MPS = (3.0, 6.9)
# A red light now and then: every 250 m or so, 5 to 25 s.
STOP_EVERY_M = 250.0
STOP_S = (5.0, 25.0)
# Phones are good to about 5 m under open sky (gps.gov); between houses the error wanders rather than jumps.
GPS_ERROR_M = 4.0
GPS_ERROR_KEPT = 0.85  # the share of the error that the next fix still has


class Ride:
    """One courier on one route: `advance` him, look where he is."""

    __slots__ = ("_random", "_standing_s", "cruising_mps", "ridden_m", "route", "speed_mps")

    def __init__(self, route: Route, cruising_mps: float, random: Random) -> None:
        self.route = route
        self.cruising_mps = cruising_mps
        self.ridden_m = 0.0
        self.speed_mps = 0.0  # over the last `advance`
        self._standing_s = 0.0
        self._random = random

    @property
    def has_arrived(self) -> bool:
        """Whether the end is reached."""
        return self.ridden_m >= self.route.length_m

    def advance(self, seconds: float) -> None:
        """Ride for so many seconds, red lights included."""
        before_m = self.ridden_m
        standing_s = min(self._standing_s, seconds)
        self._standing_s -= standing_s
        pace = self._random.uniform(0.8, 1.2)
        step_m = self.cruising_mps * pace * (seconds - standing_s)
        self.ridden_m = min(self.ridden_m + step_m, self.route.length_m)
        if self._random.random() < step_m / STOP_EVERY_M:
            self._standing_s = self._random.uniform(*STOP_S)
        self.speed_mps = (self.ridden_m - before_m) / seconds if seconds > 0 else 0.0

    def place(self) -> tuple[Place, float]:
        """Where he is, and his direction in degrees."""
        return self.route.at(self.ridden_m)


class Gps:
    """One phone's receiver: its error wanders around the truth (a first-order autoregressive process)."""

    __slots__ = ("_east_m", "_north_m", "_random")

    def __init__(self, random: Random) -> None:
        self._random = random
        self._east_m = random.gauss(0.0, GPS_ERROR_M)
        self._north_m = random.gauss(0.0, GPS_ERROR_M)

    def fix(self, place: Place, bearing_deg: float, speed_mps: float, *, fix_time_ms: int) -> Fix:
        """What the phone says: 1e-6 degrees is 11 cm; standing still, a receiver knows no direction."""
        fresh = math.sqrt(1.0 - GPS_ERROR_KEPT**2) * GPS_ERROR_M
        self._east_m = GPS_ERROR_KEPT * self._east_m + self._random.gauss(0.0, fresh)
        self._north_m = GPS_ERROR_KEPT * self._north_m + self._random.gauss(0.0, fresh)
        seen = moved(place, self._east_m, self._north_m)
        return Fix(
            lat=round(seen.lat, 6), lng=round(seen.lng, 6), fix_time=fix_time_ms,
            accuracy_m=round(GPS_ERROR_M * self._random.uniform(0.8, 2.0), 1),
            bearing_deg=round(bearing_deg % 360.0, 1) if speed_mps > 0.5 else None,
            speed_mps=round(speed_mps, 2),
        )  # fmt: skip


def cruising_speed_mps(random: Random) -> float:
    """How fast one courier rides when nothing stops him."""
    low, high = CRUISING_RANGE_MPS
    return min(max(random.gauss(CRUISING_MEAN_MPS, CRUISING_SPREAD_MPS), low), high)
