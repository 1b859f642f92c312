"""Presence: how much a courier's silence says.  Pure.

Age counts from `received_at`, our own clock: a phone's clock may be wrong, and a batch from a tunnel still
proves that the phone is alive.
"""

from enum import StrEnum


class Presence(StrEnum):
    """Fresh and ageing couriers may be offered work, gone ones never."""

    FRESH = "fresh"
    AGEING = "ageing"
    GONE = "gone"


def presence(age: float, ageing_after: float, gone_after: float) -> Presence:
    """What it means that the last fix was received `age` ago, all three in the same unit of time.

    A moment in the future (clocks of two hosts differ) is fresh.
    """
    if age >= gone_after:
        return Presence.GONE
    return Presence.AGEING if age >= ageing_after else Presence.FRESH
