"""A ticket as a story: who knew what when, on one line of time, in the reader's language.

Merged from the log (the ticket, its order, its order's couriers), what was written and shown in the ticket, and who
looked at it.  Words and places are read where they can be erased; what is erased is missing, the rest still stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts.audit import LOOKED_AT_CONTACT, LOOKED_AT_TICKET, AuditFilter, AuditStore
from server.accounts.permissions import (
    OrderNotFound,
    Permission,
    Scope,
    reach,
    require,
    require_for_all,
)
from server.accounts.store import Account, AccountStore
from server.accounts.viewer import Viewer
from server.dispatch.story_words import role_words, sentence
from server.orders.ticket_access import heard_by, require_sees, works_on_all
from server.orders.ticket_kinds import SYSTEM
from server.orders.ticket_log import ENTITY, NOTICE
from server.orders.ticket_reasons import TEMPLATES
from server.orders.ticket_store import TicketStore
from server.orders.ticket_views import public_json, ticket_json
from server.orders.ticket_words import ContactTried, Note
from server.orders.tickets import ANSWERED, Ticket
from server.orders.views import Json
from server.storage.event_log import LogRow, history, told_on

MAX_LOOKS = 200
LAST = 2**63 - 1  # a place in the log behind all others
# What concerns an order, but for the notices: the staff reads the changes they were made from.
ABOUT_THE_ORDER = ("order", "assignment")


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells in which language, and what he knows beside the log."""

    language: str
    people: Mapping[UUID, Account]
    words: Mapping[str, str]  # by the id of a note or an attempt
    shown: Mapping[str, Json]  # by the id of a piece of evidence

    def line(self, row: LogRow) -> Json:
        """One line of the story."""
        fields = row.fields
        assignee = self._name(_id(fields.get("assignee_id")))
        said = sentence(
            row.entity,
            row.name,
            fields,
            language=self.language,
            who=self._who(row),
            assignee=assignee,
        )
        line: Json = {
            "at": row.occurred_at,
            "known_at": row.received_at,  # later than `at` when a phone had no network
            "entity": row.entity,
            "name": row.name,
            "version": row.version or None,
            "actor_id": row.actor_id,
            "text": said,
        }
        spoken = self.words.get(str(fields.get("note_id") or fields.get("contact_id")))
        template = TEMPLATES.get(str(fields.get("template")))
        line["words"] = spoken or (None if template is None else template.of(self.language))
        line["evidence"] = self.shown.get(str(fields.get("evidence_id")))
        return line

    def _who(self, row: LogRow) -> str:
        account = self.people.get(row.actor_id) if row.actor_id is not None else None
        if account is not None:
            return f"{role_words(account.role, self.language)} {account.display_name}"
        role = row.fields.get("author_role") or row.fields.get("by_role") or row.fields.get("by")
        if role is None and row.name == "opened":
            role = row.fields.get("opened_by_role")
        return role_words(str(role or SYSTEM), self.language)

    def _name(self, account_id: UUID | None) -> str:
        account = None if account_id is None else self.people.get(account_id)
        return "" if account is None else account.display_name


async def ticket_story(connection: Any, viewer: Viewer, ticket_id: UUID, *, language: str) -> Json:
    """The ticket and its story, whole for the staff; the order's people read what they were told and said."""
    require(viewer, Permission.SEE_TICKET)
    store = TicketStore(connection)
    ticket = await store.get(ticket_id)
    require_sees(viewer, ticket)
    if not works_on_all(viewer):
        said = heard_by(viewer, ticket, await store.notes_of([ticket_id], viewer.role.value))
        mine = {str(note.id) for note in said}
        notices = await history(connection, NOTICE, ticket_id)
        rows = [row for row in notices if row.fields.get("said_to") in (None, viewer.role.value)]
        changes = await history(connection, ENTITY, ticket_id)
        own = [row for row in changes if row.name == ANSWERED and row.fields["note_id"] in mine]
        words = {str(note.id): note.words for note in said if note.words is not None}
        teller = Teller(language, {}, words, {})
        return {"ticket": public_json(ticket), "story": _told(teller, [*rows, *own])}
    rows = await history(connection, ENTITY, ticket_id)
    if ticket.order_id is not None:
        concerning = await told_on(connection, f"order:{ticket.order_id}")
        rows += [row for row in concerning if row.entity in ABOUT_THE_ORDER]
    rows += await _looks(connection, viewer, ticket)
    teller = Teller(
        language,
        await _people(connection, rows),
        await _words(store, ticket_id),
        await _evidence(store, ticket_id),
    )
    return {"ticket": ticket_json(ticket), "story": _told(teller, rows)}


