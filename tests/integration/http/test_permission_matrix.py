"""Every role × every command about an order × own, foreign and finished order, over HTTP and over the socket.

Generated from the table of permissions and the table of commands; a command without a case here fails.  Refusals change
nothing, so one order serves all of them; whoever may gets a fresh one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest

from server.accounts.permissions import Permission, Scope, reach
from server.accounts.roles import Role
from server.accounts.tokens import link_viewer
from server.accounts.viewer import Viewer
from server.dispatch.commands import COMMANDS
from server.dispatch.legs import Act
from server.http.orders import path_word
from server.ids import new_id
from server.orders.kitchen import KitchenEvent
from server.orders.lifecycle import Status
from server.orders.trouble import Grievance
from server.storage.unit_of_work import Storage
from tests.builders import a_viewer
from tests.integration.http.conftest import Api
from tests.integration.people import Town
from tests.integration.realtime.live import Live, live

LINK = "link"
KINDS = (*Role, LINK)  # of viewers
NOT_ALLOWED, NOT_FOUND, OK = "not_allowed", "order_not_found", "ok"


class Relation(StrEnum):
    """What the order is to the viewer."""

    OWN = "own"
    FOREIGN = "foreign"
    FINISHED = "finished"  # … and his own


@dataclass
class Situation:
    """An order, and those whose it is."""

    town: Town
    courier: Viewer
    order_id: UUID

    def own(self, kind: str) -> Viewer:
        """Whose it is, in this role; staff are staff."""
        match kind:
            case Role.CUSTOMER:
                return self.town.customer
            case Role.MERCHANT:
                return self.town.kitchen
            case Role.COURIER:
                return self.courier
            case "link":
                return a_link(self.town, self.order_id)
            case _:
                return a_viewer(Role(kind))


def a_link(town: Town, order_id: UUID) -> Viewer:
    return link_viewer(new_id(town.clock.now_ms()), order_id, town.customer.expires_at_ms)


def foreign(town: Town, kind: str) -> Viewer:
    """Somebody to whom no order of the town belongs."""
    return a_link(town, new_id(town.clock.now_ms())) if kind == LINK else a_viewer(Role(kind))


# How an order comes to where a command is possible

Making = Callable[[Situation, Viewer], Awaitable[None]]


async def placed(at: Situation, by: Viewer) -> None:
    at.order_id = await at.town.placed()


async def accepted(at: Situation, by: Viewer) -> None:
    at.order_id = await at.town.accepted()


async def ready(at: Situation, by: Viewer) -> None:
    await accepted(at, by)
    await at.town.orders.cook(at.town.kitchen, at.order_id, KitchenEvent.MARK_READY)


async def cancelled_by_them(at: Situation, by: Viewer) -> None:
    await accepted(at, by)
    who = by if reach(by, Permission.CANCEL_ORDER) is not None else at.town.customer
    await at.town.orders.cancel(who, at.order_id, "a slip")


async def assigned(at: Situation, by: Viewer) -> None:
    at.order_id = await at.town.assigned(at.courier)


async def carried(at: Situation, by: Viewer) -> None:
    await assigned(at, by)
    await at.town.dispatch.reports.pick_up(at.courier, at.order_id)


async def delivered(at: Situation, by: Viewer) -> None:
    await carried(at, by)
    await at.town.dispatch.reports.deliver(at.courier, at.order_id)


async def on_the_way_back(at: Situation, by: Viewer) -> None:
    await carried(at, by)
    await at.town.dispatch.reports.fail(at.courier, at.order_id, Grievance(reason="no_answer"))
    await at.town.decided(at.order_id, "send_back")


async def back_at_the_merchant(at: Situation, by: Viewer) -> None:
    await on_the_way_back(at, by)
    await at.town.dispatch.reports.step(at.courier, at.order_id, Act.ARRIVE_AT_RETURN)


async def completed(at: Situation, by: Viewer) -> None:
    await delivered(at, by)
    await at.town.orders.confirm_receipt(at.town.customer, at.order_id)


@dataclass(frozen=True)
class Case:
    """A command: what it takes, an order for which it is possible, and what to say."""

    permission: Permission
    order: Making
    body: dict[str, Any] = field(default_factory=dict)


ANSWER, CARRY = Permission.ANSWER_ORDER, Permission.CARRY_ORDER
CASES: dict[str, Case] = {
    "accept": Case(ANSWER, placed, {"preparation_s": 600}),
    "reject": Case(ANSWER, placed, {"reason": "no fish"}),
    "postpone": Case(ANSWER, accepted, {"preparation_s": 1800, "reason": "no gas"}),
    "mark_ready": Case(ANSWER, accepted),
    "unmark_ready": Case(ANSWER, ready),
    "cancel": Case(Permission.CANCEL_ORDER, accepted, {"reason": "not hungry"}),
    "undo": Case(Permission.UNDO_ORDER, cancelled_by_them),
    "confirm_receipt": Case(Permission.CONFIRM_RECEIPT, delivered),
    "dispute": Case(Permission.DISPUTE_ORDER, delivered, {"reason": "not_received"}),
    "assign": Case(Permission.ASSIGN_COURIER, accepted, {"courier_id": None}),  # a free one's, below
    "override": Case(
        Permission.REDELIVER_ORDER, assigned, {"what": "pickup_code", "reason": "the printer is out"}
    ),
    "take": Case(CARRY, assigned),
    "decline": Case(CARRY, assigned, {"reason": "too_far"}),
    "confirm_pickup": Case(CARRY, assigned),
    "set_off": Case(CARRY, assigned),
    "arrive_at_pickup": Case(CARRY, assigned),
    "pick_up": Case(CARRY, assigned),
    "leave_pickup": Case(CARRY, carried),
    "arrive_at_dropoff": Case(CARRY, carried),
    "deliver": Case(CARRY, carried),
    "fail": Case(CARRY, carried, {"reason": "no_answer"}),
    "arrive_at_return": Case(CARRY, on_the_way_back),
    "hand_back": Case(CARRY, back_at_the_merchant),
}


def expected(viewer: Viewer, permission: Permission, relation: Relation) -> str | None:
    """The code that the answer has; None: refused, but for no reason of permission."""
    how_far = reach(viewer, permission)
    if how_far is None:
        return NOT_ALLOWED
    if relation is Relation.FINISHED:
        return None
    return OK if how_far is Scope.ALL or relation is Relation.OWN else NOT_FOUND


# The two ways to say it

Way = Callable[[Viewer, UUID, str, dict[str, Any]], Awaitable[tuple[str, str]]]


def by_http(api: Api) -> Way:
    async def say(viewer: Viewer, order_id: UUID, name: str, body: dict[str, Any]) -> tuple[str, str]:
        answer = await api.ask(viewer, "POST", f"/api/v1/orders/{order_id}/{path_word(name)}", body)
        return (OK if answer.status_code == 200 else answer.json()["code"]), answer.text

    return say


def by_socket(here: Live) -> Way:
    async def say(viewer: Viewer, order_id: UUID, name: str, body: dict[str, Any]) -> tuple[str, str]:
        async with here.visit(viewer) as visit:
            payload = (await visit.ask(f"order:{order_id}", name, body))["payload"]
        return (OK if "ok" in payload else payload["error"]["code"]), str(payload)

    return say


@pytest.fixture
async def here(api: Api, redis_client: Any) -> AsyncIterator[Live]:
    async with live(api.town, redis_client) as running:
        yield running


def cells() -> Iterator[tuple[str, Relation]]:
    for kind in KINDS:
        for relation in Relation:
            yield kind, relation


def test_every_command_has_a_case() -> None:
    assert set(CASES) == set(COMMANDS)


@pytest.mark.parametrize("way", [by_http, by_socket])
@pytest.mark.parametrize("name", sorted(COMMANDS))
async def test_a_command(
    api: Api, here: Live, storage: Storage, name: str, way: Callable[[Any], Way]
) -> None:
    case, town = CASES[name], api.town
    say = way(api if way is by_http else here)

    async def an_order(making: Making, by: Viewer) -> Situation:
        at = Situation(town, await town.courier(), UUID(int=0))
        await making(at, by)
        return at

    standing = await an_order(case.order, town.customer)  # refusals leave it as it is
    finished = await an_order(completed, town.customer)
    version = await storage.pool.fetchval("SELECT version FROM orders WHERE id = $1", standing.order_id)
    for kind, relation in cells():
        at = finished if relation is Relation.FINISHED else standing
        viewer = foreign(town, kind) if relation is Relation.FOREIGN else at.own(kind)
        code = expected(viewer, case.permission, relation)
        if code == OK:
            at = await an_order(case.order, viewer)
            # A courier and a link belong to their order; who sees all stays who they are.
            viewer = at.own(kind) if kind in (Role.COURIER, LINK) else viewer
        body = dict(case.body)
        if "courier_id" in body:
            body["courier_id"] = str((await town.courier()).account_id)
        answered, text = await say(viewer, at.order_id, name, body)
        where = (name, str(kind), str(relation), text)
        if code is None:
            # A courier's report is refused by nobody for being late, but changes nothing that is over.
            late = (OK,) if case.permission is CARRY else ()
            assert answered not in {OK, NOT_ALLOWED, NOT_FOUND}.difference(late), where
            assert await town.status(at.order_id) == Status.COMPLETED, where
        else:
            assert answered == code, where
        if code in (NOT_ALLOWED, NOT_FOUND):  # a refusal tells nothing of the order
            assert str(town.merchant.id) not in text, where
    after = await storage.pool.fetchval("SELECT version FROM orders WHERE id = $1", standing.order_id)
    assert after == version, "a refusal changed the order"


# What is asked beside commands

MERCHANT, ORDER, NOTHING = "merchant", "order", "nothing"  # what a path is about
PICTURE = {"Content_Type": "image/jpeg"}


@dataclass(frozen=True)
class Route:
    """A request that takes a permission; who has it is answered anything but 401, 403 or a foreign thing's 404."""

    permission: Permission
    method: str
    path: str
    about: str
    body: Any = None
    empty_list: str = ""  # answers an empty one of these about what is foreign, as about what is not there


