"""Personal data are shown to those who serve an order, while they serve it."""

from uuid import uuid4

import pytest

from server.accounts.permissions import Permission, scope
from server.accounts.personal import Service, is_a_look, may_see_contact
from server.accounts.roles import Role
from tests.builders import a_viewer

CUSTOMER, MERCHANT, COURIER = uuid4(), uuid4(), uuid4()


def an_order(*, carried=True, order=True, ticket=False):
    return Service(
        customer_id=CUSTOMER,
        merchant_id=MERCHANT,
        courier_id=COURIER if carried else None,
        order_is_open=order,
        ticket_is_open=ticket,
    )


OWN = {
    Role.CUSTOMER: a_viewer(Role.CUSTOMER, account_id=CUSTOMER),
    Role.MERCHANT: a_viewer(Role.MERCHANT, merchant_id=MERCHANT),
    Role.COURIER: a_viewer(Role.COURIER, account_id=COURIER),
}


@pytest.mark.parametrize(
    ("order", "seers"),
    [
        (an_order(), {Role.CUSTOMER, Role.COURIER, Role.DISPATCHER, Role.CUSTOMER_SERVICE}),
        (an_order(carried=False), {Role.CUSTOMER, Role.DISPATCHER, Role.CUSTOMER_SERVICE}),
        (an_order(carried=False, order=False), {Role.CUSTOMER}),
        (
            an_order(carried=False, order=False, ticket=True),
            {Role.CUSTOMER, Role.DISPATCHER, Role.CUSTOMER_SERVICE},
        ),
    ],
)
def test_who_sees_it_when(order, seers):
    assert {role for role in Role if may_see_contact(OWN.get(role, a_viewer(role)), order)} == seers


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.COURIER, Role.MERCHANT])
def test_a_foreign_orders_contact_is_nobodys(role):
    assert not may_see_contact(a_viewer(role), an_order())


def test_whoever_follows_by_a_link_sees_none():
    order_id = uuid4()
    link = a_viewer(
        Role.CUSTOMER,
        account_id=CUSTOMER,
        order_id=order_id,
        permissions=frozenset({Permission.SEE_ORDER, Permission.SEE_CONTACT}),
    )
    assert not may_see_contact(link, an_order())


def test_what_the_table_does_not_allow_no_service_does():
    for role in Role:
        if scope(role, Permission.SEE_CONTACT) is None:
            assert not may_see_contact(OWN.get(role, a_viewer(role)), an_order())


def test_only_to_its_own_customer_it_is_no_look():
    assert not is_a_look(OWN[Role.CUSTOMER], CUSTOMER)
    assert is_a_look(OWN[Role.COURIER], CUSTOMER)
    assert is_a_look(a_viewer(Role.CUSTOMER), CUSTOMER)
