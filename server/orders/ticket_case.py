"""Tickets within one unit of work: reported, joined, moved; with their events, notices and clock.

Locks are taken in one order everywhere: the order's row, then its tickets'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from server.accounts.viewer import Viewer
from server.clock import to_ms
from server.ids import new_id
from server.orders.media import MediaNotFound, MediaTable
from server.orders.model import Happening, Order
from server.orders.segments import Segment
from server.orders.ticket_access import works_on_all
from server.orders.ticket_endings import ending
from server.orders.ticket_kinds import SYSTEM, Kind
from server.orders.ticket_log import log_event, log_notice, told
from server.orders.ticket_remedies import Hands, LastSeen
from server.orders.ticket_store import TicketStore
from server.orders.ticket_words import STAFF_ONLY, ContactTried, Evidence, Note
from server.orders.tickets import ANSWERED, EVIDENCE_ADDED, NOTED, Ticket, opened
from server.storage.unit_of_work import UnitOfWork

CLOCK = "ticket_clock"  # the timer of a ticket: its next escalation, waking or being overdue


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The order that something is wrong with, or a checkout that never became one, and whose it is."""

    order_id: UUID
    customer_id: UUID
    merchant_id: UUID | None  # None while it has not heard of the order

    @classmethod
    def of(cls, order: Order) -> "Subject":
        """An order."""
        return cls(
            order_id=order.id,
            customer_id=order.customer_id,
            merchant_id=order.merchant_id if order.is_with_merchant else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Somebody, or (by None) the system, says that something is wrong."""

    kind: Kind
    reason: str
    about: "Subject | None"  # None: a courier's conduct apart from any order
    courier_id: UUID | None
    by: UUID | None = None
    by_role: str = SYSTEM
    reported_at: datetime
    segment: Segment | None = None


class TicketBook:
    """The tickets, in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work
        self.store = TicketStore(work.connection)

    async def report(self, report: Report) -> tuple[Ticket, bool]:
        """The ticket of this trouble, and whether it was open already.  The order is locked, if there is one."""
        about = report.about
        newborn = opened(
            report.kind,
            ticket_id=self._new_id(),
            reason=report.reason,
            at=self.work.now,
            reported_at=report.reported_at,
            opened_by=report.by,
            opened_by_role=report.by_role,
            order_id=None if about is None else about.order_id,
            merchant_id=None if about is None else about.merchant_id,
            customer_id=None if about is None else about.customer_id,
            courier_id=report.courier_id,
            segment=report.segment,
        )
        while True:
            ticket = await self.store.insert(newborn)
            if ticket is not None:
                return await self._announce(ticket, ticket.newborn(), report.by), False
            before = await self.store.find_open(newborn)
            if before is not None:  # else it was closed in this very moment: there is room for a new one
                step = before.reported_again(report.reason, at=report.reported_at)
                return await self.save(before, step, actor_id=report.by), True

    async def save(
        self,
        before: Ticket,
        step: tuple[Ticket, Happening],
        *,
        actor_id: UUID | None,
        said_to: str | None = None,
    ) -> Ticket:
        """Write what `step` made of `before`, and tell everybody whom it concerns."""
        moved, happening = step
        if told(moved, happening, said_to):
            moved = replace(moved, notices=moved.notices + 1)
        await self.store.replace(before, moved)
        return await self._announce(moved, happening, actor_id, before=before, said_to=said_to)

    async def note(
        self,
        ticket: Ticket,
        *,
        author_id: UUID | None,
        author_role: str,
        seen_by: str,
        words: str | None = None,
        template: str | None = None,
        name: str = NOTED,
    ) -> Ticket:
        """Something is written in the ticket; in the log stands only that, by whom and for whom."""
        note = Note(
            id=self._new_id(),
            ticket_id=ticket.id,
            author_id=author_id,
            author_role=author_role,
            seen_by=seen_by,
            template=template,
            words=words,
            at=self.work.now,
        )
        await self.store.add(note)
        moved, _ = ticket.with_(name, self.work.now)
        fields = {"note_id": note.id, "author_role": author_role, "seen_by": seen_by, "template": template}
        said_to = None if seen_by == STAFF_ONLY or name != NOTED else seen_by
        return await self.save(
            ticket, (moved, Happening(name, fields, self.work.now)), actor_id=author_id, said_to=said_to
        )

    async def words_of(self, ticket: Ticket, by: Viewer, words: str | None) -> Ticket:
        """What somebody says to their report: the staff's words are for the staff, others' for themselves, too."""
        if not words:
            return ticket
        staff = works_on_all(by)
        return await self.note(
            ticket,
            author_id=by.account_id,
            author_role=by.role.value,
            seen_by=STAFF_ONLY if staff else by.role.value,
            words=words,
            name=NOTED if staff else ANSWERED,
        )

    async def tried(self, ticket: Ticket, tried: ContactTried, name: str) -> Ticket:
        """Somebody tried to reach somebody."""
        await self.store.add(tried)
        moved, _ = ticket.with_(name, self.work.now)
        fields = {"contact_id": tried.id, "whom": tried.whom, "how": tried.how, "result": tried.result}
        return await self.save(
            ticket, (moved, Happening(name, fields, self.work.now)), actor_id=tried.tried_by
        )

    async def photos(
        self,
        ticket: Ticket,
        media_ids: Sequence[UUID],
        by: UUID,
        by_role: str,
        *,
        order_id: UUID | None = None,
    ) -> Ticket:
        """Photos of this order are its evidence, or of the ticket's own; MediaNotFound for any other."""
        order_id = order_id or ticket.order_id
        for media_id in dict.fromkeys(media_ids):
            media = await MediaTable(self.work.connection).get(media_id)
            if order_id is None or media.order_id != order_id:
                raise MediaNotFound
            evidence = Evidence(
                id=self._new_id(),
                ticket_id=ticket.id,
                added_by=by,
                added_by_role=by_role,
                kind="photo",
                media_id=media_id,
                at=self.work.now,
            )
            ticket = await self._evidence(ticket, evidence)
        return ticket

    async def place(self, ticket: Ticket, seen: LastSeen | None) -> Ticket:
        """Where the courier was when this was reported is evidence; kept by the system, exact, until erased."""
        if seen is None:
            return ticket
        evidence = Evidence(
            id=self._new_id(),
            ticket_id=ticket.id,
            added_by=None,
            added_by_role=SYSTEM,
            kind="position",
            lat=seen.lat,
            lng=seen.lng,
            fix_time=seen.fix_time,
            at=self.work.now,
        )
        return await self._evidence(ticket, evidence)

    async def follow_order(self, tickets: Sequence[Ticket], order: Order, happened: str) -> None:
        """End those of the order's open tickets whose trouble is over with what happened to it."""
        for ticket in tickets:
            outcome = ending(ticket, happened, order)
            if outcome is not None:
                await self.save(ticket, ticket.resolve(outcome, at=self.work.now), actor_id=None)

    async def look_at_the_clock(self, ticket_id: UUID) -> None:
        """Do to the ticket all that is due."""
        ticket = await self.store.lock(ticket_id)
        while (step := ticket.at_the_clock(now=self.work.now)) is not None:
            ticket = await self.save(ticket, step, actor_id=None)
        if ticket.due_at is not None:
            await self.work.set_timer(CLOCK, ticket.id, ticket.due_at)

    async def _evidence(self, ticket: Ticket, evidence: Evidence) -> Ticket:
        if not await self.store.add(evidence):
            return ticket  # shown before
        moved, _ = ticket.with_(EVIDENCE_ADDED, self.work.now)
        fields = {"evidence_id": evidence.id, "evidence": evidence.kind, "by_role": evidence.added_by_role}
        step = moved, Happening(EVIDENCE_ADDED, fields, self.work.now)
        return await self.save(ticket, step, actor_id=evidence.added_by)

    async def _announce(
        self,
        ticket: Ticket,
        happening: Happening,
        actor_id: UUID | None,
        *,
        before: Ticket | None = None,
        said_to: str | None = None,
    ) -> Ticket:
        if before is None and told(ticket, happening, said_to):
            noticed = replace(ticket, notices=ticket.notices + 1)
            await self.store.replace(ticket, noticed)
            ticket = noticed
        if before is None or ticket.due_at != before.due_at:
            if ticket.due_at is None:
                await self.work.clear_timer(CLOCK, ticket.id)
            else:
                await self.work.set_timer(CLOCK, ticket.id, ticket.due_at)
        events = [log_event(ticket, happening, actor_id=actor_id)]
        if told(ticket, happening, said_to):
            events.append(log_notice(ticket, happening, said_to=said_to))
        await self.work.append(*events)
        return ticket

    def _new_id(self) -> UUID:
        return new_id(to_ms(self.work.now))


@dataclass(slots=True)
class Case:
    """One ticket in somebody's hands: locked, with its order, in a unit of work.  Commands act on this."""

    book: TicketBook
    ticket: Ticket
    order: Order | None
    viewer: Viewer
    hands: Hands

    @property
    def work(self) -> UnitOfWork:
        """The unit of work it is in."""
        return self.book.work

    @property
    def now(self) -> datetime:
        """The moment of all that happens in it."""
        return self.book.work.now

    async def take(self, step: tuple[Ticket, Happening]) -> None:
        """What the rule made of the ticket is so."""
        self.ticket = await self.book.save(self.ticket, step, actor_id=self.viewer.account_id)

    async def say(self, seen_by: str, *, words: str | None = None, template: str | None = None) -> None:
        """Write a note; `seen_by` says for whom."""
        if words is None and template is None:
            return
        self.ticket = await self.book.note(
            self.ticket,
            author_id=self.viewer.account_id,
            author_role=self.viewer.role.value,
            seen_by=seen_by,
            words=words,
            template=template,
        )
