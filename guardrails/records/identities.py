"""By what a user or a conversation is known in the store."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Final, Literal

CHARACTERS: Final = 32
"""Hexadecimal characters of a digest: 128 bits."""


def digest_identity(key: bytes, tenant: str, value: str) -> str:
    """Return the digest, by the key of the records, of a user's or a conversation's id. A user of one tenant is not the user of
    that name of another.
    """
    raw = f"{tenant}\0{value}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, b"guardrails identity 1\0" + raw, hashlib.sha256).hex()[:CHARACTERS]


class Identities:
    """By what the records of one key know people.

    Args:
        key: of the records.
        form: `digest`, or `plain` for ids as they are.
    """

    def __init__(self, key: bytes, form: Literal["digest", "plain"]) -> None:
        self._is_plain = form == "plain"
        self._digest = lru_cache(4096)(lambda tenant, value: digest_identity(key, tenant, value))

    def known_as(self, tenant: str | None, value: object) -> str | None:
        """Return by what a user or a conversation of a tenant is known; None where there is none."""
        if value is None:
            return None
        told = str(value)
        return told if self._is_plain or not told else self._digest(tenant or "", told)
