"""Deliveries are tried until they arrive or a day is over (faults 32 and 50)."""

import asyncio
from datetime import timedelta

import pytest

from server.notify.model import EndpointChange, State, WebhookOff
from server.notify.schedule import MOST_TRIES, STEPS_S
from server.notify.sending import AT_ONCE, KEEP, LEASE
from server.notify.service import OVERLAP, BeingSent
from tests.fakes import NOON
from tests.integration.notify.conftest import Shop
from tests.integration.notify.receiver import OK, receiving, says
from tests.waiting import eventually


async def test_a_delivery_arrives_signed_and_is_not_sent_again(shop: Shop):
    made = await shop.endpoint()
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    [received] = shop.receiver.received
    received.check(made.secret)
    assert received.line == "POST /hook HTTP/1.1"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{shop.receiver.port}"
    assert "cookie" not in received.headers
    assert "authorization" not in received.headers
    assert await shop.states() == ["delivered"]
    shop.clock.turn(2 * 86_400)
    await shop.sent()
    assert len(shop.receiver.received) == 1
    assert await shop.storage.pool.fetchval("SELECT count(*) FROM timers WHERE kind = 'webhook'") == 0


async def test_what_fails_is_tried_again_by_schedule_under_the_same_id_until_it_arrives(shop: Shop):
    await shop.endpoint()
    shop.receiver.answers = [says(500, b"oh no"), says(503)]
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    shop.clock.turn(STEPS_S[0] - 1)
    await shop.sent()
    assert len(shop.receiver.received) == 1
    for step_s in (1, STEPS_S[1]):
        shop.clock.turn(step_s)
        await shop.sent()
    assert len(shop.receiver.ids) == 3
    assert len(set(shop.receiver.ids)) == 1
    assert len({one.body for one in shop.receiver.received}) == 1
    assert len({one.headers["webhook-timestamp"] for one in shop.receiver.received}) == 3
    assert await shop.outcomes() == ["refused", "refused", "delivered"]
    assert await shop.states() == ["delivered"]
    [endpoint] = (await shop.service.all(shop.kitchen, shop.merchant.id)).webhooks
    assert endpoint.failing_since is None
    assert endpoint.last_success_at == shop.clock.now()


async def test_after_a_day_of_failures_it_is_given_up_and_the_endpoint_switched_off_and_told(shop: Shop):
    made = (await shop.endpoint()).webhook
    shop.receiver.usual = says(500)
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    for step_s in STEPS_S:
        shop.clock.turn(step_s)
        await shop.sent()
    assert len(shop.receiver.received) == MOST_TRIES
    assert await shop.states() == ["failed"]
    shop.clock.turn(3600)
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    endpoint = await shop.service.one(shop.kitchen, shop.merchant.id, made.id)
    assert (endpoint.enabled, endpoint.off_why, endpoint.failing_since) == (False, "failing", NOON)
    rows = await shop.storage.pool.fetch(
        "SELECT name, topics FROM event_log WHERE entity = 'webhook_endpoint'"
    )
    assert [(row["name"], row["topics"]) for row in rows] == [
        ("added", [f"merchant:{shop.merchant.id}"]),
        ("switched_off", [f"merchant:{shop.merchant.id}"]),
    ]


async def test_gone_switches_off_at_once_and_nothing_is_sent_any_more(shop: Shop):
    made = (await shop.endpoint()).webhook
    shop.receiver.answers = [says(500), says(410)]
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    endpoint = await shop.service.one(shop.kitchen, shop.merchant.id, made.id)
    assert (endpoint.enabled, endpoint.off_why) == (False, "gone")
    assert await shop.states() == ["failed", "failed"]
    shop.clock.turn(3600)
    await shop.happens()
    assert await shop.fan_out.catch_up() == 0
    await shop.sent()
    assert len(shop.receiver.received) == 2


async def test_a_redirect_is_a_failure_and_is_not_followed(shop: Shop):
    async with receiving() as elsewhere:
        await shop.endpoint()
        shop.receiver.answers = [
            says(307, Location=elsewhere.url),
            says(301, Location="http://169.254.169.254/"),
        ]
        await shop.happens()
        await shop.told(1)
        await shop.sent()
        shop.clock.turn(STEPS_S[0])
        await shop.sent()
        assert elsewhere.connections == 0
    assert await shop.outcomes() == ["redirected", "redirected"]
    assert await shop.states() == ["waiting"]


