"""A line of a journal, read once, with nothing kept of it that is not needed: a process that decides moves its own records, and
what that takes is missing from its requests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from guardrails.records.kept_content.sealed_content import SealedContent

_decode: Final = msgspec.json.Decoder().decode


FROM_RECORD: Final = ("id", "time", "kind", "stage", "action", "tenant", "request_id")
"""What a record says by which it is found; the store has a column for each."""

FROM_PERSON: Final = ("subject", "conversation")
"""What is said of a person."""


class Line(NamedTuple):
    """A record as it lies in a journal.

    Attributes:
        seq: its number.
        mac: its MAC.
        record: the JSON text that is chained, in UTF-8.
        columns: what it says of `FROM_RECORD` and, behind those, what its other part says of `FROM_PERSON`.
        salt: of what is committed to, which can be erased as well.
        has_escapes: whether a character is escaped in one of its texts, such as NUL, a lone surrogate or a quotation mark.
        content: what was judged, encrypted, where it is kept; it can be erased as well.
        detection: the text of a profile of which the store is told.
    """

    seq: int
    mac: bytes
    record: bytes
    columns: tuple[Any, ...]
    salt: bytes | None
    has_escapes: bool
    content: SealedContent | None = None
    detection: str | None = None


def parse_line(raw: bytes) -> Line | None:
    """Return a line of a journal, None where it is none."""
    parts = raw[:-1].split(b"\t")
    if len(parts) != 4:
        return None
    try:
        return read_line(int(parts[0]), bytes.fromhex(parts[1].decode()), parts[2], parts[3])
    except ValueError:
        return None


def read_line(seq: int, mac: bytes, person: bytes, record: bytes) -> Line:
    """Return a line by its number, its MAC, and its two JSON texts.

    Raises:
        ValueError: one of these is no mapping, or the salt, the content or the profile is none.
    """
    told, known = _read_mapping(record), _read_mapping(person)
    salt = known.get("salt")
    if not (salt is None or isinstance(salt, str)):
        raise ValueError("no salt")
    columns = (*map(told.get, FROM_RECORD), *map(known.get, FROM_PERSON))
    has_escapes = b"\\" in record or b"\\" in person
    kept = known.get("content")
    content = None if kept is None else SealedContent.from_json(kept)
    detection = known.get("detection")
    if not (
        detection is None or (isinstance(detection, str) and detection.isascii() and detection.isprintable())
    ):
        raise ValueError("no profile")
    salt = None if salt is None else bytes.fromhex(salt)
    return Line(seq, mac, record, columns, salt, has_escapes, content, detection)


def _read_mapping(raw: bytes) -> Mapping[str, Any]:
    try:
        told = _decode(raw)
    except msgspec.DecodeError:  # of a lone surrogate, which it refuses, if nothing else is wrong
        told = json.loads(raw.decode())
    if not isinstance(told, dict):
        raise ValueError("no mapping")
    return told
