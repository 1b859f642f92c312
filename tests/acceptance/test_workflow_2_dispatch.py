"""workflow §2, dispatch and preparation 订单调度与配送准备, step by step in the words of that page."""

from datetime import timedelta

import pytest

from tests.acceptance.ears import phones, rides
from tests.acceptance.houses import House, Platform, clock

EVERYBODY = "customer kitchen courier dispatcher"


# 1. The platform assigns by delivery area, courier state and order priority: automatically, or by a dispatcher's hand.


async def test_the_platform_assigns_the_nearest_courier_who_is_free(house: House):
    near, resting, far = house.courier(), house.courier(), house.courier()
    async with (
        house.listening(near) as they,
        phones(house.server.socket_url, resting, far) as (resting_phone, far_phone),
    ):
        await rides(
            resting_phone, resting, house.lat, house.lng, available=False
        )  # nearest, but takes no work
        await rides(far_phone, far, house.lat + 0.02, house.lng, available=True)
        await rides(they.courier, near, house.lat + 0.002, house.lng, available=True)
        first = house.order()
        they.about = first["id"]
        await they.customer.joins(f"order:{first['id']}")
        house.accepted(first)
        given = await they.hear("assignment assigned", EVERYBODY)
        assert (given["version"], given["fields"]["courier_id"]) == (1, near.id)
        assert given["fields"]["by"] == "clock"
        # The next order goes to the other one: who carries is not free.
        second = house.order()
        they.about = second["id"]
        house.accepted(second)
        given = await they.hear("assignment assigned", "kitchen dispatcher")
        assert given["fields"]["courier_id"] == far.id
    assert house.seen(first["id"])["assignment"]["courier_name"]


async def test_a_courier_far_from_the_merchants_area_is_not_asked(house: House):
    courier = house.courier()
    async with house.listening(courier) as they:
        await rides(they.courier, courier, house.lat + 0.12, house.lng, available=True)  # 13 km away
        order = house.accepted()
        they.about = order["id"]
        await they.hear("order accepted", "kitchen")
        await rides(they.courier, courier, house.lat + 0.12, house.lng)
        they.never("assignment assigned", "courier kitchen")
        assert house.seen(order["id"])["assignment"] is None
        # By a dispatcher's hand he gets it all the same; and nobody gets it beside him.
        house.says(house.platform.dispatcher, order["id"], "assign", courier_id=courier.id)
        given = await they.hear("assignment assigned", "courier kitchen dispatcher")
        assert given["fields"]["by"] == "dispatcher"
        other = house.courier()
        assert house.refused(house.platform.dispatcher, order["id"], "assign", courier_id=other.id) == (
            409, "order_already_assigned",
        )  # fmt: skip
        waiting = house.accepted()
        assert house.refused(house.platform.dispatcher, waiting["id"], "assign", courier_id=courier.id) == (
            409, "courier_busy",
        )  # fmt: skip
        assert house.refused(house.kitchen, waiting["id"], "assign", courier_id=other.id)[0] == 403


# 2. The courier receives a delivery instruction, accepts (or declines with a reason, or lets it lapse) and confirms
#    the pickup details.


