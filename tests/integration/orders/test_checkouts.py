"""Checkouts on a real database, paid at the sandbox bank: in time, late, twice, wrongly, or not at all."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest

from server.errors import TrackingError
from server.orders.checkouts import CheckoutNotFound, CheckoutOver
from server.orders.payments import BadSignature, ProviderAway, UnknownPayment
from server.orders.placing import CheckFailed
from server.simulator.bank_books import Card
from server.wire.standard_webhooks import sign
from tests.builders import a_viewer
from tests.integration.orders.bank import SECRET, Street, a_street
from tests.integration.people import a_town

TOTAL_MINOR = 1070


@pytest.fixture
async def street(storage, clock) -> AsyncIterator[Street]:
    async with a_street(storage, clock) as street:
        yield street


async def contact_of(street: Street, checkout_id) -> bool:
    return bool(
        await street.town.storage.pool.fetchval(
            "SELECT true FROM order_contacts WHERE order_id = $1", UUID(str(checkout_id))
        )
    )


async def orders(street: Street) -> int:
    return int(await street.town.storage.pool.fetchval("SELECT count(*) FROM orders"))


async def test_paid_it_becomes_an_order_that_waits_for_its_merchant(street):
    checkout = await street.open()
    assert (checkout["status"], checkout["total_minor"]) == ("awaiting_payment", TOTAL_MINOR)
    assert checkout["pay_url"].startswith(street.bank.url)
    assert await orders(street) == 0
    street.bank.pay(checkout["id"])
    await street.quiet()
    order_id = UUID(checkout["id"])
    assert await street.town.status(order_id) == "pending_acceptance"
    assert await street.payment_status(order_id) == "paid"
    assert await street.status(order_id) == "paid"
    assert await contact_of(street, order_id)
    assert await street.accounts() == {"provider": -TOTAL_MINOR, "customer": TOTAL_MINOR}
    await street.agree()


async def test_until_it_is_paid_its_merchant_hears_nothing(street):
    checkout = await street.open()
    topics = await street.town.storage.pool.fetch(
        "SELECT DISTINCT unnest(topics) AS topic FROM event_log WHERE entity_id = $1", UUID(checkout["id"])
    )
    assert [row["topic"] for row in topics] == [f"order:{checkout['id']}"]


async def test_prices_are_those_of_when_it_was_opened(street):
    checkout = await street.open()
    await street.town.storage.pool.execute("UPDATE menu_items SET price_minor = price_minor * 2")
    street.bank.pay(checkout["id"])
    await street.quiet()
    found = await street.town.storage.pool.fetchval(
        "SELECT total_minor FROM orders WHERE id = $1", UUID(checkout["id"])
    )
    assert found == TOTAL_MINOR


async def test_unpaid_it_lapses_and_holds_nothing(street):
    checkout = await street.open()
    await street.turn(899)
    assert await street.status(checkout["id"]) == "awaiting_payment"
    await street.turn(2)
    assert await street.status(checkout["id"]) == "lapsed"
    assert not await contact_of(street, checkout["id"])
    assert street.bank.books.payments[checkout["id"]].status == "cancelled"
    street.bank.pay(checkout["id"])  # nobody can any more
    await street.turn(4000)
    assert await orders(street) == 0
    left = await street.town.storage.pool.fetchval("SELECT count(*) FROM timers WHERE kind = 'payment_look'")
    assert left == 0


async def test_a_lost_word_is_asked_for(street):
    checkout = await street.open()
    street.bank.pay(checkout["id"], Card.LOST)
    await street.quiet()
    assert await street.status(checkout["id"]) == "awaiting_payment"
    await street.turn(16)
    assert await street.status(checkout["id"]) == "paid"
    assert await orders(street) == 1
    await street.agree()


async def test_what_was_paid_at_the_last_moment_is_found_before_it_lapses(street):
    checkout = await street.open()
    street.town.clock.turn(895)
    await street.quiet()
    street.bank.pay(checkout["id"], Card.LOST)
    await street.turn(6)
    assert await street.status(checkout["id"]) == "paid"


async def test_a_word_that_comes_twice_makes_one_order(street):
    order_id = await street.paid(Card.TWICE)
    assert len(street.words) == 2
    assert street.words[0][0]["webhook-id"] == street.words[1][0]["webhook-id"]
    assert await orders(street) == 1
    assert [name for _, name in await street.town.happened(order_id)].count("placed") == 1
    await street.agree()


async def test_paid_late_the_money_goes_back_by_itself(street):
    checkout = await street.open()
    street.bank.pay(checkout["id"], Card.LATE)
    await street.turn(901)
    assert await street.status(checkout["id"]) == "lapsed"
    street.bank.finish(checkout["id"])
    await street.quiet()
    assert await street.status(checkout["id"]) == "refunded"
    assert await street.refunds(UUID(checkout["id"])) == [("confirmed", TOTAL_MINOR)]
    assert await orders(street) == 0
    told = await street.town.storage.pool.fetch(
        "SELECT name FROM event_log WHERE entity = 'checkout' ORDER BY version"
    )
    assert [row["name"] for row in told] == ["opened", "lapsed", "paid_late", "refunded"]
    await street.agree()


async def test_paid_late_and_the_word_lost_the_money_is_found_all_the_same(street):
    checkout = await street.open()
    street.bank.pay(checkout["id"], Card.LATE)
    await street.turn(901)
    street.deaf = True
    street.bank.finish(checkout["id"])
    await street.quiet()
    await street.turn(1000)
    assert await street.status(checkout["id"]) == "refunded"
    street.deaf = False
    await street.agree()


async def test_declined_it_fails(street):
    checkout = await street.open()
    street.bank.pay(checkout["id"], Card.DECLINED)
    await street.quiet()
    assert await street.status(checkout["id"]) == "failed"
    assert not await contact_of(street, checkout["id"])


@pytest.mark.parametrize("card", [Card.WRONG_AMOUNT, Card.WRONG_CURRENCY])
async def test_another_sum_than_asked_for_makes_no_order_but_trouble(street, card):
    checkout = await street.open()
    street.bank.pay(checkout["id"], card)
    await street.quiet()
    assert await orders(street) == 0
    names = [name for _, name in await street.town.happened(UUID(checkout["id"]))]
    assert "payment_trouble" in names
    assert await street.status(checkout["id"]) == "refunded"
    assert (
        street.bank.books.payments[checkout["id"]].refunded_minor
        == street.bank.books.payments[checkout["id"]].amount_minor
    )
    await street.agree()


async def test_a_repeated_request_finds_the_same_checkout_even_when_it_is_paid(street):
    first = await street.open(key="k1")
    street.bank.pay(first["id"])
    await street.quiet()
    assert await street.open(key="k1") == first
    assert len(street.bank.books.payments) == 1


async def test_a_bank_that_is_away_leaves_a_checkout_that_the_same_key_finds(street):
    street.provider.away = True
    with pytest.raises(ProviderAway):
        await street.open(key="k1")
    street.provider.away = False
    assert (await street.open(key="k1"))["pay_url"]
    assert await street.town.storage.pool.fetchval("SELECT count(*) FROM checkouts") == 1


async def test_a_bank_that_stays_away_does_not_keep_it_from_lapsing(street):
    checkout = await street.open()
    street.provider.away = True
    for _ in range(80):
        await street.turn(15)
    assert await street.status(checkout["id"]) == "lapsed"
    # It was paid meanwhile: once the bank is back, the money is found and goes back.
    street.deaf = True
    street.bank.pay(checkout["id"])
    await street.quiet()
    street.provider.away = street.deaf = False
    await street.turn(7200)
    assert await street.status(checkout["id"]) == "refunded"
    await street.agree()


async def test_its_customer_does_without_it(street):
    checkout = await street.open()
    checkout_id = UUID(checkout["id"])
    gone = await street.town.money.checkouts.cancel(street.town.customer, checkout_id, key="c")
    assert gone["status"] == "abandoned"
    assert await street.town.money.checkouts.cancel(street.town.customer, checkout_id, key="c") == gone
    assert street.bank.books.payments[checkout["id"]].status == "cancelled"
    assert not await contact_of(street, checkout_id)


async def test_who_cancels_what_is_paid_is_told_so_and_has_an_order(street):
    checkout = await street.open()
    street.deaf = True
    street.bank.pay(checkout["id"])
    with pytest.raises(CheckoutOver):
        await street.town.money.checkouts.cancel(street.town.customer, UUID(checkout["id"]))
    assert await street.status(checkout["id"]) == "paid"
    assert await orders(street) == 1
    street.deaf = False


async def test_a_foreign_checkout_does_not_exist(street):
    checkout = await street.open()
    for stranger in (a_viewer(), street.town.kitchen):
        with pytest.raises(TrackingError) as refused:
            await street.town.money.checkouts.get(stranger, UUID(checkout["id"]))
        assert isinstance(refused.value, CheckoutNotFound)


async def test_without_a_provider_a_card_is_a_clear_fault(storage, clock):
    town = await a_town(storage, clock)
    with pytest.raises(CheckFailed) as refused:
        await Street(town, None, None).open()  # type: ignore[arg-type]
    assert refused.value.details["errors"][0]["code"] == "card_not_accepted"


async def test_words_must_be_signed_fresh_and_about_ours(street):
    checkout = await street.open()
    street.bank.pay(checkout["id"])
    await street.quiet()
    headers, body = street.words[0]
    listen = street.town.money.payments.listen
    assert await listen(headers, body) is False
    for forged in (
        {**headers, "webhook-signature": "v1,AAAA"},
        {**headers, "webhook-id": "another"},
        {name: value for name, value in headers.items() if name != "webhook-timestamp"},
    ):
        with pytest.raises(BadSignature):
            await listen(forged, body)
    with pytest.raises(BadSignature):
        await listen(headers, body + b" ")
    street.town.clock.turn(301)
    with pytest.raises(BadSignature):
        await listen(headers, body)
    unknown = msgspec.json.decode(body)
    unknown["data"]["payment"]["reference"] = "00000000-0000-4000-8000-000000000000"
    body = msgspec.json.encode(unknown)
    now_s = street.town.clock.now_ms() // 1000
    with pytest.raises(UnknownPayment):
        await listen(sign([SECRET], "w2", now_s, body), body)
    # A refused word was not heeded: it may come again.
    assert await street.town.storage.pool.fetchval("SELECT count(*) FROM provider_words") == 1


async def test_money_that_went_back_at_the_bank_before_we_heard_of_it_makes_no_order(street):
    checkout = await street.open()
    street.deaf = True
    street.bank.pay(checkout["id"])
    await street.bank.all_said()
    street.deaf = False
    street.bank.give_back(checkout["id"], 70)
    await street.quiet()
    assert await orders(street) == 0
    assert await street.status(checkout["id"]) == "refunded"
    assert sorted(await street.refunds(UUID(checkout["id"]))) == [("confirmed", 70), ("confirmed", 1000)]
    await street.agree()
