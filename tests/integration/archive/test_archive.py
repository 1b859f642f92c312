"""Orders long over go to the archive whole, and what is known of their people goes for good."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest

from server.accounts.audit import LOOKED_AT_ARCHIVE, Audit
from server.accounts.permissions import OrderNotFound
from server.accounts.proofs import Proofs
from server.accounts.revocations import Revocations
from server.accounts.roles import Role
from server.accounts.service import AccountService
from server.accounts.store import AccountStore
from server.accounts.viewer import Viewer
from server.archive.erasure import PERSONAL
from server.archive.service import ArchiveService, OrderUnderWay, WrongLogin, day_name
from server.archive.store import Wanted
from server.errors import NotAllowed
from server.geo.track import pack_fix
from server.geo.track_store import TrackStore
from server.orders.catalogue import Catalogue
from server.orders.media import MediaKind, MediaNotFound, MediaService, MediaTable
from server.orders.merchant_facts import ChangedMerchant, CurrencyFixed
from server.orders.review_service import ReviewService
from server.orders.reviews import ReviewWish
from server.orders.store import OrderStore
from server.settings import Settings
from server.storage.event_log import changes_since, read_at
from server.storage.media_store import open_media
from server.wire.messages import Fix
from tests.builders import SECRET
from tests.integration.http.test_media import a_photo
from tests.integration.people import Town, a_town

ARCHIVE_AFTER = timedelta(days=15)
KEEP_PERSONAL = timedelta(days=90)
# Words that stand nowhere else, so that their bytes can be looked for.
SECRETS = ("Aurelia", "+358401234567", "Mannerheimintie 17", "SECRETNOTE", "SECRETWORDS", "SECRETREASON")


@dataclass
class Reading:
    """A town with an archive."""

    town: Town
    archive: ArchiveService
    media: MediaService
    reviews: ReviewService
    directory: Path
    manager: Viewer

    async def let_pass(self, time: timedelta) -> None:
        """Time passes, and what is due then is done."""
        self.town.clock.turn(time.total_seconds())
        await self.town.timers.run_due()

    async def completed(self, courier: Viewer | None = None) -> UUID:
        """An order that was ridden, delivered, completed and reviewed, with all that people say in it."""
        courier = courier or await self.town.courier()
        order_id = await self.town.assigned(courier)
        pool, now = self.town.storage.pool, self.town.clock.now()
        await pool.execute(
            "UPDATE order_contacts SET name = $2, phone = $3, address = $4, note = $5 WHERE order_id = $1",
            order_id,
            *SECRETS[:4],
        )
        later = now + timedelta(minutes=10)
        packed = [
            pack_fix(
                Fix(lat=60.17 + step / 1000, lng=24.94, fix_time=self.town.clock.now_ms() + 1000 * step),
                bearing_deg=None,
                speed_mps=None,
                received_at_ms=self.town.clock.now_ms(),
            )
            for step in range(20)
        ]
        await TrackStore(pool).append([(courier.account_id, packed)], stored_at=now)
        await self.media.upload(courier, order_id, MediaKind.PHOTO, a_photo())
        await pool.execute(
            "UPDATE orders SET status = 'completed', reason = $2, ended_at = $3 WHERE id = $1",
            order_id,
            SECRETS[5],
            later,
        )
        await pool.execute(
            "UPDATE assignments SET state = 'delivered', ended_at = $2,"
            " moments = jsonb_build_object('picked_up', $3::text) WHERE order_id = $1",
            order_id,
            later,
            now.isoformat(),
        )
        await self.reviews.review(
            self.town.customer, order_id, ReviewWish(merchant_stars=5, words=SECRETS[4])
        )
        await self.town.timers.run_due()
        return order_id

    async def found_bytes(self) -> list[str]:
        """Which of the secrets' bytes are anywhere: in a table, or in a file."""
        pool = self.town.storage.pool
        tables = await pool.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        texts = []
        for row in tables:
            whole = await pool.fetchval(f'SELECT string_agg(t::text, chr(10)) FROM "{row["relname"]}" t')
            texts.append((row["relname"], whole or ""))
        for path in self.directory.rglob("*"):
            if path.is_file():
                texts.append((path.name, path.read_bytes().decode("latin-1")))
                if path.suffix == ".parquet":  # its bytes are packed
                    texts.append(
                        (path.name, str(duckdb.sql(f"SELECT COLUMNS(*)::VARCHAR FROM '{path}'").fetchall()))
                    )
        return [f"{secret} in {where}" for where, text in texts for secret in SECRETS if secret in text]


