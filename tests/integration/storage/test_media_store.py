"""Pictures in a directory and in a store that speaks S3: the same promises."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from server.errors import StartupError
from server.storage.media_store import MediaGone, MediaStore, MediaUnavailable, open_media


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as keeping pictures takes; it refuses what is not signed."""

    kept: ClassVar[dict[str, bytes]] = {}

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_signed():
            self.kept[self.path] = data
            self._answer(200)

    def do_GET(self) -> None:
        if self._is_signed():
            data = self.kept.get(self.path)
            self._answer(404 if data is None else 200, data or b"<Error><Code>NoSuchKey</Code></Error>")

    def do_POST(self) -> None:
        """`POST /bucket?delete`: several at once."""
        wish = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self._is_signed():
            names = re.findall("<Key>(.*?)</Key>", wish)
            for name in names:
                self.kept.pop(f"{self.path.partition('?')[0]}/{name}", None)
            deleted = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names)
            self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _is_signed(self) -> bool:
        signed = self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=SONGDAKEY/")
        if not signed:
            self._answer(403)
        return signed

    def _answer(self, status: int, data: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 12:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def bucket() -> Iterator[str]:
    Bucket.kept.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["directory", "s3"])
def media(request, tmp_path, monkeypatch) -> MediaStore:
    if request.param == "directory":
        return open_media("", tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SONGDAKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    return open_media("s3://photos/songda", tmp_path, endpoint=request.getfixturevalue("bucket"))


async def test_what_was_put_can_be_got(media):
    await media.put("2026/11/one", b"\xff\xd8 a photo")
    assert await media.get("2026/11/one") == b"\xff\xd8 a photo"


async def test_what_was_deleted_is_gone(media):
    await media.put("one", b"a photo")
    await media.delete("one")
    with pytest.raises(MediaGone):
        await media.get("one")


async def test_what_was_never_there_is_gone_too_and_may_be_deleted(media):
    with pytest.raises(MediaGone):
        await media.get("nothing")
    await media.delete("nothing")


async def test_only_its_owner_may_read_the_directory(tmp_path):
    media = open_media("", tmp_path)
    await media.put("one", b"a photo")
    assert (tmp_path / "media").stat().st_mode & 0o077 == 0


async def test_the_address_of_a_directory_may_be_given(tmp_path):
    media = open_media(f"file://{tmp_path}/elsewhere", tmp_path)
    await media.put("one", b"a photo")
    assert (tmp_path / "elsewhere" / "one").read_bytes() == b"a photo"


async def test_a_name_cannot_lead_out_of_the_directory(tmp_path):
    media = open_media("", tmp_path)
    with pytest.raises(ValueError, match="illegal character sequence"):
        await media.put("../outside", b"x")
    assert not (tmp_path / "outside").exists()


async def test_a_store_that_does_not_let_us_in_is_unavailable(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SOMEBODYELSE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    media = open_media("s3://photos", tmp_path, endpoint=bucket)
    with pytest.raises(MediaUnavailable):
        await media.put("one", b"a photo")


@pytest.mark.parametrize("address", ["ftp://somewhere", "https://bucket", "s3:"])
def test_an_address_of_another_kind_is_refused_at_the_start(address, tmp_path):
    with pytest.raises(StartupError):
        open_media(address, tmp_path)
