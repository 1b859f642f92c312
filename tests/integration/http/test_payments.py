"""Money over HTTP, where there is no provider: cash, refunds by hand, the books, and a webhook that believes nobody."""

import time
from uuid import UUID, uuid4

import pytest

from server.accounts.roles import Role
from tests.builders import a_viewer
from tests.integration.http.conftest import Api

TOTAL_MINOR = 1070


async def eaten(api: Api) -> UUID:
    """An order that was paid at the door, and received."""
    town = api.town
    order_id, courier = await town.placed(), await town.courier()
    await town.orders.accept(town.kitchen, order_id, 600)
    await town.dispatch.assign(town.dispatcher, order_id, courier.account_id)
    await town.dispatch.reports.pick_up(courier, order_id)
    await town.dispatch.reports.deliver(courier, order_id)
    await town.orders.confirm_receipt(town.customer, order_id)
    return order_id


REFUND = {"reason": "item_missing", "borne_by": "merchant", "amount_minor": 120}


async def test_money_goes_back_is_paid_out_and_stands_in_the_books(api):
    town, order_id = api.town, await eaten(api)
    path = f"/api/v1/orders/{order_id}"
    asked = await api.ask(town.service, "POST", f"{path}/refunds", REFUND, idempotency_key="k")
    assert asked.status_code == 201
    refund = asked.json()
    assert (refund["status"], refund["method"], refund["amount_minor"]) == ("requested", "cash", 120)
    again = await api.ask(town.service, "POST", f"{path}/refunds", REFUND, idempotency_key="k")
    assert again.json() == refund
    other = {**REFUND, "amount_minor": 121}
    assert (
        await api.ask(town.service, "POST", f"{path}/refunds", other, idempotency_key="k")
    ).status_code == 409
    paid_out = await api.ask(town.service, "POST", f"{path}/refunds/{refund['id']}/paid-out")
    assert paid_out.json()["status"] == "confirmed"
    twice = await api.ask(town.service, "POST", f"{path}/refunds/{refund['id']}/paid-out")
    assert (twice.status_code, twice.json()["code"]) == (409, "illegal_transition")
    await town.timers.run_due()
    order = (await api.ask(town.customer, "GET", path)).json()
    assert order["payment_status"] == "partly_refunded"
    money = (await api.ask(town.service, "GET", f"{path}/money")).json()
    assert money["refunded_minor"] == 120
    assert sum(entry["amount_minor"] for entry in money["entries"]) == 0
    ledger = (await api.ask(town.kitchen, "GET", f"/api/v1/merchants/{town.merchant.id}/ledger")).json()
    assert ledger["sums"] == {"EUR": 790}
    assert [entry["reason"] for entry in ledger["entries"]] == ["refund_borne", "merchant_share"]


async def test_a_merchants_account_is_read_by_pages_and_spans(api):
    town = api.town
    for _ in range(3):
        await eaten(api)
        town.clock.turn(600)
    path = f"/api/v1/merchants/{town.merchant.id}/ledger"
    first = (await api.ask(town.kitchen, "GET", f"{path}?limit=2")).json()
    rest = (await api.ask(town.kitchen, "GET", f"{path}?limit=2&before={first['next_before']}")).json()
    assert (len(first["entries"]), len(rest["entries"]), rest["next_before"]) == (2, 1, None)
    day = (
        await api.ask(town.kitchen, "GET", f"{path}?from=2026-11-23T12:10:00Z&to=2026-11-23T12:20:00Z")
    ).json()
    assert (len(day["entries"]), day["sums"]) == (1, {"EUR": 910})


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_sees_and_does_with_money_what_is_its_to(api, role):
    town, order_id = api.town, await eaten(api)
    own = {Role.CUSTOMER: town.customer, Role.MERCHANT: town.kitchen, Role.COURIER: town.couriers[0]}
    staff = {Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER, Role.DATA_ANALYST}
    gives_back = {Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER}
    path = f"/api/v1/orders/{order_id}"
    for viewer, is_own in ((a_viewer(role), False), (own.get(role), True)):
        if viewer is None:
            continue
        merchant_sees = role is Role.MERCHANT and is_own
        money = (await api.ask(viewer, "GET", f"{path}/money")).status_code
        assert (money == 200) is (role in staff or merchant_sees), (role, is_own)
        refunds = (await api.ask(viewer, "GET", f"{path}/refunds")).status_code
        customer_sees = role is Role.CUSTOMER and is_own
        assert (refunds == 200) is (role in staff or merchant_sees or customer_sees), (role, is_own)
        gave = (await api.ask(viewer, "POST", f"{path}/refunds", {**REFUND, "amount_minor": 1})).status_code
        assert (gave == 201) is (role in gives_back)
        wish = {"amount_minor": 1, "reason": "late", "borne_by": "platform"}
        compensated = (await api.ask(viewer, "POST", f"{path}/compensations", wish)).status_code
        assert (compensated == 201) is (role in gives_back)
        ledger = (await api.ask(viewer, "GET", f"/api/v1/merchants/{town.merchant.id}/ledger")).status_code
        assert (ledger == 200) is (role in staff or merchant_sees)