@pytest.fixture
async def reading(storage: Any, clock: Any, tmp_path: Path) -> Reading:
    town = await a_town(storage, clock)
    media = open_media("", tmp_path)
    settings = Settings(
        archive_after_s=ARCHIVE_AFTER.total_seconds(), keep_personal_s=KEEP_PERSONAL.total_seconds()
    )
    from server.dispatch.store import carriers_of

    accounts = AccountService(storage, Proofs(SECRET, 900.0, clock, Revocations(clock)), clock)
    archive = ArchiveService(
        storage,
        TrackStore(storage.pool),
        media,
        open_media("", tmp_path, "archive"),
        accounts,
        Audit(storage, clock),
        settings,
    )
    await archive.register(town.timers)
    return Reading(
        town,
        archive,
        MediaService(storage, media, clock, carriers_of),
        ReviewService(storage, carriers_of),
        tmp_path,
        await town.account(Role.OPERATIONS_MANAGER),
    )


async def test_an_order_long_over_moves_whole_and_can_be_looked_up(reading):
    courier = await reading.town.courier()
    order_id = await reading.completed(courier)
    service = await reading.town.account(Role.CUSTOMER_SERVICE)
    await reading.let_pass(ARCHIVE_AFTER - timedelta(hours=1))
    assert await reading.archive.find(service, Wanted(), before=None, limit=10) == []
    await reading.let_pass(timedelta(hours=2))

    with pytest.raises(OrderNotFound):
        await OrderStore(reading.town.storage.pool).get(order_id)
    assert await reading.town.happened(order_id) == []
    found = await reading.archive.one(service, order_id)
    looked = await reading.town.storage.pool.fetchval(
        "SELECT count(*) FROM audit_log WHERE what = $1 AND actor_id = $2 AND entity_ids = ARRAY[$3::uuid]",
        LOOKED_AT_ARCHIVE,
        service.account_id,
        order_id,
    )
    assert looked == 1
    assert found["facts"]["status"] == "completed"
    assert {event["name"] for event in found["events"]} >= {"placed", "accepted", "assigned"}
    assert [one["courier_id"] for one in found["assignments"]] == [str(courier.account_id)]
    assert found["review"]["merchant_stars"] == 5
    assert found["tracks"][0]["courier_id"] == str(courier.account_id)
    assert found["contact"]["name"] == SECRETS[0]
    assert {one["source"] for one in found["words"]} >= {"orders", "reviews"}

    day = found["ended_at"].date()
    for wanted in (
        Wanted(number=found["number"]),
        Wanted(phone=SECRETS[1]),
        Wanted(courier_id=courier.account_id),
        Wanted(merchant_id=reading.town.merchant.id),
        Wanted(customer_id=reading.town.customer.account_id),
        Wanted(day=day),
    ):
        assert [
            one["order_id"] for one in await reading.archive.find(service, wanted, before=None, limit=10)
        ] == [order_id]
    assert (
        await reading.archive.find(service, Wanted(day=day - timedelta(days=1)), before=None, limit=10) == []
    )


async def test_a_day_stands_in_one_parquet_file_without_words_about_people(reading):
    order_ids = {await reading.completed(), await reading.completed()}
    day = reading.town.clock.now().date()
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    file = reading.directory / "archive" / day_name(day)
    rows = duckdb.sql(f"SELECT order_id, status, events, tracks FROM '{file}'").fetchall()
    assert {row[0] for row in rows} == order_ids
    assert {row[1] for row in rows} == {"completed"}
    assert all("placed" in row[2] for row in rows)
    assert [
        secret
        for secret in SECRETS
        if secret in str(duckdb.sql(f"SELECT COLUMNS(*)::VARCHAR FROM '{file}'").fetchall())
    ] == []


async def test_what_is_known_of_people_is_gone_after_its_time(reading):
    order_id = await reading.completed()
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    assert len({found.split(" in ")[0] for found in await reading.found_bytes()}) == len(SECRETS)
    tracks = await reading.town.storage.pool.fetchval("SELECT count(*) FROM track_chunks")
    assert tracks == 1

    await reading.let_pass(KEEP_PERSONAL)
    assert await reading.found_bytes() == []
    assert list((reading.directory / "media").iterdir()) == []
    assert await reading.town.storage.pool.fetchval("SELECT count(*) FROM track_chunks") == 0
    manager = reading.manager
    found = await reading.archive.one(manager, order_id)
    assert (found["contact"], found["words"], found["tracks"]) == (None, [], None)
    assert found["erased_at"] is not None
    assert found["facts"]["total_minor"] > 0  # what was sold is not about people
    rows = duckdb.sql(f"SELECT tracks FROM '{reading.directory}/archive/orders/*/*.parquet'").fetchall()
    assert rows == [(None,)]


