"""A content as it is kept: encrypted, with the name of its key and its end. Journals have it in JSON, the store as a row."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from typing import Any, Final, NamedTuple, Self

KEY_ID: Final = re.compile(r"[0-9a-f]{8}")
"""The name of a key: the beginning of its SHA-256."""

LATEST: Final = 1 << 63
"""What no time in a column reaches."""


class SealedContent(NamedTuple):
    """An encrypted content; `expires` is microseconds since 1970."""

    expires: int
    key_id: str
    nonce: bytes
    ciphertext: bytes

    @property
    def digest(self) -> str:
        """What its record commits to. It says nothing of what is encrypted: a digest of that would let who has the store alone
        try short texts.
        """
        return hashlib.sha256(f"{self.key_id} ".encode() + self.nonce + self.ciphertext).hexdigest()

    def to_json(self) -> list[Any]:
        """Return it as plain JSON values."""
        return [
            self.expires,
            self.key_id,
            b64encode(self.nonce).decode(),
            b64encode(self.ciphertext).decode(),
        ]

    @classmethod
    def from_json(cls, told: object) -> Self:
        """Return what `to_json` returned.

        Raises:
            ValueError: it is none.
        """
        match told:
            case [int(expires), str(key_id), str(nonce), str(ciphertext)] if (
                0 <= expires < LATEST and KEY_ID.fullmatch(key_id)
            ):
                return cls(expires, key_id, b64decode(nonce), b64decode(ciphertext))
        raise ValueError("no content")
