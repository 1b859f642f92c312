"""Topics: their names, and who may listen to which as what.  Pure.

The table of permissions stands in accounts; here is only which permission a topic asks for.  What a topic's
snapshot holds stands in snapshots.py, who of its audience sees which position in audiences.py.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from server.accounts.permissions import Permission, may, require, require_for_all, require_for_order
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.errors import BadInput, NotFound, TooMany

SESSION = "session"
VIEWPORT = "viewport"
ALL_ZONES = "all"  # the one zone there is until operators draw their own


class UnknownTopic(NotFound):
    """There is no topic of this name; see docs/protocol.md."""

    code = "unknown_topic"


class TooManyTopics(TooMany):
    """This socket listens to as many topics as it may; leave one first."""

    code = "too_many_topics"


class RefNeeded(BadInput):
    """This event is answered with data, so it needs a `ref` to answer to."""

    code = "ref_needed"


class Kind(StrEnum):
    """What a reliable topic is about."""

    ORDER = "order"
    MERCHANT = "merchant"
    COURIER = "courier"
    DISPATCH = "dispatch"
    TICKETS = "tickets"


# These are told by zone, and there is one zone.
ZONED = frozenset({Kind.DISPATCH, Kind.TICKETS})


class Audience(StrEnum):
    """As what somebody listens: it decides what they are shown."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"
    COURIER = "courier"
    STAFF = "staff"  # sees everything about every order
    OBSERVER = "observer"  # … but for the people's names and addresses
    FOLLOWER = "follower"  # by a link: as the customer, but for the name and the address


_AS = {Role.CUSTOMER: Audience.CUSTOMER, Role.MERCHANT: Audience.MERCHANT, Role.COURIER: Audience.COURIER}


@dataclass(frozen=True, slots=True)
class TopicName:
    """A reliable topic's name, taken apart.  `id` is None for those of a zone."""

    kind: Kind
    id: UUID | None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id or ALL_ZONES}"


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose an order is."""

    customer_id: UUID
    merchant_id: UUID
    courier_id: UUID | None  # who has it on him now
    order_id: UUID | None = None


def parse_topic(text: str) -> TopicName:
    """The topic written as `text`, in its one spelling; UnknownTopic for anything else."""
    word, _, rest = text.partition(":")
    try:
        kind = Kind(word)
        name = TopicName(kind, None if kind in ZONED else UUID(rest))
    except ValueError as error:
        raise UnknownTopic from error
    if str(name) != text:
        raise UnknownTopic
    return name


def audience_of(viewer: Viewer, topic: TopicName) -> Audience:
    """As what the viewer may listen to the topic, as far as that can be said without reading anything;
    NotAllowed if not at all.  For an order, `check_parties` has the last word.
    """
    match topic.kind:
        case Kind.ORDER:
            require(viewer, Permission.SEE_ORDER)
        case Kind.MERCHANT:
            require(viewer, Permission.SEE_ORDER)
            if viewer.role is not Role.MERCHANT or viewer.merchant_id != topic.id:
                require_for_all(viewer, Permission.SEE_ORDER)
        case Kind.COURIER:
            require(viewer, Permission.SEE_COURIERS)
            if viewer.account_id != topic.id:
                require_for_all(viewer, Permission.SEE_COURIERS)
        case Kind.DISPATCH:
            require_for_all(viewer, Permission.SEE_ORDER)
            require_for_all(viewer, Permission.SEE_COURIERS)
        case Kind.TICKETS:
            require_for_all(viewer, Permission.SEE_TICKET)
    if viewer.order_id is not None:
        return Audience.FOLLOWER
    own = _AS.get(viewer.role)
    if own is not None:
        return own
    return Audience.STAFF if may(viewer, Permission.SEE_CONTACT) else Audience.OBSERVER


def check_parties(viewer: Viewer, parties: Parties) -> None:
    """OrderNotFound unless the order of these parties is the viewer's to see, now."""
    require_for_order(
        viewer,
        Permission.SEE_ORDER,
        customer_id=parties.customer_id,
        merchant_id=parties.merchant_id,
        courier_id=parties.courier_id,
        order_id=parties.order_id,
    )


def check_may_look(viewer: Viewer) -> None:
    """NotAllowed unless the viewer may see the map of all couriers."""
    require_for_all(viewer, Permission.SEE_COURIERS)
