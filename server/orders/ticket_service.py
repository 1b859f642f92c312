"""Tickets as people and clocks use them: report, look, say something to one; and what orders' events make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from server.accounts.permissions import OrderNotFound, Permission, Scope, is_own, reach, require
from server.accounts.roles import Role
from server.accounts.store import AccountStore
from server.accounts.viewer import Viewer
from server.errors import NotFound, Refused
from server.orders.commands import fingerprint, once
from server.orders.lifecycle import Status
from server.orders.model import Order
from server.orders.store import OrderStore
from server.orders.ticket_access import (
    heard_by,
    require_raises,
    require_sees,
    sees,
    works_on_all,
)
from server.orders.ticket_acts import MAX_PHOTOS, WordsText
from server.orders.ticket_case import CLOCK, Case, Report, Subject, TicketBook
from server.orders.ticket_commands import TICKET_COMMANDS
from server.orders.ticket_endings import POSSIBLE_WHILE, WITH_WHAT_CAME
from server.orders.ticket_kinds import KINDS, Kind
from server.orders.ticket_log import ENTITY
from server.orders.ticket_reasons import OTHER
from server.orders.ticket_remedies import Hands
from server.orders.ticket_store import TicketStore, Wanted, kinds_shown_to
from server.orders.ticket_views import conversation_json, public_json, said_json, ticket_json
from server.orders.tickets import HAPPENED, Ticket, TicketEvent, TicketState
from server.orders.trouble import UnknownReason
from server.orders.views import Json
from server.settings import Settings
from server.storage.event_log import Event
from server.storage.timers import Timers
from server.storage.unit_of_work import Storage, UnitOfWork

FORGET = "forget_ticket"  # the timer of a closed ticket without an order


class TicketChanged(Refused):
    """The ticket has moved on since you saw it; `ticket` is what it is now."""

    code = "ticket_changed"

    def __init__(self, ticket: Json) -> None:
        super().__init__(ticket=ticket)


class NotInTrouble(Refused):
    """An order in this status cannot have this kind of trouble."""

    code = "not_in_trouble"


class NoCourier(Refused):
    """No courier has had this order."""

    code = "no_courier"


class UnknownCourier(NotFound):
    """No courier has this id."""

    code = "courier_not_found"


class ReportTrouble(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is wrong with an order; photos were uploaded before."""

    kind: Kind
    reason: str = OTHER
    words: WordsText | None = None
    media_ids: Annotated[list[UUID], Meta(max_length=MAX_PHOTOS)] = []


