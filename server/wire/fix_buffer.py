"""What a phone keeps until the server has stored it, and the sums of what became of it.  Pure.

A fix leaves the buffer when it is committed (`stored`) or refused; whatever is still here when a connection
ends is sent again over the next one.  The server knows a repeated fix by its `fix_time`, so repeating is
harmless.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from server.wire.messages import Fix, FixesReceived

# A day and more of fixes at one each 2 s, about 6 MB: what a phone can spare.
CAPACITY = 50_000


@dataclass(slots=True)
class FixTally:
    """What became of fixes; several buffers may share one.  Each fix counts once, however often sent."""

    sent: int = 0
    sent_again: int = 0
    received: int = 0  # on the map …
    history: int = 0  # … or, being late, only in the track
    stored: int = 0
    dropped: int = 0  # the buffer was full: the oldest went
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def settled(self) -> int:
        """Fixes that need nothing more: stored, refused or dropped."""
        return self.stored + self.refused.total() + self.dropped


class FixBuffer:
    """One phone's fixes in the order they were read, numbered by `seq` from 1."""

    def __init__(self, tally: FixTally | None = None, *, capacity: int = CAPACITY) -> None:
        self.tally = tally or FixTally()
        self._capacity = capacity
        self._kept: dict[int, Fix] = {}  # seq → fix, oldest first
        self._answered: set[int] = set()  # received, not yet stored
        self._newest_seq = 0
        self._next_seq = 1  # the first that this connection has not carried
        self._ever_sent = 0  # the newest seq that any connection has carried

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def has_unsent(self) -> bool:
        """Whether `take` would return anything."""
        return self._next_seq <= self._newest_seq and bool(self._kept)

    def add(self, fixes: Iterable[Fix]) -> None:
        """Keep `fixes`, numbering them; when the buffer is full the oldest goes."""
        for fix in fixes:
            self._newest_seq += 1
            self._kept[self._newest_seq] = msgspec.structs.replace(fix, seq=self._newest_seq)
            if len(self._kept) > self._capacity:
                oldest = next(iter(self._kept))
                del self._kept[oldest]
                self._answered.discard(oldest)
                self.tally.dropped += 1

    def take(self, limit: int) -> list[Fix]:
        """The oldest fixes not yet sent over this connection, at most `limit`; they count as sent now."""
        taken: list[Fix] = []
        while self._next_seq <= self._newest_seq and len(taken) < limit:
            fix = self._kept.get(self._next_seq)
            if fix is not None:
                taken.append(fix)
                if self._next_seq > self._ever_sent:
                    self._ever_sent = self._next_seq
                    self.tally.sent += 1
                else:
                    self.tally.sent_again += 1
            self._next_seq += 1
        return taken

    def rewind(self) -> None:
        """A connection ended: everything still here is to be sent again."""
        self._next_seq = next(iter(self._kept), self._newest_seq + 1)

    def answered(self, batch: list[Fix], answer: FixesReceived) -> None:
        """The server's reply to `batch`: what it refused is forgotten, the rest waits for `stored`."""
        refused = {refusal.index: refusal.reason for refusal in answer.refused}
        late = answer.history
        for index, fix in enumerate(batch):
            seq = fix.seq
            if seq is None or seq not in self._kept:
                continue
            if index in refused:
                del self._kept[seq]
                if seq not in self._answered:
                    self.tally.refused[refused[index]] += 1
                else:
                    # Received before, and the repetition refused as such: an earlier process holds or held
                    # it.
                    self._answered.discard(seq)
            elif seq not in self._answered:
                self._answered.add(seq)
                # Which ones of the batch were late is not said; how many were is.
                if late:
                    late -= 1
                    self.tally.history += 1
                else:
                    self.tally.received += 1

    def stored(self, seqs: Iterable[int]) -> None:
        """The server has committed these."""
        for seq in seqs:
            if self._kept.pop(seq, None) is not None:
                self.tally.stored += 1
                if seq in self._answered:
                    self._answered.discard(seq)
                else:
                    self.tally.received += 1  # its reply was lost with a connection
