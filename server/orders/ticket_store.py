"""All SQL about tickets.

tickets           one row a ticket, at its newest version; codes and ids only, the history is the event log
ticket_notes      what people wrote and were told
ticket_contacts   how somebody tried to reach somebody, and what came of it
ticket_evidence   photos (by id) and places: what was seen

The last three hold words about people and exact places.  They are erased with the other personal data of the ticket's
order (archive/erasure.py); those of a ticket without an order by `forget_words`.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from server.accounts.roles import Role
from server.errors import Refused
from server.orders.segments import Segment
from server.orders.ticket_kinds import KINDS, Decision, Kind, Severity
from server.orders.ticket_words import ContactTried, Evidence, Note
from server.orders.tickets import Bearer, Outcome, Ticket, TicketNotFound, TicketState

# Where a ticket's words about people stand; an archive that takes tickets takes these, an erasure empties them.
TABLES_WITH_WORDS = ("ticket_notes", "ticket_contacts", "ticket_evidence")


class TicketAlreadyOpen(Refused):
    """There is an open ticket about the same trouble; work on that one."""

    code = "ticket_already_open"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets a list shows; None: no matter."""

    states: Sequence[TicketState] = ()
    kind: Kind | None = None
    owner_role: Role | None = None
    severity: Severity | None = None
    assignee_id: UUID | None = None
    order_id: UUID | None = None
    courier_id: UUID | None = None
    open_only: bool = False
    overdue_at: datetime | None = None  # those whose time to be acknowledged or resolved was over by then
    customer_of: UUID | None = None  # those of this customer, merchant, courier …
    merchant_of: UUID | None = None
    courier_of: UUID | None = None
    kinds: Collection[Kind] | None = None  # … of these kinds, or …
    opened_by: UUID | None = None  # … opened by him


class TicketStore:
    """Reads and writes tickets on one connection (of the pool, or of a unit of work)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def insert(self, ticket: Ticket) -> Ticket | None:
        """Store a new ticket; it comes back with its number.  None when one about the same trouble is open."""
        names = [*_WRITTEN, "about_courier"]
        number = await self._connection.fetchval(
            f"INSERT INTO tickets ({', '.join(names)}) VALUES ({_places(len(names))})"
            " ON CONFLICT DO NOTHING RETURNING number",
            *_values(ticket),
            ticket.rule.about_courier,
        )
        return None if number is None else replace(ticket, number=number)

    async def replace(self, before: Ticket, moved: Ticket) -> None:
        """Write `moved` over `before`, which is locked; TicketAlreadyOpen when reopening meets another open one."""
        if before.is_closed and not moved.is_closed and await self.find_open(moved) is not None:
            raise TicketAlreadyOpen
        await self._connection.execute(
            "UPDATE tickets SET "
            + ", ".join(f"{name} = ${place}" for place, name in enumerate(_WRITTEN, start=1))
            + f" WHERE id = $1 AND version = ${len(_WRITTEN) + 1}",
            *_values(moved),
            before.version,
        )

    async def get(self, ticket_id: UUID) -> Ticket:
        """The ticket as it is; TicketNotFound."""
        return _found(
            await self._connection.fetchrow(f"SELECT {_COLUMNS} FROM tickets WHERE id = $1", ticket_id)
        )

    async def lock(self, ticket_id: UUID) -> Ticket:
        """The ticket, held until this transaction ends.  Its order, if it has one, is locked before it."""
        return _found(
            await self._connection.fetchrow(
                f"SELECT {_COLUMNS} FROM tickets WHERE id = $1 FOR UPDATE", ticket_id
            )
        )

    async def find_open(self, like: Ticket) -> Ticket | None:
        """The open ticket about the same trouble as `like`, locked."""
        subject = "courier_id" if like.rule.about_courier else "order_id"
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS} FROM tickets WHERE {subject} = $1 AND kind = $2 AND closed_at IS NULL FOR UPDATE",
            like.courier_id if like.rule.about_courier else like.order_id,
            like.kind.value,
        )
        return None if row is None else _ticket(row)

    async def open_of_order(self, order_id: UUID) -> list[Ticket]:
        """The order's open tickets, locked."""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM tickets WHERE order_id = $1 AND closed_at IS NULL ORDER BY id FOR UPDATE",
            order_id,
        )
        return [_ticket(row) for row in rows]

    async def worked_on(self, order_ids: Sequence[UUID]) -> set[UUID]:
        """Those of these orders that have an open ticket."""
        rows = await self._connection.fetch(
            "SELECT DISTINCT order_id FROM tickets WHERE order_id = ANY($1::uuid[]) AND closed_at IS NULL",
            list(order_ids),
        )
        return {row["order_id"] for row in rows}

    async def newest(
        self, wanted: Wanted, *, before: UUID | None = None, limit: int | None = 50
    ) -> list[Ticket]:
        """Tickets, newest first, older than the ticket `before`."""
        where, values = _conditions(wanted)
        if before is not None:
            values.append(before)
            where.append(f"id < ${len(values)}")
        values.append(limit)
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM tickets {'WHERE ' if where else ''}{' AND '.join(where)}"
            f" ORDER BY id DESC LIMIT ${len(values)}",
            *values,
        )
        return [_ticket(row) for row in rows]

    async def earlier_about(self, courier_id: UUID, ticket_id: UUID) -> list[Ticket]:
        """Other tickets about this courier's own conduct, newest first: has it happened before?"""
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} FROM tickets WHERE courier_id = $1 AND about_courier AND id <> $2"
            " ORDER BY id DESC LIMIT 50",
            courier_id,
            ticket_id,
        )
        return [_ticket(row) for row in rows]

    # Words, attempts, evidence

    async def add(self, thing: Note | ContactTried | Evidence) -> bool:
        """Store it; False when this very photo is among the ticket's evidence already."""
        names = [field.name for field in fields(thing)]
        written = await self._connection.fetchval(
            f"INSERT INTO {_TABLE_OF[type(thing)]} ({', '.join(names)}) VALUES ({_places(len(names))})"
            " ON CONFLICT DO NOTHING RETURNING true",
            *asdict(thing).values(),
        )
        return written is not None

    async def notes(self, ticket_id: UUID) -> list[Note]:
        """What was written, in its order."""
        return [Note(**row) for row in await self._of_ticket(Note, ticket_id)]

    async def notes_of(self, ticket_ids: Sequence[UUID], seen_by: str) -> list[Note]:
        """What was said in these tickets to (or by) one of the order's people."""
        rows = await self._connection.fetch(
            f"SELECT {_fields(Note)} FROM ticket_notes WHERE ticket_id = ANY($1::uuid[]) AND seen_by = $2"
            " ORDER BY place",
            list(ticket_ids),
            seen_by,
        )
        return [Note(**row) for row in rows]

    async def contacts(self, ticket_id: UUID) -> list[ContactTried]:
        """Who tried to reach whom, in its order."""
        return [ContactTried(**row) for row in await self._of_ticket(ContactTried, ticket_id)]

    async def evidence(self, ticket_id: UUID) -> list[Evidence]:
        """What was seen, in its order."""
        return [Evidence(**row) for row in await self._of_ticket(Evidence, ticket_id)]

    async def forget_words(self, ticket_id: UUID) -> None:
        """Erase all words, attempts and evidence of this ticket.  (Those of an order's go with its people's data.)"""
        for table in TABLES_WITH_WORDS:
            await self._connection.execute(f"DELETE FROM {table} WHERE ticket_id = $1", ticket_id)

    async def _of_ticket(self, what: type, ticket_id: UUID) -> list[Any]:
        rows: list[Any] = await self._connection.fetch(
            f"SELECT {_fields(what)} FROM {_TABLE_OF[what]} WHERE ticket_id = $1 ORDER BY place", ticket_id
        )
        return rows