async def test_a_customer_is_told_what_goes_back_not_who_pays_for_it(api):
    town, order_id = api.town, await eaten(api)
    await api.ask(town.service, "POST", f"/api/v1/orders/{order_id}/refunds", REFUND)
    (seen,) = (await api.ask(town.customer, "GET", f"/api/v1/orders/{order_id}/refunds")).json()["refunds"]
    assert seen["amount_minor"] == 120
    assert not {"borne_by", "decided_by", "failure"} & seen.keys()


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"amount_minor": TOTAL_MINOR + 1}, 409, "refund_too_much"),
        ({"amount_minor": None}, 422, "bad_amount"),
        ({"full": True}, 422, "bad_amount"),
        ({"amount_minor": 0}, 422, "bad_body"),
        ({"amount_minor": 1.5}, 422, "bad_body"),
        ({"reason": "Aino Virtanen was not at home"}, 422, "bad_body"),
        ({"borne_by": "customer"}, 422, "bad_body"),
        ({"more": 1}, 422, "bad_body"),
    ],
)
async def test_what_is_wrong_with_a_refund_is_said(api, changed, status, code):
    order_id = await eaten(api)
    asked = await api.ask(
        api.town.service, "POST", f"/api/v1/orders/{order_id}/refunds", {**REFUND, **changed}
    )
    assert (asked.status_code, asked.json()["code"]) == (status, code)


async def test_what_is_not_there_is_not_found(api):
    town, order_id = api.town, await eaten(api)
    nowhere = f"/api/v1/orders/{uuid4()}"
    assert (await api.ask(town.service, "POST", f"{nowhere}/refunds", REFUND)).status_code == 404
    assert (await api.ask(town.service, "GET", f"{nowhere}/money")).status_code == 404
    paid_out = f"/api/v1/orders/{order_id}/refunds/{uuid4()}/paid-out"
    assert (await api.ask(town.service, "POST", paid_out)).json()["code"] == "refund_not_found"
    assert (await api.ask(town.customer, "GET", f"/api/v1/checkouts/{uuid4()}")).json()[
        "code"
    ] == "checkout_not_found"


async def test_without_a_provider_a_card_is_a_fault_of_its_field(api):
    town = api.town
    wish = {
        "merchant_id": str(town.merchant.id),
        "items": [{"item_id": str(town.menu[0].id), "quantity": 1}],
        "contact": {
            "name": "Aino", "phone": "+358401234567", "address": "Siltasaarenkatu 4", "lat": 60.1791, "lng": 24.9502,
        },
        "payment": {"method": "card"},
    }  # fmt: skip
    refused = await api.ask(town.customer, "POST", "/api/v1/checkouts", wish, accept_language="zh")
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/payment/method", "card_not_accepted")


async def test_a_word_that_nobody_signed_is_not_heard(api):
    headers = {
        "webhook_id": "w", "webhook_timestamp": str(int(time.time())), "webhook_signature": "v1,AAAA",
    }  # fmt: skip
    for body in ({}, {"type": "payment.paid", "data": {}}):
        refused = await api.ask(None, "POST", "/api/v1/payments/webhook", body, **headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "bad_signature")
    too_long = {"type": "x" * 70_000}
    assert (await api.ask(None, "POST", "/api/v1/payments/webhook", too_long, **headers)).status_code == 413
