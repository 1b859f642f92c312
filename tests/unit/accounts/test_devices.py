"""A session's name tells the kind of device, and nothing finer."""

import pytest

from server.accounts.devices import device_label

MOZILLA = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        (f"{MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            f"{MOZILLA} (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            f"{MOZILLA} (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1",
            "Safari on iPhone",
        ),
        (f"{MOZILLA} (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Edg/141.0", "Edge on Windows"),
        ("python-httpx/0.28", "a program"),
        ("", "another device"),
    ],
)
def test_labels(user_agent, label):
    assert device_label(user_agent) == label
