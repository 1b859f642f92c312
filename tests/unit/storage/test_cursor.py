"""A cursor names its place exactly, also among transactions that were open when a snapshot was taken."""

from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.storage.cursor import BadCursor, Cursor, Snapshot

DATABASE = "6f9d0c39-7a0b-4c53-a7a0-1f6f4a6f2c11"


@dataclass(frozen=True)
class Row:
    transaction_id: int
    position: int


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    xmin = draw(st.integers(1, 2**63))
    width = draw(st.integers(0, 200))
    still_open = draw(st.frozensets(st.integers(0, width - 1))) if width else frozenset()
    return Snapshot(xmin, xmin + width, frozenset(xmin + step for step in still_open))


@given(snapshots())
def test_a_snapshot_reads_what_it_writes(snapshot: Snapshot) -> None:
    assert Snapshot.parse(str(snapshot)) == snapshot


@given(snapshots(), st.integers(0, 50))
def test_a_cursor_reads_what_it_writes(snapshot: Snapshot, position: int) -> None:
    for cursor in (Cursor.at(DATABASE, snapshot), Cursor(DATABASE, snapshot.xmin, position, snapshot)):
        assert Cursor.parse(str(cursor)) == cursor


def test_a_cursor_among_a_hundred_open_transactions_fits_a_frame() -> None:
    snapshot = Snapshot(10**12, 10**12 + 1000, frozenset(range(10**12, 10**12 + 1000, 10)))
    assert len(str(Cursor.at(DATABASE, snapshot))) < 1024


def test_visible_is_what_was_over_when_the_snapshot_was_taken() -> None:
    snapshot = Snapshot.parse("10:14:11,12")
    assert [xid for xid in range(8, 17) if snapshot.visible(xid)] == [8, 9, 10, 13]


@given(st.data(), snapshots())
def test_a_viewer_who_follows_needs_exactly_what_his_snapshot_did_not_show(
    data: st.DataObject, snapshot: Snapshot
) -> None:
    """In commit order, with the cursor advanced, cut and carried on as text at any row."""
    xids = st.integers(max(1, snapshot.xmin - 3), snapshot.xmax + 10)
    rows = sorted(data.draw(st.sets(st.tuples(xids, st.integers(1, 1000)), max_size=40)))
    cursor = Cursor.at(DATABASE, snapshot)
    got = []
    for row in (Row(*place) for place in rows):
        if cursor.needs(row):
            got.append(row)
            cursor = cursor.after(row)
        if data.draw(st.booleans()):
            cursor = Cursor.parse(str(cursor))
        elif data.draw(st.booleans()):
            cursor = cursor.level_with(row.transaction_id)
    assert got == [Row(*place) for place in rows if not snapshot.visible(place[0])]


def test_seen_is_forgotten_once_it_cannot_matter() -> None:
    cursor = Cursor.at(DATABASE, Snapshot.parse("10:14:11,12"))
    assert cursor.after(Row(13, 5)).seen is not None
    assert cursor.after(Row(14, 6)).seen is None
    assert Cursor.at(DATABASE, Snapshot.parse("14:14:")).seen is None


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "_", "__", f"{DATABASE}_1", f"{DATABASE}_1_-1", f"{DATABASE}_+1_1", f"{DATABASE}_1_1_1-2-3",
        f"{DATABASE}_1_1_1", f"{DATABASE}_{2**64}_1", f"{DATABASE}_1_{2**63}", f"{DATABASE}_" + "9" * 5000 + "_1",
        f"{DATABASE}_1_1__", f"{DATABASE}_1_1_1-1-0_5", "nobody_1_1", f"{DATABASE}_١_1", f"{DATABASE}_1 _1",
    ],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Cursor.parse(text)


@given(st.text())
def test_no_text_is_worse_than_a_bad_cursor(text: str) -> None:
    with suppress(BadCursor):
        Cursor.parse(text)


@pytest.mark.parametrize("text", ["", "1:2", "2:1:", "1:5:7", "1:5:x", "a:b:c", "1:5:0"])
def test_what_is_no_snapshot_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        Snapshot.parse(text)
