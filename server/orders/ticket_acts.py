"""What people do to a ticket beside deciding: see to it, put it off, write, ask, show, end, open again.

Each act works on a Case (ticket_case.py): the ticket locked, in a unit of work.  The table is ticket_commands.py.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.accounts.permissions import Permission, may
from server.accounts.store import AccountStore
from server.accounts.viewer import Viewer
from server.clock import to_ms
from server.errors import BadInput, NotAllowed
from server.ids import new_id
from server.orders.ticket_access import works_on_all
from server.orders.ticket_case import Case
from server.orders.ticket_kinds import ORDER_PEOPLE, STAFF, Severity
from server.orders.ticket_reasons import TEMPLATES
from server.orders.ticket_words import STAFF_ONLY, ContactTried, How, Result, Whom
from server.orders.tickets import ANSWERED, CONTACT_TRIED, HANDED_TO, Outcome, Ticket, TicketState

MAX_WORDS = 2000
MAX_PHOTOS = 10

WordsText = Annotated[str, Meta(min_length=1, max_length=MAX_WORDS)]
Moment = Annotated[datetime, Meta(tz=True)]


class UnknownTemplate(BadInput):
    """There is no template of this name; see docs/tickets.md."""

    code = "unknown_template"


class NothingSaid(BadInput):
    """Words or a template are needed."""

    code = "nothing_said"


class UnknownAssignee(BadInput):
    """A ticket is given to an active account of dispatch, customer service or operations."""

    code = "unknown_assignee"


class NoOutcome(BadInput):
    """Somebody resolves a ticket as delivered, refunded, paid out, warned or solved; other ends come by themselves."""

    code = "bad_outcome"


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The version of the ticket that was seen; without it the newest is meant."""

    version: int | None = None


class Assign(Seen, frozen=True, kw_only=True):
    """To whom of the staff."""

    account_id: UUID


class Wait(Seen, frozen=True, kw_only=True):
    """For whose word, and until when at most."""

    whom: Whom
    until: Moment


class Snooze(Seen, frozen=True, kw_only=True):
    """Until when, and why."""

    until: Moment
    words: WordsText


class Raise(Seen, frozen=True, kw_only=True):
    """How bad it is."""

    severity: Severity


class Write(Seen, frozen=True, kw_only=True):
    """Words, or a template's name; `to` one of the order's people, or nobody beside the staff."""

    to: Whom | None = None
    words: WordsText | None = None
    template: str | None = None


class Answer(Seen, frozen=True, kw_only=True):
    """One's own words in one's own ticket."""

    words: WordsText


class Tried(Seen, frozen=True, kw_only=True):
    """Whom somebody tried to reach, how, and what came of it."""

    whom: Whom
    how: How
    result: Result
    words: WordsText | None = None


class Show(Seen, frozen=True, kw_only=True):
    """Photos of this order, uploaded before."""

    media_ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_PHOTOS)]


class Resolve(Seen, frozen=True, kw_only=True):
    """How it ended."""

    outcome: Outcome = Outcome.SOLVED
    words: WordsText | None = None


class Because(Seen, frozen=True, kw_only=True):
    """Why."""

    words: WordsText


BY_HAND = frozenset(
    {Outcome.DELIVERED, Outcome.REFUNDED, Outcome.PAID_OUT, Outcome.WARNED, Outcome.SOLVED, Outcome.RECOVERED}
)


async def acknowledge(case: Case, said: Seen) -> None:
    """I see to it."""
    await case.take(case.ticket.acknowledge(case.viewer.account_id, at=case.now))


async def assign(case: Case, said: Assign) -> None:
    """You see to it."""
    case.ticket.require_open()
    account = await AccountStore(case.work.connection).by_id(said.account_id)
    if account is None or not account.active or account.role not in STAFF:
        raise UnknownAssignee
    await case.take(case.ticket.with_(HANDED_TO, case.now, assignee_id=said.account_id))


async def wait(case: Case, said: Wait) -> None:
    """Nothing can be done before somebody answers."""
    step = case.ticket.wait(said.whom.value, said.until, case.viewer.account_id, at=case.now)
    await case.take(step)


async def resume(case: Case, said: Seen) -> None:
    """It goes on."""
    await case.take(case.ticket.resume(at=case.now))


async def snooze(case: Case, said: Snooze) -> None:
    """Not now."""
    await case.take(case.ticket.snooze(said.until, at=case.now))
    await case.say(STAFF_ONLY, words=said.words)


async def raise_severity(case: Case, said: Raise) -> None:
    """It is worse, or less bad."""
    case.ticket.require_open()
    await case.take(case.ticket.raise_severity(said.severity, at=case.now))


async def note(case: Case, said: Write) -> None:
    """Write to one of the order's people, or for the staff."""
    if said.words is None and said.template is None:
        raise NothingSaid
    known_template(said.template)
    await case.say(STAFF_ONLY if said.to is None else said.to.value, words=said.words, template=said.template)


async def answer(case: Case, said: Answer) -> None:
    """One of the order's people says their own words; a ticket that waited for them goes on."""
    role = case.viewer.role.value
    case.ticket = await case.book.note(
        case.ticket,
        author_id=case.viewer.account_id,
        author_role=role,
        seen_by=role,
        words=said.words,
        name=ANSWERED,
    )
    if case.ticket.state is TicketState.WAITING and case.ticket.waiting_for == role:
        await case.take(case.ticket.resume(at=case.now))


async def log_contact(case: Case, said: Tried) -> None:
    """I tried to reach somebody."""
    tried = ContactTried(
        id=new_id(to_ms(case.now)),
        ticket_id=case.ticket.id,
        tried_by=case.viewer.account_id,
        tried_by_role=case.viewer.role.value,
        whom=said.whom.value,
        how=said.how.value,
        result=said.result.value,
        words=said.words,
        at=case.now,
    )
    case.ticket = await case.book.tried(case.ticket, tried, CONTACT_TRIED)


async def add_evidence(case: Case, said: Show) -> None:
    """Here are photos."""
    case.ticket = await case.book.photos(
        case.ticket, said.media_ids, case.viewer.account_id, case.viewer.role.value
    )


async def resolve(case: Case, said: Resolve) -> None:
    """It is over."""
    if said.outcome not in BY_HAND:
        raise NoOutcome
    await case.say(STAFF_ONLY, words=said.words)
    await case.take(case.ticket.resolve(said.outcome, at=case.now))


async def dismiss(case: Case, said: Because) -> None:
    """There is nothing in it."""
    await case.say(STAFF_ONLY, words=said.words)
    await case.take(case.ticket.dismiss(at=case.now))


async def reopen(case: Case, said: Because) -> None:
    """It is not over."""
    await case.take(case.ticket.reopen(at=case.now))
    await case.say(STAFF_ONLY, words=said.words)


def known_template(template: str | None) -> None:
    """UnknownTemplate for one that is not in the table."""
    if template is not None and template not in TEMPLATES:
        raise UnknownTemplate


def require_speaks(viewer: Viewer, ticket: Ticket) -> None:
    """NotAllowed for whoever is none of the order's people: the staff writes notes."""
    if works_on_all(viewer) or viewer.role not in ORDER_PEOPLE:
        raise NotAllowed


def require_shows(viewer: Viewer, ticket: Ticket) -> None:
    """NotAllowed for whoever neither works on tickets nor reports trouble."""
    if not (may(viewer, Permission.WORK_TICKET) or may(viewer, Permission.REPORT_EXCEPTION)):
        raise NotAllowed(permission=Permission.REPORT_EXCEPTION.value)
