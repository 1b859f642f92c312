"""Stock apps as couriers: through ASGI, over real servers, to the map and the track."""

import asyncio
import base64
from datetime import timedelta

import httpx
import pytest

from server.accounts.device_keys import hash_of, new_device_key
from server.accounts.roles import Role
from server.accounts.store import AccountStore
from server.clock import to_ms
from server.http.phones import REFUSED_HEADER
from tests.integration.http.conftest import Api

HERE = {"lat": "60.1699", "lon": "24.9384"}


class Phone:
    """A courier's phone with its device key, and what the record has of him."""

    def __init__(self, api: Api, key: str, courier_id) -> None:
        self.api, self.key, self.courier_id = api, key, courier_id
        self.now_s = to_ms(api.town.clock.now()) // 1000

    async def post(self, path, *, key=None, **request) -> httpx.Response:
        """As OwnTracks does: Basic, with the key as password."""
        credentials = base64.b64encode(f"anna:{key or self.key}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        return await self.api.client.post(path, headers=headers, **request)

    def location(self, at_s=0, **rest):
        return {
            "_type": "location",
            "lat": 60.1699,
            "lon": 24.9384,
            "tst": self.now_s + at_s,
            "acc": 8,
            **rest,
        }

    async def track(self):
        day, now = timedelta(days=1), self.api.town.clock.now()
        return await self.api.parts.tracks.read(self.courier_id, now - day, now + day)


async def a_phone(api: Api, role=Role.COURIER) -> Phone:
    viewer, key = await api.town.account(role), new_device_key()
    async with api.town.storage.unit_of_work() as work:
        await AccountStore(work.connection).add_device_key(hash_of(key), viewer.account_id, "phone", work.now)
    return Phone(api, key, viewer.account_id)


@pytest.fixture
async def phone(api: Api):
    running = asyncio.create_task(api.parts.tracking.run())
    yield await a_phone(api)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_owntracks_is_answered_with_an_empty_list_after_the_commit(phone):
    said = await phone.post("/ingest/owntracks", json=phone.location(vel=36, cog=90))
    assert (said.status_code, said.json()) == (200, [])
    (fix,) = await phone.track()
    assert (fix.lat, fix.lng, fix.fix_time_ms) == (60.1699, 24.9384, phone.now_s * 1000)
    assert (fix.accuracy_m, fix.bearing_deg, fix.speed_mps) == (8.0, 90.0, 10.0)
    assert REFUSED_HEADER not in said.headers


async def test_owntracks_queue_and_other_messages(phone):
    queue = [
        phone.location(-8),
        {"_type": "transition", "event": "enter"},
        phone.location(-4),
        phone.location(0),
    ]
    assert (await phone.post("/ingest/owntracks", json=queue)).json() == []
    assert len(await phone.track()) == 3
    assert (await phone.post("/ingest/owntracks", content=b"")).json() == []


async def test_owntracks_strangers_are_challenged(phone):
    for answer in (
        await phone.post("/ingest/owntracks", key="wrong", json=phone.location()),
        await phone.api.client.post("/ingest/owntracks", json=phone.location()),
        await phone.api.client.post(
            "/ingest/owntracks", headers={"Authorization": "Basic !"}, json=phone.location()
        ),
        await phone.api.client.post("/ingest/owntracks", headers={"Authorization": "Basic YW5uYQ=="}),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert await phone.track() == []


async def test_traccar_client_posts_a_form(phone):
    form = {
        "id": phone.key,
        **HERE,
        "timestamp": str(phone.now_s),
        "speed": "10",
        "bearing": "45",
        "batt": "80",
    }
    said = await phone.api.client.post("/ingest/osmand", data=form)
    assert (said.status_code, said.content) == (200, b"")
    (fix,) = await phone.track()
    assert fix.speed_mps == pytest.approx(5.14, abs=0.01)


async def test_osmand_speaks_in_the_address(phone):
    moment = phone.api.town.clock.now().strftime("%Y-%m-%d %H:%M:%S")
    query = {"deviceid": phone.key, "location": "60.1699,24.9384", "timestamp": moment}
    assert (await phone.api.client.get("/ingest/osmand", params=query)).status_code == 200
    (fix,) = await phone.track()
    assert fix.fix_time_ms == phone.now_s * 1000


async def test_traccar_client_9_and_transistorsoft_post_json(phone):
    location = {
        "timestamp": phone.api.town.clock.now().isoformat(),
        "coords": {"latitude": 60.2, "longitude": 24.9},
    }
    named = await phone.api.client.post("/ingest/osmand", json={"device_id": phone.key, "location": location})
    assert named.json() == {"refused": {}}
    path = f"/ingest/osmand?id={phone.key}"
    listed = await phone.api.client.post(path, json={"location": [location, {"coords": {}}]})
    assert listed.json() == {"refused": {"unreadable": 1}}
    assert [(fix.lat, fix.lng) for fix in await phone.track()] == [(60.2, 24.9)], "said twice, ridden once"


async def test_unknown_devices_hear_what_their_protocol_says(phone):
    client = phone.api.client
    assert (await client.get("/ingest/osmand", params={"id": "wrong", **HERE})).status_code == 400
    assert (await client.get("/ingest/osmand", params=HERE)).status_code == 400
    location = {"coords": {"latitude": 60.2, "longitude": 24.9}}
    posted = await client.post("/ingest/osmand", json={"device_id": "wrong", "location": location})
    assert (posted.status_code, posted.json()["code"]) == (404, "unknown_device")


async def test_only_couriers_send_positions(phone):
    cook = await a_phone(phone.api, Role.CUSTOMER)
    assert (await cook.post("/ingest/owntracks", json=cook.location())).status_code == 403


async def test_what_nobody_will_believe_is_taken_off_the_phones_queue_and_named(phone):
    said = await phone.post(
        "/ingest/owntracks", json=[phone.location(lat=91), phone.location(86_400), phone.location()]
    )
    assert (said.status_code, said.json()) == (200, [])
    assert said.headers[REFUSED_HEADER] == "out_of_range=1, from_the_future=1"
    assert len(await phone.track()) == 1


async def test_a_repeated_request_leaves_one_fix(phone):
    for _ in range(2):
        assert (await phone.post("/ingest/owntracks", json=phone.location())).status_code == 200
    assert len(await phone.track()) == 1


@pytest.mark.parametrize(
    "body", [b"{", b"hello", b"\xff", b'{"_type": "location", "lat": NaN}', b"[" * 100_000]
)
async def test_nonsense_is_a_typed_error(phone, body):
    said = await phone.post("/ingest/owntracks", content=body)
    assert (said.status_code, said.json()["code"]) == (422, "unreadable")


async def test_a_body_beyond_the_limit_is_not_read(phone):
    said = await phone.post("/ingest/owntracks", content=b" " * (1024 * 1024 + 1))
    assert said.status_code == 413


async def test_a_day_without_network_comes_in_one_request(phone):
    queue = [phone.location(-2_000 + n) for n in range(2_000)]
    assert (await phone.post("/ingest/owntracks", json=queue)).status_code == 200
    assert len(await phone.track()) == 2_000


async def test_without_a_record_the_phone_keeps_its_fix(phone):
    assert (
        await phone.post("/ingest/owntracks", json=phone.location(-1))
    ).status_code == 200  # its key is known
    phone.api.town.storage.pool.terminate()
    said = await phone.post("/ingest/owntracks", json=phone.location())
    assert said.status_code == 503
