"""What an operation may refuse with: the errors of every operation and its own, as responses of the description."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from server.accounts.api_keys import UnknownApiKey
from server.accounts.permissions import OrderNotFound
from server.accounts.revocations import SignedOut
from server.accounts.standing import Dismissed, Suspended
from server.accounts.tokens import TokenExpired
from server.errors import NotAllowed, NotAuthenticated, TrackingError
from server.http.answers import Problem
from server.http.body_limit import BodyTooLarge
from server.http.operations import JSON, Description, Operation
from server.http.problems import MEDIA_TYPE
from server.http.requests import BadBody, BadPrecondition, BadQuery, WrongMediaType
from server.ids import BadId
from server.orders.store import OrderChanged
from server.orders.ticket_service import TicketChanged
from server.storage.database import DatabaseUnavailable
from server.storage.idempotency import BadKey, KeyReused

REF = "#/components/schemas/{name}"
Json = dict[str, Any]

# Errors of every operation, by what it takes.
OF_ALL: tuple[type[TrackingError], ...] = (DatabaseUnavailable,)
OF_PEOPLE: tuple[type[TrackingError], ...] = (
    NotAuthenticated,
    TokenExpired,
    SignedOut,
    UnknownApiKey,
    NotAllowed,
    Suspended,
    Dismissed,
)
OF_BODIES: tuple[type[TrackingError], ...] = (BodyTooLarge,)
OF_JSON: tuple[type[TrackingError], ...] = (BadBody, WrongMediaType)
OF_QUERIES: tuple[type[TrackingError], ...] = (BadQuery, BadId)
OF_KEYS: tuple[type[TrackingError], ...] = (KeyReused, BadKey)
NO_SUCH_PATH = "not_found"
# What somebody saw has moved on: a conflict, and with If-Match a failed precondition.
SEEN_OTHERWISE = frozenset({OrderChanged, TicketChanged})


def title_of(error: type[TrackingError]) -> str:
    """The English title, as problems carry it."""
    return (error.__doc__ or error.code).strip().splitlines()[0]


def errors_of(said: Description, *, of_an_order: bool = False) -> list[type[TrackingError]]:
    """All that this operation may refuse with, each once."""
    has_json = said.body is not None and JSON in said.body_types
    families = (
        said.errors,
        (OrderNotFound,) if of_an_order else (),
        OF_QUERIES if said.query else (),
        OF_BODIES if said.body is not None else (),
        OF_JSON if has_json else (),
        OF_KEYS if said.keyed else (),
        (BadPrecondition,) if said.if_match else (),
        () if said.public else OF_PEOPLE,
        OF_ALL,
    )
    return list(dict.fromkeys(error for family in families for error in family))


def problems_of(one: Operation) -> Mapping[int, dict[str, str]]:
    """By status: codes and titles of what this operation may refuse with."""
    said = one.description
    problems: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for error in errors_of(said, of_an_order="order_id" in one.param_convertors):
        problems[error.http_status][error.code] = title_of(error)
        if error in SEEN_OTHERWISE and said.if_match:
            problems[412][error.code] = title_of(error)
    if one.param_convertors:
        problems[404].setdefault(NO_SUCH_PATH, "Not Found")
    problems[500]["internal_error"] = "Something went wrong on our side"
    return problems


def problem_response(status: int, titles: Mapping[str, str]) -> Json:
    headers: Json = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
    told: Json = {
        "description": "; ".join(f"`{code}`: {title}" for code, title in titles.items()),
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "allOf": [
                        {"$ref": REF.format(name=Problem.__name__)},
                        {"properties": {"code": {"enum": list(titles)}}},
                    ]
                },
                "examples": {
                    code: {"$ref": f"#/components/examples/{_example_name(status, code)}"} for code in titles
                },
            }
        },
    }
    return told | ({"headers": headers} if headers else {})


def _example_problem(status: int, code: str, title: str) -> Json:
    told: Json = {"type": f"urn:songda:problem:{code}", "title": title, "status": status, "code": code}
    if code == "check_failed":
        told["errors"] = [
            {
                "pointer": "/contact/phone",
                "code": "phone_too_short",
                "detail": "The phone number is too short",
            }
        ]
    if code == BadBody.code:
        told["errors"] = [
            {"pointer": "/items/0/quantity", "code": "bad_value", "detail": "Expected `int`, got `str`"}
        ]
    return told


def problem_examples(operations: Iterable[Operation]) -> Json:
    """By name, for all operations together."""
    return {
        _example_name(status, code): {"summary": title, "value": _example_problem(status, code, title)}
        for one in operations
        for status, titles in problems_of(one).items()
        for code, title in titles.items()
    }


def _example_name(status: int, code: str) -> str:
    return f"{code}_{status}"
