"""Commands by socket: the bodies of REST with their idempotency key, answered when they are committed.

They take the same way through the services; the socket saves a phone the second connection.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import structlog

from server.accounts.viewer import Viewer
from server.dispatch.commands import COMMANDS, Command, Services
from server.errors import TooMany, TrackingError
from server.orders.placing import PlaceOrder
from server.orders.ticket_commands import TICKET_COMMANDS, TicketCommand
from server.orders.ticket_service import ReportCourier, ReportTrouble
from server.realtime.session import Session, UnknownEvent
from server.realtime.topics import Kind, RefNeeded, parse_topic
from server.telemetry import FAILURES
from server.wire.frames import Frame, has_nul
from server.wire.messages import BadPayload

PLACE = "place"
Form = TypeVar("Form", bound=msgspec.Struct)
MAX_UNDER_WAY = 8  # of one socket; people say one thing at a time, a merchant's program a few

log = structlog.get_logger()


class TooManyCommands(TooMany):
    """This socket waits for as many answers as it may; say this again when one has come."""

    code = "too_many_commands"


class InternalError(TrackingError):
    """Something went wrong on our side; the same command with the same key may be sent again."""

    code = "internal_error"


def _decoder(body: type[msgspec.Struct], *more: tuple[str, type]) -> msgspec.json.Decoder[Any]:
    """Of `body` with `key`, the idempotency key, and `more` beside its own fields."""
    keyed = msgspec.defstruct(
        f"{body.__name__}WithKey",
        [*more, ("key", str | None, None)],
        bases=(body,),
        frozen=True,
        forbid_unknown_fields=True,
        kw_only=True,
    )
    return msgspec.json.Decoder(keyed)


# (services, who says it, the topic's id, what is said) -> what is answered once it is committed
Act = Callable[[Services, Viewer, UUID, Any], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Spoken:
    """One thing that can be said on topics of a kind."""

    form: msgspec.json.Decoder[Any]
    act: Act


def _about_order(command: Command) -> Spoken:
    return Spoken(
        _decoder(command.body),
        lambda services, viewer, order_id, said: command.act(services, viewer, order_id, said, said.key),
    )


def _about_ticket(name: str, command: TicketCommand) -> Spoken:
    """A ticket is not a topic: its id stands beside what is said of it."""

    async def act(services: Services, viewer: Viewer, no_id: UUID, said: Any) -> object:
        plain = _plain(said, command.body)  # the same as by REST, so that a repeated key finds its answer
        return await services.tickets.say(viewer, said.ticket_id, name, plain, key=said.key)

    return Spoken(_decoder(command.body, ("ticket_id", UUID)), act)


async def _place(services: Services, viewer: Viewer, merchant_id: UUID, said: Any) -> object:
    if said.merchant_id != merchant_id:
        raise BadPayload("merchant_id is not the topic's")
    return await services.orders.place(viewer, _plain(said, PlaceOrder), key=said.key)


async def _report_trouble(services: Services, viewer: Viewer, order_id: UUID, said: Any) -> object:
    return await services.tickets.report(viewer, order_id, _plain(said, ReportTrouble), key=said.key)


async def _report_courier(services: Services, viewer: Viewer, no_id: UUID, said: Any) -> object:
    return await services.tickets.report_courier(viewer, _plain(said, ReportCourier), key=said.key)


def _plain(said: Any, body: type[Form]) -> Form:
    """What was said, without what only the socket adds."""
    return body(**{name: getattr(said, name) for name in body.__struct_fields__})


SPOKEN: dict[tuple[Kind, str], Spoken] = {
    (Kind.MERCHANT, PLACE): Spoken(_decoder(PlaceOrder), _place),
    (Kind.ORDER, "report_trouble"): Spoken(_decoder(ReportTrouble), _report_trouble),
    (Kind.TICKETS, "report_courier"): Spoken(_decoder(ReportCourier), _report_courier),
    **{(Kind.ORDER, event): _about_order(command) for event, command in COMMANDS.items()},
    **{(Kind.TICKETS, name): _about_ticket(name, command) for name, command in TICKET_COMMANDS.items()},
}
EVENTS = frozenset(event for _, event in SPOKEN)
NO_ID = UUID(int=0)  # of a topic that is about no one thing


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
        spoken = SPOKEN.get((topic.kind, frame.event))
        if spoken is None:
            raise UnknownEvent
        if frame.ref is None:
            raise RefNeeded
        if self._under_way[session] >= MAX_UNDER_WAY:
            raise TooManyCommands
        said = _decoded(frame, spoken.form)
        act = partial(spoken.act, self._services, viewer, topic.id or NO_ID, said)
        self._under_way[session] += 1
        task = asyncio.create_task(
            self._answer(session, frame.topic, frame.ref, act), name=f"command {frame.event}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """See through what is under way: a command that was begun is answered, or at least committed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

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


def _decoded(frame: Frame, form: msgspec.json.Decoder[Any]) -> Any:
    if has_nul(bytes(frame.payload)):
        raise BadPayload("text has no place for U+0000")
    try:
        return form.decode(frame.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload(str(error)) from error
