"""What the event log hears of tickets.  No I/O.

Two entities, so that nobody is told what is not theirs to know: `ticket`, every change, to the staff; and
`ticket_notice`, under the same id with versions of its own, to the people of the order.  A notice says how the case
stands, never who wrote what about whom; words are read by REST, by those they were written for.
"""

from typing import Any
from uuid import UUID

import msgspec

from server.orders.log import DISPATCH_TOPIC
from server.orders.model import Happening
from server.orders.ticket_kinds import KINDS
from server.orders.ticket_views import notice_fields
from server.orders.tickets import (
    ACKNOWLEDGED,
    CLOSED_WORDS,
    DECIDED,
    NOTED,
    OPENED,
    Ticket,
)
from server.storage.event_log import Event

ENTITY = "ticket"
NOTICE = "ticket_notice"
TOPIC = "tickets:all"  # one zone until zones are drawn

_HEARD = frozenset({OPENED, ACKNOWLEDGED, DECIDED, *CLOSED_WORDS})
# A courier hears of what he is accused of when he is asked about it, or when it is decided.
_HEARD_BY_THE_ACCUSED = frozenset({DECIDED, *CLOSED_WORDS})


def told(ticket: Ticket, happening: Happening, said_to: str | None = None) -> bool:
    """Whether the people of the order are given notice; `said_to`: whom a note is for, if it is one."""
    if happening.name == NOTED:
        return said_to is not None
    if KINDS[ticket.kind].about_courier:
        return ticket.notices > 0 and happening.name in _HEARD_BY_THE_ACCUSED
    return happening.name in _HEARD


def notice_topics(ticket: Ticket) -> tuple[str, ...]:
    """Where the people of the order hear of it."""
    listening = {"order": ticket.order_id, "merchant": ticket.merchant_id, "courier": ticket.courier_id}
    if ticket.rule.about_courier:
        listening = {"courier": ticket.courier_id}
    return tuple(f"{kind}:{one}" for kind, one in listening.items() if one is not None)


def staff_topic(order_id: UUID | None) -> tuple[str, ...]:
    """A topic that nobody can join: by it the archive finds what the staff was told of an order."""
    return () if order_id is None else (f"staff:{order_id}",)


def log_event(ticket: Ticket, happening: Happening, *, actor_id: UUID | None) -> Event:
    """The change, for the staff; `ticket` is as it is after what happened."""
    return Event(
        entity=ENTITY,
        entity_id=ticket.id,
        version=ticket.version,
        name=happening.name,
        topics=(TOPIC, DISPATCH_TOPIC, *staff_topic(ticket.order_id)),
        fields={"kind": ticket.kind.value, "order_id": _text(ticket.order_id), **_plain(happening.fields)},
        actor_id=actor_id,
        occurred_at=happening.at,
    )


def log_notice(ticket: Ticket, happening: Happening, *, said_to: str | None = None) -> Event:
    """How the case stands, for the people of the order.  Who of the staff acts for us is not theirs to know."""
    return Event(
        entity=NOTICE,
        entity_id=ticket.id,
        version=ticket.notices,
        name=happening.name,
        topics=notice_topics(ticket),
        fields={**notice_fields(ticket), **_note(happening, said_to)},
        actor_id=None,
        occurred_at=happening.at,
    )


def _note(happening: Happening, said_to: str | None) -> dict[str, Any]:
    """For whom a note is, and which: its words are read by REST."""
    if said_to is None:
        return {}
    return {
        "said_to": said_to,
        "note_id": str(happening.fields["note_id"]),
        "template": happening.fields["template"],
    }


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(fields)
    return plain


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