class ReportCourier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a courier has done; without an order only the staff may say it."""

    courier_id: UUID
    reason: str = OTHER
    words: WordsText | None = None


class TicketService:
    """The tickets of this platform.  `key` is the caller's Idempotency-Key: repeated, it gets the first answer."""

    def __init__(self, storage: Storage, hands: Hands, settings: Settings) -> None:
        self._storage = storage
        self._hands = hands
        self._keep_words = timedelta(seconds=settings.keep_personal_s)

    def register(self, timers: Timers) -> None:
        """Let the clock escalate, wake and call overdue; and forget what was written about a courier in time."""
        timers.on(CLOCK, self._clock)
        timers.on(FORGET, self._forget)
        for ended in (TicketEvent.RESOLVE, TicketEvent.DISMISS):
            self._storage.on_event(ENTITY, HAPPENED[ended], self._forget_in_time)

    async def report(
        self, viewer: Viewer, order_id: UUID, said: ReportTrouble, *, key: str | None = None
    ) -> Json:
        """Somebody of the order, or of the staff, says what is wrong with it: a new ticket, or one that is open."""
        require_raises(viewer, said.kind)
        _require_reason(said.kind, said.reason)

        async def act(work: UnitOfWork) -> Json:
            order = await OrderStore(work.connection).lock(order_id)
            courier_id = await self._hands.carrier_of(work.connection, order_id)
            _require_theirs(viewer, order, courier_id)
            if order.status not in POSSIBLE_WHILE[said.kind]:
                raise NotInTrouble(current=order.status.value, kind=said.kind.value)
            if courier_id is None and KINDS[said.kind].about_courier:
                raise NoCourier
            book = TicketBook(work)
            ticket = await self._reported(book, viewer, order, courier_id, said)
            return shown(
                viewer, ticket if sees(viewer, ticket) else _as_reported(ticket, order, said, work.now)
            )

        told = fingerprint("report_trouble", order_id, said)
        return await once(self._storage, viewer, key, told, act)

    async def report_courier(self, viewer: Viewer, said: ReportCourier, *, key: str | None = None) -> Json:
        """Somebody of the staff says what a courier has done, apart from any order."""
        require(viewer, Permission.WORK_TICKET)
        _require_reason(Kind.MISCONDUCT, said.reason)

        async def act(work: UnitOfWork) -> Json:
            accounts = await AccountStore(work.connection).couriers([said.courier_id])
            if not accounts:
                raise UnknownCourier
            book = TicketBook(work)
            ticket, _ = await book.report(
                Report(
                    kind=Kind.MISCONDUCT,
                    reason=said.reason,
                    about=None,
                    courier_id=said.courier_id,
                    by=viewer.account_id,
                    by_role=viewer.role.value,
                    reported_at=work.now,
                )
            )
            ticket = await book.place(ticket, self._hands.last_seen_of(said.courier_id))
            ticket = await book.words_of(ticket, viewer, said.words)
            return shown(viewer, ticket)

        return await once(self._storage, viewer, key, fingerprint("report_courier", said), act)

    async def say(
        self, viewer: Viewer, ticket_id: UUID, command: str, said: Any, *, key: str | None = None
    ) -> Json:
        """Carry out one of TICKET_COMMANDS; TicketChanged when it was said of another version."""
        told_how = TICKET_COMMANDS[command]
        require(viewer, Permission.SEE_TICKET)

        async def act(work: UnitOfWork) -> Json:
            book = TicketBook(work)
            ticket = await book.store.get(ticket_id)
            order = await _order_of(work, ticket)
            ticket = await book.store.lock(ticket_id)
            require_sees(viewer, ticket)
            told_how.rule(viewer, ticket)
            if said.version is not None and said.version != ticket.version:
                raise TicketChanged(shown(viewer, ticket))
            case = Case(book, ticket, order, viewer, self._hands)
            await told_how.act(case, said)
            return shown(viewer, await book.store.get(ticket_id))  # what it did may have ended it

        told = fingerprint(f"ticket_{command}", ticket_id, said)
        return await once(self._storage, viewer, key, told, act)

    # Reading

    async def one(self, connection: Any, viewer: Viewer, ticket_id: UUID) -> Json:
        """The ticket as the viewer may see it: whole with its conversation, or reduced."""
        require(viewer, Permission.SEE_TICKET)
        store = TicketStore(connection)
        ticket = await store.get(ticket_id)
        require_sees(viewer, ticket)
        if not works_on_all(viewer):
            said = await store.notes_of([ticket.id], viewer.role.value)
            return {**shown(viewer, ticket), "said": said_json(heard_by(viewer, ticket, said))}
        conversation = conversation_json(
            await store.notes(ticket_id), await store.contacts(ticket_id), await store.evidence(ticket_id)
        )
        return {**shown(viewer, ticket), **conversation}

    async def several(
        self, connection: Any, viewer: Viewer, wanted: Wanted, *, before: UUID | None, limit: int
    ) -> list[Json]:
        """Tickets that the viewer may see, newest first."""
        require(viewer, Permission.SEE_TICKET)
        store = TicketStore(connection)
        if works_on_all(viewer):
            return [ticket_json(ticket) for ticket in await store.newest(wanted, before=before, limit=limit)]
        mine = replace(wanted, **_own(viewer))
        tickets = await store.newest(mine, before=before, limit=limit)
        said = await store.notes_of([ticket.id for ticket in tickets], viewer.role.value)
        return [
            {**public_json(ticket), "said": said_json(heard_by(viewer, ticket, said))} for ticket in tickets
        ]

    # Inside

    async def _reported(
        self, book: TicketBook, viewer: Viewer, order: Order, courier_id: UUID | None, said: ReportTrouble
    ) -> Ticket:
        report = Report(
            kind=said.kind,
            reason=said.reason,
            about=Subject.of(order),
            courier_id=courier_id,
            by=viewer.account_id,
            by_role=viewer.role.value,
            reported_at=book.work.now,
        )
        ticket = await reported(
            book, report, viewer, words=said.words, media_ids=said.media_ids, hands=self._hands
        )
        if said.kind in WITH_WHAT_CAME and order.status is Status.DELIVERED:
            # The order is in trouble, too, so that nobody takes it for received.
            await self._hands.orders.dispute(book.work, order, said.reason, viewer)
        return ticket

    async def _clock(self, work: UnitOfWork, ticket_id: UUID, payload: Mapping[str, Any]) -> None:
        await TicketBook(work).look_at_the_clock(ticket_id)

    async def _forget_in_time(self, work: UnitOfWork, event: Event) -> None:
        """A ticket without an order is in no archive: its words have a time of their own."""
        if event.fields.get("order_id") is None:
            await work.set_timer(FORGET, event.entity_id, work.now + self._keep_words)

    async def _forget(self, work: UnitOfWork, ticket_id: UUID, payload: Mapping[str, Any]) -> None:
        store = TicketStore(work.connection)
        if (await store.lock(ticket_id)).is_closed:  # else it was opened again, and will close again
            await store.forget_words(ticket_id)


