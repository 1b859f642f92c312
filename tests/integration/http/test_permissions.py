"""Role × command × own or foreign order, over HTTP: exactly as the table of permissions says."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from server.accounts.permissions import Permission, Scope, scope
from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from tests.builders import a_viewer
from tests.integration.http.conftest import Api
from tests.integration.people import Town

NOBODY = UUID(int=0x7000_8000 << 64)  # an id that nothing has; the same in every test process
Making = Callable[[Town, Viewer], Awaitable[UUID]]


async def placed(town: Town, courier: Viewer) -> UUID:
    return await town.placed()


async def accepted(town: Town, courier: Viewer) -> UUID:
    return await town.accepted()


async def assigned(town: Town, courier: Viewer) -> UUID:
    return await town.assigned(courier)


async def carried(town: Town, courier: Viewer) -> UUID:
    order_id = await town.assigned(courier)
    await town.dispatch.reports.pick_up(courier, order_id)
    return order_id


@dataclass(frozen=True)
class OrderCommand:
    """A command about an order, and an order for which it is possible."""

    permission: Permission
    method: str
    path: str
    body: dict[str, Any] | None
    order: Making


ABOUT_AN_ORDER = [
    OrderCommand(Permission.SEE_ORDER, "GET", "", None, assigned),
    OrderCommand(Permission.ANSWER_ORDER, "POST", "/accept", {"preparation_s": 600}, placed),
    OrderCommand(Permission.ANSWER_ORDER, "POST", "/reject", {"reason": "no fish"}, placed),
    OrderCommand(Permission.CANCEL_ORDER, "POST", "/cancel", {"reason": "not hungry"}, assigned),
    OrderCommand(Permission.CARRY_ORDER, "POST", "/pick-up", {}, assigned),
    OrderCommand(Permission.CARRY_ORDER, "POST", "/deliver", {}, carried),
]


def people(town: Town, role: Role, courier: Viewer) -> tuple[Viewer, Viewer]:
    """Somebody of this role to whom the order belongs (as far as it can), and somebody to whom it does not."""
    match role:
        case Role.CUSTOMER:
            return town.customer, a_viewer(role)
        case Role.MERCHANT:
            return town.kitchen, a_viewer(role)
        case Role.COURIER:
            return courier, a_viewer(role)
        case _:
            return a_viewer(role), a_viewer(role)


@pytest.mark.parametrize("command", ABOUT_AN_ORDER, ids=lambda command: command.path or "see")
async def test_commands_about_an_order(api: Api, command: OrderCommand) -> None:
    for role in Role:
        reach = scope(role, command.permission)
        for is_own in (False, True):
            courier = await api.town.courier()
            order_id = await command.order(api.town, courier)
            own, foreign = people(api.town, role, courier)
            answer = await api.ask(
                own if is_own else foreign,
                command.method,
                f"/api/v1/orders/{order_id}{command.path}",
                command.body,
            )
            allowed = reach is Scope.ALL or (reach is Scope.OWN and is_own)
            expected = 200 if allowed else 403 if reach is None else 404
            assert answer.status_code == expected, (role, is_own, answer.text)
            if answer.status_code == 404:  # … and a foreign order looks like one that is not there
                nobody = await api.ask(
                    foreign, command.method, f"/api/v1/orders/{NOBODY}{command.path}", command.body
                )
                assert (nobody.status_code, nobody.content) == (404, answer.content)
            if not allowed:  # a refusal tells nothing of the order
                assert str(api.town.merchant.id) not in answer.text


async def test_assigning(api: Api) -> None:
    for role in Role:
        courier = await api.town.courier()
        order_id = await api.town.accepted()
        answer = await api.ask(
            a_viewer(role),
            "POST",
            f"/api/v1/orders/{order_id}/assign",
            {"courier_id": str(courier.account_id)},
        )
        allowed = scope(role, Permission.ASSIGN_COURIER) is not None
        assert answer.status_code == (200 if allowed else 403), role


ABOUT_NO_ORDER = [
    (Permission.SEE_MERCHANTS, "GET", "/api/v1/merchants", None, 200),
    (Permission.SEE_COURIERS, "GET", "/api/v1/couriers/nearest?lat=60.17&lng=24.94", None, 200),
    (Permission.SEE_COURIERS, "GET", f"/api/v1/couriers?ids={NOBODY}", None, 200),
    (Permission.SEE_COURIERS, "GET", f"/api/v1/couriers/{NOBODY}", None, 404),
    (
        Permission.SEE_TRACK,
        "GET",
        f"/api/v1/couriers/{NOBODY}/track?from=2026-11-23T11:00:00Z&to=2026-11-23T12:00:00Z",
        None,
        200,
    ),
    (
        Permission.MANAGE_MERCHANTS,
        "POST",
        "/api/v1/merchants",
        {"name": "B", "address": "C", "lat": 60.1, "lng": 24.9, "menu": []},
        201,
    ),
    (
        Permission.MANAGE_ACCOUNTS,
        "POST",
        "/api/v1/accounts",
        {"role": "courier", "login": "li", "display_name": "Li"},
        201,
    ),
    (Permission.MANAGE_ACCOUNTS, "POST", f"/api/v1/accounts/{NOBODY}/device-keys", {}, 404),
    (Permission.MANAGE_ACCOUNTS, "DELETE", f"/api/v1/accounts/{NOBODY}/device-keys", None, 200),
]


@pytest.mark.parametrize(
    ("permission", "method", "path", "body", "good"),
    ABOUT_NO_ORDER,
    ids=[f"{method} {path.partition('?')[0].rpartition('/')[2]}" for _, method, path, _, _ in ABOUT_NO_ORDER],
)
async def test_commands_about_other_things(api, permission, method, path, body, good):
    for role in Role:
        answer = await api.ask(a_viewer(role), method, path, body)
        # What is own with couriers' positions comes by the courier's own socket, not from here.
        allowed = scope(role, permission) is Scope.ALL
        assert answer.status_code == (good if allowed else 403), (role, answer.text)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/me"),
        ("GET", "/api/v1/orders"),
        ("POST", "/api/v1/orders"),
        ("GET", f"/api/v1/orders/{NOBODY}"),
        *(
            ("POST", f"/api/v1/orders/{NOBODY}/{command}")
            for command in ("accept", "reject", "cancel", "assign", "pick-up", "deliver")
        ),
        ("GET", "/api/v1/merchants"),
        ("GET", f"/api/v1/merchants/{NOBODY}"),
        ("POST", "/api/v1/merchants"),
        ("GET", "/api/v1/couriers"),
        ("GET", "/api/v1/couriers/nearest"),
        ("GET", f"/api/v1/couriers/{NOBODY}"),
        ("GET", f"/api/v1/couriers/{NOBODY}/track"),
        ("POST", "/api/v1/accounts"),
        ("POST", f"/api/v1/accounts/{NOBODY}/device-keys"),
        ("DELETE", f"/api/v1/accounts/{NOBODY}/device-keys"),
    ],
)
async def test_who_has_not_signed_in_gets_nothing(api, method, path):
    answer = await api.ask(None, method, path, {} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
