"""What can be decided in a ticket, one function each: written down first, told to whom it concerns, then done.

A decision and what it does to order, money and courier are one transaction.  What then happens to the order may end
the ticket (ticket_endings.py).  Which kinds know a decision stands in ticket_kinds.py, who may take it in
ticket_access.py.
"""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from server.accounts.permissions import Permission, require
from server.errors import BadInput, Refused
from server.orders.lifecycle import Status
from server.orders.model import Order
from server.orders.ticket_acts import Moment, Seen, WordsText, known_template
from server.orders.ticket_case import Case
from server.orders.ticket_kinds import Decision
from server.orders.ticket_remedies import Paying
from server.orders.ticket_words import STAFF_ONLY
from server.orders.tickets import Bearer, Outcome

LONGEST_OFFLINE = timedelta(hours=12)
MinorUnits = Annotated[int, Meta(gt=0, le=100_000_000)]


class DecisionNotPossible(Refused):
    """This cannot be decided in a ticket of this kind."""

    code = "decision_not_possible"


class BadUntil(BadInput):
    """That moment must lie ahead, and within 12 hours for a courier who is offered no work."""

    code = "bad_until"


class BadRefund(BadInput):
    """A refund has an amount and somebody who bears it."""

    code = "bad_refund"


class Told(Seen, frozen=True, kw_only=True):
    """What the customer is told: a template's name or words."""

    template: str | None = None
    words: WordsText | None = None


class RePromise(Told, frozen=True, kw_only=True):
    """When it will be there, and why so late: the customer reads both."""

    promised_at: Moment


class ReRoute(Seen, frozen=True, kw_only=True):
    """Which way, in words for the courier."""

    words: WordsText


class CorrectAddress(Told, frozen=True, kw_only=True):
    """Where it goes in truth."""

    address: Annotated[str, Meta(min_length=1, max_length=500)]
    lat: float
    lng: float


class Refund(Told, frozen=True, kw_only=True):
    """How much goes back, and who bears it."""

    amount_minor: MinorUnits
    borne_by: Bearer


class Settle(Told, frozen=True, kw_only=True):
    """With how much going back to the customer, if any, and who bears it."""

    refund_minor: MinorUnits | None = None
    borne_by: Bearer | None = None


class Offline(Seen, frozen=True, kw_only=True):
    """Until when the courier is offered no work."""

    until: Moment


class Warn(Seen, frozen=True, kw_only=True):
    """In words for the courier."""

    words: WordsText


class Suspend(Seen, frozen=True, kw_only=True):
    """Until when, or open-ended; in words for the courier."""

    words: WordsText
    until: Moment | None = None


class PayOut(Seen, frozen=True, kw_only=True):
    """How much was paid by hand, who bears it, and how it was paid (a receipt's number, say)."""

    amount_minor: MinorUnits
    borne_by: Bearer
    words: WordsText


async def re_promise(case: Case, said: RePromise) -> None:
    """A new time, and the customer told why."""
    await _decided(case, Decision.RE_PROMISE, more={"promised_at": said.promised_at})
    await _tell_customer(case, said, default="looked_into")
    why = said.template or case.ticket.reason
    await case.hands.orders.re_promise(case.work, _order(case), said.promised_at, case.viewer, why=why)


async def reassign(case: Case, said: Told) -> None:
    """Another courier."""
    await _decided(case, Decision.REASSIGN)
    await _tell_customer(case, said, default="new_courier")
    await case.hands.orders.reassign(case.work, _order(case), case.ticket.reason, case.viewer)


async def re_route(case: Case, said: ReRoute) -> None:
    """Another way."""
    await _decided(case, Decision.RE_ROUTE)
    await case.say("courier", words=said.words)


async def correct_address(case: Case, said: CorrectAddress) -> None:
    """Another door; the address itself stands with the order's contact, not in the ticket."""
    await _decided(case, Decision.CORRECT_ADDRESS)
    await _tell_customer(case, said, default="address_corrected")
    await case.hands.orders.correct_address(
        case.work, _order(case), address=said.address, lat=said.lat, lng=said.lng, by=case.viewer
    )


async def redeliver(case: Case, said: Told) -> None:
    """Once more."""
    await _decided(case, Decision.REDELIVER)
    await _tell_customer(case, said, default="comes_again")
    await case.hands.orders.redeliver(case.work, _order(case), case.viewer)


async def remake(case: Case, said: Told) -> None:
    """Made again."""
    await _decided(case, Decision.REMAKE)
    await _tell_customer(case, said, default="made_again")
    await case.hands.orders.remake(case.work, _order(case), case.viewer)


async def send_back(case: Case, said: Told) -> None:
    """Back to the merchant."""
    await _decided(case, Decision.RETURN)
    await _tell_customer(case, said, default="goes_back")
    await case.hands.orders.send_back(case.work, _order(case), case.viewer)


async def refund(case: Case, said: Refund) -> None:
    """Money back; the ticket stays until somebody says that this was all."""
    paying = Paying(said.amount_minor, said.borne_by)
    await _decided(case, Decision.REFUND, paying=paying)
    await _tell_customer(case, said, default="money_back")
    await _pay_back(case, paying)


