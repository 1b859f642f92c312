"""Positions to those who follow an order: which couriers are watched here, and what each audience is shown of
them.

A position that nobody here may see costs one look into a dict.
"""

from uuid import UUID

import msgspec

from server.dispatch.duties import Duty, DutyBoard
from server.geo.position import POSITION_SIZE, unpack
from server.realtime.audiences import shown_position
from server.realtime.frames_out import text_frame
from server.realtime.listeners import Topic
from server.realtime.topics import Audience, Kind
from server.wire.frames import encode_frame

ID_SIZE = 16  # a packed position begins with its courier's id


class Followers:
    """The orders listened to here whose courier is on his way."""

    def __init__(self, duties: DutyBoard) -> None:
        self._duties = duties
        self._watched: dict[bytes, tuple[Topic, Duty]] = {}  # by courier

    def __len__(self) -> int:
        return len(self._watched)

    def topic_opened(self, topic: Topic) -> None:
        """Somebody listens to this topic now, the first one here."""
        if topic.name.kind is Kind.ORDER and topic.name.id is not None:
            held = self._duties.by_order(topic.name.id)
            if held is not None:
                courier_id, duty = held
                self._watched[courier_id.bytes] = topic, duty

    def topic_closed(self, topic: Topic) -> None:
        """The last listener here has gone."""
        if topic.name.kind is Kind.ORDER and topic.name.id is not None:
            held = self._duties.by_order(topic.name.id)
            if held is not None:
                self._watched.pop(held[0].bytes, None)

    def duty_changed(self, courier_id: UUID, duty: Duty | None, topic: Topic | None) -> None:
        """The courier is busy with something else, or with the other leg; `topic` is the duty's order's, if
        anybody listens to it here.
        """
        before = self._watched.pop(courier_id.bytes, None)
        if before is not None:
            for member in before[0].members:
                member.session.outbox.forget(before[0].text)  # what waits there was for the leg that is over
        if duty is not None and topic is not None:
            self._watched[courier_id.bytes] = topic, duty

    def show(self, packed: bytes) -> None:
        """Show packed positions, one after the other, to whom they concern."""
        if not self._watched:
            return
        for offset in range(0, len(packed), POSITION_SIZE):
            watched = self._watched.get(packed[offset : offset + ID_SIZE])
            if watched is not None:
                self._show_one(packed, offset, *watched)

    def _show_one(self, packed: bytes, offset: int, topic: Topic, duty: Duty) -> None:
        position = unpack(packed, offset)
        frames: dict[Audience, bytes | None] = {}
        for member in topic.members:
            if member.audience not in frames:
                shown = shown_position(position, duty_mark=duty.mark, leg=duty.leg, audience=member.audience)
                frames[member.audience] = None if shown is None else position_frame(topic.text, shown)
            frame = frames[member.audience]
            if frame is not None:
                member.session.show(topic.text, frame)


def position_frame(topic: str, position: msgspec.Struct) -> bytes:
    """The event `position`."""
    return text_frame(encode_frame(topic, "position", position))
