"""One timer for the deadlines of all sockets: authentication, token's end, heartbeat, closing, slowness.
Pure.

A socket stands in one slot at a time and says, when looked at, when it wants to be looked at again.  The
wheel's own time moves only when it is turned: while the process stands still, so does it, and no peer is
blamed for our pause.
"""

from typing import Protocol

BEAT_S = 0.25  # how exact deadlines are; four wake-ups a second cost nothing
SLOTS = 256  # 64 s; who has longer is looked at in between


class Timed(Protocol):
    """Something with deadlines."""

    slot: int

    def look(self, now_s: float) -> float | None:
        """Do what is due at `now_s` (wheel's time); seconds until the next look, None for never again."""
        ...


class Wheel:
    """Slots in a ring, each with those to be looked at when the hand gets there."""

    def __init__(self, beat_s: float = BEAT_S) -> None:
        self._beat_s = beat_s
        self._beats = 0
        self._slots: list[set[Timed]] = [set() for _ in range(SLOTS)]
        self.now_s = 0.0

    def put(self, item: Timed, after_s: float) -> None:
        """Look at `item` after about `after_s` (never earlier, except when that is beyond the ring)."""
        beats = min(int(after_s / self._beat_s) + 1, SLOTS - 1)
        item.slot = (self._beats + beats) % SLOTS
        self._slots[item.slot].add(item)

    def remove(self, item: Timed) -> None:
        """Never look at `item` again; nothing happens when it is not there."""
        self._slots[item.slot].discard(item)

    def turn(self) -> set[Timed]:
        """Move on by one beat; those to be looked at now, taken out."""
        self._beats += 1
        self.now_s = self._beats * self._beat_s
        place = self._beats % SLOTS
        due, self._slots[place] = self._slots[place], set()
        return due
