"""What is erased: words wherever they went, people before their orders are archived; and what every column holds."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.accounts.roles import Role
from server.archive.erasure import PERSONAL
from server.archive.service import OrderUnderWay
from server.orders.codes import Waiver
from server.orders.model import PaymentMethod
from server.orders.placing import PaymentWish
from server.orders.ticket_commands import TICKET_COMMANDS
from server.orders.ticket_kinds import Kind
from server.orders.ticket_service import ReportTrouble
from server.orders.ticket_store import TicketStore
from server.storage.unit_of_work import Storage
from tests.builders import a_wish
from tests.integration.archive.test_archive import (  # noqa: F401  `reading` is a fixture
    ARCHIVE_AFTER,
    KEEP_PERSONAL,
    Reading,
    reading,
)
from tests.integration.orders.bank import a_street

SAID = ("SAIDBYKITCHEN", "SAIDBYSTAFF", "SAIDBYCOURIER", "SAIDBYCUSTOMER")


async def talked_about(archive: Reading) -> UUID:
    """An order about which everybody has said something, and which its customer has cancelled."""
    town = archive.town
    courier = await town.courier()
    order_id = await town.assigned(courier)
    await town.orders.postpone(town.kitchen, order_id, 900, SAID[0])
    await town.orders.override(town.service, order_id, Waiver.PICKUP_CODE, SAID[1])
    await town.dispatch.reports.decline(courier, order_id, SAID[2])
    await town.orders.cancel(town.customer, order_id, SAID[3], key="k")
    return order_id


async def where(storage: Storage, words: tuple[str, ...]) -> set[tuple[str, str]]:
    """In which tables these words stand."""
    tables = await storage.pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = set()
    for row in tables:
        whole = await storage.pool.fetchval(f'SELECT string_agg(t::text, chr(10)) FROM "{row["relname"]}" t')
        found |= {(word, row["relname"]) for word in words if word in (whole or "")}
    return found


async def test_words_of_everybody_are_kept_apart_in_the_archive_and_gone_in_time(reading):  # noqa: F811
    order_id = await talked_about(reading)
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    found = await reading.archive.one(reading.town.service, order_id)
    assert all(word in str(found["words"]) for word in SAID)
    storage = reading.town.storage
    apart = {(word, table) for word, table in await where(storage, SAID) if table != "idempotency_keys"}
    assert apart == {(word, "archived_words") for word in SAID}
    await reading.let_pass(KEEP_PERSONAL)
    await storage.pool.execute("DELETE FROM idempotency_keys")  # housekeeping has, by then
    assert await where(storage, SAID) == set()


async def test_who_is_erased_leaves_no_words_in_orders_that_are_not_archived_yet(reading):  # noqa: F811
    town = reading.town
    await talked_about(reading)
    administrator = await town.account(Role.ADMINISTRATOR)
    account_id = town.customer.account_id
    await reading.archive.erase_account(administrator, account_id, str(account_id))
    assert await where(town.storage, SAID) == set()


async def test_who_is_erased_as_a_courier_leaves_no_name_in_the_log(reading):  # noqa: F811
    town = reading.town
    await talked_about(reading)
    administrator = await town.account(Role.ADMINISTRATOR)
    [courier] = town.couriers
    await town.storage.pool.execute(
        'UPDATE event_log SET fields = fields || \'{"courier_name": "NAMEOFCOURIER"}\''
        " WHERE fields ? 'courier_name'"
    )
    await reading.archive.erase_account(administrator, courier.account_id, str(courier.account_id))
    assert await where(town.storage, ("NAMEOFCOURIER",)) == set()


async def test_nobody_is_erased_who_is_about_to_pay(reading):  # noqa: F811
    town = reading.town
    administrator = await town.account(Role.ADMINISTRATOR)
    async with a_street(town.storage, town.clock, payment_retry_s=15.0) as street:
        asked = a_wish(street.town.merchant.id, *street.town.menu, payment=PaymentWish(PaymentMethod.CARD))
        await street.town.money.checkouts.open(town.customer, asked)
        account_id = town.customer.account_id
        with pytest.raises(OrderUnderWay):
            await reading.archive.erase_account(administrator, account_id, str(account_id))


async def test_nothing_is_held_while_pictures_are_deleted(reading, monkeypatch):  # noqa: F811
    """Whoever holds a row holds up the readers of the log, and a store of pictures may be slow."""
    await reading.completed()
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    pool = reading.town.storage.pool
    held: list[bool] = []
    delete = reading.archive._media.delete

    async def slowly(name: str) -> None:
        held.append(
            await pool.fetchval(
                "SELECT pg_snapshot_xmin(now) <> pg_snapshot_xmax(now) FROM pg_current_snapshot() AS now"
            )
        )
        await delete(name)

    monkeypatch.setattr(reading.archive._media, "delete", slowly)
    await reading.let_pass(KEEP_PERSONAL)
    assert held == [False]


async def test_what_a_courier_was_warned_of_is_remembered_when_its_order_is_archived_and_its_words_erased(
    reading,  # noqa: F811
):
    town = reading.town
    courier = await town.courier()
    order_id = await reading.completed(courier)
    trouble = ReportTrouble(kind=Kind.MISCONDUCT, words=SAID[0])
    told = await town.tickets.report(town.customer, order_id, trouble)
    ticket_id = UUID(told["id"])
    warning = TICKET_COMMANDS["warn"].body(words=SAID[1])
    await town.tickets.say(town.operations, ticket_id, "warn", warning)
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    assert await reading.archive.one(town.service, order_id)

    store = TicketStore(town.storage.pool)
    [earlier] = await store.earlier_about(courier.account_id, UUID(int=0))
    assert (earlier.id, earlier.outcome) == (ticket_id, "warned")
    await reading.let_pass(KEEP_PERSONAL)
    assert await where(town.storage, SAID) == set()
    assert await store.earlier_about(courier.account_id, UUID(int=0)) == [earlier]


# Columns that can hold words, places or bytes.  Whoever adds one says here what it is: known of people, and then which
# statement of erasure.py or service.py erases it, or nothing about them (ids, codes, moments, hashes, sums, and what
# merchants and staff say of their own business).
KNOWN_OF_PEOPLE: dict[str, set[str]] = {
    "accounts": {"display_name", "login", "password_hash"},
    "archived_orders": {"tracks"},
    "archived_words": {"said"},
    "assignments": {"reason"},
    "device_keys": {"key_hash", "label"},
    "event_log": {"fields"},
    "handovers": {"words"},
    "idempotency_keys": {"answer", "fingerprint", "key"},
    "order_contacts": {"address", "lat", "lng", "name", "note", "phone"},
    "orders": {"reason"},
    "reviews": {"words"},
    "sessions": {"ended_why", "family_hash", "label", "previous_hash", "secret_hash"},
    "ticket_contacts": {"how", "result", "tried_by_role", "whom", "words"},
    "ticket_evidence": {"added_by_role", "kind", "lat", "lng"},
    "ticket_notes": {"author_role", "seen_by", "template", "words"},
    "track_chunks": {"chunk"},
}
ERASED_OTHERWISE = {
    "accounts",
    "device_keys",
    "idempotency_keys",
    "sessions",
    "track_chunks",
}  # erase_account
NOTHING_ABOUT_THEM: dict[str, set[str]] = {
    "accounts": {"role", "status"},
    "alembic_version": {"version_num"},
    "api_keys": {"key_hash", "label", "prefix", "scopes"},
    "archived_orders": {"assignments", "currency", "events", "facts", "handovers", "review", "status", "tickets"},
    "archived_words": {"source"},
    "assignments": {"moments", "state"},
    "audit_log": {"actor_role", "details", "entity", "what"},
    "checkouts": {"currency", "items", "pay_url", "status"},
    "compensations": {"beneficiary", "borne_by", "currency", "form", "reason"},
    "event_log": {"entity", "name", "topics"},
    "handovers": {"hindrances"},
    "ledger_entries": {"account", "borne_by", "currency", "reason"},
    "media": {"kind", "media_type"},  # what the pictures show goes with their bytes
    "menu_items": {"name"},
    "merchant_areas": {"hours", "name", "polygon"},
    "merchants": {"address", "currency", "hours", "lat", "lng", "name", "time_zone"},
    "orders": {
        "currency", "ended_by", "items", "kitchen", "payment_method", "payment_status", "proof", "status", "waived",
    },
    "payments": {"currency", "method", "provider_id"},
    "provider_words": {"id", "type"},
    "refunds": {"borne_by", "currency", "failure", "method", "reason", "status"},
    "sign_in_failures": {"subject"},
    "tickets": {
        "borne_by", "decision", "kind", "opened_by_role", "outcome", "owner_role", "reason", "segment", "severity",
        "state", "waiting_for",
    },
    "timers": {"kind", "payload"},
    "webhook_attempts": {"answer", "outcome"},
    "webhook_deliveries": {"body", "last_outcome", "state", "type"},  # only fields that notify/happenings.py names
    "webhook_endpoints": {"description", "events", "former_secret", "off_why", "secret", "url"},
}  # fmt: skip


async def test_every_column_that_can_hold_words_is_known_to_hold_some_about_people_or_none(database: Any):
    rows = await database.fetch(
        "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"
        " AND attnum > 0 AND NOT attisdropped AND format_type(atttypid, NULL) = ANY($1::text[])",
        [
            "text",
            "text[]",
            "character varying",
            "character",
            "jsonb",
            "json",
            "double precision",
            "bytea",
            "inet",
        ],
    )
    judged = {
        (table, column)
        for told in (KNOWN_OF_PEOPLE, NOTHING_ABOUT_THEM)
        for table, columns in told.items()
        for column in columns
    }
    assert {(row["relname"], row["attname"]) for row in rows} == judged


def test_what_is_known_of_people_is_erased():
    assert KNOWN_OF_PEOPLE.keys() - ERASED_OTHERWISE == {personal.table for personal in PERSONAL}
