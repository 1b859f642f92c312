from uuid import uuid4

import pytest

from server.accounts.roles import Role
from server.errors import NotAllowed
from server.realtime.topics import (
    ZONED,
    Audience,
    Kind,
    TopicName,
    UnknownTopic,
    audience_of,
    parse_topic,
)
from tests.builders import a_viewer


@pytest.mark.parametrize("kind", [Kind.ORDER, Kind.MERCHANT, Kind.COURIER])
def test_a_topic_is_written_as_it_is_read(kind):
    topic = TopicName(kind, uuid4())
    assert parse_topic(str(topic)) == topic


def test_there_is_one_zone_as_yet():
    assert parse_topic("dispatch:all") == TopicName(Kind.DISPATCH, None)
    assert parse_topic("tickets:all") == TopicName(Kind.TICKETS, None)
    with pytest.raises(UnknownTopic):
        parse_topic("dispatch:north")


@pytest.mark.parametrize(
    ("role", "audience"),
    [
        (Role.CUSTOMER, Audience.CUSTOMER),
        (Role.MERCHANT, Audience.MERCHANT),
        (Role.COURIER, Audience.COURIER),
        (Role.DISPATCHER, Audience.STAFF),
        (Role.CUSTOMER_SERVICE, Audience.STAFF),
        (Role.OPERATIONS_MANAGER, Audience.OBSERVER),
    ],
)
def test_the_role_decides_as_what_one_listens_to_an_order(role, audience):
    assert audience_of(a_viewer(role), TopicName(Kind.ORDER, uuid4())) is audience


@pytest.mark.parametrize("role", [Role.DATA_ANALYST, Role.TECHNICAL_SUPPORT, Role.ADMINISTRATOR])
@pytest.mark.parametrize("kind", Kind)
def test_who_has_no_business_with_orders_listens_to_nothing(role, kind):
    with pytest.raises(NotAllowed):
        audience_of(a_viewer(role), TopicName(kind, None if kind in ZONED else uuid4()))


def test_a_kitchen_and_a_courier_listen_to_their_own_topic_only():
    kitchen, courier = a_viewer(Role.MERCHANT), a_viewer(Role.COURIER)
    assert audience_of(kitchen, TopicName(Kind.MERCHANT, kitchen.merchant_id)) is Audience.MERCHANT
    assert audience_of(courier, TopicName(Kind.COURIER, courier.account_id)) is Audience.COURIER
    for viewer, kind in ((kitchen, Kind.MERCHANT), (courier, Kind.COURIER)):
        with pytest.raises(NotAllowed):
            audience_of(viewer, TopicName(kind, uuid4()))


def test_an_account_that_has_the_id_of_a_courier_is_none():
    customer = a_viewer(Role.CUSTOMER)
    with pytest.raises(NotAllowed):
        audience_of(customer, TopicName(Kind.COURIER, customer.account_id))
