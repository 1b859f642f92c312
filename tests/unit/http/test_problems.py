"""Problems: every error leaves as RFC 9457 with its code, and what nobody expected tells nothing."""

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from server.accounts.permissions import OrderNotFound
from server.accounts.sign_in_limit import TooManySignIns
from server.errors import NotAuthenticated, Unavailable
from server.http.body_limit import BodyLimit
from server.http.problems import EXCEPTION_HANDLERS, Unexpected
from server.orders.placing import CheckFailed, Fault
from server.telemetry import name_exception

SECRET_WORDS = "phone +358 40 123 4567"


def an_app(error=None, handler=None):
    async def raising(request):
        await request.body()
        if error is not None:
            raise error
        return PlainTextResponse("fine")

    return Starlette(
        routes=[Route("/x/{who}", handler or raising, methods=["GET", "POST"])],
        middleware=[Middleware(Unexpected), Middleware(BodyLimit, max_bytes=1000)],
        exception_handlers=EXCEPTION_HANDLERS,
    )


async def ask(app, method="POST", path="/x/aino?token=abc", **request):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.request(method, path, **request)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OrderNotFound(), 404, "order_not_found"),
        (NotAuthenticated(), 401, "not_authenticated"),
        (Unavailable(), 503, "unavailable"),
    ],
)
async def test_an_error_leaves_with_its_status_and_its_word(error, status, code):
    answer = await ask(an_app(error))
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"urn:songda:problem:{code}"
    assert problem["title"] == type(error).__doc__.splitlines()[0]


async def test_facts_stand_beside_the_standard_members():
    problem = (await ask(an_app(CheckFailed([Fault("/items", "bad_basket", {"most": 50})])))).json()
    assert problem["errors"] == [
        {
            "pointer": "/items",
            "code": "bad_basket",
            "detail": "An order has 1 to 50 items",
            "values": {"most": 50},
        }
    ]


async def test_facts_do_not_replace_the_standard_members():
    problem = (await ask(an_app(Unavailable(status="accepted", event="cancel")))).json()
    assert (problem["status"], problem["event"]) == (503, "cancel")


async def test_who_is_unknown_or_too_eager_is_told_what_to_do():
    assert (await ask(an_app(NotAuthenticated()))).headers["www-authenticate"] == "Bearer"
    assert (await ask(an_app(TooManySignIns(retry_after_s=7.6)))).headers["retry-after"] == "8"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/x/aino", 405, "method_not_allowed"),
    ],
)
async def test_what_nobody_serves_is_a_problem_too(method, path, status, code):
    answer = await ask(an_app(), method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_unexpected_tells_the_caller_an_id_and_nobody_anything_personal():
    with structlog.testing.capture_logs(processors=[name_exception]) as logged:
        answer = await ask(an_app(ZeroDivisionError(SECRET_WORDS)))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal_error")
    [line] = logged
    assert (line["error_id"], line["error"]) == (problem["error_id"], "ZeroDivisionError")
    assert line["at"][-1].endswith(" raising")
    for personal in (SECRET_WORDS, "aino", "abc"):
        assert personal not in answer.text
        assert personal not in str(line)


async def test_half_an_answer_is_cut_off_and_not_ended_as_if_it_were_whole():
    async def halfway(request):
        async def pieces():
            yield b"half"
            raise ZeroDivisionError(SECRET_WORDS)

        return StreamingResponse(pieces())

    with structlog.testing.capture_logs(), pytest.raises(RuntimeError, match="broken off") as broken:
        await ask(an_app(handler=halfway), "GET")
    assert SECRET_WORDS not in str(broken.value)


async def test_a_body_up_to_the_limit_is_read():
    assert (await ask(an_app(), content=b"x" * 1000)).text == "fine"


async def pieces(count, size):
    for _ in range(count):
        yield b"x" * size


@pytest.mark.parametrize("content", [b"x" * 1001, pieces(11, 100)])
async def test_a_larger_body_is_refused_whether_it_says_so_or_not(content):
    answer = await ask(an_app(), content=content)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
