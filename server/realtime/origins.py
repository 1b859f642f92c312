"""Which web pages may open a socket here.  Pure.

A page is known by its Origin header, which a browser always sends and a page cannot forge.  No Origin means a
program: it needs a token like everybody, and no browser lends it one.
"""

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def may_connect(origin: str | None, host: str | None, allowed: frozenset[str]) -> bool:
    """Whether a page from `origin` may connect to us at `host` (the Host header): our own pages, and exactly
    those of `allowed` (scheme, host and port).  `null`, suffixes and look-alikes are none of them.
    """
    if origin is None or origin in allowed:
        return True
    try:
        page = urlsplit(origin)
        port = page.port
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(page.scheme)
    if (
        default is None
        or not page.hostname
        or host is None
        or page.path
        or page.query
        or page.fragment
        or page.username
    ):
        return False
    # Behind a proxy that ends TLS the page's scheme differs from ours: the host and the page's port decide.
    names = {f"{_bracketed(page.hostname)}:{port or default}"}
    if port is None or port == default:
        names.add(_bracketed(page.hostname))
    return host.lower() in names


def _bracketed(hostname: str) -> str:
    return f"[{hostname}]" if ":" in hostname else hostname
