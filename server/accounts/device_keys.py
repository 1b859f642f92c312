"""Device keys: what a phone or a program keeps instead of a password.  Shown once; only the hash is stored.  Pure."""

import hashlib
import secrets

KEY_BYTES = 32


def new_device_key() -> str:
    """A fresh key: 256 random bits, in letters that may stand in a URL or a header."""
    return secrets.token_urlsafe(KEY_BYTES)


def hash_of(device_key: str) -> bytes:
    """What is stored.  A plain SHA-256 is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(device_key.encode("utf-8", "surrogatepass")).digest()