def shown(viewer: Viewer, ticket: Ticket) -> Json:
    """The ticket as the viewer may see it, without words: an answer is kept under its key longer than those may be."""
    return ticket_json(ticket) if works_on_all(viewer) else public_json(ticket)


async def reported(
    book: TicketBook,
    report: Report,
    by: Viewer,
    *,
    words: str | None,
    media_ids: Sequence[UUID],
    hands: Hands,
) -> Ticket:
    """The ticket of what somebody reports, with their words and photos, and where the courier was just then."""
    ticket, _ = await book.report(report)
    if report.courier_id is not None:
        ticket = await book.place(ticket, hands.last_seen_of(report.courier_id))
    ticket = await book.words_of(ticket, by, words)
    order_id = None if report.about is None else report.about.order_id
    return await book.photos(ticket, media_ids, by.account_id, by.role.value, order_id=order_id)


async def _order_of(work: UnitOfWork, ticket: Ticket) -> Order | None:
    """The ticket's order, locked; None when it has none, or only a checkout that never became one."""
    if ticket.order_id is None:
        return None
    try:
        return await OrderStore(work.connection).lock(ticket.order_id)
    except OrderNotFound:
        return None


def _as_reported(ticket: Ticket, order: Order, said: ReportTrouble, at: datetime) -> Ticket:
    """What somebody reported, who is not to know that it joined what others say of the same courier."""
    return replace(
        ticket, order_id=order.id, reason=said.reason, state=TicketState.OPEN, decision=None, opened_at=at
    )


def _require_reason(kind: Kind, reason: str) -> None:
    if reason not in KINDS[kind].reasons:
        raise UnknownReason(kind=kind.value, reason=reason)


def _require_theirs(viewer: Viewer, order: Order, courier_id: UUID | None) -> None:
    """OrderNotFound unless the order is the viewer's, or the viewer works on everybody's."""
    if reach(viewer, Permission.WORK_TICKET) is not Scope.ALL and not is_own(
        viewer, **order.people(courier_id)
    ):
        raise OrderNotFound


def _own(viewer: Viewer) -> dict[str, Any]:
    """Whose tickets are the viewer's own, as `sees` has it."""
    mine: dict[str, Any] = {"opened_by": viewer.account_id, "kinds": kinds_shown_to(viewer.role)}
    match viewer.role:
        case _ if viewer.order_id is not None:
            return {**mine, "order_id": viewer.order_id}
        case Role.CUSTOMER:
            return {**mine, "customer_of": viewer.account_id}
        case Role.MERCHANT:
            return {**mine, "merchant_of": viewer.merchant_id}
        case _:
            return {**mine, "courier_of": viewer.account_id}
