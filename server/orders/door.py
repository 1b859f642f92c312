"""An order at the door: reads what the checks need, in one round trip, and asks them (placing.py)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from server.accounts.permissions import Permission, require
from server.accounts.viewer import Viewer
from server.orders.merchants import MerchantStore
from server.orders.model import PaymentMethod
from server.orders.placing import Checked, DoorRules, PlaceOrder, check
from server.orders.views import Json
from server.settings import Settings
from server.storage.database import database_errors
from server.storage.unit_of_work import Storage


def door_rules(settings: Settings) -> DoorRules:
    """What this platform asks of every order."""
    return DoorRules(
        phone_region=settings.phone_region,
        delivery_radius_m=settings.delivery_radius_m,
        schedule_lead=timedelta(seconds=settings.schedule_lead_s),
    )


async def at_the_door(
    connection: Any,
    asked: PlaceOrder,
    *,
    at: datetime,
    settings: Settings,
    methods: Collection[PaymentMethod] = tuple(PaymentMethod),
) -> Checked:
    """The order as it may be placed at `at`; CheckFailed tells all that is wrong.  `methods` are those taken here."""
    item_ids = [wanted.item_id for wanted in asked.items]
    offering = await MerchantStore(connection).offering(asked.merchant_id, item_ids)
    return check(asked, offering, at=at, rules=door_rules(settings), methods=methods)


async def quote(storage: Storage, viewer: Viewer, asked: PlaceOrder, settings: Settings) -> Json:
    """What the order would cost if it were placed now; CheckFailed tells all that is wrong.  Nothing is kept."""
    require(viewer, Permission.PLACE_ORDER)
    with database_errors():
        checked = await at_the_door(storage.pool, asked, at=storage.clock.now(), settings=settings)
    return {
        "items_minor": checked.items_minor,
        "delivery_fee_minor": checked.delivery_fee_minor,
        "total_minor": checked.total_minor,
        "currency": checked.currency,
    }