async def uphold(case: Case, said: Told) -> None:
    """The delivery was right; where the order is not disputed, that is all."""
    await _decided(case, Decision.UPHOLD)
    await _tell_customer(case, said, default="delivery_was_right")
    if _order(case).status is Status.DELIVERY_EXCEPTION:
        await case.hands.orders.uphold(case.work, _order(case), case.viewer)
    else:
        await case.take(case.ticket.resolve(Outcome.UPHELD, at=case.now))


async def take_offline(case: Case, said: Offline) -> None:
    """No work for him for now."""
    if not case.now < said.until <= case.now + LONGEST_OFFLINE:
        raise BadUntil
    await _decided(case, Decision.TAKE_OFFLINE, more={"until": said.until})
    await case.hands.couriers.take_offline(case.work, _courier(case), said.until)


async def warn(case: Case, said: Warn) -> None:
    """A warning, which ends the ticket; this ticket is what remembers it (TicketStore.earlier_about)."""
    await _decided(case, Decision.WARN)
    await case.say("courier", words=said.words)
    await case.take(case.ticket.resolve(Outcome.WARNED, at=case.now))


async def suspend(case: Case, said: Suspend) -> None:
    """No offers and no streaming, which ends the ticket."""
    if said.until is not None and said.until <= case.now:
        raise BadUntil
    await _decided(case, Decision.SUSPEND, more={"until": said.until})
    await case.say("courier", words=said.words)
    await case.hands.couriers.suspend(case.work, _courier(case), said.until, case.ticket.reason, case.viewer)
    await case.take(case.ticket.resolve(Outcome.SUSPENDED, at=case.now))


async def retry_refund(case: Case, said: Seen) -> None:
    """Try once more; when it goes through the ticket ends by itself."""
    await _decided(case, Decision.RETRY_REFUND)
    await case.hands.money.retry_refund(case.work, _order_id(case), case.viewer)


async def record_payout(case: Case, said: PayOut) -> None:
    """Paid by hand, which ends the ticket."""
    paying = Paying(said.amount_minor, said.borne_by)
    await _decided(case, Decision.RECORD_PAYOUT, paying=paying)
    await case.say(STAFF_ONLY, words=said.words)
    await case.hands.money.record_payout(
        case.work,
        _order_id(case),
        paying,
        reason=case.ticket.reason,
        ticket_id=case.ticket.id,
        by=case.viewer,
    )
    await case.take(case.ticket.resolve(Outcome.PAID_OUT, at=case.now))


async def settle(case: Case, said: Settle) -> None:
    """An end without delivery; the rules' refund makes way for one that is decided here."""
    paying = await _ends(case, Decision.SETTLE, said)
    await case.hands.orders.settle(case.work, _order(case), case.ticket.reason, case.viewer)
    if paying is not None:
        await _pay_back(case, paying)


async def cancel(case: Case, said: Settle) -> None:
    """Called off before it was fetched; what is decided here goes back first, and the rules give back the rest."""
    paying = await _ends(case, Decision.CANCEL, said)
    if paying is not None:
        await _pay_back(case, paying, waits=True)
    await case.hands.orders.cancel(case.work, _order(case), case.ticket.reason, case.viewer)


async def _ends(case: Case, decision: Decision, said: Settle) -> Paying | None:
    if (said.refund_minor is None) is not (said.borne_by is None):
        raise BadRefund
    paying = None
    if said.refund_minor is not None and said.borne_by is not None:
        require(
            case.viewer, Permission.REFUND
        )  # who may call an order off need not be who may give money away
        paying = Paying(said.refund_minor, said.borne_by)
    await _decided(case, decision, paying=paying)
    await _tell_customer(case, said, default="looked_into" if paying is None else "money_back")
    return paying


async def _pay_back(case: Case, paying: Paying, *, waits: bool = False) -> None:
    await case.hands.money.refund(
        case.work,
        _order_id(case),
        paying,
        reason=case.ticket.reason,
        ticket_id=case.ticket.id,
        by=case.viewer,
        waits=waits,
    )


async def _decided(
    case: Case, decision: Decision, *, more: dict[str, Any] | None = None, paying: Paying | None = None
) -> None:
    """Write the decision down; DecisionNotPossible where its kind of ticket does not know it."""
    if decision not in case.ticket.rule.decisions:
        raise DecisionNotPossible(kind=case.ticket.kind.value, decision=decision.value)
    facts: dict[str, Any] = {}
    if paying is not None:
        facts = {
            "refund_minor": case.ticket.refund_minor + paying.amount_minor,
            "borne_by": paying.borne_by,
        }
        more = {**(more or {}), "amount_minor": paying.amount_minor}
    moved, happening = case.ticket.decided(decision, case.viewer.account_id, at=case.now, **facts)
    happening.fields.update(more or {})
    await case.take((moved, happening))


async def _tell_customer(case: Case, said: Told, *, default: str) -> None:
    known_template(said.template)
    template = said.template or (default if said.words is None else None)
    await case.say("customer", words=said.words, template=template)


def _order(case: Case) -> Order:
    """The order it is about; a checkout that never became one cannot be brought anywhere."""
    if case.order is None:
        raise DecisionNotPossible(kind=case.ticket.kind.value)
    return case.order


def _order_id(case: Case) -> UUID:
    if case.ticket.order_id is None:
        raise DecisionNotPossible(kind=case.ticket.kind.value)
    return case.ticket.order_id


def _courier(case: Case) -> UUID:
    if case.ticket.courier_id is None:
        raise DecisionNotPossible(kind=case.ticket.kind.value)
    return case.ticket.courier_id
