"""The adapter against a real small bank, and against what may answer in its place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from server.clock import SystemClock
from server.errors import StartupError
from server.orders.payment_provider import HttpPaymentProvider, open_provider
from server.orders.payments import Money, PaymentState, ProviderAway, ProviderRefused, RefundState
from server.settings import Settings
from server.simulator.bank import Bank, BankOptions
from server.simulator.bank_books import Books, Card

KEY = "the shop's key"
PRICE = Money(1290, "EUR")


@asynccontextmanager
async def a_bank(books: Books | None = None, **options) -> AsyncIterator[Bank]:
    bank = Bank(BankOptions(key=KEY, slow_s=1e6, late_s=1e6, **options), books or Books(), SystemClock())
    await bank.start()
    try:
        yield bank
    finally:
        await bank.stop()


def answering(status: int, **answer) -> HttpPaymentProvider:
    """A provider that answers everything so."""
    transport = httpx.MockTransport(lambda request: httpx.Response(status, **answer))
    return HttpPaymentProvider("http://provider", KEY, within_s=5.0, transport=transport)


async def test_a_payment_from_its_page_to_its_refund():
    async with a_bank() as bank, HttpPaymentProvider(bank.url, KEY, within_s=5.0) as provider:
        payment_id, refund_id = uuid4(), uuid4()
        assert await provider.query(payment_id) is None
        told = await provider.create(payment_id, PRICE)
        assert (told.state, told.money) == (PaymentState.OPEN, PRICE)
        assert await provider.create(payment_id, PRICE) == told
        async with httpx.AsyncClient(headers={"Accept-Language": "zh-CN"}) as person:
            page = await person.get(told.pay_url)
            assert ("沙盒银行" in page.text, "12.90 EUR" in page.text) == (True, True)
            nothing = await person.post(told.pay_url, data={"outcome": "nothing"})
            assert "待付款" in nothing.text
            paid = await person.post(told.pay_url, data={"outcome": "pay", "card": "4242 4242 4242 4242"})
            assert ("已付款" in paid.text, "<form" in paid.text) == (True, False)
        assert (await provider.cancel(payment_id)).state is PaymentState.PAID
        for _ in range(3):
            refund = await provider.refund(payment_id, refund_id, Money(500, "EUR"))
            assert (refund.state, refund.refund_id) == (RefundState.DONE, refund_id)
        assert bank.books.balance_minor() == 790
        with pytest.raises(ProviderRefused) as refused:
            await provider.refund(payment_id, uuid4(), Money(791, "EUR"))
        assert refused.value.reason == "too_much"


async def test_the_page_speaks_english_unless_asked_otherwise_and_declines():
    async with a_bank() as bank, HttpPaymentProvider(bank.url, KEY, within_s=5.0) as provider:
        told = await provider.create(uuid4(), PRICE)
        async with httpx.AsyncClient() as person:
            assert "Sandbox bank" in (await person.get(told.pay_url)).text
            assert "Declined" in (await person.post(told.pay_url, data={"outcome": "decline"})).text
            assert (await person.get(f"{bank.url}/pay/pay_unknown")).status_code == 404
        assert (await provider.query(told.payment_id)).state is PaymentState.FAILED


async def test_who_is_not_the_shop_is_told_nothing_and_no_refund_fails_for_it():
    async with a_bank() as bank, HttpPaymentProvider(bank.url, "another", within_s=5.0) as provider:
        with pytest.raises(ProviderAway):
            await provider.create(uuid4(), PRICE)


async def test_the_banks_books_outlive_it(tmp_path):
    file = tmp_path / "bank.jsonl"
    payment_id = uuid4()
    async with a_bank(Books(file)) as bank, HttpPaymentProvider(bank.url, KEY, within_s=5.0) as provider:
        await provider.create(payment_id, PRICE)
        bank.pay(str(payment_id), Card.TWICE)
        await provider.refund(payment_id, uuid4(), Money(290, "EUR"))
    async with a_bank(Books(file)) as bank, HttpPaymentProvider(bank.url, KEY, within_s=5.0) as provider:
        assert (await provider.query(payment_id)).state is PaymentState.PAID
        assert bank.books.balance_minor() == 1000


async def test_an_answer_that_takes_too_long_is_none():
    async with a_bank(hang_s=60.0) as bank, HttpPaymentProvider(bank.url, KEY, within_s=0.2) as provider:
        payment_id = uuid4()
        await provider.create(payment_id, PRICE)
        bank.pay(str(payment_id), Card.REFUND_HANGS)
        refund_id = uuid4()
        with pytest.raises(ProviderAway):
            await provider.refund(payment_id, refund_id, PRICE)
        assert (await provider.refund(payment_id, refund_id, PRICE)).state is RefundState.DONE
        assert len(bank.books.refunds) == 1


@pytest.mark.parametrize("status", [301, 401, 403, 408, 409, 425, 429, 500, 502, 503])
async def test_what_may_pass_is_asked_again(status):
    with pytest.raises(ProviderAway):
        await answering(status, headers={"Location": "http://elsewhere/"}).refund(uuid4(), uuid4(), PRICE)


@pytest.mark.parametrize(
    "answer", [{"text": "<html>"}, {"json": {}}, {"json": {"status": "paid"}}, {"content": b"\xff"}]
)
async def test_nonsense_is_no_answer(answer):
    with pytest.raises(ProviderAway):
        await answering(200, **answer).query(uuid4())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"json": {"code": "account_closed"}}, "account_closed"),
        ({"json": {"code": "Aino Virtanen"}}, "http_422"),
        ({"json": {"code": 17}}, "http_422"),
        ({"text": "no"}, "http_422"),
    ],
)
async def test_a_refusal_is_final_and_only_its_code_is_kept(answer, reason):
    with pytest.raises(ProviderRefused) as refused:
        await answering(422, **answer).refund(uuid4(), uuid4(), PRICE)
    assert refused.value.reason == reason


async def test_what_is_not_http_ends_the_connection_and_not_the_bank():
    import asyncio

    async with a_bank() as bank:
        port = int(bank.url.rpartition(":")[2])
        for nonsense in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"POST / HTTP/1.1\r\n"
                         b"Content-Length: 99999999\r\n\r\n", b"A" * 40_000):  # fmt: skip
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
            writer.close()
        async with httpx.AsyncClient() as person:
            assert (await person.get(f"{bank.url}/pay/x")).status_code == 404


@pytest.mark.parametrize(
    "settings",
    [
        {"payment_provider_url": "provider"},
        {"payment_provider_url": "https://provider"},
        {
            "payment_provider_url": "https://provider",
            "payment_provider_key": "k",
            "payment_webhook_secrets": ("x y",),
        },
        {
            "payment_provider_url": "https://provider",
            "payment_provider_key": "k",
            "payment_webhook_secrets": ("QQ==",),
        },
    ],
)
def test_settings_that_cannot_work_keep_the_server_from_starting(settings):
    with pytest.raises(StartupError) as refused:
        open_provider(Settings(**settings))
    assert "SONGDA_PAYMENT_" in str(refused.value)


def test_without_an_address_there_is_no_provider():
    assert open_provider(Settings()) is None
