"""What one viewer has still to be sent, in two lanes: status is never dropped, of positions only the newest
counts.  Pure.

Whether the socket takes anything now, and what becomes of a viewer who is too far behind, is the endpoint's
business.
"""


class Outbox:
    """Finished frames waiting for one socket; `backlog_bytes` is the size of the reliable lane."""

    __slots__ = ("_newest", "_reliable", "backlog_bytes")

    def __init__(self) -> None:
        self._reliable: list[bytes] = []
        self._newest: dict[str, bytes] = {}
        self.backlog_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._reliable or self._newest)

    def put(self, frame: bytes) -> None:
        """Into the reliable lane: sent in this order, never dropped."""
        self._reliable.append(frame)
        self.backlog_bytes += len(frame)

    def put_newest(self, key: str, frame: bytes) -> None:
        """Into the newest-wins lane: takes the place of a waiting frame with the same key."""
        self._newest[key] = frame

    def waits(self, key: str) -> bool:
        """Whether a newest-wins frame with this key has not been taken yet."""
        return key in self._newest

    def forget(self, key: str) -> None:
        """Withdraw the waiting newest-wins frame with this key: who may no longer see it does not get it late
        either.
        """
        self._newest.pop(key, None)

    def take(self) -> bytes:
        """Everything that waits, status first, as the bytes of one write; the outbox is empty afterwards."""
        taken = b"".join((*self._reliable, *self._newest.values()))
        self.clear()
        return taken

    def clear(self) -> None:
        """Forget everything: there is nobody to send it to."""
        self._reliable.clear()
        self._newest.clear()
        self.backlog_bytes = 0