SQUARE = [[[24.90, 60.15], [24.99, 60.15], [24.99, 60.19], [24.90, 60.19], [24.90, 60.15]]]
ROUTES = [
    Route(Permission.SEE_ORDER, "GET", "/orders/{order}", ORDER),
    Route(Permission.MAKE_LINK, "POST", "/orders/{order}/links", ORDER),
    Route(Permission.MAKE_LINK, "GET", "/orders/{order}/links", ORDER),
    Route(Permission.REVIEW_ORDER, "PUT", "/orders/{order}/review", ORDER, {"delivery_stars": 5}),
    Route(Permission.REVIEW_HANDOVER, "PUT", "/orders/{order}/handover", ORDER, {"pickup_stars": 5}),
    Route(Permission.REFUND, "POST", "/orders/{order}/refunds", ORDER,
          {"reason": "late", "borne_by": "platform", "full": True}),
    Route(Permission.UPLOAD_MEDIA, "POST", "/orders/{order}/media?kind=photo", ORDER),
    Route(Permission.SEE_MEDIA, "GET", "/orders/{order}/media", ORDER),
    Route(Permission.SEE_TICKET, "GET", "/orders/{order}/tickets", ORDER, empty_list="tickets"),
    Route(Permission.SEE_TICKET, "GET", "/tickets", NOTHING),
    Route(Permission.SEE_REVIEWS, "GET", "/orders/{order}/review", ORDER),
    Route(Permission.SEE_ARCHIVE, "GET", "/archive/orders?number=1", NOTHING),
    Route(Permission.SEE_AUDIT, "GET", "/audit", NOTHING),
    Route(Permission.ERASE_PERSON, "POST", "/accounts/{nobody}/erasure", NOTHING, {"login": "nobody"}),
    Route(Permission.MANAGE_ACCOUNTS, "GET", "/accounts/{nobody}", NOTHING),
    Route(Permission.MANAGE_ACCOUNTS, "PUT", "/accounts/{nobody}/password", NOTHING,
          {"password": "a long enough sentence"}),
    Route(Permission.MANAGE_MENU, "POST", "/merchants/{merchant}/menu", MERCHANT,
          {"name": "Puuro", "price_minor": 400}),
    Route(Permission.MANAGE_DELIVERY_AREA, "POST", "/merchants/{merchant}/areas", MERCHANT,
          {"name": "near", "polygon": {"type": "Polygon", "coordinates": SQUARE}}),
    Route(Permission.MANAGE_WEBHOOKS, "GET", "/merchants/{merchant}/webhooks", MERCHANT),
    Route(Permission.MAKE_API_KEY, "GET", "/merchants/{merchant}/api-keys", MERCHANT),
    Route(Permission.SEE_MONEY, "GET", "/merchants/{merchant}/ledger", MERCHANT),
]  # fmt: skip