async def order_story(connection: Any, viewer: Viewer, order_id: UUID, *, language: str) -> Json:
    """What happened to an order and to its couriers' assignments, for the staff who work on all tickets."""
    require_for_all(viewer, Permission.SEE_TICKET)
    rows = [row for row in await told_on(connection, f"order:{order_id}") if row.entity in ABOUT_THE_ORDER]
    if not rows:
        raise OrderNotFound
    return {"story": _told(Teller(language, await _people(connection, rows), {}, {}), rows)}


async def _looks(connection: Any, viewer: Viewer, ticket: Ticket) -> list[LogRow]:
    """Who looked at what people wrote in it, and at where the order goes, once a person and hour; to those who may see
    the audit.
    """
    if reach(viewer, Permission.SEE_AUDIT) is not Scope.ALL:
        return []
    first: dict[tuple[UUID, str, str], LogRow] = {}
    for about in filter(None, (ticket.id, ticket.order_id)):
        looks = await AuditStore(connection).newest(AuditFilter(entity_id=about), limit=MAX_LOOKS)
        for look in reversed(looks):
            hour = look["at"].strftime("%Y%m%d%H")
            first.setdefault((look["actor_id"], look["what"], hour), _look_row(look, about))
    return [row for row in first.values() if row.name in (LOOKED_AT_TICKET, LOOKED_AT_CONTACT)]


def _look_row(look: Any, about: UUID) -> LogRow:
    """A look, as if the log told of it; it has no version, and comes after what was told at that moment."""
    return LogRow(
        entity="audit",
        entity_id=about,
        version=0,
        name=look["what"],
        topics=(),
        fields={"by": look["actor_role"]},
        actor_id=look["actor_id"],
        occurred_at=look["at"],
        transaction_id=LAST,
        position=LAST,
        received_at=look["at"],
    )


def _told(teller: Teller, rows: Sequence[LogRow]) -> list[Json]:
    in_time = sorted(rows, key=_place)
    return [teller.line(row) for row in in_time]


def _place(row: LogRow) -> tuple[datetime, int, int]:
    return row.occurred_at, row.transaction_id, row.position


async def _people(connection: Any, rows: Sequence[LogRow]) -> dict[UUID, Account]:
    ids = {row.actor_id for row in rows if row.actor_id is not None}
    ids |= {found for row in rows if (found := _id(row.fields.get("assignee_id"))) is not None}
    return {account.id: account for account in await AccountStore(connection).several(list(ids))}


async def _words(store: TicketStore, ticket_id: UUID) -> dict[str, str]:
    spoken: list[Note | ContactTried] = [*await store.notes(ticket_id), *await store.contacts(ticket_id)]
    return {str(one.id): one.words for one in spoken if one.words is not None}


async def _evidence(store: TicketStore, ticket_id: UUID) -> dict[str, Json]:
    return {
        str(one.id): {
            "kind": one.kind,
            "media_id": one.media_id,
            "lat": one.lat,
            "lng": one.lng,
            "fix_time": one.fix_time,
        }
        for one in await store.evidence(ticket_id)
    }


def _id(value: Any) -> UUID | None:
    return None if value is None else UUID(str(value))
