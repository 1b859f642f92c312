"""Pictures over REST: who may bring them, who may see them, and that nothing half-made stays."""

from io import BytesIO

import pytest
from PIL import Image

from server.accounts.roles import Role
from server.ids import new_id


def a_photo(colour="red"):
    out = BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return out.getvalue()


async def bring(api, viewer, order_id, data=None, *, key=None, media_type="image/jpeg", kind="photo"):
    headers = {"Authorization": f"Bearer {api.parts.tokens.issue(viewer)}", "Content-Type": media_type}
    if key is not None:
        headers["Idempotency-Key"] = key
    content = a_photo() if data is None else data
    return await api.client.post(
        f"/api/v1/orders/{order_id}/media?kind={kind}", content=content, headers=headers
    )


async def test_the_courier_brings_a_photo_and_the_customer_sees_it(api):
    courier = await api.town.courier()
    order_id = await api.town.assigned(courier)
    brought = await bring(api, courier, order_id)
    assert brought.status_code == 201
    assert brought.json()["media_type"] == "image/jpeg"
    seen = await api.ask(api.town.customer, "GET", f"/api/v1/media/{brought.json()['id']}")
    assert seen.status_code == 200
    assert seen.headers["content-type"] == "image/jpeg"
    assert seen.headers["x-content-type-options"] == "nosniff"
    assert Image.open(BytesIO(seen.content)).size == (320, 240)
    listed = await api.ask(api.town.customer, "GET", f"/api/v1/orders/{order_id}/media")
    assert [media["id"] for media in listed.json()["media"]] == [brought.json()["id"]]


async def test_a_stranger_learns_nothing_of_an_orders_pictures(api):
    courier = await api.town.courier()
    order_id = await api.town.assigned(courier)
    media_id = (await bring(api, courier, order_id)).json()["id"]
    for role in (Role.CUSTOMER, Role.COURIER):
        stranger = await api.town.account(role)
        assert (await bring(api, stranger, order_id)).status_code == 404
        for path in (f"/api/v1/media/{media_id}", f"/api/v1/orders/{order_id}/media"):
            assert (await api.ask(stranger, "GET", path)).status_code == 404
    assert (await api.ask(None, "GET", f"/api/v1/media/{media_id}")).status_code == 401


async def test_an_upload_repeated_under_its_key_is_kept_once(api, tmp_path):
    courier = await api.town.courier()
    order_id = await api.town.assigned(courier)
    first = await bring(api, courier, order_id, key="k1")
    again = await bring(api, courier, order_id, key="k1")
    assert again.json() == first.json()
    other = await bring(api, courier, order_id, a_photo("blue"), key="k1")
    assert other.json()["code"] == "idempotency_key_reused"
    assert [path.name for path in (tmp_path / "media").iterdir()] == [first.json()["id"]]


@pytest.mark.parametrize(
    ("data", "media_type", "code", "status"),
    [
        (b"no picture", "image/jpeg", "bad_picture", 422),
        (b"", "image/png", "bad_picture", 422),
        (None, "text/html", "picture_type_needed", 415),
        (b"x" * (10 * 1024 * 1024 + 1), "image/jpeg", "body_too_large", 413),
    ],
)
async def test_what_is_no_picture_is_refused_and_nothing_stays(api, tmp_path, data, media_type, code, status):
    courier = await api.town.courier()
    order_id = await api.town.assigned(courier)
    refused = await bring(api, courier, order_id, data, media_type=media_type)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert list((tmp_path / "media").iterdir()) == []


async def test_a_picture_of_an_order_that_does_not_exist_is_refused(api):
    courier = await api.town.courier()
    assert (await bring(api, courier, new_id(api.town.clock.now_ms()))).status_code == 404
    assert (await api.ask(api.town.customer, "GET", f"/api/v1/media/{new_id(1)}")).json()[
        "code"
    ] == "media_not_found"


async def test_an_order_has_no_more_pictures_than_it_may(api, monkeypatch):
    monkeypatch.setattr("server.orders.media.MAX_PICTURES_PER_ORDER", 1)
    courier = await api.town.courier()
    order_id = await api.town.assigned(courier)
    await bring(api, courier, order_id)
    assert (await bring(api, courier, order_id)).json()["code"] == "too_many_pictures"


async def test_staff_who_look_at_a_picture_are_written_down(api):
    courier = await api.town.courier()
    order_id = await api.town.assigned(courier)
    media_id = (await bring(api, courier, order_id)).json()["id"]
    for viewer in (api.town.customer, courier, api.town.service):
        assert (await api.ask(viewer, "GET", f"/api/v1/media/{media_id}")).status_code == 200
    looks = await api.town.storage.pool.fetch(
        "SELECT actor_id, entity_ids FROM audit_log WHERE what = 'looked_at_picture'"
    )
    assert [(look["actor_id"], look["entity_ids"]) for look in looks] == [
        (api.town.service.account_id, [order_id])
    ]