# Which permissions are asserted elsewhere, since no request takes just them, and where.
ELSEWHERE: dict[Permission, str] = {
    Permission.SEE_CONTACT: "tests/unit/accounts/test_personal.py",
    Permission.PLACE_ORDER: "test_placing, below",
    Permission.SEND_POSITION: "test_phones.py",
    Permission.SEE_COURIERS: "test_permissions.py",
    Permission.SEE_TRACK: "test_permissions.py",
    Permission.SEE_MERCHANTS: "test_permissions.py",
    Permission.MANAGE_MERCHANTS: "test_permissions.py",
    Permission.JUDGE_COURIER: "test_judging, below",
    # Of tickets: what may be decided hangs on the ticket, too.
    Permission.WORK_TICKET: "tests/integration/orders/test_tickets.py",
    Permission.REPORT_EXCEPTION: "tests/integration/orders/test_tickets.py",
    Permission.SETTLE_ORDER: "tests/integration/orders/test_tickets.py",
}


def test_every_permission_is_asserted() -> None:
    asserted = {case.permission for case in CASES.values()} | {route.permission for route in ROUTES}
    assert asserted | set(ELSEWHERE) == set(Permission)
    assert not asserted & set(ELSEWHERE)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_a_request(api: Api, route: Route) -> None:
    town = api.town
    at = Situation(town, await town.courier(), UUID(int=0))
    await carried(at, town.customer)
    nobody = new_id(town.clock.now_ms())
    path = route.path.format(order=at.order_id, merchant=town.merchant.id, nobody=nobody)
    for kind, relation in cells():
        if relation is Relation.FINISHED:
            continue
        viewer = at.own(kind) if relation is Relation.OWN else foreign(town, kind)
        how_far = reach(viewer, route.permission)
        mine = relation is Relation.OWN or route.about == NOTHING
        if route.about == MERCHANT:
            mine = mine and kind == Role.MERCHANT
        more = PICTURE if route.permission is Permission.UPLOAD_MEDIA else {}
        answer = await api.ask(viewer, route.method, "/api/v1" + path, route.body, **more)
        where = (route.path, str(kind), str(relation), answer.text)
        allowed = how_far is Scope.ALL or (how_far is Scope.OWN and mine)
        code = answer.json().get("code") if answer.status_code >= 400 else OK
        if how_far is None:
            assert (answer.status_code, code) == (403, NOT_ALLOWED), where
        elif not allowed and route.empty_list:
            assert answer.json()[route.empty_list] == [], where
        elif not allowed:
            assert answer.status_code in (403, 404), where
        else:
            assert answer.status_code not in (401, 403), where
            assert code not in (NOT_FOUND, "merchant_not_found"), where


