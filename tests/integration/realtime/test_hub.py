"""Who is told what, by a running hub, over real sockets."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import h3.api.basic_str as h3
import pytest
from redis.asyncio import Redis

from server.accounts.roles import Role
from server.geo.cells import COURIER_RES, TILE_RES, WIDE_TILE_RES
from tests.builders import HELSINKI, a_viewer
from tests.integration.people import Town
from tests.integration.realtime.live import Live, live
from tests.visits import Visit


@pytest.fixture
async def here(town: Town, redis_client: Redis) -> AsyncIterator[Live]:
    async with live(town, redis_client) as running:
        yield running


async def snapshot(visit: Visit, topic: str) -> Any:
    joined = await visit.join(topic)
    assert "ok" in joined["payload"], joined
    return joined["payload"]["ok"]["snapshot"]


async def refused(visit: Visit, topic: str, **options: Any) -> str:
    return str((await visit.join(topic, **options))["payload"]["error"]["code"])


async def quiet(visit: Visit) -> bool:
    """Whether nothing was sent before the answer to a question asked now."""
    await visit.ask("session", "heartbeat")
    return not visit.waiting


# Orders


async def test_a_customer_sees_their_order_go_all_the_way(here: Live):
    town = here.town
    courier = await town.courier()
    order_id = await town.placed()
    async with here.visit(town.customer) as customer:
        topic = f"order:{order_id}"
        seen = await snapshot(customer, topic)
        assert seen["order"]["status"] == "pending_acceptance"
        assert seen["order"]["merchant"]["name"] == town.merchant.name
        assert seen["order"]["dropoff"]["address"] == "Siltasaarenkatu 4 A 12"
        assert (seen["assignment"], seen["position"]) == (None, None)
        await town.orders.accept(town.kitchen, order_id, 600)
        await town.dispatch.assign(town.dispatcher, order_id, courier.account_id)
        await town.dispatch.reports.pick_up(courier, order_id)
        await town.dispatch.reports.deliver(courier, order_id)
        changes = [await customer.event("changed") for _ in range(6)]
        assert [(change["payload"]["entity"], change["payload"]["name"]) for change in changes] == [
            ("order", "accepted"),
            ("assignment", "assigned"),
            ("order", "picked_up"),
            ("assignment", "picked_up"),
            ("order", "delivered"),
            ("assignment", "delivered"),
        ]
        assert all(change["topic"] == topic for change in changes)
        assert [change["payload"]["version"] for change in changes] == [2, 1, 3, 2, 4, 3]


async def test_who_comes_back_with_a_cursor_is_told_what_they_missed(here: Live):
    town = here.town
    order_id = await town.placed()
    topic = f"order:{order_id}"
    async with here.visit(town.customer) as customer:
        cursor = (await customer.join(topic))["cursor"]
    await town.orders.accept(town.kitchen, order_id, 600)
    async with here.visit(town.customer) as customer:
        assert (await customer.join(topic, since=cursor))["payload"] == {"ok": {"changes": 1}}
        missed = await customer.event("changed")
        assert missed["payload"]["name"] == "accepted"
    async with here.visit(town.customer) as customer:
        assert (await customer.join(topic, since=missed["cursor"]))["payload"] == {"ok": {"changes": 0}}
        assert await quiet(customer)


async def test_a_cursor_of_another_database_gets_a_new_snapshot(here: Live):
    order_id = await here.town.placed()
    async with here.visit(here.town.customer) as customer:
        joined = await customer.join(f"order:{order_id}", since=f"{uuid4()}_17_3")
        assert joined["payload"]["ok"]["resync"] is True
        assert joined["payload"]["ok"]["snapshot"]["order"]["id"] == str(order_id)
        assert await refused(customer, f"order:{order_id}", since="yesterday") == "bad_cursor"


async def test_joining_again_starts_anew_without_a_repeat(here: Live):
    town = here.town
    order_id = await town.placed()
    topic = f"order:{order_id}"
    async with here.visit(town.customer) as customer:
        await customer.join(topic)
        await customer.join(topic)
        await town.orders.accept(town.kitchen, order_id, 600)
        assert (await customer.event("changed"))["payload"]["name"] == "accepted"
        assert await quiet(customer)


async def test_who_left_a_topic_hears_no_more_of_it(here: Live):
    town = here.town
    order_id = await town.placed()
    async with here.visit(town.customer) as customer, here.visit(town.dispatcher) as dispatcher:
        await customer.join(f"order:{order_id}")
        await customer.ask(f"order:{order_id}", "leave")
        await dispatcher.join("dispatch:all")
        await town.orders.accept(town.kitchen, order_id, 600)
        await dispatcher.event("changed")
        assert await quiet(customer)


# Permission


async def test_topics_of_others_are_closed_to_all_but_staff(here: Live):
    order_id = await here.town.placed()
    for role in Role:
        await ask_for_what_is_not_ones_own(here, role, order_id)


async def ask_for_what_is_not_ones_own(here: Live, role: Role, order_id: UUID) -> None:
    """Every kind of topic."""
    town = here.town
    staff = {Role.DISPATCHER, Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER}
    overseers = {Role.DISPATCHER, Role.OPERATIONS_MANAGER}
    parties = {Role.CUSTOMER, Role.MERCHANT, Role.COURIER}
    async with here.visit(a_viewer(role)) as visit:
        nothing_there = (await visit.join(f"order:{uuid4()}"))["payload"]
        for topic, open_to in (
            (f"order:{order_id}", staff),
            (f"merchant:{town.merchant.id}", staff),
            (f"courier:{uuid4()}", overseers),
            ("dispatch:all", overseers),
        ):
            answer = (await visit.join(topic))["payload"]
            if role in open_to:
                assert "ok" in answer, (topic, answer)
            elif topic.startswith("order:") and role in parties:
                assert answer == nothing_there, "not even that it exists is said"
            else:
                assert answer["error"]["code"] == "not_allowed", topic
        looked = (await visit.ask("viewport", "look", {"cells": []}))["payload"]
        assert ("ok" in looked) == (role in overseers)


async def test_a_topic_has_one_spelling(here: Live):
    order_id = await here.town.placed()
    async with here.visit(here.town.customer) as customer:
        for topic in (
            "",
            "order",
            "order:",
            "order:17",
            f"ORDER:{order_id}",
            f"order:{str(order_id).upper()}",
            f"order:{order_id} ",
            f"order:{{{order_id}}}",
            "session",
            "viewport",
            "dispatch:north",
            "tickets:north",
        ):
            assert await refused(customer, topic) == "unknown_topic", topic


async def test_what_does_not_exist_is_not_found(here: Live):
    async with here.visit(here.town.dispatcher) as dispatcher:
        assert await refused(dispatcher, f"order:{uuid4()}") == "order_not_found"
        assert await refused(dispatcher, f"merchant:{uuid4()}") == "merchant_not_found"
        assert not here.hub._topics


async def test_personal_data_go_to_those_who_need_them_and_nobody_else(here: Live):
    town = here.town
    courier = await town.courier()
    order_id = await here.assigned(courier)
    shown = {}
    for name, viewer in {
        "customer": town.customer,
        "kitchen": town.kitchen,
        "courier": courier,
        "dispatcher": town.dispatcher,
        "operations": a_viewer(Role.OPERATIONS_MANAGER),
    }.items():
        async with here.visit(viewer) as visit:
            shown[name] = str(await snapshot(visit, f"order:{order_id}"))
    addressed = {name for name, text in shown.items() if "Siltasaarenkatu" in text}
    assert addressed == {"customer", "courier", "dispatcher"}
    assert not any("1234567" in text or "Aino" in text for text in shown.values())
    async with here.visit(courier) as visit:
        mine = await snapshot(visit, f"courier:{courier.account_id}")
        assert mine["contact"]["phone"] == "+358401234567"
        assert mine["order"]["id"] == str(order_id)
        assert mine["assignment"]["state"] == "assigned"
    async with here.visit(town.dispatcher) as visit:
        assert "123 4567" not in str(await snapshot(visit, f"courier:{courier.account_id}"))
    async with here.visit(town.kitchen) as visit:
        theirs = await snapshot(visit, f"merchant:{town.merchant.id}")
        assert [order["id"] for order in theirs["orders"]] == [str(order_id)]
        assert theirs["orders"][0]["assignment"]["courier_name"] == "Li"
        assert "Siltasaarenkatu" not in str(theirs)


async def test_a_courier_hears_of_an_order_while_he_has_it(here: Live):
    town = here.town
    courier = await town.courier()
    order_id = await here.assigned(courier)
    async with here.visit(courier) as visit:
        topic = f"order:{order_id}"
        await visit.join(topic)
        await town.dispatch.reports.pick_up(courier, order_id)
        await town.dispatch.reports.deliver(courier, order_id)
        assert [(await visit.event("changed"))["payload"]["name"] for _ in range(4)][-1] == "delivered"
        assert (await visit.next()) == {"topic": topic, "event": "left", "payload": {"code": "not_allowed"}}
        assert await refused(visit, topic) == "order_not_found"


async def test_a_courier_keeps_listening_to_the_next_order_when_one_ends_in_the_same_moment(here: Live):
    town = here.town
    courier = await town.courier()
    first_id = await here.assigned(courier)
    await town.dispatch.reports.pick_up(courier, first_id)
    async with here.visit(courier) as visit:
        await visit.join(f"order:{first_id}")
        async with town.storage.unit_of_work() as older:
            await older.connection.execute("SELECT pg_current_xact_id()")  # the log's tail waits for it
            await town.dispatch.reports.deliver(courier, first_id)
            next_id = await town.assigned(courier)  # of which the tail cannot tell yet
            await visit.join(f"order:{next_id}")
        assert (await visit.event("left"))["topic"] == f"order:{first_id}"
        await town.dispatch.reports.pick_up(courier, next_id)
        while (change := await visit.event("changed"))["payload"]["name"] != "picked_up":
            pass
        assert change["topic"] == f"order:{next_id}"


# Positions


async def test_each_audience_sees_as_much_of_a_courier_as_it_needs(here: Live):
    town = here.town
    courier = await town.courier()
    order_id = await here.assigned(courier)
    topic = f"order:{order_id}"
    async with (
        here.visit(town.customer) as customer,
        here.visit(town.kitchen) as kitchen,
        here.visit(town.dispatcher) as dispatcher,
    ):
        everybody = customer, kitchen, dispatcher
        for visit in everybody:
            await visit.join(topic)
        lat, lng = 60.1712345, 24.9412345
        here.position(courier.account_id, lat, lng, bearing_deg=90.0, speed_mps=5.0)
        coarse, exact, also_exact = [(await visit.event("position"))["payload"] for visit in everybody]
        assert coarse["coarse"] is True
        cell = h3.latlng_to_cell(lat, lng, COURIER_RES)
        assert (coarse["lat"], coarse["lng"]) == pytest.approx(h3.cell_to_latlng(cell), abs=1e-6)
        assert "bearing_deg" not in coarse
        assert "speed_mps" not in coarse
        assert exact == also_exact
        assert (exact["lat"], exact["lng"], exact["bearing_deg"]) == (lat, lng, 90.0)
        assert "coarse" not in exact

        before_pickup = town.duties.of(courier.account_id).mark
        await town.dispatch.reports.pick_up(courier, order_id)
        for visit in everybody:
            while (await visit.event("changed"))["payload"]["entity"] != "assignment":
                pass
        here.position(courier.account_id, 60.172, 24.942, duty_mark=before_pickup)
        here.position(courier.account_id, 60.173, 24.943)
        for visit in (customer, dispatcher):
            assert (await visit.event("position"))["payload"]["lat"] == 60.173, (
                "what was before the pickup stays there"
            )
        assert await quiet(kitchen), "the way to the customer's door is not the kitchen's business"

        before_delivery = town.duties.of(courier.account_id).mark
        await town.dispatch.reports.deliver(courier, order_id)
        for visit in everybody:
            while (await visit.event("changed"))["payload"]["entity"] != "assignment":
                pass
        here.position(courier.account_id, 60.174, 24.944, duty_mark=before_delivery)
        for visit in everybody:
            assert await quiet(visit), "nothing after delivery"


async def test_a_position_that_comes_after_a_newer_one_is_shown_to_nobody(here: Live):
    town = here.town
    courier = await town.courier()
    order_id = await here.assigned(courier)
    now_ms = town.clock.now_ms()
    async with here.visit(town.kitchen) as kitchen, here.visit(town.dispatcher) as dispatcher:
        await kitchen.join(f"order:{order_id}")
        await dispatcher.ask("viewport", "look", {"cells": [h3.latlng_to_cell(*HELSINKI, TILE_RES)]})
        here.position(courier.account_id, *HELSINKI, fix_time_ms=now_ms + 2000)
        assert (await kitchen.event("position"))["payload"]["fix_time"] == now_ms + 2000
        await dispatcher.event("positions")
        here.position(courier.account_id, *HELSINKI, fix_time_ms=now_ms + 1000)
        here.hub.beat()
        assert not any(session.outbox for session in here.hub._sessions)


async def test_a_snapshot_has_the_last_position_as_its_audience_may_see_it(here: Live):
    town = here.town
    courier = await town.courier()
    order_id = await here.assigned(courier)
    async with here.visit(town.customer) as customer:
        await customer.join(f"order:{order_id}")
        here.position(courier.account_id, 60.17, 24.94)
        await customer.event("position")
    for viewer, is_coarse in ((town.customer, True), (town.kitchen, False)):
        async with here.visit(viewer) as visit:
            seen = (await snapshot(visit, f"order:{order_id}"))["position"]
            assert seen.get("coarse", False) is is_coarse


@pytest.mark.parametrize("res", [TILE_RES, WIDE_TILE_RES])
async def test_a_dispatcher_sees_who_comes_moves_and_goes(here: Live, res: int):
    town = here.town
    lat, lng = HELSINKI
    here_cell = h3.latlng_to_cell(lat, lng, res)
    there_cell = h3.grid_ring(here_cell, 1)[0]
    there = h3.cell_to_latlng(there_cell)
    first, second = await town.courier(), uuid4()
    async with here.visit(town.dispatcher) as narrow, here.visit(town.dispatcher) as wide:
        looked = await narrow.ask("viewport", "look", {"cells": [here_cell]})
        (row,) = looked["payload"]["ok"]["couriers"]
        assert row[0] == str(first.account_id)
        assert row[3:] == [None, "free", town.clock.now_ms(), town.clock.now_ms()]
        await wide.ask("viewport", "look", {"cells": [here_cell, there_cell]})

        here.position(second, lat, lng, bearing_deg=45.2, available=False)
        for visit in (narrow, wide):
            seen = (await visit.event("positions"))["payload"]
            assert (seen["tile"], seen["left"]) == (here_cell, [])
            assert [row[0:1] + row[3:5] for row in seen["couriers"]] == [[str(second), 45, "off"]]

        await here.assigned(first)
        busy = (await narrow.event("positions"))["payload"]["couriers"]
        assert [(row[0], row[4]) for row in busy] == [(str(first.account_id), "busy")]
        await wide.event("positions")

        here.position(second, *there)
        assert (await narrow.event("positions"))["payload"]["left"] == [str(second)]
        assert (await wide.event("positions"))["payload"] == {
            "tile": here_cell,
            "couriers": [],
            "left": [str(second)],
        }
        arrived = (await wide.event("positions"))["payload"]
        assert (arrived["tile"], arrived["couriers"][0][0]) == (there_cell, str(second))

        town.nearest.forget([second])
        here.hub.on_gone([second])
        assert (await wide.event("positions"))["payload"]["left"] == [str(second)]
        assert await quiet(narrow)


async def test_a_tile_is_a_cell_of_the_two_sizes(here: Live):
    async with here.visit(here.town.dispatcher) as visit:
        for cell in ("nonsense", "871126d37ffffff", "0", "", "-1"):
            answer = await visit.ask("viewport", "look", {"cells": [cell]})
            assert answer["payload"]["error"]["code"] == "bad_cell", cell


# Couriers


def a_fix(lat: float = HELSINKI[0], **facts: Any) -> dict[str, Any]:
    return {"lat": lat, "lng": HELSINKI[1], **facts}


async def test_a_courier_is_told_what_was_received_and_what_is_stored(here: Live):
    courier = await here.town.account(Role.COURIER)
    topic, now_ms = f"courier:{courier.account_id}", here.town.clock.now_ms()
    async with here.visit(courier) as visit:
        fixes = [
            a_fix(fix_time=now_ms - 1000, seq=1),
            a_fix(lat=91, fix_time=now_ms, seq=2),
            a_fix(fix_time=now_ms, seq=3),
        ]
        answer = (await visit.ask(topic, "fixes", {"fixes": fixes}))["payload"]["ok"]
        assert answer["received"] == 2
        assert [(refused["index"], refused["seq"], refused["reason"]) for refused in answer["refused"]] == [
            (1, 2, "out_of_range")
        ]
        assert sorted((await visit.event("stored"))["payload"]["seqs"]) == [1, 3]
        assert await here.town.storage.pool.fetchval("SELECT sum(fixes) FROM track_chunks") == 2


async def test_fixes_sent_with_the_token_wait_for_the_courier_to_be_handed_over(here: Live):
    courier = await here.town.account(Role.COURIER)
    topic = f"courier:{courier.account_id}"
    async with here.socket() as visit:
        await visit.say("session", "authenticate", {"token": here.tokens.issue(courier)}, ref="a")
        await visit.say(topic, "fix", a_fix(fix_time=here.town.clock.now_ms(), seq=1), ref="b")
        await visit.say(topic, "availability", {"available": False}, ref="c")
        answers = {}
        while answers.keys() != {"a", "b", "c"}:
            frame = await visit.event("reply")
            answers[frame["ref"]] = frame["payload"]["ok"]
        assert answers["b"]["received"] == 1
        assert answers["c"] == {"available": False}


async def test_the_newest_socket_of_a_courier_owns_him(here: Live):
    courier = await here.town.account(Role.COURIER)
    topic = f"courier:{courier.account_id}"
    async with here.visit(courier) as older, here.visit(courier) as newer:
        assert (await older.closed())[0] == 4010
        answer = await newer.ask(topic, "fix", a_fix(fix_time=here.town.clock.now_ms()))
        assert answer["payload"]["ok"]["received"] == 1


async def test_a_socket_is_closed_when_tracking_has_seen_a_newer_one_elsewhere(here: Live):
    courier = await here.town.account(Role.COURIER)
    async with here.visit(courier) as visit:
        await visit.ask(f"courier:{courier.account_id}", "fix", a_fix(fix_time=here.town.clock.now_ms()))
        here.tracking.claimed(courier.account_id, 2**62)
        assert (await visit.closed())[0] == 4010


async def test_fixes_are_for_couriers_and_their_own_topic(here: Live):
    courier = await here.town.account(Role.COURIER)
    for viewer, topic in (
        (courier, f"courier:{uuid4()}"),
        (here.town.customer, f"courier:{here.town.customer.account_id}"),
        (here.town.dispatcher, f"courier:{courier.account_id}"),
    ):
        async with here.visit(viewer) as visit:
            answer = await visit.ask(topic, "fix", a_fix(fix_time=1))
            assert answer["payload"]["error"]["code"] == "not_allowed"
    assert await here.town.storage.pool.fetchval("SELECT count(*) FROM track_chunks") == 0
