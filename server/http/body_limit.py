"""No request body above a limit is ever held in memory.  Pure ASGI, so that it also sees bodies sent in pieces."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import BadInput
from server.orders.pictures import MAX_PICTURE_BYTES

# The largest honest request is a menu of 500 items, or a phone's batch after a day without network …
MAX_BODY_BYTES = 1024 * 1024
# … but for a photo.
PICTURES_PATH = "/media"


class BodyTooLarge(BadInput):
    """The request body is larger than 1 MiB, or a picture than 10 MiB."""

    code = "body_too_large"
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value


class BodyLimit:
    """Raises BodyTooLarge from `receive` as soon as it is known; so it belongs inside of whoever maps errors."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        max_bytes = MAX_PICTURE_BYTES if scope["path"].endswith(PICTURES_PATH) else self.max_bytes
        received = 0
        announced = _content_length(scope)

        async def counted_receive() -> Message:
            nonlocal received
            if announced > max_bytes:
                raise BodyTooLarge
            message = await receive()
            received += len(message.get("body", b""))
            if received > max_bytes:
                raise BodyTooLarge
            return message

        await self.app(scope, counted_receive, send)


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
