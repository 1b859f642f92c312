"""Distances on a spherical Earth, for one pair in plain Python and for many at once in numpy.  Pure; metres,
degrees.

A sphere is wrong by at most 0.56 % against the WGS 84 ellipsoid (flattening 1/298): 17 m in 3 km, far less
than a street's detour.  What compares couriers with each other needs an order, not a survey.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EARTH_RADIUS_M = 6_371_008.8  # mean radius R1 of WGS 84 (Moritz, Geodetic Reference System 1980)
HALF_AROUND_M = math.pi * EARTH_RADIUS_M  # nothing is farther away than this


def distance_m(lat: float, lng: float, other_lat: float, other_lng: float) -> float:
    """Metres along the great circle between two places (haversine; exact to 1 µm for neighbours)."""
    half_north = math.radians(other_lat - lat) / 2
    half_east = math.radians(other_lng - lng) / 2
    squared = (
        math.sin(half_north) ** 2
        + math.cos(math.radians(lat)) * math.cos(math.radians(other_lat)) * math.sin(half_east) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(squared)))


def unit_vector(lat: float, lng: float) -> tuple[float, float, float]:
    """The place as a vector of length 1 from the Earth's centre; it knows no poles and no date line."""
    lat_rad, lng_rad = math.radians(lat), math.radians(lng)
    around = math.cos(lat_rad)
    return around * math.cos(lng_rad), around * math.sin(lng_rad), math.sin(lat_rad)


def unit_vectors(lat: Floats, lng: Floats) -> Floats:
    """`unit_vector` of many places: one row each."""
    lat_rad, lng_rad = np.radians(lat), np.radians(lng)
    around = np.cos(lat_rad)
    return np.stack((around * np.cos(lng_rad), around * np.sin(lng_rad), np.sin(lat_rad)), axis=-1)


def squared_chord(distance: float) -> float:
    """The squared straight line, in Earth radii, between places `distance` metres apart; grows with it."""
    return 4 * math.sin(min(distance, HALF_AROUND_M) / (2 * EARTH_RADIUS_M)) ** 2


def metres_of_chord(squared: float) -> float:
    """The distance in metres whose `squared_chord` this is."""
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(squared) / 2))
