"""A place in the event log, and which transactions a reader had already seen there.  Pure.

The log is ordered by (transaction id, position), and read only below the oldest transaction still open, so
that nothing can appear behind the reader.  A snapshot taken for a join sees more: of the younger
transactions, those that had already committed.  The cursor remembers which, until it has passed the last of
them.
"""

from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from server.errors import BadInput

_MAX_XID = 2**64 - 1
_MAX_POSITION = 2**63 - 1


class BadCursor(BadInput):
    """That is not a cursor of ours."""

    code = "bad_cursor"


class Placed(Protocol):
    """What stands somewhere in the log."""

    @property
    def transaction_id(self) -> int:
        """The transaction that wrote it."""

    @property
    def position(self) -> int:
        """Its place among the rows of that transaction."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """PostgreSQL's pg_snapshot: which transactions a reader sees the work of."""

    xmin: int  # the oldest transaction still open: all before it are over
    xmax: int  # the first number not yet given out
    open: frozenset[int]  # those between the two that were still open

    @classmethod
    def parse(cls, text: str) -> "Snapshot":
        """Out of PostgreSQL's `xmin:xmax:xip,xip…`; BadCursor when it is none."""
        try:
            xmin, xmax, still_open = text.split(":")
            xids = frozenset(_xid(number) for number in still_open.split(",") if number)
            snapshot = cls(_xid(xmin), _xid(xmax), xids)
        except ValueError as error:
            raise BadCursor from error
        if snapshot.xmin > snapshot.xmax or any(not snapshot.xmin <= xid < snapshot.xmax for xid in xids):
            raise BadCursor
        return snapshot

    def visible(self, transaction_id: int) -> bool:
        """Whether its reader saw what that transaction committed."""
        if transaction_id < self.xmin:
            return True
        return transaction_id < self.xmax and transaction_id not in self.open

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, sorted(self.open)))}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """After which row of the log a viewer is; `seen` tells later transactions that he knows already."""

    incarnation: str
    transaction_id: int
    position: int
    seen: Snapshot | None = None

    @classmethod
    def at(cls, incarnation: str, snapshot: Snapshot) -> "Cursor":
        """The place of a reader who has seen what `snapshot` shows and nothing else."""
        # Positions begin at 1: (xmin, 0) is after all that the transactions before xmin wrote.
        return cls(incarnation, snapshot.xmin, 0, snapshot).forget_passed()

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Out of what `str` made; BadCursor when it is none."""
        try:
            incarnation, transaction_id, position, *seen = text.split("_")
            place = _xid(transaction_id), _number(position, _MAX_POSITION)
            return cls(str(UUID(incarnation)), *place, _read_seen(*seen) if seen else None)
        except (ValueError, TypeError, AttributeError) as error:
            raise BadCursor from error

    def after(self, row: Placed) -> "Cursor":
        """The cursor of the same viewer once he has had `row`."""
        return replace(self, transaction_id=row.transaction_id, position=row.position).forget_passed()

    def level_with(self, horizon: int) -> "Cursor":
        """The cursor once all rows of transactions below `horizon` have been had."""
        if self.transaction_id >= horizon:
            return self
        return replace(self, transaction_id=horizon, position=0).forget_passed()

    def needs(self, row: Placed) -> bool:
        """Whether `row` is still to come for this viewer: after his place, and not seen already."""
        if (row.transaction_id, row.position) <= (self.transaction_id, self.position):
            return False
        return self.seen is None or not self.seen.visible(row.transaction_id)

    def forget_passed(self) -> "Cursor":
        """Without `seen`, once no transaction in it can come any more."""
        if self.seen is not None and self.transaction_id >= self.seen.xmax:
            return replace(self, seen=None)
        return self

    def __str__(self) -> str:
        place = f"{self.incarnation}_{self.transaction_id}_{self.position}"
        return place if self.seen is None else f"{place}_{_write_seen(self.seen)}"


# A snapshot among a hundred open transactions must fit a frame: all numbers relative to xmin, which lie
# close.
def _write_seen(seen: Snapshot) -> str:
    return "-".join(
        map(str, (seen.xmin, seen.xmax - seen.xmin, *sorted(xid - seen.xmin for xid in seen.open)))
    )


def _read_seen(text: str) -> Snapshot:
    xmin, *steps = (_xid(number) for number in text.split("-"))
    width, *still_open = steps
    if any(step >= width for step in still_open):
        raise BadCursor
    return Snapshot(xmin, xmin + width, frozenset(xmin + step for step in still_open))


def _xid(text: str) -> int:
    return _number(text, _MAX_XID)


def _number(text: str, largest: int) -> int:
    """Plain ASCII digits; int() alone takes `+1`, `1_0` and Tamil, and a million digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20) or int(text) > largest:
        raise BadCursor
    return int(text)
