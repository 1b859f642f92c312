"""What is common to all commands people give: the fingerprint that tells a repeated one from another under the same key."""

import hashlib

import msgspec


def fingerprint(name: str, *parts: object) -> bytes:
    """The same bytes for the same command with the same body, and no others."""
    return hashlib.sha256(msgspec.json.encode([name, *parts])).digest()
