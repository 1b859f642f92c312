"""What the event log hears of webhook endpoints.  No I/O.

Neither their secrets nor their URLs: those may hold a key of the merchant's own.
"""

from datetime import datetime
from uuid import UUID

from server.notify.model import Endpoint
from server.orders.log import DISPATCH_TOPIC
from server.storage.event_log import Event

ENTITY = "webhook_endpoint"


def log_event(endpoint: Endpoint, name: str, *, actor_id: UUID | None, at: datetime) -> Event:
    """The event for the log, of `endpoint` as it is now; no actor: we did it ourselves."""
    topic = DISPATCH_TOPIC if endpoint.merchant_id is None else f"merchant:{endpoint.merchant_id}"
    return Event(
        entity=ENTITY,
        entity_id=endpoint.id,
        version=endpoint.version,
        name=name,
        topics=(topic,),
        fields={
            "enabled": endpoint.enabled,
            "off_why": None if endpoint.off_why is None else endpoint.off_why.value,
            "description": endpoint.description,
        },
        actor_id=actor_id,
        occurred_at=at,
    )