_TABLE_OF: dict[type, str] = dict(zip((Note, ContactTried, Evidence), TABLES_WITH_WORDS, strict=True))
_WRITTEN = tuple(field.name for field in fields(Ticket) if field.name != "number")
_COLUMNS = ", ".join((*_WRITTEN, "number"))


def _fields(what: Any) -> str:
    return ", ".join(field.name for field in fields(what))


def _places(count: int) -> str:
    return ", ".join(f"${place}" for place in range(1, count + 1))


def _values(ticket: Ticket) -> list[object]:
    values = (getattr(ticket, name) for name in _WRITTEN)
    return [getattr(value, "value", value) for value in values]


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []

    def add(condition: str, value: object) -> None:
        values.append(value)
        where.append(condition.format(f"${len(values)}"))

    if wanted.states:
        add("state = ANY({}::text[])", [state.value for state in wanted.states])
    if wanted.open_only:
        where.append("closed_at IS NULL")
    for name in ("kind", "owner_role", "severity", "assignee_id", "order_id", "courier_id"):
        if (value := getattr(wanted, name)) is not None:
            add(f"{name} = {{}}", getattr(value, "value", value))
    if wanted.overdue_at is not None:
        add(
            "closed_at IS NULL AND (resolve_by <= {0} OR (rung > 0 AND acknowledged_at IS NULL))",
            wanted.overdue_at,
        )
    for column, value in (
        ("customer_id", wanted.customer_of),
        ("merchant_id", wanted.merchant_of),
        ("courier_id", wanted.courier_of),
    ):
        if value is not None:
            add(f"{column} = {{}}", value)
    if wanted.kinds is not None:
        values += [[kind.value for kind in wanted.kinds], wanted.opened_by]
        kinds, opened_by = f"${len(values) - 1}", f"${len(values)}"
        where.append(
            f"((kind = ANY({kinds}::text[]) AND (notices > 0 OR NOT about_courier)) OR opened_by = {opened_by})"
        )
    return where, values


def _found(row: Any) -> Ticket:
    if row is None:
        raise TicketNotFound
    return _ticket(row)


_ENUMS: dict[str, type] = {
    "kind": Kind,
    "state": TicketState,
    "severity": Severity,
    "owner_role": Role,
    "segment": Segment,
    "decision": Decision,
    "outcome": Outcome,
    "borne_by": Bearer,
}


def _ticket(row: Any) -> Ticket:
    facts = dict(row)
    for name, enum in _ENUMS.items():
        if facts[name] is not None:
            facts[name] = enum(facts[name])
    return Ticket(**facts)


def kinds_shown_to(role: Role) -> list[Kind]:
    """The kinds of tickets that people of this role hear of, about their own orders."""
    return [kind for kind, rule in KINDS.items() if role in rule.seen_by]
