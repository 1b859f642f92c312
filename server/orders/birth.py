"""How an order comes into being, within a unit of work: from what was checked at the door to its first event."""

from datetime import timedelta
from uuid import UUID

from server.accounts.viewer import Viewer
from server.orders.alarms import Patience
from server.orders.lifecycle import FIRST, Status
from server.orders.log import log_event
from server.orders.model import Order, PaymentStatus
from server.orders.placing import Checked
from server.orders.promise import release_at, ride_s
from server.orders.record import set_alarms
from server.orders.store import OrderStore
from server.settings import Settings
from server.storage.unit_of_work import UnitOfWork


async def place_checked(
    work: UnitOfWork,
    checked: Checked,
    *,
    order_id: UUID,
    customer_id: UUID,
    settings: Settings,
    payment_status: PaymentStatus = PaymentStatus.DUE,
    by: Viewer | None = None,
) -> Order:
    """The new order, announced: to its merchant at once, or later if it is wanted for later.

    `order_id` is the checkout's, where it comes from one; the contact may be stored under it already.  `by` placed it;
    None: the word of a payment provider did.
    """
    patience = Patience.of(settings)
    merchant, contact, window = checked.merchant, checked.contact, checked.scheduled_for
    riding_s = ride_s(merchant.lat, merchant.lng, contact.lat, contact.lng)
    due_at = None
    if window is not None:
        due_at = release_at(
            window.begins,
            placed_at=work.now,
            accept_s=patience.accept_s,
            preparation_s=merchant.preparation_s,
            ride_s=riding_s,
        )
    order = await OrderStore(work.connection).insert(
        Order(
            id=order_id,
            number=0,  # the record will say
            merchant_id=merchant.id,
            customer_id=customer_id,
            status=FIRST if window is None else Status.SCHEDULED,
            version=1,
            lines=checked.lines,
            items_minor=checked.items_minor,
            delivery_fee_minor=checked.delivery_fee_minor,
            total_minor=checked.total_minor,
            currency=checked.currency,
            placed_at=work.now,
            payment_method=checked.payment_method,
            payment_status=payment_status,
            scheduled_from=None if window is None else window.begins,
            scheduled_to=None if window is None else window.ends,
            release_at=due_at,
            accept_by=None if window is not None else work.now + timedelta(seconds=patience.accept_s),
        ),
        contact,
        ride_s=riding_s,
    )
    await set_alarms(work, None, order, patience)
    await work.append(log_event(order, order.newborn(), by=by))
    return order
