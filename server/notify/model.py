"""Endpoints and what is delivered to them, as the record has them and as people are shown them.  Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from server.errors import BadInput, NotFound, Refused
from server.faults import Fault, as_errors
from server.notify.happenings import TYPES
from server.notify.schedule import Why

MAX_ENDPOINTS = 20  # of one merchant
_Text = Annotated[str, Meta(max_length=200)]
_Url = Annotated[str, Meta(min_length=1, max_length=1000)]
_Types = Annotated[list[str], Meta(max_length=100)]


class WebhookNotFound(NotFound):
    """There is no such webhook endpoint or delivery, or it is not yours to know about."""

    code = "webhook_not_found"


class TooManyWebhooks(Refused):
    """A merchant may have 20 webhook endpoints; remove one first."""

    code = "too_many_webhooks"


class WebhookOff(Refused):
    """This webhook endpoint is switched off; switch it on first."""

    code = "webhook_off"


class UnknownWebhookType(BadInput):
    """There is no webhook of this type; docs/webhooks.md lists them."""

    code = "unknown_webhook_type"


class State(StrEnum):
    """Where a delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class NewEndpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new endpoint; no events named: all."""

    url: _Url
    events: _Types = []
    description: _Text = ""


class EndpointChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to become different; what is not named stays."""

    url: _Url | msgspec.UnsetType = msgspec.UNSET
    events: _Types | msgspec.UnsetType = msgspec.UNSET
    description: _Text | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class EndpointAnswer(msgspec.Struct, frozen=True):
    """An endpoint, as people are shown it; its secret is not among what they are."""

    id: UUID
    version: int
    merchant_id: UUID | None
    url: str
    description: str
    events: list[str]
    enabled: bool
    off_why: Why | None
    failing_since: datetime | None
    last_success_at: datetime | None
    former_secret_until: datetime | None
    created_at: datetime


class SecretAnswer(msgspec.Struct, frozen=True):
    """An endpoint and its secret, which is shown this once."""

    webhook: EndpointAnswer
    secret: str


class EndpointsAnswer(msgspec.Struct, frozen=True):
    """The endpoints of a merchant, the oldest first; and all the types there are."""

    webhooks: list[EndpointAnswer]
    types: list[str]


class DeliveryAnswer(msgspec.Struct, frozen=True):
    """One message to one endpoint, and how far it has come."""

    id: UUID
    type: str
    order_id: UUID | None
    state: State
    attempts: int
    next_at: datetime | None
    last_outcome: str | None
    last_status: int | None
    created_at: datetime
    ended_at: datetime | None


class DeliveriesAnswer(msgspec.Struct, frozen=True):
    """Deliveries, the newest first."""

    deliveries: list[DeliveryAnswer]
    next_before: UUID | None


class AttemptAnswer(msgspec.Struct, frozen=True):
    """One try: when, how long it took, what the receiver said (its beginning)."""

    number: int
    began_at: datetime
    took_ms: int | None
    outcome: str
    status: int | None
    answer: str


class DeliveryWithAttempts(msgspec.Struct, frozen=True):
    """A delivery, the very body that is sent, and every try."""

    delivery: DeliveryAnswer
    body: str
    attempts: list[AttemptAnswer]


class ReplaySince(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when on all that failed is to be tried again."""

    since: Annotated[datetime, Meta(tz=True)]


class ReplayedAnswer(msgspec.Struct, frozen=True):
    """How many deliveries will be tried again."""

    replayed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint at one version, secrets and all."""

    id: UUID
    version: int
    merchant_id: UUID | None
    url: str
    description: str
    events: tuple[str, ...]  # none: all
    enabled: bool
    off_why: Why | None
    secret: bytes
    former_secret: bytes | None
    former_until: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    created_at: datetime

    def wants(self, type_: str) -> bool:
        """Whether this type of webhook was asked for."""
        return not self.events or type_ in self.events

    def secrets(self, at: datetime) -> list[bytes]:
        """Those to sign with: the newest first, the one before while receivers change over."""
        if self.former_secret is None or self.former_until is None or self.former_until <= at:
            return [self.secret]
        return [self.secret, self.former_secret]

    def switched_off(self, why: Why) -> "Endpoint":
        """The endpoint, off."""
        return replace(self, version=self.version + 1, enabled=False, off_why=why)

    def switched_on(self) -> "Endpoint":
        """The endpoint, on, with nothing held against it."""
        return replace(self, version=self.version + 1, enabled=True, off_why=None, failing_since=None)

    def answer(self, at: datetime) -> EndpointAnswer:
        """What people are shown."""
        overlap = len(self.secrets(at)) > 1
        return EndpointAnswer(
            id=self.id,
            version=self.version,
            merchant_id=self.merchant_id,
            url=self.url,
            description=self.description,
            events=list(self.events),
            enabled=self.enabled,
            off_why=self.off_why,
            failing_since=self.failing_since,
            last_success_at=self.last_success_at,
            former_secret_until=self.former_until if overlap else None,
            created_at=self.created_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """One try that is to be made now."""

    delivery_id: UUID
    endpoint_id: UUID
    number: int  # of the attempt
    url: str
    secrets: list[bytes]
    body: bytes
    sending_until: datetime


def checked_types(types: list[str]) -> tuple[str, ...]:
    """The types asked for, each once; UnknownWebhookType."""
    unknown = [
        Fault(f"/events/{number}", "no_such_type", {"type": type_})
        for number, type_ in enumerate(types)
        if type_ not in TYPES
    ]
    if unknown:
        raise UnknownWebhookType(errors=as_errors(unknown))
    return tuple(dict.fromkeys(types))
