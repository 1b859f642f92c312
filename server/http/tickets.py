"""Tickets: the trouble that people report and work on.  What may be said to one stands in orders/ticket_commands.py."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.accounts.audit import LOOKED_AT_TICKET
from server.accounts.permissions import OrderNotFound, Permission, require
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.dispatch.order_moves import (
    BadAddress,
    BadPromise,
    BagOnTheWay,
    NobodyCarriesIt,
    TooFarAway,
)
from server.dispatch.ticket_story import order_story, ticket_story
from server.errors import TrackingError
from server.http.operations import BEFORE, LIMIT, Handler, Operation, Query, operation
from server.http.orders import Flag, may_be_left_out, path_word
from server.http.parts import HttpParts
from server.http.requests import (
    answer,
    body_of,
    key_of,
    query_choice,
    query_choices,
    query_id,
    query_limit,
    tagged,
    version_in_if_match,
    viewer_of,
)
from server.http.ticket_answers import (
    KindList,
    OrderStory,
    TicketAnswer,
    TicketSeen,
    TicketsPage,
    TicketStory,
)
from server.http.words import Language, language_of
from server.orders.lifecycle import IllegalTransition
from server.orders.media import MediaNotFound
from server.orders.ticket_access import deciders, works_on_all
from server.orders.ticket_acts import NoOutcome, NothingSaid, UnknownAssignee, UnknownTemplate
from server.orders.ticket_commands import TICKET_COMMANDS, TicketCommand
from server.orders.ticket_decisions import BadRefund, BadUntil, DecisionNotPossible
from server.orders.ticket_kinds import DECISION_WORDS, KINDS, Decision, Kind, Severity
from server.orders.ticket_reasons import TEMPLATES, Words
from server.orders.ticket_service import (
    NoCourier,
    NotInTrouble,
    ReportCourier,
    ReportTrouble,
    TicketChanged,
    UnknownCourier,
)
from server.orders.ticket_store import TicketAlreadyOpen, Wanted
from server.orders.tickets import BadPause, TicketClosed, TicketNotFound, TicketState
from server.orders.trouble import UnknownReason
from server.storage.event_log import read_at

ALL, ONE = "/api/v1/tickets", "/api/v1/tickets/{ticket_id:uuid}"
FILTERS = (
    Query("state", list[TicketState], "In one of these states"),
    Query("open", Flag, "true: only those that are not closed"),
    Query("kind", Kind, "Of this kind"),
    Query("severity", Severity, "Of this severity"),
    Query("owner_role", Role, "This role's matter now"),
    Query("mine", Flag, "true: only those that you see to"),
    Query(
        "overdue",
        Flag,
        "true: only those whose time to be resolved is over, or that have climbed unacknowledged",
    ),
    Query("order_id", UUID, "About this order"),
    Query("courier_id", UUID, "About this courier, or an order that he had"),
)
LANGUAGE = Query("lang", Language, "In which language the story is told; else as Accept-Language says")
# What a command may be refused with beside what every operation may.
_OWN: Mapping[str, tuple[type[TrackingError], ...]] = {
    "assign": (UnknownAssignee, TicketClosed),
    "wait": (BadPause, IllegalTransition),
    "snooze": (BadPause, IllegalTransition),
    "raise_severity": (TicketClosed,),
    "note": (NothingSaid, UnknownTemplate),
    "log_contact": (),
    "answer": (),
    "add_evidence": (MediaNotFound,),
    "resolve": (NoOutcome, IllegalTransition),
    "reopen": (TicketAlreadyOpen, IllegalTransition),
    Decision.RE_PROMISE: (BadPromise,),
    Decision.REASSIGN: (BagOnTheWay,),
    Decision.CORRECT_ADDRESS: (BadAddress, TooFarAway),
    Decision.REDELIVER: (NobodyCarriesIt,),
    Decision.REFUND: (BadRefund,),
    Decision.SETTLE: (BadRefund,),
    Decision.CANCEL: (BadRefund,),
    Decision.RECORD_PAYOUT: (BadRefund,),
    Decision.TAKE_OFFLINE: (BadUntil,),
    Decision.SUSPEND: (BadUntil,),
}


class Tickets:
    """`/api/v1/tickets`, `/api/v1/ticket-kinds` and reporting trouble with an order."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            operation("GET", "/api/v1/ticket-kinds", self.kinds, "The catalogue of tickets", answer=KindList,
                      tag="tickets"),
            operation("POST", "/api/v1/orders/{order_id:uuid}/tickets", self.report, "Report trouble with an order",
                      body=ReportTrouble, answer=TicketAnswer, status=201, tag="tickets", keyed=True,
                      errors=(OrderNotFound, UnknownReason, NotInTrouble, NoCourier, MediaNotFound, IllegalTransition)),
            operation("GET", "/api/v1/orders/{order_id:uuid}/tickets", self.of_order, "The tickets of an order",
                      answer=TicketsPage, tag="tickets"),
            operation("GET", "/api/v1/orders/{order_id:uuid}/story", self.order_story,
                      "An order as a story, for the staff", answer=OrderStory, query=(LANGUAGE,), tag="tickets",
                      errors=(OrderNotFound,)),
            operation("POST", ALL, self.report_courier, "Report what a courier has done", body=ReportCourier,
                      answer=TicketAnswer, status=201, tag="tickets", keyed=True,
                      errors=(UnknownReason, UnknownCourier)),
            operation("GET", ALL, self.list, "The tickets you may see, newest first", answer=TicketsPage,
                      query=(*FILTERS, LIMIT, BEFORE), tag="tickets"),
            operation("GET", ONE, self.one, "One ticket", answer=TicketSeen, etag=True, tag="tickets",
                      errors=(TicketNotFound,)),
            operation("GET", f"{ONE}/story", self.story, "A ticket as a story: who knew what when",
                      answer=TicketStory, query=(LANGUAGE,), tag="tickets", errors=(TicketNotFound,)),
            *(self._command(name, command) for name, command in TICKET_COMMANDS.items()),
        ]  # fmt: skip

    async def kinds(self, request: Request) -> Response:
        """Kinds with their owners, clocks, reasons, decisions and questions, in English and Chinese."""
        viewer = viewer_of(request, self._parts.tokens)
        require(viewer, Permission.SEE_TICKET)
        return answer(_catalogue())

    async def report(self, request: Request) -> Response:
        """A new ticket, or the open one about the same trouble, whose `occurrences` count up.

        A customer who reports that a delivered order was not right disputes it by the same word.
        """
        viewer = viewer_of(request, self._parts.tokens)
        said = await body_of(request, ReportTrouble)
        order_id = request.path_params["order_id"]
        return answer(await self._parts.tickets.report(viewer, order_id, said, key=key_of(request)), 201)

    async def report_courier(self, request: Request) -> Response:
        """Apart from any order; about one, report the kind `misconduct` there."""
        viewer = viewer_of(request, self._parts.tokens)
        said = await body_of(request, ReportCourier)
        return answer(await self._parts.tickets.report_courier(viewer, said, key=key_of(request)), 201)

    async def list(self, request: Request) -> Response:
        """Your own orders' in a reduced form, or all if your role works on them."""
        viewer = viewer_of(request, self._parts.tokens)
        wanted = Wanted(
            states=tuple(query_choices(request, "state", TicketState) or ()),
            open_only=_query_flag(request, "open"),
            kind=query_choice(request, "kind", Kind),
            severity=query_choice(request, "severity", Severity),
            owner_role=query_choice(request, "owner_role", Role),
            assignee_id=viewer.account_id if _query_flag(request, "mine") else None,
            overdue_at=self._parts.clock.now() if _query_flag(request, "overdue") else None,
            order_id=query_id(request, "order_id"),
            courier_id=query_id(request, "courier_id"),
        )
        return await self._listed(request, wanted)

    async def of_order(self, request: Request) -> Response:
        """All of them, closed ones too; an empty list for an order that is not yours."""
        return await self._listed(request, Wanted(order_id=request.path_params["order_id"]))

    async def one(self, request: Request) -> Response:
        """For the staff with notes, attempts to reach people and evidence; for the order's people reduced."""
        viewer = viewer_of(request, self._parts.tokens)
        async with read_at(self._parts.storage.pool) as (connection, _):
            ticket = await self._parts.tickets.one(connection, viewer, request.path_params["ticket_id"])
        await self._look(viewer, request.path_params["ticket_id"])
        return tagged(request, ticket, version=ticket["version"])

    async def story(self, request: Request) -> Response:
        """Merged from the ticket, its order, its couriers, what was written, shown and told, and who looked.

        `at` is when it happened, `known_at` when we heard: a phone may have had no network.
        """
        viewer = viewer_of(request, self._parts.tokens)
        async with read_at(self._parts.storage.pool) as (connection, _):
            told = await ticket_story(
                connection, viewer, request.path_params["ticket_id"], language=_language(request).value
            )
        await self._look(viewer, request.path_params["ticket_id"])
        return answer(told)

    async def order_story(self, request: Request) -> Response:
        """What happened to the order and its couriers, who did it and when we heard; nobody's address is in it."""
        viewer = viewer_of(request, self._parts.tokens)
        async with read_at(self._parts.storage.pool) as (connection, _):
            told = await order_story(
                connection, viewer, request.path_params["order_id"], language=_language(request).value
            )
        return answer(told)

    async def _look(self, viewer: Viewer, ticket_id: UUID) -> None:
        """Before somebody else is shown what people wrote and where they were, it is written down."""
        if works_on_all(viewer):
            await self._parts.audit.looked(viewer, LOOKED_AT_TICKET, "ticket", [ticket_id])

    async def _listed(self, request: Request, wanted: Wanted) -> Response:
        viewer = viewer_of(request, self._parts.tokens)
        limit, before = query_limit(request, default=50), query_id(request, "before")
        async with read_at(self._parts.storage.pool) as (connection, _):
            tickets = await self._parts.tickets.several(
                connection, viewer, wanted, before=before, limit=limit
            )
        next_before = tickets[-1]["id"] if len(tickets) == limit else None
        return answer({"tickets": tickets, "next_before": next_before})

    def _command(self, name: str, command: TicketCommand) -> Operation:
        in_table = (DecisionNotPossible, TicketClosed) if name in tuple(Decision) else (IllegalTransition,)
        return operation(
            "POST",
            f"{ONE}/{path_word(name)}",
            self._endpoint(name, command),
            command.summary,
            body=may_be_left_out(command.body),
            answer=TicketAnswer,
            errors=(TicketNotFound, TicketChanged, *_OWN.get(name, in_table), *in_table),
            keyed=True,
            if_match=True,
            tag="tickets",
            details=command.body.__doc__ or "",
        )

    def _endpoint(self, name: str, command: TicketCommand) -> Handler:
        async def endpoint(request: Request) -> Response:
            viewer = viewer_of(request, self._parts.tokens)
            said: Any = await body_of(request, command.body)
            seen = version_in_if_match(request)
            if seen is not None:
                said = msgspec.structs.replace(said, version=seen)
            ticket_id = request.path_params["ticket_id"]
            try:
                told = await self._parts.tickets.say(viewer, ticket_id, name, said, key=key_of(request))
            except TicketChanged as error:
                if seen is not None:
                    error.http_status = 412  # as for orders
                raise
            return answer(told)

        return endpoint


