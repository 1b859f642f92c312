"""How the answers about tickets look, as types: for the description of the API, and for the tests."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from server.accounts.roles import Role
from server.http.answers import Answer, Moment, derived
from server.orders.ticket_kinds import Decision, Kind, Severity
from server.orders.ticket_words import ContactTried, Evidence, Note
from server.orders.tickets import Outcome, Ticket, TicketState


class SaidAnswer(Answer):
    """What was said to you in a ticket, or by you."""

    at: Moment
    author_role: str
    template: str | None
    words: str | None


def _without_ticket(name: str, source: type, meaning: str) -> type[msgspec.Struct]:
    whole = derived(name, source, meaning)
    fields = [
        (field.name, field.type) for field in msgspec.structs.fields(whole) if field.name != "ticket_id"
    ]
    form = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True, module=__name__)
    form.__doc__ = meaning
    return form


NoteAnswer = _without_ticket("NoteAnswer", Note, "Something written in a ticket; `seen_by` says for whom.")
ContactAnswer = _without_ticket("ContactAnswer", ContactTried, "Somebody tried to reach somebody.")
EvidenceAnswer = _without_ticket("EvidenceAnswer", Evidence, "A photo, or where the courier was.")

_EVERYBODY: dict[str, Any] = {
    "id": UUID,
    "version": int,
    "number": int,
    "order_id": UUID | None,
    "kind": Kind,
    "state": TicketState,
    "reason": str,
    "decision": Decision | None,
    "outcome": Outcome | None,
    "opened_at": Moment,
    "closed_at": Moment | None,
}
_WHOLE = msgspec.structs.fields(derived("WholeTicket", Ticket, "As the staff sees it."))
_STAFF: dict[str, Any] = {field.name: field.type for field in _WHOLE if field.name not in _EVERYBODY}
_BESIDE: dict[str, Any] = {
    "notes": list[NoteAnswer],  # type: ignore[valid-type]
    "contacts": list[ContactAnswer],  # type: ignore[valid-type]
    "evidence": list[EvidenceAnswer],  # type: ignore[valid-type]
}


def _ticket(name: str, meaning: str, staff: dict[str, Any]) -> type[msgspec.Struct]:
    form = msgspec.defstruct(
        name,
        [
            *_EVERYBODY.items(),
            *((field, kind | UnsetType, UNSET) for field, kind in staff.items()),
            ("said", list[SaidAnswer] | UnsetType, UNSET),
        ],
        kw_only=True,
        forbid_unknown_fields=True,
        module=__name__,
    )
    form.__doc__ = meaning
    return form


_DECIDABLE = {"decisions": list[Decision]}
TicketAnswer = _ticket(
    "TicketAnswer",
    "A ticket: whole for the staff; for the people of its order how it stands, and what was `said` to them.",
    {**_STAFF, **_DECIDABLE},
)
TicketSeen = _ticket(
    "TicketSeen",
    "A ticket with what stands beside it, for the staff: notes, attempts to reach people, evidence.",
    {**_STAFF, **_DECIDABLE, **_BESIDE},
)


class TicketsPage(Answer):
    """Tickets, newest first; `next_before` is the `before` of the next page, null when there is none."""

    tickets: list[TicketAnswer]  # type: ignore[valid-type]
    next_before: UUID | None


class EvidenceShown(Answer):
    """A photo by its id, or a place."""

    kind: str
    media_id: UUID | None
    lat: float | None
    lng: float | None
    fix_time: Moment | None


class StoryLine(Answer):
    """Something that happened: when, when we knew, by whom, and in words.

    `words` are what somebody wrote or was told; erased words are missing, the line stays.
    """

    at: Moment
    known_at: Moment
    entity: str
    name: str
    version: int | None
    actor_id: UUID | None
    text: str
    words: str | None
    evidence: EvidenceShown | None


class TicketStory(Answer):
    """A ticket as a story, the oldest first."""

    ticket: TicketAnswer  # type: ignore[valid-type]
    story: list[StoryLine]


class OrderStory(Answer):
    """An order as a story, the oldest first."""

    story: list[StoryLine]


class Coded(Answer):
    """A code with its words."""

    code: str
    en: str
    zh: str


class DecisionAnswer(Coded):
    """What can be decided, and by which roles."""

    roles: list[Role]


class Sentence(Answer):
    """The same in both languages."""

    en: str
    zh: str


class KindAnswer(Answer):
    """A kind of ticket: whose it is, who may report it, its clocks, and what can be decided."""

    kind: Kind
    en: str
    zh: str
    ladder: list[Role]
    severity: Severity
    reported_by: list[Role]
    by_system: bool
    acknowledge_within_s: int
    resolve_within_s: int
    reasons: list[Coded]
    decisions: list[DecisionAnswer]
    questions: list[Sentence]


class KindList(Answer):
    """The catalogue of tickets, and what customers are told in its templates."""

    kinds: list[KindAnswer]
    templates: list[Coded]
