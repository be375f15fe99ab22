"""The operator's keys of kept contents: AES-256-GCM (cryptography, extra `encryption`), imported where there is a key.

A content is bound to its decision: under another one it cannot be opened. The first key encrypts; further ones open what was
encrypted before the key was changed.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from guardrails.errors import MissingExtra
from guardrails.records.chain import RecordsError
from guardrails.records.configuration import KeptContentDoc
from guardrails.records.kept_content.sealed_content import SealedContent

CONTENT_KEY_VARIABLE: Final = "GUARDRAILS_CONTENT_KEY"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12

HEX: Final = re.compile(r"[0-9A-Fa-f]{64}")
BASE64: Final = re.compile(r"[A-Za-z0-9_-]{43}=?")
"""The two ways of writing a key."""


class ContentKeys:
    """Encrypts and opens contents. Safe to share by threads.

    Args:
        keys: of 32 bytes each, one at least; the first encrypts.

    Raises:
        MissingExtra: cryptography is not installed.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise MissingExtra("keeping contents in records", "encryption") from None
        self._wrong: type[Exception] = InvalidTag
        self._ciphers = {hashlib.sha256(key).hexdigest()[:8]: AESGCM(key) for key in keys}
        self._first = next(iter(self._ciphers))

    def seal(self, id_: str, content: bytes, expires: int) -> SealedContent:
        """Return the content of the decision of an id, encrypted."""
        nonce = os.urandom(NONCE_BYTES)
        return SealedContent(
            expires, self._first, nonce, self._ciphers[self._first].encrypt(nonce, content, _bound_to(id_))
        )

    def open(self, id_: str, sealed: SealedContent) -> bytes:
        """Return what was encrypted.

        Raises:
            RecordsError: its key is not here, or it is not what was encrypted for this decision.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise RecordsError(
                f"the content of {id_} is encrypted by the key {sealed.key_id}, and given are {', '.join(self._ciphers)}: "
                f"{CONTENT_KEY_VARIABLE} takes several, with commas between, of which the first encrypts"
            )
        try:
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, _bound_to(id_))
        except self._wrong:
            raise RecordsError(
                f"the content of {id_} was altered, or belongs to another decision: `guardrails log verify` tells more"
            ) from None


def _bound_to(id_: str) -> bytes:
    return b"guardrails content 1\0" + id_.encode("utf-8", "surrogatepass")


def read_content_keys(doc: KeptContentDoc) -> ContentKeys | None:
    """Return the keys of the environment (GUARDRAILS_CONTENT_KEY), else those of the file that the configuration names; None
    where there are none.

    Raises:
        RecordsError: one is malformed, or the file cannot be read.
        MissingExtra: cryptography is not installed.
    """
    origin, written = CONTENT_KEY_VARIABLE, os.environ.get(CONTENT_KEY_VARIABLE, "")
    if not written and doc.key_file is not None:
        origin = doc.key_file
        try:
            written = Path(doc.key_file).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise RecordsError(f"the key of kept contents cannot be read from {origin}: {error}") from None
    keys = [_read_key(each.strip(), origin) for each in re.split(r"[,\n]", written) if each.strip()]
    if not keys and origin != CONTENT_KEY_VARIABLE:
        raise RecordsError(f"there is no key of kept contents in {origin}")
    return ContentKeys(keys) if keys else None


def _read_key(written: str, origin: str) -> bytes:
    if HEX.fullmatch(written):
        return bytes.fromhex(written)
    if BASE64.fullmatch(written):
        return urlsafe_b64decode(written.rstrip("=") + "=")
    raise RecordsError(
        f"a key of kept contents is {KEY_BYTES} bytes in hexadecimal or base64url, and one of {origin} is none: "
        "make one with `openssl rand -hex 32`"
    )
