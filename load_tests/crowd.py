"""A made-up city full of couriers, and the places they are asked for: dense centres, sparse outskirts.

People do not stand evenly: the shares of the centres follow a power law, so that of a million couriers some
thousands stand in the most crowded H3 cell and a handful on a square kilometre of the outskirts.  The same seed
gives the same city.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server.geo.cells import COURIER_RES, cell_of
from server.geo.position import (
    AVAILABLE,
    DEGREES_TO_INT,
    POSITION_DTYPE,
    POSITION_FORMAT_VERSION,
    UNKNOWN_U16,
)

Floats = npt.NDArray[np.float64]
Batch = npt.NDArray[np.void]

CITY_LAT, CITY_LNG = 60.17, 24.94
METRES_PER_DEGREE = 111_195.0
CENTRES = 40
OUTSKIRTS_SHARE = 0.15  # of all couriers: anywhere around the city
CITY_SIGMA_M, OUTSKIRTS_SIGMA_M = 8_000.0, 20_000.0
METRES_PER_MOVE = 20.0  # 5 m/s for 4 s, a bicycle
AT_THE_EDGE_SHARE = 0.2  # of all questions: anywhere in a square around the city, the others near couriers
EDGE_M = 30_000.0
FROM_A_COURIER_M = 300.0


@dataclass(frozen=True)
class Crowd:
    """Every courier twice, as rows of POSITION_DTYPE in one random order: here, and a move of four seconds later."""

    here: Batch
    there: Batch
    asked_lat: Floats
    asked_lng: Floats

    def __len__(self) -> int:
        return len(self.here)

    def most_in_a_cell(self) -> int:
        """How many stand in the most crowded cell of COURIER_RES."""
        return int(np.unique(self.here["cell"], return_counts=True)[1].max())


def crowd(couriers: int, questions: int, *, seed: int = 20261123) -> Crowd:
    """`couriers` in a city, and `questions` places where orders wait."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(0.0, CITY_SIGMA_M, (CENTRES, 2))
    widths = chance.uniform(500.0, 2_500.0, CENTRES)
    weights = chance.pareto(1.5, CENTRES) + 0.3
    centre = chance.choice(CENTRES, couriers, p=weights / weights.sum())
    in_town = centres[centre] + chance.normal(0.0, 1.0, (couriers, 2)) * widths[centre, np.newaxis]
    around = chance.normal(0.0, OUTSKIRTS_SIGMA_M, (couriers, 2))
    places = np.where(chance.random((couriers, 1)) < OUTSKIRTS_SHARE, around, in_town)

    turn = chance.uniform(0.0, 2 * np.pi, couriers)
    moved = places + METRES_PER_MOVE * np.stack((np.cos(turn), np.sin(turn)), axis=-1)

    beside = places[chance.integers(0, couriers, questions)] + chance.normal(
        0.0, FROM_A_COURIER_M, (questions, 2)
    )
    edge = chance.uniform(-EDGE_M, EDGE_M, (questions, 2))
    asked = np.where(chance.random((questions, 1)) < AT_THE_EDGE_SHARE, edge, beside)

    ids = chance.integers(0, 2**64, (couriers, 2), dtype=np.uint64)
    asked_lat, asked_lng = _degrees(asked)
    return Crowd(_rows(ids, places), _rows(ids, moved), asked_lat, asked_lng)


def _degrees(metres: Floats) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of places given in metres east and north of the city's middle."""
    around = np.cos(np.radians(CITY_LAT))
    return CITY_LAT + metres[:, 1] / METRES_PER_DEGREE, CITY_LNG + metres[:, 0] / (METRES_PER_DEGREE * around)


def _rows(ids: npt.NDArray[np.uint64], metres: Floats) -> Batch:
    lat, lng = _degrees(metres)
    rows: Batch = np.zeros(len(ids), POSITION_DTYPE)
    rows["courier_hi"], rows["courier_lo"] = ids[:, 0], ids[:, 1]
    rows["lat_e7"], rows["lng_e7"] = np.round(lat * DEGREES_TO_INT), np.round(lng * DEGREES_TO_INT)
    places = zip(
        (rows["lat_e7"] / DEGREES_TO_INT).tolist(), (rows["lng_e7"] / DEGREES_TO_INT).tolist(), strict=True
    )
    rows["cell"] = [cell_of(*place, COURIER_RES) for place in places]
    rows["flags"], rows["format"] = AVAILABLE, POSITION_FORMAT_VERSION
    rows["accuracy_dm"] = rows["bearing_cdeg"] = rows["speed_cmps"] = UNKNOWN_U16
    return rows
