"""How tickets look on the wire: whole for the staff, reduced for the people of the order.  Pure."""

from collections.abc import Sequence

import msgspec

from server.orders.ticket_words import ContactTried, Evidence, Note
from server.orders.tickets import Ticket
from server.orders.views import Json


def ticket_json(ticket: Ticket) -> Json:
    """The ticket as the staff sees it."""
    view: Json = msgspec.to_builtins(ticket)
    return {**view, "decisions": [decision.value for decision in ticket.rule.decisions]}


def conversation_json(
    notes: Sequence[Note], contacts: Sequence[ContactTried], evidence: Sequence[Evidence]
) -> Json:
    """What stands beside the ticket, as the staff sees it."""
    view: Json = {
        "notes": [msgspec.to_builtins(note) for note in notes],
        "contacts": [msgspec.to_builtins(contact) for contact in contacts],
        "evidence": [msgspec.to_builtins(thing) for thing in evidence],
    }
    for things in view.values():
        for thing in things:
            del thing["ticket_id"]
    return view


def public_json(ticket: Ticket) -> Json:
    """The ticket as one of the order's people sees it."""
    return {"id": str(ticket.id), "version": ticket.version, **notice_fields(ticket)}


def said_json(said: Sequence[Note]) -> list[Json]:
    """What was said to one of the order's people, and by them."""
    return [
        {
            "at": msgspec.to_builtins(note.at),
            "author_role": note.author_role,
            "template": note.template,
            "words": note.words,
        }
        for note in said
    ]


def notice_json(ticket: Ticket) -> Json:
    """The ticket as those who listen to its order see it: the entity `ticket_notice` at its version."""
    return {"id": str(ticket.id), "version": ticket.notices, **notice_fields(ticket)}


def notice_fields(ticket: Ticket) -> Json:
    """What the people of an order may know of its ticket."""
    facts: Json = msgspec.to_builtins(
        {
            "order_id": ticket.order_id,
            "number": ticket.number,
            "kind": ticket.kind,
            "state": ticket.state,
            "reason": ticket.reason,
            "decision": ticket.decision,
            "outcome": ticket.outcome,
            "opened_at": ticket.opened_at,
            "closed_at": ticket.closed_at,
        }
    )
    return facts
