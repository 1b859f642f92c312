"""Reading requests: what is right comes out typed, what is wrong is refused with its place."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from server.accounts.tokens import Tokens
from server.errors import BadInput, NotAuthenticated
from server.http.requests import (
    BadBody,
    BadQuery,
    body_of,
    key_of,
    query_id,
    query_limit,
    query_moment,
    query_number,
    viewer_of,
)
from server.orders.placing import PlaceOrder
from tests.builders import SECRET, a_viewer
from tests.fakes import NOON, ManualClock

TOKENS = Tokens(SECRET, 3600.0, ManualClock())


def a_request(query="", body=b"", **headers):
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        },
        receive,
    )


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_viewer_is_known_by_the_token_in_the_header(scheme):
    viewer = a_viewer()
    assert viewer_of(a_request(authorization=f"{scheme} {TOKENS.issue(viewer)}"), TOKENS) == viewer


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Basic bGk6eA=="},
        {"authorization": "Bearer nonsense"},
    ],
)
def test_anybody_else_is_nobody(headers):
    with pytest.raises(NotAuthenticated):
        viewer_of(a_request(**headers), TOKENS)


def test_a_token_in_the_address_is_not_looked_at():
    with pytest.raises(NotAuthenticated):
        viewer_of(a_request(query=f"token={TOKENS.issue(a_viewer())}"), TOKENS)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", ""),
        (b"{", ""),
        (b"\xff", ""),
        (b"{}", ""),
        (b"[" * 100_000, ""),
        (b'{"merchant_id": "x", "items": [], "contact": {}}', "/merchant_id"),
        (
            b'{"items": [{"item_id": "00000000-0000-7000-8000-000000000000", "quantity": "two"}]}',
            "/items/0/quantity",
        ),
        (b'{"contact": {"name": "A", "phone": "1", "address": "B", "lat": NaN}}', ""),
        (b'{"contact": {"name": "A", "phone": "1", "address": "B", "lat": "north"}}', "/contact/lat"),
        (b'{"surprise": 1}', ""),
    ],
)
async def test_a_wrong_body_is_refused_with_a_pointer_to_the_fault(body, pointer):
    with pytest.raises(BadBody) as refused:
        await body_of(a_request(body=body), PlaceOrder)
    [error] = refused.value.details["errors"]
    assert error["pointer"] == pointer
    assert error["detail"]


async def test_no_body_is_an_empty_object():
    class Nothing(msgspec.Struct):
        reason: str = "none"

    assert await body_of(a_request(), Nothing) == Nothing()


@given(st.binary(max_size=200))
async def test_whatever_is_sent_is_a_body_or_refused(body):
    with pytest.raises(BadBody):
        await body_of(a_request(body=body), PlaceOrder)


def test_a_key_is_taken_as_it_is():
    assert key_of(a_request()) is None
    assert key_of(a_request(idempotency_key="k1")) == "k1"


@pytest.mark.parametrize(("text", "limit"), [("", 10), ("limit=1", 1), ("limit=200", 200)])
def test_a_limit_is_a_small_whole_number(text, limit):
    assert query_limit(a_request(text), default=10) == limit


@pytest.mark.parametrize(
    "text", ["0", "-1", "201", "1.5", "ten", "", "9" * 5000, "0" * 8 + "1999", "0" * 8 + "1" * 5000, "١"]
)
def test_any_other_limit_is_refused(text):
    with pytest.raises(BadQuery):
        query_limit(a_request(f"limit={text}"), default=10)


@pytest.mark.parametrize(
    "query", ["", "lat=", "lat=north", "lat=91", "lat=-90.1", "lat=nan", "lat=inf", "lat=1e999"]
)
def test_a_number_out_of_range_is_refused(query):
    with pytest.raises(BadQuery):
        query_number(a_request(query), "lat", low=-90, high=90)


@pytest.mark.parametrize("text", ["2026-11-23T12:00:00Z", "2026-11-23T14:00:00%2B02:00"])
def test_a_moment_has_its_time_zone(text):
    assert query_moment(a_request(f"from={text}"), "from") == NOON


@pytest.mark.parametrize(
    "text", ["", "noon", "2026-11-23T12:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00"]
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(BadQuery):
        query_moment(a_request(f"from={text}"), "from")


def test_an_id_is_one_of_ours_or_refused():
    assert query_id(a_request(), "before") is None
    with pytest.raises(BadInput):
        query_id(a_request("before=last"), "before")
