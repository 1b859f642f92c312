"""The table of permissions: its page is true, and OWN means own."""

from pathlib import Path
from uuid import uuid4

import pytest

from server.accounts.permissions import (
    PERMISSIONS,
    Permission,
    Scope,
    may_for_order,
    require,
    require_for_all,
    require_for_merchant,
    require_for_order,
    scope,
    table,
)
from server.accounts.roles import Role
from server.errors import NotAllowed, NotFound
from tests.builders import a_viewer

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"
CUSTOMER, MERCHANT, COURIER = uuid4(), uuid4(), uuid4()


def test_the_page_is_printed_from_the_table():
    assert PAGE.read_text() == table()


def test_every_permission_has_its_row():
    assert set(PERMISSIONS) == set(Permission)


def test_nobody_but_the_people_of_an_order_and_those_who_serve_it_learns_where_it_goes():
    assert {role for role in Role if scope(role, Permission.SEE_CONTACT)} == {
        Role.CUSTOMER,
        Role.COURIER,
        Role.DISPATCHER,
        Role.CUSTOMER_SERVICE,
    }


@pytest.mark.parametrize(
    "viewer",
    [
        a_viewer(Role.CUSTOMER, account_id=CUSTOMER),
        a_viewer(Role.MERCHANT, merchant_id=MERCHANT),
        a_viewer(Role.COURIER, account_id=COURIER),
        a_viewer(Role.DISPATCHER),
    ],
)
def test_people_see_their_own_order(viewer):
    require_for_order(
        viewer, Permission.SEE_ORDER, customer_id=CUSTOMER, merchant_id=MERCHANT, courier_id=COURIER
    )


@pytest.mark.parametrize(
    "viewer",
    [
        a_viewer(Role.CUSTOMER),
        a_viewer(Role.MERCHANT),
        a_viewer(Role.COURIER),
        a_viewer(Role.CUSTOMER, account_id=COURIER),  # the right id in the wrong role
        a_viewer(Role.COURIER, account_id=CUSTOMER),
        a_viewer(Role.MERCHANT, account_id=CUSTOMER, merchant_id=None),
    ],
)
def test_a_foreign_order_is_as_good_as_none(viewer):
    with pytest.raises(NotFound):
        require_for_order(
            viewer, Permission.SEE_ORDER, customer_id=CUSTOMER, merchant_id=MERCHANT, courier_id=COURIER
        )


def test_a_courier_has_no_claim_to_an_order_nobody_carries():
    assert not may_for_order(
        a_viewer(Role.COURIER),
        Permission.SEE_ORDER,
        customer_id=CUSTOMER,
        merchant_id=MERCHANT,
        courier_id=None,
    )


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_requiring_follows_the_table(role, permission):
    reach = scope(role, permission)
    for check, allowed in ((require, reach is not None), (require_for_all, reach is Scope.ALL)):
        if allowed:
            check(a_viewer(role), permission)
        else:
            with pytest.raises(NotAllowed):
                check(a_viewer(role), permission)


def test_a_programs_key_may_what_it_was_given_of_its_role_and_nothing_else():
    key = a_viewer(
        Role.MERCHANT,
        merchant_id=MERCHANT,
        permissions=frozenset({Permission.SEE_ORDER, Permission.REFUND}),
    )
    people = {"customer_id": CUSTOMER, "merchant_id": MERCHANT}
    assert may_for_order(key, Permission.SEE_ORDER, **people)
    assert not may_for_order(key, Permission.ANSWER_ORDER, **people)
    assert not may_for_order(key, Permission.REFUND, **people)  # which its role never had


def test_a_link_reaches_its_one_order():
    order_id = uuid4()
    link = a_viewer(
        Role.CUSTOMER, account_id=CUSTOMER, order_id=order_id, permissions=frozenset({Permission.SEE_ORDER})
    )
    people = {"customer_id": CUSTOMER, "merchant_id": MERCHANT}
    assert may_for_order(link, Permission.SEE_ORDER, **people, order_id=order_id)
    assert not may_for_order(link, Permission.SEE_ORDER, **people, order_id=uuid4())
    assert not may_for_order(link, Permission.SEE_ORDER, **people)
    assert not may_for_order(link, Permission.CANCEL_ORDER, **people, order_id=order_id)


@pytest.mark.parametrize(
    ("viewer", "allowed"),
    [
        (a_viewer(Role.MERCHANT, merchant_id=MERCHANT), True),
        (a_viewer(Role.MERCHANT), False),
        (a_viewer(Role.ADMINISTRATOR), True),
        (a_viewer(Role.CUSTOMER), False),
        (a_viewer(Role.MERCHANT, merchant_id=MERCHANT, permissions=frozenset()), False),
    ],
)
def test_a_merchants_things_are_its_peoples(viewer, allowed):
    if allowed:
        require_for_merchant(viewer, Permission.MANAGE_MENU, MERCHANT)
    else:
        with pytest.raises(NotAllowed):
            require_for_merchant(viewer, Permission.MANAGE_MENU, MERCHANT)
