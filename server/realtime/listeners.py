"""Who listens to a reliable topic here, and how a row of the event log reaches them: each row once, none
twice.

A listener's membership remembers what his snapshot already told him, until the log is past that.  Reading
snapshots is the work of joins.py.
"""

from collections.abc import Iterable

from server.realtime.frames_out import text_frame
from server.realtime.session import Session
from server.realtime.topics import Audience, TopicName
from server.storage.event_log import Cursor, LogRow
from server.wire.frames import encode_frame
from server.wire.messages import Change


class Membership:
    """One session's listening to one topic.  Until `settle` it hears nothing: its snapshot is still being
    read.
    """

    __slots__ = ("_cursor", "audience", "session", "topic")

    def __init__(self, session: Session, topic: "Topic", audience: Audience) -> None:
        self.session = session
        self.topic = topic
        self.audience = audience
        self._cursor: Cursor | None = None  # his own, as long as the log may bring what he has seen already

    def settle(self, cursor: Cursor) -> None:
        """From here on he hears what `cursor` still needs of what the log's tail brings."""
        self._cursor = cursor

    @property
    def on_the_common_path(self) -> bool:
        """Whether he gets the frame that everybody gets."""
        return self._cursor is None

    def cursor_after(self, row: LogRow) -> str | None:
        """His cursor once he has `row`, which the tail has brought; None when he has it already."""
        if self._cursor is None:
            return common_cursor(self.topic, row)
        if not self._cursor.needs(row):
            return None
        moved = self._cursor.after(row)
        # The tail only goes forward: once nothing he has seen lies ahead of it, his cursor is everybody's.
        self._cursor = None if moved.seen is None else moved
        return str(moved)


class Topic:
    """One topic's listeners in this process."""

    __slots__ = ("incarnation", "joining", "members", "name", "text")

    def __init__(self, name: TopicName, incarnation: str) -> None:
        self.name = name
        self.text = str(name)
        self.incarnation = incarnation
        self.members: set[Membership] = set()
        self.joining: list[
            list[LogRow]
        ] = []  # what happens while snapshots are being read, one list for each reading

    @property
    def is_idle(self) -> bool:
        """Whether nobody listens and nobody is about to."""
        return not self.members and not self.joining

    def deliver(self, row: LogRow) -> None:
        """Tell all listeners of `row`; it is encoded once for all whose cursor is the common one."""
        for rows in self.joining:
            rows.append(row)
        common: bytes | None = None
        own: list[Membership] = []
        for member in tuple(self.members):  # telling a viewer may be the end of him
            if not member.on_the_common_path:
                own.append(member)
                continue
            if common is None:
                common = change_frame(self.text, row, common_cursor(self, row))
            member.session.push(common)
        if own:
            tell(own, row)


def tell(members: Iterable[Membership], row: LogRow) -> None:
    """Tell each member of `row` with his own cursor, unless he has it already."""
    frames: dict[str, bytes] = {}  # those who joined together have the same cursor
    for member in members:
        cursor = member.cursor_after(row)
        if cursor is not None:
            if cursor not in frames:
                frames[cursor] = change_frame(member.topic.text, row, cursor)
            member.session.push(frames[cursor])


def common_cursor(topic: Topic, row: LogRow) -> str:
    """The cursor of all who have everything up to `row` and nothing after it."""
    return str(Cursor(topic.incarnation, row.transaction_id, row.position))


def change_frame(topic: str, row: LogRow, cursor: str) -> bytes:
    """The event `changed` for one row of the log."""
    at = row.occurred_at.isoformat().replace("+00:00", "Z")
    change = Change(row.entity, str(row.entity_id), row.version, row.name, at, row.fields)
    return text_frame(encode_frame(topic, "changed", change, cursor=cursor))
