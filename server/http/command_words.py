"""What the description of the API says of each command about an order, beside the form of its body."""

from dataclasses import dataclass

from server.dispatch.service import CourierBusy, CourierNotFound, OrderAlreadyAssigned, OrderNotAssignable
from server.errors import TrackingError
from server.orders.lifecycle import IllegalTransition
from server.orders.service import BadPreparation, BadReason
from server.orders.store import OrderChanged


@dataclass(frozen=True, slots=True)
class Said:
    """A summary, the errors beyond those of every operation, and where the body's docstring is not enough, details."""

    summary: str
    errors: tuple[type[TrackingError], ...] = (IllegalTransition, OrderChanged)
    details: str = ""


DECIDED = (IllegalTransition, OrderChanged)  # by somebody who saw a version of the order
REPORTED = (IllegalTransition,)  # by somebody for whom the order is as it is

# One line for every command of dispatch/commands.py; a test looks for gaps.
SAID: dict[str, Said] = {
    "accept": Said("The merchant takes the order on", (*DECIDED, BadPreparation)),
    "reject": Said("The merchant turns the order down", (*DECIDED, BadReason)),
    "cancel": Said("Call the order off", (*DECIDED, BadReason)),
    "assign": Said(
        "A dispatcher gives the order to a courier",
        (OrderChanged, OrderNotAssignable, CourierNotFound, OrderAlreadyAssigned, CourierBusy),
    ),
    "pick_up": Said("The courier has the bag", REPORTED),
    "deliver": Said("The courier has handed the bag over", REPORTED),
}
