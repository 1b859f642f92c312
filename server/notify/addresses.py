"""Which addresses a webhook may go to: those of the open internet, and none that only we can reach.  Pure.

An endpoint's URL is a merchant's word, and what we call on its account, we call from inside our own network: the
database, the cloud's metadata at 169.254.169.254, a printer.  A name may resolve to anything, and to something else
a moment later, so the address itself is what is judged, at every try, just before the connection (caller.py).
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from server.errors import BadInput
from server.faults import Fault, as_errors

MAX_URL_LENGTH = 1000
MAX_HOST_LENGTH = 253
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address behind a translator
# Not of the open internet, whatever this Python's own tables say: they grew from release to release.
_NEVER = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # the old relay into 6to4
        "64:ff9b:1::/48",  # translators of one's own
        "3fff::/20",  # for books
        "5f00::/16",  # segment routing inside a network
        "fec0::/10",  # site-local
    )
)
_SCHEMES = {"https": 443, "http": 80}


class BadWebhookUrl(BadInput):
    """A webhook goes to an https address of the open internet, without user name, password or fragment."""

    code = "bad_webhook_url"


def is_open(address: str) -> bool:
    """Whether `address` (no name) lies in the open internet; what cannot be read does not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _is_open(parsed)


def checked_url(url: str, *, allow_http: bool, allow_private: bool) -> str:
    """`url` in the form we call it; BadWebhookUrl says what is wrong with it.

    Names are not resolved here: what they resolve to is seen at each try.
    """
    parts = _parts(url)
    if parts.scheme not in _SCHEMES or (parts.scheme == "http" and not allow_http):
        raise _bad("url_not_https")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _bad("url_with_login")
    if "#" in url:
        raise _bad("url_with_fragment")
    host = _host(parts.hostname or "")
    if not allow_private and _is_plainly_private(host):
        raise _bad("url_private")
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, _SCHEMES[parts.scheme]} else f":{parts.port}"
    return parts._replace(netloc=shown + port, path=parts.path or "/").geturl()


def _is_open(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        inner = _within(address)
        if inner is not None:
            return _is_open(inner)
    if any(address in network for network in _NEVER):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_link_local)


def _within(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one is another form of, or leads to through a tunnel or translator."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


def _parts(url: str) -> SplitResult:
    if len(url) > MAX_URL_LENGTH:
        raise _bad("url_too_long", most=MAX_URL_LENGTH)
    # urlsplit silently takes tabs and line ends out: what is checked must be what is called.
    if not url.isprintable() or " " in url or "\\" in url:
        raise _bad("url_bad_characters")
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError:
        raise _bad("url_unreadable") from None
    if not (parts.path + parts.query).isascii():
        raise _bad("url_not_ascii")
    if parts.port == 0:
        raise _bad("url_unreadable")
    return parts


def _host(host: str) -> str:
    if ":" in host:  # only an IPv6 address has colons, and urlsplit has read it
        return host
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise _bad("url_unreadable") from None
    if not name or len(name) > MAX_HOST_LENGTH or not all(c.isalnum() or c in "-._" for c in name):
        raise _bad("url_unreadable")
    return name


def _is_plainly_private(host: str) -> bool:
    """Whether one can say so without asking anybody; a kindness, the judge sits in caller.py."""
    name = host.rstrip(".")
    try:
        return not _is_open(ip_address(name))
    except ValueError:
        return "." not in name or name.endswith((".localhost", ".local", ".internal"))


def _bad(code: str, **values: object) -> BadWebhookUrl:
    return BadWebhookUrl(errors=as_errors([Fault("/url", code, values)]))
