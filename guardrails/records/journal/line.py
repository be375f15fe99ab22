"""A line of a journal, read once, with nothing kept of it that is not needed: a process that decides moves its own records, and
what that takes is missing from its requests.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

import msgspec

from guardrails.records.kept_content.sealed_content import SealedContent

FROM_RECORD: Final = ("id", "time", "kind", "stage", "action", "tenant", "request_id")
"""What a record says by which it is found; the store has a column for each."""

FROM_PERSON: Final = ("subject", "conversation")
"""What is said of a person."""

ERASABLE: Final = (*FROM_PERSON, "salt", "content", "detection")
"""What stands beside a record, outside the chain."""


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
    told, known = _RECORD.read(record), _PERSON.read(person)
    *people, salt, kept, detection = known
    if not (salt is None or isinstance(salt, str)):
        raise ValueError("no salt")
    has_escapes = b"\\" in record or b"\\" in person
    content = None if kept is None else SealedContent.from_json(kept)
    if not (
        detection is None or (isinstance(detection, str) and detection.isascii() and detection.isprintable())
    ):
        raise ValueError("no profile")
    salt = None if salt is None else bytes.fromhex(salt)
    return Line(seq, mac, record, (*told, *people), salt, has_escapes, content, detection)


class _FieldReader:
    """Reads the values of some fields of a JSON object, None for each that it does not have. What stands in its other fields is
    not built, which takes a third of the time.

    Args:
        names: of the fields.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        fields = [(name, Any, None) for name in names]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Fields", fields)).decode

    def read(self, raw: bytes) -> tuple[Any, ...]:
        """Return the values in the order of the names.

        Raises:
            ValueError: it is no object of JSON in UTF-8.
        """
        text = raw.decode()
        try:
            return msgspec.structs.astuple(self._decode(raw))
        except msgspec.DecodeError:  # of a lone surrogate, which it refuses, if nothing else is wrong
            told = json.loads(text)
        if not isinstance(told, dict):
            raise ValueError("no mapping")
        return tuple(map(told.get, self._names))


_RECORD: Final = _FieldReader(FROM_RECORD)
_PERSON: Final = _FieldReader(ERASABLE)
