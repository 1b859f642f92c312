"""What people say to a ticket, as one table: REST and the socket read from it.  It says who may, too."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from server.accounts.viewer import Viewer
from server.orders import ticket_acts as acts
from server.orders import ticket_decisions as decisions
from server.orders.ticket_access import require_decides, require_works
from server.orders.ticket_case import Case
from server.orders.ticket_kinds import DECISION_WORDS, Decision
from server.orders.tickets import Ticket

Act = Callable[[Case, Any], Awaitable[None]]
# Raises NotAllowed; that the ticket is the viewer's to see has been asked before.
Rule = Callable[[Viewer, Ticket], None]


@dataclass(frozen=True, slots=True)
class TicketCommand:
    """One thing that can be said: `body` is its form, `rule` says who may, `act` carries it out."""

    body: type[msgspec.Struct]
    rule: Rule
    act: Act
    summary: str


def _decides(decision: Decision, body: type[msgspec.Struct], act: Act) -> TicketCommand:
    summary = DECISION_WORDS[decision].en
    rule = partial(_require_decides, decision)
    return TicketCommand(body, rule, act, f"Decide: {summary}")


def _require_decides(decision: Decision, viewer: Viewer, ticket: Ticket) -> None:
    require_decides(viewer, ticket, decision)


# fmt: off
TICKET_COMMANDS: dict[str, TicketCommand] = {
    # The staff's
    "acknowledge": TicketCommand(acts.Seen, require_works, acts.acknowledge, "Say that you see to it"),
    "assign": TicketCommand(acts.Assign, require_works, acts.assign, "Give it to somebody of the staff"),
    "wait": TicketCommand(acts.Wait, require_works, acts.wait, "Wait for somebody's word"),
    "resume": TicketCommand(acts.Seen, require_works, acts.resume, "Go on"),
    "snooze": TicketCommand(acts.Snooze, require_works, acts.snooze, "Put it off"),
    "raise_severity": TicketCommand(acts.Raise, require_works, acts.raise_severity, "Say how bad it is"),
    "note": TicketCommand(acts.Write, require_works, acts.note, "Write for the staff or to one of the order's people"),
    "log_contact": TicketCommand(acts.Tried, require_works, acts.log_contact, "Log an attempt to reach somebody"),
    "resolve": TicketCommand(acts.Resolve, require_works, acts.resolve, "End it"),
    "dismiss": TicketCommand(acts.Because, require_works, acts.dismiss, "End it: there was nothing in it"),
    "reopen": TicketCommand(acts.Because, require_works, acts.reopen, "Open it again"),
    # Everybody's whose ticket it is
    "add_evidence": TicketCommand(acts.Show, acts.require_shows, acts.add_evidence, "Add photos"),
    "answer": TicketCommand(acts.Answer, acts.require_speaks, acts.answer, "Say something in your own ticket"),
    # Decisions
    "re_promise": _decides(Decision.RE_PROMISE, decisions.RePromise, decisions.re_promise),
    "reassign": _decides(Decision.REASSIGN, decisions.Told, decisions.reassign),
    "re_route": _decides(Decision.RE_ROUTE, decisions.ReRoute, decisions.re_route),
    "correct_address": _decides(
        Decision.CORRECT_ADDRESS, decisions.CorrectAddress, decisions.correct_address),
    "redeliver": _decides(Decision.REDELIVER, decisions.Told, decisions.redeliver),
    "remake": _decides(Decision.REMAKE, decisions.Told, decisions.remake),
    "return": _decides(Decision.RETURN, decisions.Told, decisions.send_back),
    "refund": _decides(Decision.REFUND, decisions.Refund, decisions.refund),
    "settle": _decides(Decision.SETTLE, decisions.Settle, decisions.settle),
    "uphold": _decides(Decision.UPHOLD, decisions.Told, decisions.uphold),
    "cancel": _decides(Decision.CANCEL, decisions.Settle, decisions.cancel),
    "take_offline": _decides(Decision.TAKE_OFFLINE, decisions.Offline, decisions.take_offline),
    "warn": _decides(Decision.WARN, decisions.Warn, decisions.warn),
    "suspend": _decides(Decision.SUSPEND, decisions.Suspend, decisions.suspend),
    "retry_refund": _decides(Decision.RETRY_REFUND, acts.Seen, decisions.retry_refund),
    "record_payout": _decides(Decision.RECORD_PAYOUT, decisions.PayOut, decisions.record_payout),
}
# fmt: on
