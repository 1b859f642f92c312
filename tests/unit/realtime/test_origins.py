import pytest

from server.realtime.origins import may_connect

ALLOWED = frozenset({"https://songda.example", "https://songda.example:8443"})


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "songda.example"),
        (None, None),
        ("https://songda.example", "elsewhere.example"),
        ("https://songda.example:8443", None),
        ("http://shop.example", "shop.example"),
        ("https://shop.example", "shop.example"),
        ("https://shop.example", "Shop.Example:443"),
        ("http://127.0.0.1:8700", "127.0.0.1:8700"),
        ("http://[::1]:8700", "[::1]:8700"),
    ],
)
def test_programs_our_own_pages_and_those_of_the_settings(origin, host):
    assert may_connect(origin, host, ALLOWED)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "shop.example"),
        ("", "shop.example"),
        ("https://evil.example", "shop.example"),
        ("https://evil-shop.example", "shop.example"),
        ("https://shop.example.evil.example", "shop.example"),
        ("https://shop.example:8443", "shop.example"),
        ("http://shop.example", "shop.example:8700"),
        ("https://shop.example@evil.example", "shop.example"),
        ("https://evil@shop.example", "shop.example"),
        ("https://shop.example/", "shop.example"),
        ("file://shop.example", "shop.example"),
        ("https://shop.example:port", "shop.example"),
        ("https://[shop.example", "shop.example"),
        ("https://songda.example.", "shop.example"),
        ("http://songda.example", "shop.example"),
        ("https://shop.example", None),
    ],
)
def test_nobody_else(origin, host):
    assert not may_connect(origin, host, ALLOWED)
