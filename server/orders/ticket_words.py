"""What stands beside a ticket: notes, attempts to reach somebody, evidence.  Pure.

These hold words about people and exact places, so none of it goes into events; it is kept by ticket_store.py.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

STAFF_ONLY = "staff"  # whom an inner note is for


class Whom(StrEnum):
    """Whom somebody speaks to, or waits for."""

    CUSTOMER = "customer"
    MERCHANT = "merchant"
    COURIER = "courier"


class How(StrEnum):
    """By which way somebody tried to reach somebody."""

    PHONE = "phone"
    MESSAGE = "message"
    DOOR = "door"
    OTHER = "other"


class Result(StrEnum):
    """What came of it."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    WRONG_NUMBER = "wrong_number"
    LEFT_WORD = "left_word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something written in a ticket, by somebody or (author_id None) by the system, in words or by a template."""

    id: UUID
    ticket_id: UUID
    author_id: UUID | None
    author_role: str
    seen_by: str  # a role of the order's people, or STAFF_ONLY
    template: str | None
    words: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTried:
    """Somebody tried to reach somebody."""

    id: UUID
    ticket_id: UUID
    tried_by: UUID
    tried_by_role: str
    whom: str
    how: str
    result: str
    words: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A photo, or where the courier was."""

    id: UUID
    ticket_id: UUID
    added_by: UUID | None
    added_by_role: str
    kind: str
    media_id: UUID | None = None
    lat: float | None = None
    lng: float | None = None
    fix_time: datetime | None = None
    at: datetime
