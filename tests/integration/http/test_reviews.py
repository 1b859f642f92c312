"""Reviews over REST: after completion, once, to be changed for a day; and couriers' words on handovers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.roles import Role

STARS = {"merchant_stars": 5, "courier_stars": 4, "delivery_stars": 3, "words": "warm and early"}


async def a_completed_order(api, courier=None):
    """An order that was brought and confirmed, with the courier who brought it."""
    courier = courier or await api.town.courier()
    order_id = await api.town.assigned(courier)
    await api.town.storage.pool.execute(
        "UPDATE orders SET status = 'completed', picked_up_at = $2, delivered_at = $2, ended_at = $2 WHERE id = $1",
        order_id,
        api.town.clock.now(),
    )
    return order_id, courier


async def review(api, viewer, order_id, body, **headers):
    viewer = replace(viewer, expires_at_ms=api.town.clock.now_ms() + 60_000)  # days pass in these tests
    return await api.ask(viewer, "PUT", f"/api/v1/orders/{order_id}/review", body, **headers)


async def test_a_customer_reviews_merchant_courier_and_delivery(api):
    order_id, courier = await a_completed_order(api)
    filed = await review(api, api.town.customer, order_id, STARS)
    assert filed.status_code == 200
    assert filed.json() | STARS == filed.json()
    assert filed.json()["courier_id"] == str(courier.account_id)
    for reader in (api.town.customer, api.town.kitchen, courier):
        seen = await api.ask(reader, "GET", f"/api/v1/orders/{order_id}/review")
        assert seen.json() == filed.json()
    assert await api.town.happened(order_id) != []
    words = await api.town.storage.pool.fetchval(
        "SELECT string_agg(fields::text, '') FROM event_log WHERE entity = 'review'"
    )
    assert "warm" not in words  # the log is for ever, words may name people


async def test_a_review_may_be_changed_for_a_day(api):
    order_id, _ = await a_completed_order(api)
    await review(api, api.town.customer, order_id, STARS)
    api.town.clock.turn(timedelta(hours=23).total_seconds())
    changed = await review(api, api.town.customer, order_id, {"merchant_stars": 1})
    assert (changed.json()["version"], changed.json()["merchant_stars"], changed.json()["words"]) == (
        2,
        1,
        "",
    )
    api.town.clock.turn(timedelta(hours=2).total_seconds())
    late = await review(api, api.town.customer, order_id, STARS)
    assert (late.status_code, late.json()["code"]) == (409, "review_too_late")


async def test_an_order_under_way_is_not_reviewed_yet(api):
    courier = await api.town.courier()
    order_id = await api.town.assigned(courier)
    early = await review(api, api.town.customer, order_id, STARS)
    assert (early.status_code, early.json()["code"]) == (409, "review_too_early")
    handover = await api.ask(courier, "PUT", f"/api/v1/orders/{order_id}/handover", {"pickup_stars": 2})
    assert handover.json()["code"] == "review_too_early"


async def test_after_two_weeks_nobody_remembers(api):
    order_id, _ = await a_completed_order(api)
    api.town.clock.turn(timedelta(days=15).total_seconds())
    assert (await review(api, api.town.customer, order_id, STARS)).json()["code"] == "review_too_late"


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "nothing_reviewed"), ({"words": "  "}, "nothing_reviewed"), ({"merchant_stars": 6}, "bad_body"),
     ({"merchant_stars": 0}, "bad_body"), ({"stars": 5}, "bad_body"), ({"words": "x" * 2001}, "bad_body")],
)  # fmt: skip
async def test_what_is_no_review_is_refused(api, body, code):
    order_id, _ = await a_completed_order(api)
    refused = await review(api, api.town.customer, order_id, body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_nobody_else_reviews_for_the_customer(api):
    order_id, courier = await a_completed_order(api)
    assert (await review(api, await api.town.account(Role.CUSTOMER), order_id, STARS)).status_code == 404
    for other in (courier, api.town.kitchen, api.town.dispatcher):
        assert (await review(api, other, order_id, STARS)).status_code == 403


async def test_a_courier_rates_the_handovers_and_says_what_hinders(api):
    order_id, courier = await a_completed_order(api)
    path = f"/api/v1/orders/{order_id}/handover"
    wish = {
        "pickup_stars": 2,
        "hindrances": ["food_not_ready", "no_parking"],
        "words": "waited at the back door",
    }
    filed = await api.ask(courier, "PUT", path, wish)
    assert filed.json() | wish == filed.json()
    of_merchant = await api.ask(api.town.kitchen, "GET", "/api/v1/handovers")
    assert [(one["hindrances"], one["words"]) for one in of_merchant.json()["handovers"]] == [
        (["food_not_ready", "no_parking"], "")
    ]
    other = await api.ask(await api.town.courier(), "PUT", path, wish)
    assert other.status_code == 404


async def test_lists_have_pages_and_means(api):
    courier = await api.town.courier()
    for stars in (1, 4, 4):
        order_id, _ = await a_completed_order(api, courier)
        await review(api, api.town.customer, order_id, {"merchant_stars": stars})
        await api.town.storage.pool.execute(
            "UPDATE assignments SET ended_at = created_at, state = 'delivered'"
        )
        api.town.clock.turn(1)
    first = (await api.ask(api.town.kitchen, "GET", "/api/v1/reviews?limit=2")).json()
    assert [one["merchant_stars"] for one in first["reviews"]] == [4, 4]
    assert first["summary"] == {
        "reviews": 3, "merchant_stars": 3.0, "courier_stars": None, "delivery_stars": None
    }  # fmt: skip
    second = (
        await api.ask(api.town.kitchen, "GET", f"/api/v1/reviews?limit=2&before={first['next_before']}")
    ).json()
    assert ([one["merchant_stars"] for one in second["reviews"]], second["next_before"]) == ([1], None)
    manager = await api.town.account(Role.OPERATIONS_MANAGER)
    of_courier = await api.ask(manager, "GET", f"/api/v1/reviews?courier_id={courier.account_id}")
    assert of_courier.json()["summary"]["reviews"] == 3
    assert (await api.ask(api.town.customer, "GET", "/api/v1/reviews")).status_code == 403
    assert (await api.ask(api.town.dispatcher, "GET", "/api/v1/reviews")).status_code == 403
