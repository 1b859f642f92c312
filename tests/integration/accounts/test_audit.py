"""The audit: deeds with their transaction, looks before the answer; and nobody changes it."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from server.accounts.audit import LOOKED_AT_AUDIT, LOOKED_AT_CONTACT, Audit, AuditFilter, AuditStore
from server.accounts.permissions import Permission, Scope, scope
from server.accounts.roles import Role
from server.errors import NotAllowed
from server.storage.database import PROGRAM_ROLE, open_database
from server.storage.migrate import migrate
from tests.builders import a_viewer
from tests.conftest import database_named

MANAGER = a_viewer(Role.OPERATIONS_MANAGER)


@pytest.fixture
def audit(storage, clock):
    return Audit(storage, clock)


async def test_a_deed_is_written_with_what_it_did_or_not_at_all(audit, storage):
    account_id = uuid4()
    async with storage.unit_of_work() as work:
        await AuditStore(work.connection).did(
            MANAGER, "suspend", "account", account_id, at=work.now, reason="misconduct"
        )

    async def fail() -> None:
        async with storage.unit_of_work() as work:
            await AuditStore(work.connection).did(MANAGER, "dismiss", "account", account_id, at=work.now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    entries = await audit.read(MANAGER, AuditFilter(entity_id=account_id), limit=10)
    assert [(entry["what"], entry["actor_id"], entry["details"]) for entry in entries] == [
        ("suspend", MANAGER.account_id, {"reason": "misconduct"})
    ]


async def test_reading_the_audit_is_a_look_too(audit):
    account_id = uuid4()
    await audit.read(MANAGER, AuditFilter(entity_id=account_id), limit=10)
    entries = await audit.read(MANAGER, AuditFilter(actor_id=MANAGER.account_id), limit=10)
    assert [(entry["what"], entry["entity_ids"]) for entry in entries] == [(LOOKED_AT_AUDIT, [account_id])]


async def test_entries_are_found_by_whom_and_what_they_are_about_page_by_page(audit, clock):
    orders = [uuid4() for _ in range(3)]
    for order_id in orders:
        await audit.looked(a_viewer(Role.COURIER), LOOKED_AT_CONTACT, "order", [order_id])
        clock.turn(1)
    await audit.looked(a_viewer(Role.DISPATCHER), LOOKED_AT_CONTACT, "order", orders)
    clock.turn(1)
    entries = await audit.read(MANAGER, AuditFilter(entity="order"), limit=2)
    rest = await audit.read(MANAGER, AuditFilter(entity="order", before=entries[-1]["id"]), limit=10)
    assert [entry["entity_ids"] for entry in entries + rest] == [
        orders,
        [orders[2]],
        [orders[1]],
        [orders[0]],
    ]
    about = await audit.read(MANAGER, AuditFilter(entity_id=orders[1]), limit=10)
    assert [entry["actor_role"] for entry in about] == ["dispatcher", "courier"]


@pytest.mark.parametrize("role", Role)
async def test_only_who_may_reads_it(audit, role):
    asked = audit.read(a_viewer(role), AuditFilter(), limit=10)
    if scope(role, Permission.SEE_AUDIT) is Scope.ALL:
        assert await asked == []
    else:
        with pytest.raises(NotAllowed):
            await asked


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET what = 'nothing'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "DROP TRIGGER audit_log_is_for_ever ON audit_log",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "DROP TABLE audit_log",
        "CREATE OR REPLACE FUNCTION audit_log_is_for_ever() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN OLD; END; $$",
    ],
)
async def test_the_programs_own_role_can_only_add(audit, database, statement):
    await audit.looked(MANAGER, LOOKED_AT_CONTACT, "order", [uuid4()])
    assert await database.fetchval("SELECT current_user") == PROGRAM_ROLE
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)
    assert await database.fetchval("SELECT count(*) FROM audit_log WHERE what <> 'nothing'") == 1


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET what = 'nothing'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
async def test_not_even_the_tables_owner_changes_it_by_mistake(audit, database_url, statement):
    await audit.looked(MANAGER, LOOKED_AT_CONTACT, "order", [uuid4()])
    owner = await asyncpg.connect(database_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)
    finally:
        await owner.close()


async def test_the_program_can_do_all_else_that_it_needs(database):
    await database.execute("SELECT ensure_track_day('2026-11-23')")
    await database.execute("DELETE FROM timers")
    await database.execute("SELECT nextval(pg_get_serial_sequence('event_log', 'position'))")


async def test_without_the_right_to_make_roles_the_trigger_is_what_there_is(postgres):
    """As on somebody else's PostgreSQL: the role is there already (of another database), and not ours to take."""
    admin = await asyncpg.connect(postgres.url)
    await admin.execute("CREATE ROLE plain LOGIN PASSWORD 'plain' NOCREATEROLE")
    await admin.execute("CREATE DATABASE plain OWNER plain")
    url = f"{database_named(postgres.url, 'plain')}&options=-crole%3Dplain"
    try:
        await migrate(url)
        pool = await open_database(url, pool_size=1)
        try:
            assert await pool.fetchval("SELECT count(*) FROM audit_log") == 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute("DELETE FROM audit_log")
        finally:
            await asyncio.wait_for(pool.close(), 5)
    finally:
        await admin.execute("DROP DATABASE plain WITH (FORCE)")
        await admin.execute("DROP ROLE plain")
        await admin.close()