async def test_placing(api: Api) -> None:
    for kind in KINDS:
        viewer = foreign(api.town, kind)
        body = {
            "merchant_id": str(api.town.merchant.id),
            "items": [],
            "contact": {"name": "A", "phone": "+358401234567", "address": "B 1", "lat": 60.17, "lng": 24.94},
        }
        answer = await api.ask(viewer, "POST", "/api/v1/orders", body)
        assert answer.status_code == (422 if kind == Role.CUSTOMER else 403), (str(kind), answer.text)


async def test_judging(api: Api) -> None:
    for kind in KINDS:
        courier = await api.town.courier()
        viewer = foreign(api.town, kind)
        path = f"/api/v1/accounts/{courier.account_id}/suspend"
        answer = await api.ask(viewer, "POST", path, {"reason": "misconduct"})
        allowed = reach(viewer, Permission.JUDGE_COURIER) or reach(viewer, Permission.MANAGE_ACCOUNTS)
        assert answer.status_code == (200 if allowed else 403), (str(kind), answer.text)


async def test_a_programs_key_without_scopes_does_nothing(api: Api) -> None:
    at = Situation(api.town, await api.town.courier(), UUID(int=0))
    await delivered(at, api.town.customer)
    key = replace(api.town.kitchen, permissions=frozenset())
    for route in ROUTES:
        nobody = new_id(api.town.clock.now_ms())
        path = route.path.format(order=at.order_id, merchant=api.town.merchant.id, nobody=nobody)
        more = PICTURE if route.permission is Permission.UPLOAD_MEDIA else {}
        answer = await api.ask(key, route.method, "/api/v1" + path, route.body, **more)
        assert answer.status_code == 403, (route.path, answer.text)