async def test_the_courier_receives_the_instruction_accepts_and_confirms_the_pickup_details(house: House):
    courier = house.courier()
    async with house.listening(courier) as they:
        order = house.given(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        await they.hear("assignment assigned", "kitchen courier dispatcher")
        instruction = await they.courier.joins(f"courier:{courier.id}")
        assert instruction["order"]["merchant"]["address"] == "Kauppatori 1"
        assert instruction["order"]["items"][0]["name"] == "Salmon soup"
        assert instruction["contact"]["phone"] == house.door["phone"]
        topic = f"order:{order['id']}"
        for command, state in (
            ("take", "accepted"),
            ("confirm_pickup", "pickup_confirmed"),
            ("set_off", "en_route_to_pickup"),
            ("arrive_at_pickup", "arrived_at_pickup"),
        ):
            answer = await they.courier.says(topic, command)
            assert answer["assignment"]["state"] == state
            told = await they.hear(f"assignment {state}", EVERYBODY)
            assert (told["fields"]["state"], told["fields"]["leg"]) == (state, "to_pickup")
        assert house.seen(order["id"])["status"] == "accepted"  # the order itself has not moved


async def test_he_declines_with_a_reason_and_the_next_one_is_asked(house: House):
    first, second = house.courier(), house.courier()
    async with house.listening(first) as they, phones(house.server.socket_url, second) as (other,):
        await rides(they.courier, first, house.lat, house.lng, available=True)
        order = house.accepted()
        they.about = order["id"]
        await they.hear("assignment assigned", "courier kitchen dispatcher")
        assert house.refused(first, order["id"], "decline") == (422, "bad_body")
        house.says(first, order["id"], "decline", reason="a flat tyre")
        declined = await they.hear("assignment declined", "courier kitchen dispatcher")
        assert declined["fields"]["courier_id"] == first.id
        await rides(other, second, house.lat + 0.02, house.lng, available=True)
        given = await they.hear("assignment assigned", "kitchen dispatcher")
        assert given["fields"]["courier_id"] == second.id
        # He was not asked twice, though he stands nearer; and what is another's is none of his business.
        missing = house.server.request("GET", f"/api/v1/orders/{order['id']}", by=first)
        assert missing.status_code == 404


async def test_he_lets_it_lapse_and_the_next_one_is_asked(hasty: Platform):
    house = House(hasty)
    silent, willing = house.courier(), house.courier()
    async with house.listening(silent) as they, phones(house.server.socket_url, willing) as (other,):
        await rides(they.courier, silent, house.lat, house.lng, available=True)
        await rides(other, willing, house.lat + 0.02, house.lng, available=True)
        order = house.accepted()
        they.about = order["id"]
        await they.hear("assignment assigned", "courier kitchen")
        lapsed = await they.hear("assignment lapsed", "courier kitchen dispatcher")
        assert lapsed["fields"]["by"] == "clock"
        given = await they.hear("assignment assigned", "kitchen")
        assert given["fields"]["courier_id"] == willing.id
        assert house.refused(silent, order["id"], "take")[0] in (404, 409)
        house.says(willing, order["id"], "take")
        await they.hear("assignment accepted", "kitchen")


# 3. The merchant prepares, marks ready, and the courier is told to come.


async def test_the_merchant_prepares_marks_ready_and_the_courier_is_told_to_come(house: House):
    courier = house.courier()
    async with house.listening(courier) as they:
        order = house.given(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        assert house.seen(order["id"])["kitchen"] == "preparing"
        await they.kitchen.says(f"order:{order['id']}", "mark_ready")
        told = await they.hear("order ready", EVERYBODY)
        assert told["fields"]["kitchen"] == "ready"
        # Said by a slip, it is taken back, and everybody knows.
        house.says(house.kitchen, order["id"], "unmark-ready")
        told = await they.hear("order not_ready", EVERYBODY)
        assert told["fields"]["kitchen"] == "preparing"
        assert house.refused(courier, order["id"], "mark-ready")[0] == 403


# 4. The courier picks up (checked against a pickup code): delivering 配送中.


@pytest.fixture
def careful(town: Platform) -> House:
    """A house that hands out no bag without its code."""
    return House(town, pickup_code_required=True)


async def test_the_courier_picks_up_with_the_code_that_the_merchant_tells_him(careful: House):
    house, courier = careful, careful.courier()
    async with house.listening(courier) as they:
        order = house.given(courier)
        they.about = order["id"]
        await they.customer.joins(f"order:{order['id']}")
        code = house.seen(order["id"], house.kitchen)["pickup_code"]
        for other in (house.customer, courier, house.platform.dispatcher):
            assert "pickup_code" not in house.seen(order["id"], other)
        assert house.refused(courier, order["id"], "pick-up") == (409, "code_needed")
        wrong = f"{(int(code) + 1) % 10000:04}"
        assert house.refused(courier, order["id"], "pick-up", code=wrong) == (409, "wrong_code")
        assert house.seen(order["id"])["status"] == "accepted"
        house.says(courier, order["id"], "pick-up", code=code)
        await they.hear("assignment picked_up", EVERYBODY)
        told = await they.hear("order picked_up", EVERYBODY)
        assert (told["fields"]["status"], told["fields"]["by"]) == ("delivering", "courier")
        assert code not in str([ear.told for ear in they.ears.values()])  # nobody is told it by an event


async def test_after_too_many_wrong_codes_somebody_of_the_staff_must_see_to_it(careful: House):
    house, courier = careful, careful.courier()
    async with house.listening(courier) as they:
        order = house.given(courier)
        they.about = order["id"]
        code = house.seen(order["id"], house.kitchen)["pickup_code"]
        wrong = f"{(int(code) + 1) % 10000:04}"
        said = [house.refused(courier, order["id"], "pick-up", code=wrong)[1] for _ in range(6)]
        assert said == ["wrong_code"] * 5 + ["too_many_wrong_codes"]
        await they.hear("order codes_locked", "kitchen courier dispatcher")
        assert house.refused(courier, order["id"], "pick-up", code=code)[1] == "too_many_wrong_codes"
        assert (
            house.refused(courier, order["id"], "override", what="pickup_code", reason="it is me")[0] == 403
        )
        dispatcher = house.platform.dispatcher
        house.says(dispatcher, order["id"], "override", what="pickup_code", reason="the kitchen knows him")
        await they.hear("order proof_waived", "kitchen courier dispatcher")
        house.says(courier, order["id"], "pick-up")
        await they.hear("order picked_up", "kitchen courier dispatcher")


async def test_a_courier_without_network_neither_loses_work_nor_looks_late(house: House):
    courier = house.courier()
    async with house.listening(courier) as they:
        order = house.given(courier)
        they.about = order["id"]
        before = clock.now() - timedelta(hours=1)
        house.says(courier, order["id"], "pick-up", occurred_at=clock.now().isoformat())
        house.says(courier, order["id"], "deliver")
        # What he did before comes later, from a cellar, with a phone whose clock is an hour slow.
        house.says(courier, order["id"], "arrive-at-pickup", occurred_at=before.isoformat())
        late = await they.hear("assignment arrived_at_pickup", "courier kitchen dispatcher")
        assert (late["fields"]["late"], late["fields"]["state"]) == (True, "delivered")
        assert late["at"] >= order["accepted_at"]  # not believed to be before he had it
        again = house.says(courier, order["id"], "deliver")
        assert again["status"] == "delivered"
        told = [one["name"] for one in they.courier.told if one["entity"] == "order"]
        assert told.count("delivered") == 1


async def test_preparation_and_pickup_that_take_too_long_are_told(hasty: Platform):
    house = House(hasty)
    courier = house.courier()
    async with house.listening() as they:
        order = house.order()
        they.about = order["id"]
        house.says(house.kitchen, order["id"], "accept", preparation_s=0)
        await they.hear("order ready_late", "kitchen dispatcher")
        opened = await they.hear("ticket opened", "service dispatcher")
        assert opened["fields"]["kind"] == "merchant_late"
        house.says(house.kitchen, order["id"], "mark-ready")
        ended = await they.hear("ticket resolved", "service dispatcher")
        assert ended["fields"]["outcome"] == "ready"
        await they.hear("order pickup_late", "kitchen dispatcher")
        house.says(house.platform.dispatcher, order["id"], "assign", courier_id=courier.id)
        delay = house.ticket(order["id"], "delay")
        assert delay["owner_role"] == "dispatcher"
