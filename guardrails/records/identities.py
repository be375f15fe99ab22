"""By what a user or a conversation is known in the store."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

CHARACTERS: Final = 32
"""Hexadecimal characters of a digest: 128 bits."""


def digest_identity(key: bytes, tenant: str, value: str) -> str:
    """Return the digest, by the key of the records, of a user's or a conversation's id. A user of one tenant is not the user of
    that name of another.
    """
    raw = f"{tenant}\0{value}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, b"guardrails identity 1\0" + raw, hashlib.sha256).hex()[:CHARACTERS]
