"""The chain over the records of one writer, commitments to people, and signed heads: HMAC-SHA256 by a key outside the store.

Each record's MAC is computed over the MAC before, its number and its bytes, so that none can be altered, removed or exchanged
without the key. A head says how far a chain had come: it stands outside the store, so that a chain that was cut off shows.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from guardrails.errors import GuardrailsError

KEY_VARIABLE: Final = "GUARDRAILS_RECORDS_KEY"
LEAST_KEY: Final = 16
KEY_FILE: Final = "key"

SALT_BYTES: Final = 16
COMMITMENT_CHARACTERS: Final = 32
"""Hexadecimal characters of a commitment: 128 bits."""


class RecordsError(GuardrailsError):
    """Records cannot be written or read; the message says why, and what to do."""


def read_key(folder: Path, *, make: bool) -> bytes:
    """Return the key of the records: that of the environment (GUARDRAILS_RECORDS_KEY), else that in the folder's file `key`.

    Args:
        folder: where the journal is.
        make: whether a new key is written there, for its owner alone, where there is none.

    Raises:
        RecordsError: the key is too short, or there is none.
    """
    given = os.environ.get(KEY_VARIABLE, "").encode()
    path = folder / KEY_FILE
    if not given and make:
        with suppress(FileExistsError):
            # Written beside and linked, so that another process that starts never reads half of it.
            new = folder / f".{KEY_FILE}.{secrets.token_hex(8)}"
            new.touch(mode=0o600)
            new.write_text(secrets.token_hex(32) + "\n")
            try:
                os.link(new, path)
            finally:
                new.unlink()
    if not given:
        try:
            given = path.read_bytes().strip()
        except FileNotFoundError:
            raise RecordsError(
                f"there is no key of the records: set {KEY_VARIABLE}, or name the folder in which {KEY_FILE} is"
            ) from None
    if len(given) < LEAST_KEY:
        raise RecordsError(
            f"the key of the records is shorter than {LEAST_KEY} bytes: "
            f"set {KEY_VARIABLE} to what `openssl rand -hex 32` prints"
        )
    return given


@lru_cache(16)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def _mac(key: bytes, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of a message. `hmac.digest` looks the algorithm up each time, and lets other threads run meanwhile,
    which takes a server ten times as long.
    """
    mac = _keyed(key).copy()
    mac.update(message)
    return mac.digest()


def first_mac(key: bytes, writer: str) -> bytes:
    """Return what the chain of a writer begins with."""
    return _mac(key, b"guardrails chain 1\0" + writer.encode())


def next_mac(key: bytes, before: bytes, seq: int, record: bytes) -> bytes:
    """Return the MAC of a record: over the MAC of the one before, its number and its bytes."""
    return _mac(key, before + seq.to_bytes(8, "big") + record)


def commit(salt: bytes, name: str, value: str) -> str:
    """Return the commitment to a person's field: it binds, and says nothing to who has not its salt, which is of one length."""
    told = salt + f"{name}\0{value}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(told).hexdigest()[:COMMITMENT_CHARACTERS]


def sign_erasure(key: bytes, writer: str, seq: int, mac: bytes) -> bytes:
    """Return the proof that who has the key erased the person of a record."""
    return _mac(key, b"guardrails erased 1\0" + f"{writer} {seq} ".encode() + mac)


def sign_removal(key: bytes, writer: str, first: int, last: int, last_mac: bytes) -> bytes:
    """Return the proof that who has the key removed the records from `first` to `last`."""
    return _mac(key, b"guardrails removed 1\0" + f"{writer} {first} {last} ".encode() + last_mac)


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain of a writer had come: `seq` is the number of its last record, `time` seconds since 1970."""

    writer: str
    seq: int
    mac: bytes
    time: int

    def line(self, key: bytes) -> str:
        """Return the head as a line of text, signed."""
        told = f"{self.time} {self.writer} {self.seq} {self.mac.hex()}"
        return f"{told} {_sign(key, told)}\n"


def read_head(line: str, key: bytes) -> Head | None:
    """Return the head that a line says; None where it is none, or was not signed with the key."""
    told, _, signature = line.strip().rpartition(" ")
    if not hmac.compare_digest(signature.encode(), _sign(key, told).encode()):
        return None
    time, writer, seq, mac = told.split(" ")
    return Head(writer, int(seq), bytes.fromhex(mac), int(time))


def _sign(key: bytes, told: str) -> str:
    return _mac(key, b"guardrails head 1\0" + told.encode()).hex()