async def test_a_person_is_erased_at_once_when_an_administrator_says_so(reading):
    town = reading.town
    await reading.completed()
    archived = await reading.completed()
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    administrator = await town.account(Role.ADMINISTRATOR)
    account_id = town.customer.account_id
    with pytest.raises(WrongLogin):
        await reading.archive.erase_account(administrator, account_id, "somebody else")
    answered = await reading.archive.erase_account(administrator, account_id, str(account_id), key="k")
    assert answered == {"orders": 2}
    assert (
        await reading.archive.erase_account(administrator, account_id, str(account_id), key="k") == answered
    )
    await town.timers.run_due()
    assert await reading.found_bytes() == []
    assert [name for _, name in await town.happened(account_id)] == ["dismissed"]
    erased = await AccountStore(town.storage.pool).by_id(account_id)
    assert erased is not None
    assert (erased.display_name, erased.active) == ("", False)
    assert (await reading.archive.one(reading.manager, archived))["tracks"] is None


async def test_nobody_is_erased_while_an_order_of_theirs_is_under_way(reading):
    await reading.town.placed()
    administrator = await reading.town.account(Role.ADMINISTRATOR)
    account_id = reading.town.customer.account_id
    with pytest.raises(OrderUnderWay):
        await reading.archive.erase_account(administrator, account_id, str(account_id))


async def test_an_order_with_money_on_its_way_waits(reading):
    order_id = await reading.completed()
    await reading.town.storage.pool.execute(
        "UPDATE orders SET payment_status = 'refund_pending' WHERE id = $1", order_id
    )
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    assert await OrderStore(reading.town.storage.pool).get(order_id)
    await reading.town.storage.pool.execute(
        "UPDATE orders SET payment_status = 'refunded' WHERE id = $1", order_id
    )
    await reading.let_pass(timedelta(hours=2))
    with pytest.raises(OrderNotFound):
        await OrderStore(reading.town.storage.pool).get(order_id)


async def test_a_viewer_who_comes_back_after_the_archive_has_taken_changes_begins_anew(reading):
    pool = reading.town.storage.pool
    topic = f"merchant:{reading.town.merchant.id}"
    async with read_at(pool) as (_, early):
        pass
    await reading.completed()
    async with read_at(pool) as (connection, _):
        assert await changes_since(connection, topic, early) is not None
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    async with read_at(pool) as (connection, late):
        assert await changes_since(connection, topic, early) is None
        assert await changes_since(connection, topic, late) is not None


async def test_analysts_see_what_was_sold_and_not_to_whom(reading):
    order_id = await reading.completed()
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    analyst = await reading.town.account(Role.DATA_ANALYST)
    found = await reading.archive.one(analyst, order_id)
    assert (found["contact"], found["words"], found["tracks"]) == (None, [], None)
    with pytest.raises(NotAllowed):
        await reading.archive.find(analyst, Wanted(phone=SECRETS[1]), before=None, limit=1)
    for role in (Role.CUSTOMER, Role.COURIER, Role.MERCHANT, Role.DISPATCHER):
        with pytest.raises(NotAllowed):
            await reading.archive.one(await reading.town.account(role), order_id)


async def test_every_table_of_the_table_of_personal_data_exists(reading):
    tables = await reading.town.storage.pool.fetch("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')")
    assert {personal.table for personal in PERSONAL} <= {row["relname"] for row in tables}


async def test_a_merchants_currency_stays_fixed_when_its_orders_are_archived(reading):
    await reading.completed()
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    town = reading.town
    assert await town.storage.pool.fetchval("SELECT count(*) FROM orders") == 0
    with pytest.raises(CurrencyFixed):
        await Catalogue(town.storage, town.clock).change(
            town.kitchen, town.merchant.id, ChangedMerchant(currency="SEK")
        )


async def test_pictures_of_an_archived_order_are_shown_to_customer_service_only(reading):
    order_id = await reading.completed()
    await reading.let_pass(ARCHIVE_AFTER + timedelta(hours=2))
    [media_id] = await MediaTable(reading.town.storage.pool).ids_of([order_id])
    media, data = await reading.media.show(reading.town.service, media_id)
    assert (media.order_id, data[:2]) == (order_id, b"\xff\xd8")
    for viewer in (reading.town.customer, reading.town.kitchen, reading.town.dispatcher, reading.manager):
        with pytest.raises(MediaNotFound):
            await reading.media.show(viewer, media_id)
