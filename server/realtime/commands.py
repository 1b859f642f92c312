"""Commands by socket: the bodies of REST with their idempotency key, answered when they are committed.

They take the same way through the services; the socket saves a phone the second connection.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog

from server.accounts.viewer import Viewer
from server.dispatch.commands import COMMANDS, Services
from server.errors import TooMany, TrackingError
from server.orders.placing import PlaceOrder
from server.realtime.session import Session, UnknownEvent
from server.realtime.topics import Kind, RefNeeded, parse_topic
from server.telemetry import FAILURES
from server.wire.frames import Frame, has_nul
from server.wire.messages import BadPayload

PLACE = "place"
MAX_UNDER_WAY = 8  # of one socket; people say one thing at a time, a merchant's program a few

log = structlog.get_logger()


class TooManyCommands(TooMany):
    """This socket waits for as many answers as it may; say this again when one has come."""

    code = "too_many_commands"


class InternalError(TrackingError):
    """Something went wrong on our side; the same command with the same key may be sent again."""

    code = "internal_error"


def _decoder(body: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    """Of `body` with `key`, the idempotency key, beside its own fields."""
    keyed = msgspec.defstruct(
        f"{body.__name__}WithKey",
        [("key", str | None, None)],
        bases=(body,),
        frozen=True,
        forbid_unknown_fields=True,
        kw_only=True,
    )
    return msgspec.json.Decoder(keyed)


_DECODERS = {event: _decoder(command.body) for event, command in COMMANDS.items()} | {
    PLACE: _decoder(PlaceOrder)
}
EVENTS = frozenset(_DECODERS)


class CommandDesk:
    """The commands under way from the sockets of this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._under_way: Counter[Session] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, session: Session, viewer: Viewer, frame: Frame) -> None:
        """Begin what the frame commands; its reply follows by itself.  UnknownEvent, BadPayload and their like."""
        if frame.event not in EVENTS:
            raise UnknownEvent
        topic = parse_topic(frame.topic)
        if topic.id is None or topic.kind is not (Kind.MERCHANT if frame.event == PLACE else Kind.ORDER):
            raise UnknownEvent
        if frame.ref is None:
            raise RefNeeded
        if self._under_way[session] >= MAX_UNDER_WAY:
            raise TooManyCommands
        said = _decoded(frame)
        act = self._act_of(frame.event, viewer, topic.id, said)
        self._under_way[session] += 1
        task = asyncio.create_task(
            self._answer(session, frame.topic, frame.ref, act), name=f"command {frame.event}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """See through what is under way: a command that was begun is answered, or at least committed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _act_of(
        self, event: str, viewer: Viewer, entity_id: UUID, said: Any
    ) -> Callable[[], Awaitable[object]]:
        if event != PLACE:
            return partial(COMMANDS[event].act, self._services, viewer, entity_id, said, said.key)
        if said.merchant_id != entity_id:
            raise BadPayload("merchant_id is not the topic's")
        return partial(self._services.orders.place, viewer, said, key=said.key)

    async def _answer(
        self, session: Session, topic: str, ref: str, act: Callable[[], Awaitable[object]]
    ) -> None:
        try:
            answer = await act()
        except TrackingError as error:
            session.refuse(topic, ref, error)
        except Exception as error:
            FAILURES.labels("commands").inc()
            log.error("a command failed", exc_info=error)
            session.refuse(topic, ref, InternalError())
        else:
            session.reply(topic, ref, answer)
        finally:
            self._under_way[session] -= 1
            if not self._under_way[session]:
                del self._under_way[session]


def _decoded(frame: Frame) -> Any:
    if has_nul(bytes(frame.payload)):
        raise BadPayload("text has no place for U+0000")
    try:
        return _DECODERS[frame.event].decode(frame.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload(str(error)) from error