async def test_retry_after_is_heeded(shop: Shop):
    await shop.endpoint()
    shop.receiver.answers = [says(429, Retry_After="1000")]
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    shop.clock.turn(999)
    await shop.sent()
    assert len(shop.receiver.received) == 1
    shop.clock.turn(1)
    await shop.sent()
    assert await shop.states() == ["delivered"]


async def test_what_the_receiver_said_is_kept_to_be_looked_at_and_no_more_of_it_than_is_useful(shop: Shop):
    made = (await shop.endpoint()).webhook
    said = b"<script>\x00" + b"x" * 2000
    shop.receiver.answers = [says(400, said)]
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    page = await shop.service.deliveries(
        shop.kitchen, shop.merchant.id, made.id, state=State.WAITING, before=None, limit=10
    )
    whole = await shop.service.delivery(shop.kitchen, shop.merchant.id, made.id, page.deliveries[0].id)
    assert whole.delivery.last_status == 400
    assert whole.attempts[0].answer == ("<script>\ufffd" + "x" * 2000)[:1024]
    assert whole.body.encode() == shop.receiver.received[0].body


async def test_a_process_that_dies_while_sending_leaves_the_delivery_to_the_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    """It was sent, perhaps; it is sent again, under the same id."""
    await shop.endpoint()
    await shop.happens()
    await shop.told(1)
    monkeypatch.setattr(shop.storage._afterwards, "start", lambda work: None)  # killed right after the commit
    await shop.timers.run_due()
    monkeypatch.undo()
    assert await shop.outcomes() == ["under_way"]
    shop.clock.turn(LEASE.total_seconds())
    await shop.sent()
    assert await shop.outcomes() == ["lost", "delivered"]
    assert len(shop.receiver.received) == 1


async def test_a_slow_endpoint_gets_no_more_at_once_than_it_may_and_holds_up_nobody(shop: Shop):
    await shop.endpoint()
    shop.receiver.hold = asyncio.Event()
    async with receiving() as quick:
        await shop.endpoint(quick.url)
        for _ in range(3 * AT_ONCE):
            await shop.happens()
        await shop.told(6 * AT_ONCE)
        await shop.timers.run_due()

        async def quick_has_all() -> bool:
            await shop.timers.run_due()
            return len(quick.received) == 3 * AT_ONCE

        await eventually(quick_has_all)
        assert shop.receiver.at_once == AT_ONCE
        shop.receiver.hold.set()

        async def slow_has_all() -> bool:
            await shop.timers.run_due()
            return len(shop.receiver.received) == 3 * AT_ONCE

        await eventually(slow_has_all)
    await shop.sent()
    assert shop.receiver.most_at_once <= AT_ONCE
    assert set(await shop.states()) == {"delivered"}
    assert len(set(shop.receiver.ids)) == 3 * AT_ONCE


