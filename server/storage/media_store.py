"""Where pictures are kept: a directory or any S3-compatible store.  Bytes under a name; nothing else is known of them.

What a picture is for, and who may see it, stands in the record (orders/media.py).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from server.errors import NotFound, StartupError, Unavailable


class MediaGone(NotFound):
    """The picture is not kept any more."""

    code = "media_gone"


class MediaUnavailable(Unavailable):
    """The store of pictures does not answer; the same request may be sent again."""

    code = "media_unavailable"


class MediaStore(Protocol):
    """Keeps bytes under names."""

    async def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`; MediaUnavailable."""
        ...

    async def get(self, name: str) -> bytes:
        """What is kept under `name`; MediaGone, MediaUnavailable."""
        ...

    async def delete(self, name: str) -> None:
        """Forget `name`, if it is kept; MediaUnavailable."""
        ...


class ObjectMediaStore:
    """A MediaStore over obstore, which speaks to directories and to S3 alike."""

    def __init__(self, store: LocalStore | S3Store) -> None:
        self._store = store

    async def put(self, name: str, data: bytes) -> None:
        try:
            await self._store.put_async(name, data)
        except (BaseError, OSError) as error:
            raise MediaUnavailable from error

    async def get(self, name: str) -> bytes:
        try:
            found = await self._store.get_async(name)
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise MediaGone from error
        except (BaseError, OSError) as error:
            raise MediaUnavailable from error

    async def delete(self, name: str) -> None:
        try:
            await self._store.delete_async(name)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise MediaUnavailable from error


def open_media(
    media_url: str, data_dir: Path, name: str = "media", *, endpoint: str = ""
) -> ObjectMediaStore:
    """The store that `media_url` names: `s3://bucket/prefix`, `file:///directory`, or empty for `data_dir`/`name`.

    For S3 the credentials come from the usual AWS_… variables; `endpoint` is for stores that are not Amazon's.
    StartupError when the address is of neither kind or the directory cannot be made.
    """
    address = urlsplit(media_url)
    match address.scheme:
        case "":
            return ObjectMediaStore(_opened(lambda: _directory(data_dir / name)))
        case "file":
            return ObjectMediaStore(_opened(lambda: _directory(Path(address.path))))
        case "s3" if address.netloc:
            options: dict[str, Any] = {"prefix": address.path.strip("/") or None}
            if endpoint:
                options |= {
                    "endpoint": endpoint,
                    "virtual_hosted_style_request": False,
                    "client_options": {"allow_http": endpoint.startswith("http://")},
                }
            return ObjectMediaStore(_opened(lambda: S3Store(address.netloc, **options)))
    raise StartupError(f"A store of pictures or files begins with s3:// or file://, not like {media_url!r}.")


def _directory(path: Path) -> LocalStore:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(path, automatic_cleanup=True)


def _opened(make: Callable[[], LocalStore | S3Store]) -> LocalStore | S3Store:
    try:
        return make()
    except (BaseError, OSError) as error:
        raise StartupError(f"The store of pictures cannot be opened: {error}.") from error
