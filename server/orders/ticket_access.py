"""Who may see a ticket, report one and decide what in it.  Pure; how far permissions reach stands in accounts."""

from collections.abc import Sequence

from server.accounts.permissions import Permission, Scope, is_own, may, reach, require, scope
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.errors import NotAllowed
from server.orders.model import NOBODY
from server.orders.ticket_kinds import KINDS, ORDER_PEOPLE, Decision, Kind
from server.orders.ticket_words import Note
from server.orders.tickets import Ticket, TicketNotFound

# What a decision asks for beside the work on tickets itself.
NEEDED: dict[Decision, Permission] = {
    Decision.RE_PROMISE: Permission.WORK_TICKET,
    Decision.RE_ROUTE: Permission.WORK_TICKET,
    Decision.TAKE_OFFLINE: Permission.WORK_TICKET,
    Decision.REASSIGN: Permission.ASSIGN_COURIER,
    Decision.CORRECT_ADDRESS: Permission.SEE_CONTACT,
    Decision.REDELIVER: Permission.REDELIVER_ORDER,
    Decision.REMAKE: Permission.REDELIVER_ORDER,
    Decision.RETURN: Permission.SETTLE_ORDER,
    Decision.SETTLE: Permission.SETTLE_ORDER,
    Decision.UPHOLD: Permission.SETTLE_ORDER,
    Decision.CANCEL: Permission.CANCEL_ORDER,
    Decision.REFUND: Permission.REFUND,
    Decision.RETRY_REFUND: Permission.REFUND,
    Decision.RECORD_PAYOUT: Permission.REFUND,
    Decision.WARN: Permission.JUDGE_COURIER,
    Decision.SUSPEND: Permission.JUDGE_COURIER,
}


def deciders(decision: Decision) -> list[Role]:
    """The roles that may take this decision."""
    return [
        role for role in Role if all(scope(role, one) for one in (Permission.WORK_TICKET, NEEDED[decision]))
    ]


def works_on_all(viewer: Viewer) -> bool:
    """Whether the viewer sees all tickets whole, as the staff does."""
    return reach(viewer, Permission.SEE_TICKET) is Scope.ALL


def sees(viewer: Viewer, ticket: Ticket) -> bool:
    """Whether the ticket is the viewer's to see, whole or reduced."""
    how_far = reach(viewer, Permission.SEE_TICKET)
    if how_far is Scope.ALL:
        return True
    if how_far is None:
        return False
    if ticket.opened_by == viewer.account_id:
        return True
    if ticket.rule.about_courier:  # he hears of it when he is asked about it
        return viewer.role is Role.COURIER and viewer.account_id == ticket.courier_id and ticket.notices > 0
    return viewer.role in ticket.rule.seen_by and is_own(
        viewer,
        customer_id=ticket.customer_id or NOBODY,
        merchant_id=ticket.merchant_id or NOBODY,
        courier_id=ticket.courier_id,
        order_id=ticket.order_id,
    )


def heard_by(viewer: Viewer, ticket: Ticket, said: Sequence[Note]) -> list[Note]:
    """What of this, said to the viewer's role or by it, is this viewer's to read.  In a ticket about a courier people
    of several orders have their say, each unheard by the others.
    """
    return [
        note
        for note in said
        if note.ticket_id == ticket.id
        and (
            not ticket.rule.about_courier
            or note.author_id == viewer.account_id
            or note.author_role not in ORDER_PEOPLE
        )
    ]


def require_sees(viewer: Viewer, ticket: Ticket) -> None:
    """NotAllowed without the permission; TicketNotFound for a foreign one."""
    require(viewer, Permission.SEE_TICKET)
    if not sees(viewer, ticket):
        raise TicketNotFound


def require_raises(viewer: Viewer, kind: Kind) -> None:
    """NotAllowed unless people of the viewer's role report this kind of trouble."""
    if not (may(viewer, Permission.REPORT_EXCEPTION) or may(viewer, Permission.WORK_TICKET)):
        raise NotAllowed(permission=Permission.REPORT_EXCEPTION.value)
    if viewer.role not in KINDS[kind].raised_by:
        raise NotAllowed(kind=kind.value)


def require_works(viewer: Viewer, ticket: Ticket) -> None:
    """NotAllowed unless the viewer works on tickets, and on one about a courier's conduct only who may judge it."""
    require(viewer, Permission.WORK_TICKET)
    if ticket.rule.about_courier:
        require(viewer, Permission.JUDGE_COURIER)


def require_decides(viewer: Viewer, ticket: Ticket, decision: Decision) -> None:
    """NotAllowed unless the viewer works on the ticket and may decide this."""
    require_works(viewer, ticket)
    require(viewer, NEEDED[decision])
