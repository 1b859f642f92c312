"""What webhooks may call: the open internet, in whatever form an address of it is written, and nothing else."""

import pytest

from server.notify.addresses import BadWebhookUrl, checked_url, is_open


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7",
        "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1",
        "2001:db8::1", "100::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1",
        "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "localhost", "", "127.1", "0x7f000001", "2130706433", "8.8.8.8.", "8.8.8.8/32",
    ],
)  # fmt: skip
def test_what_only_we_can_reach_is_not_open(address):
    assert not is_open(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2606:4700:4700::1111",
     "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"],
)  # fmt: skip
def test_the_open_internet_is_open(address):
    assert is_open(address)


def check(url: str, *, allow_http: bool = False, allow_private: bool = False) -> str:
    return checked_url(url, allow_http=allow_http, allow_private=allow_private)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://shop.example/hooks?key=1", "https://shop.example/hooks?key=1"),
        ("https://shop.example", "https://shop.example/"),
        ("HTTPS://Shop.Example:443/A", "https://shop.example/A"),
        ("https://shop.example:8443/", "https://shop.example:8443/"),
        ("https://餐厅.example/hook", "https://xn--imr513n.example/hook"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
    ],
)
def test_an_https_address_is_taken_in_one_form(url, expected):
    assert check(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "ftp://shop.example/", "//shop.example/", "shop.example", "", "https://", "https:///a",
        "https://me:secret@shop.example/", "https://me@shop.example/", "https://@shop.example/",
        "https://shop.example/#a", "https://shop.example/#", "https://shop.example:0/", "https://shop.example:99999/",
        "https://shop.example:x/", "https://shop example/", "https://shop.example/\n", "https://shop.example/\ta",
        "https://shop.example\\@evil.example/", "https://shop.example/\x00", "https://[::1/", "https://a..b.example/",
        "https://" + "a" * 64 + ".example/", "https://shop.example/é", "https://shop.example/" + "a" * 1000,
        "https://localhost/", "https://localhost./", "https://printer.local/", "https://db.internal/", "https://db/",
        "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://10.0.0.1/",
        "https://[::ffff:127.0.0.1]/", "https://shop%2eexample/",
    ],
)  # fmt: skip
def test_what_we_would_not_call_is_refused_with_a_sentence(url):
    with pytest.raises(BadWebhookUrl) as refused:
        check(url)
    assert refused.value.details["errors"][0]["pointer"] == "/url"


def test_an_intranet_may_allow_more():
    assert check("http://printer:8080/", allow_http=True, allow_private=True) == "http://printer:8080/"
    with pytest.raises(BadWebhookUrl):
        check("http://me:secret@printer/", allow_http=True, allow_private=True)
