"""What a phone keeps until the server has stored it, and the sums of what became of it.  Pure.

A fix leaves the buffer when it is committed (`stored`) or refused; whatever is still here when a connection
ends is sent again over the next one.  The server knows a repeated fix by its `fix_time`, so repeating is
harmless.
"""

from collections import Counter, deque
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
    # Received, then repeated over a new connection, where it was known already; when it is stored is not
    # said.
    known: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def settled(self) -> int:
        """Fixes that need nothing more: stored, known, refused or dropped."""
        return self.stored + self.known + self.refused.total() + self.dropped


class FixBuffer:
    """One phone's fixes in the order they were read, numbered by `seq` from 1."""

    def __init__(self, tally: FixTally | None = None, *, capacity: int = CAPACITY) -> None:
        self.tally = tally or FixTally()
        self._capacity = capacity
        self._kept: dict[int, Fix] = {}  # seq → fix, oldest first
        self._answered: set[int] = set()  # received, not yet stored
        self._to_send: deque[int] = deque()  # what this connection has not carried, oldest first
        self._newest_seq = 0
        self._ever_sent = 0  # the newest seq that any connection has carried

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def has_unsent(self) -> bool:
        """Whether `take` would return anything."""
        return bool(self._to_send)

    def add(self, fixes: Iterable[Fix]) -> None:
        """Keep `fixes`, numbering them; when the buffer is full the oldest goes."""
        for fix in fixes:
            self._newest_seq += 1
            self._kept[self._newest_seq] = msgspec.structs.replace(fix, seq=self._newest_seq)
            self._to_send.append(self._newest_seq)
            if len(self._kept) > self._capacity:
                oldest = next(iter(self._kept))
                del self._kept[oldest]
                self._answered.discard(oldest)
                self.tally.dropped += 1

    def take(self, limit: int) -> list[Fix]:
        """The oldest fixes not yet sent over this connection, at most `limit`; they count as sent now."""
        taken: list[Fix] = []
        while self._to_send and len(taken) < limit:
            seq = self._to_send.popleft()
            fix = self._kept.get(seq)
            if fix is None:
                continue  # dropped meanwhile
            taken.append(fix)
            if seq > self._ever_sent:
                self._ever_sent = seq
                self.tally.sent += 1
            else:
                self.tally.sent_again += 1
        return taken

    def rewind(self) -> None:
        """A connection ended: everything still here is to be sent again."""
        self._to_send = deque(self._kept)

    def again(self, batch: Iterable[Fix]) -> None:
        """The server did not take `batch` (it was busy): it is to be sent again, before the rest."""
        self._to_send.extendleft(fix.seq for fix in reversed(list(batch)) if fix.seq in self._kept)

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
                if seq in self._answered:
                    self._answered.discard(seq)
                    self.tally.known += 1
                else:
                    self.tally.refused[refused[index]] += 1
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
