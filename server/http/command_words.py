"""What the description of the API says of each command about an order, beside the form of its body."""

from dataclasses import dataclass

from server.dispatch.service import CourierBusy, CourierNotFound, OrderAlreadyAssigned, OrderNotAssignable
from server.errors import TrackingError
from server.orders.codes import CodeNeeded, ProofNeeded, TooManyWrongCodes, WrongCode
from server.orders.lifecycle import IllegalTransition
from server.orders.media import MediaNotFound
from server.orders.moves import NotYoursToUndo, TooLateToUndo
from server.orders.service import BadPreparation, BadReason
from server.orders.store import OrderChanged
from server.orders.trouble import BadGrievance, UnknownReason

Errors = tuple[type[TrackingError], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A summary, the errors beyond those of every operation, and where the body's docstring is not enough, details."""

    summary: str
    errors: Errors = (IllegalTransition, OrderChanged)
    details: str = ""


DECIDED: Errors = (IllegalTransition, OrderChanged)  # by somebody who saw a version of the order
REPORTED: Errors = (IllegalTransition,)  # by somebody for whom the order is as it is
GRIEVED: Errors = (UnknownReason, BadGrievance, MediaNotFound)
CODED: Errors = (WrongCode, TooManyWrongCodes)

# One line for every command of dispatch/commands.py; a test looks for gaps.
SAID: dict[str, Said] = {
    "accept": Said("The merchant takes the order on", (*DECIDED, BadPreparation)),
    "reject": Said("The merchant turns the order down", (*DECIDED, BadReason)),
    "postpone": Said("The merchant needs longer than it said", (*DECIDED, BadPreparation, BadReason)),
    "mark_ready": Said("The merchant has the food ready", DECIDED),
    "unmark_ready": Said("The merchant is not ready after all", DECIDED),
    "cancel": Said("Call the order off", (*DECIDED, BadReason)),
    "undo": Said(
        "Take back a rejection or a cancellation",
        (*DECIDED, TooLateToUndo, NotYoursToUndo),
        "Within a minute, by the role that did it.",
    ),
    "confirm_receipt": Said("The customer has it: the order is completed", DECIDED),
    "dispute": Said("The customer says that something is wrong with it", (*DECIDED, *GRIEVED)),
    "assign": Said(
        "A dispatcher gives the order to a courier",
        (OrderChanged, OrderNotAssignable, CourierNotFound, OrderAlreadyAssigned, CourierBusy),
    ),
    "override": Said("The staff lets the courier go on without a code or a proof", (*DECIDED, BadReason)),
    "take": Said("The courier takes the assignment", REPORTED),
    "decline": Said("The courier declines the assignment", (*REPORTED, BadReason)),
    "confirm_pickup": Said("The courier has read and confirms what he fetches, and where", REPORTED),
    "set_off": Said("The courier is on his way to the merchant", REPORTED),
    "arrive_at_pickup": Said("The courier is at the merchant's", REPORTED),
    "pick_up": Said("The courier has the bag", (*REPORTED, CodeNeeded, *CODED)),
    "leave_pickup": Said("The courier is on his way to the customer", REPORTED),
    "arrive_at_dropoff": Said("The courier is at the customer's", REPORTED),
    "deliver": Said(
        "The courier has handed the bag over", (*REPORTED, ProofNeeded, CodeNeeded, *CODED, MediaNotFound)
    ),
    "fail": Said("The courier could not deliver", (*REPORTED, *GRIEVED)),
    "arrive_at_return": Said("The courier is back at the merchant's", REPORTED),
    "hand_back": Said("The courier has handed the bag back", REPORTED),
}