def _language(request: Request) -> Language:
    asked = query_choice(request, "lang", Language)
    return asked or language_of(request.headers.get("accept-language", ""))


def _query_flag(request: Request, name: str) -> bool:
    return query_choice(request, name, Flag) is Flag.TRUE


def _catalogue() -> dict[str, Any]:
    return {
        "kinds": [
            {
                "kind": kind,
                "en": rule.words.en,
                "zh": rule.words.zh,
                "ladder": rule.ladder,
                "severity": rule.severity,
                "reported_by": sorted(rule.raised_by),
                "by_system": rule.by_system,
                "acknowledge_within_s": rule.acknowledge_within_s,
                "resolve_within_s": rule.resolve_within_s,
                "reasons": _coded(rule.reasons),
                "decisions": [
                    {**told, "roles": deciders(Decision(told["code"]))}
                    for told in _coded({decision: DECISION_WORDS[decision] for decision in rule.decisions})
                ],
                "questions": [{"en": words.en, "zh": words.zh} for words in rule.questions],
            }
            for kind, rule in KINDS.items()
        ],
        "templates": _coded(TEMPLATES),
    }


def _coded(table: Mapping[Any, Words]) -> list[dict[str, str]]:
    return [{"code": str(code), "en": words.en, "zh": words.zh} for code, words in table.items()]