async def test_no_process_has_more_under_way_than_it_may(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("server.notify.sending.AT_ONCE_HERE", 3)
    shop.receiver.hold = asyncio.Event()
    await shop.endpoint()
    for _ in range(10):
        await shop.happens()
    await shop.told(10)
    await shop.timers.run_due()
    await eventually(lambda: _is(shop.receiver.at_once == 3))
    await shop.timers.run_due()
    assert shop.receiver.at_once == 3
    shop.receiver.hold.set()

    async def all_there() -> bool:
        await shop.timers.run_due()
        return len(shop.receiver.received) == 10

    await eventually(all_there)


async def _is(so: bool) -> bool:
    return so


async def test_a_new_secret_and_the_one_before_both_sign_for_a_day(shop: Shop):
    made = await shop.endpoint()
    renewed = await shop.service.rotate(shop.kitchen, shop.merchant.id, made.webhook.id)
    assert renewed.secret != made.secret
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    shop.receiver.received[0].check(made.secret)
    shop.receiver.received[0].check(renewed.secret)
    shop.clock.turn(OVERLAP.total_seconds())
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    shop.receiver.received[1].check(renewed.secret)
    with pytest.raises(AssertionError):
        shop.receiver.received[1].check(made.secret)
    assert await shop.storage.pool.fetchval("SELECT former_secret FROM webhook_endpoints") is None


async def test_a_test_is_sent_like_everything_else(shop: Shop):
    made = await shop.endpoint(events=["order.ready"])
    await shop.service.test(shop.kitchen, shop.merchant.id, made.webhook.id)
    await shop.sent()
    assert shop.receiver.types == ["webhook.test"]
    shop.receiver.received[0].check(made.secret)


async def test_one_that_failed_is_replayed_under_its_id_and_has_all_its_tries_again(shop: Shop):
    made = (await shop.endpoint()).webhook
    shop.receiver.usual = says(500)
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    for step_s in STEPS_S:
        shop.clock.turn(step_s)
        await shop.sent()
    assert await shop.states() == ["failed"]
    delivery_id = await shop.storage.pool.fetchval("SELECT id FROM webhook_deliveries")
    await shop.service.replay(shop.kitchen, shop.merchant.id, made.id, delivery_id)
    await shop.sent()
    assert await shop.states() == ["waiting"]
    shop.receiver.usual = OK
    shop.clock.turn(STEPS_S[0])
    await shop.sent()
    assert await shop.states() == ["delivered"]
    assert len(set(shop.receiver.ids)) == 1
    assert len(shop.receiver.ids) == MOST_TRIES + 2


async def test_all_that_failed_since_a_moment_is_replayed_after_the_receiver_was_mended(shop: Shop):
    made = (await shop.endpoint()).webhook
    shop.receiver.answers = [says(410)]
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    with pytest.raises(WebhookOff):
        await shop.service.replay_failed(shop.kitchen, shop.merchant.id, made.id, NOON)
    await shop.service.change(shop.kitchen, shop.merchant.id, made.id, EndpointChange(enabled=True))
    later = shop.clock.now() + timedelta(seconds=1)
    assert (await shop.service.replay_failed(shop.kitchen, shop.merchant.id, made.id, later)).replayed == 0
    assert (await shop.service.replay_failed(shop.kitchen, shop.merchant.id, made.id, NOON)).replayed == 1
    await shop.sent()
    assert await shop.states() == ["delivered"]


async def test_what_is_just_being_sent_is_not_replayed(shop: Shop):
    made = (await shop.endpoint()).webhook
    shop.receiver.hold = asyncio.Event()
    await shop.happens()
    await shop.told(1)
    await shop.timers.run_due()
    await shop.receiver.came.wait()
    delivery_id = await shop.storage.pool.fetchval("SELECT id FROM webhook_deliveries")
    with pytest.raises(BeingSent):
        await shop.service.replay(shop.kitchen, shop.merchant.id, made.id, delivery_id)
    shop.receiver.hold.set()
    await eventually(shop.nothing_under_way)


async def test_switched_off_by_hand_all_that_waits_has_failed(shop: Shop):
    made = (await shop.endpoint()).webhook
    shop.receiver.usual = says(500)
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    await shop.service.change(shop.kitchen, shop.merchant.id, made.id, EndpointChange(enabled=False))
    assert await shop.states() == ["failed"]
    shop.clock.turn(86_400)
    await shop.sent()
    assert len(shop.receiver.received) == 1


async def test_removed_while_it_is_being_sent_nothing_is_left(shop: Shop):
    made = (await shop.endpoint()).webhook
    shop.receiver.hold = asyncio.Event()
    await shop.happens()
    await shop.told(1)
    await shop.timers.run_due()
    await shop.receiver.came.wait()
    await shop.service.remove(shop.kitchen, shop.merchant.id, made.id)
    shop.receiver.hold.set()
    await shop.storage._afterwards.close()
    assert await shop.states() == []
    assert await shop.storage.pool.fetchval("SELECT count(*) FROM webhook_attempts") == 0
    await shop.timers.run_due()


async def test_after_a_month_deliveries_are_forgotten(shop: Shop):
    await shop.endpoint()
    await shop.happens()
    await shop.told(1)
    await shop.sent()
    shop.clock.turn(KEEP.total_seconds() - 1)
    await shop.timers.run_due()
    assert len(await shop.states()) == 1
    shop.clock.turn(3601)
    await shop.timers.run_due()
    assert await shop.states() == []
