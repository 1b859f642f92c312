"""The merge of snapshot and log, against a model of PostgreSQL's transactions: everything once, whatever the order."""

from dataclasses import dataclass, field
from uuid import uuid4

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from server.realtime.listeners import Membership, Topic, tell
from server.realtime.topics import Audience, parse_topic
from server.storage.event_log import Cursor, LogRow, Snapshot
from tests.fakes import NOON
from tests.unit.realtime.stand_ins import a_session, a_viewer

INCARNATION = str(uuid4())


@dataclass
class Database:
    """Transactions that begin in order and end in any, each with one row; a tail reads below the oldest open one."""

    begun: int = 100
    open: set[int] = field(default_factory=set)
    rows: dict[int, LogRow] = field(default_factory=dict)
    told_below: int = 100

    def begin(self) -> None:
        self.open.add(self.begun)
        self.begun += 1

    def end(self, which: int, *, commits: bool) -> None:
        if self.open:
            transaction_id = sorted(self.open)[which % len(self.open)]
            self.open.discard(transaction_id)
            if commits:
                self.rows[transaction_id] = a_row(transaction_id)

    def snapshot(self) -> Snapshot:
        return Snapshot(min(self.open, default=self.begun), self.begun, frozenset(self.open))

    def tail(self) -> list[LogRow]:
        """What the tail brings when it looks now."""
        below = min(self.open, default=self.begun)
        brought = [self.rows[number] for number in sorted(self.rows) if self.told_below <= number < below]
        self.told_below = below
        return brought


def a_row(transaction_id: int) -> LogRow:
    return LogRow(
        entity="order",
        entity_id=uuid4(),
        version=1,
        name="placed",
        topics=("dispatch:all",),
        fields={},
        actor_id=None,
        occurred_at=NOON,
        transaction_id=transaction_id,
        position=1,
        received_at=NOON,
    )


def a_membership():
    session, carrier, _ = a_session(a_viewer())
    topic = Topic(parse_topic("dispatch:all"), INCARNATION)
    return Membership(session, topic, Audience.STAFF), carrier


STEPS = st.lists(
    st.one_of(
        st.just(("begin", 0)),
        st.tuples(st.just("commit"), st.integers(0, 9)),
        st.tuples(st.just("roll back"), st.integers(0, 9)),
        st.just(("tail", 0)),
    ),
    max_size=60,
)


def follow(database, steps, tell_rows):
    for step, which in steps:
        if step == "begin":
            database.begin()
        elif step == "tail":
            for row in database.tail():
                tell_rows(row)
        else:
            database.end(which, commits=step == "commit")


@given(before=STEPS, during=STEPS, after=STEPS)
def test_snapshot_and_log_together_tell_everything_once(before, during, after):
    database, (member, carrier) = Database(), a_membership()
    follow(database, before, lambda row: None)
    topic, kept = member.topic, []
    topic.joining.append(kept)  # from here on the topic's rows are kept for him …
    follow(database, during[: len(during) // 2], topic.deliver)
    snapshot = database.snapshot()  # … then the snapshot is read
    seen = [str(row.entity_id) for number, row in database.rows.items() if snapshot.visible(number)]
    follow(database, during[len(during) // 2 :], topic.deliver)
    topic.joining.clear()
    topic.members.add(member)
    member.settle(Cursor.at(INCARNATION, snapshot))
    for row in kept:
        tell([member], row)
    follow(database, after, topic.deliver)
    while database.open:
        database.end(0, commits=True)
    for row in database.tail():
        topic.deliver(row)
    frames = carrier.sent()
    told = seen + [frame["payload"]["id"] for frame in frames]
    assert sorted(told) == sorted(str(row.entity_id) for row in database.rows.values())
    cursors = [Cursor.parse(frame["cursor"]) for frame in frames]
    last = cursors[-1] if cursors else Cursor.at(INCARNATION, snapshot)
    assert not any(last.needs(row) for row in database.rows.values()), (
        "his cursor says that he has everything"
    )


def test_a_row_is_encoded_once_for_all_whose_cursor_is_the_common_one():
    members = [a_membership() for _ in range(3)]
    topic = members[0][0].topic
    for member, _ in members:
        member.topic = topic
        topic.members.add(member)
    topic.deliver(a_row(7))
    frames = {id(member.session.outbox._reliable[0]) for member, _ in members}
    assert len(frames) == 1
    assert msgspec.json.encode(members[0][1].sent()[0]["cursor"]) == f'"{INCARNATION}_7_1"'.encode()
