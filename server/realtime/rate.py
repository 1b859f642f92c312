"""How many frames a socket may send: a steady rate, and a burst of ten seconds' worth.  Pure."""

BURST_S = 10.0


class FrameAllowance:
    """A token bucket: full at the start, refilled at `frames_per_s`."""

    __slots__ = ("_frames", "_last_s", "_rate")

    def __init__(self, frames_per_s: float, now_s: float) -> None:
        self._rate = frames_per_s
        self._frames = frames_per_s * BURST_S
        self._last_s = now_s

    def spend(self, now_s: float) -> bool:
        """Take one frame's worth; False when there is none left."""
        if now_s > self._last_s:
            self._frames = min(self._frames + (now_s - self._last_s) * self._rate, self._rate * BURST_S)
            self._last_s = now_s
        self._frames -= 1.0
        return self._frames >= 0.0
