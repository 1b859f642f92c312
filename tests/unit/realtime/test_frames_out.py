import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from server.realtime.frames_out import PING, text_frame


def heard(data: bytes) -> list[tuple[Opcode, bytes]]:
    """What another implementation makes of these bytes."""
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), state=OPEN, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    return [
        (event.opcode, bytes(event.data)) for event in client.events_received() if isinstance(event, Frame)
    ]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_of_any_length_is_read_by_others_as_it_was_meant(size):
    payload = b"x" * size
    assert heard(text_frame(payload) + PING) == [(Opcode.TEXT, payload), (Opcode.PING, b"")]
