"""Reads files of exchanged hashes: each record with its line and what is to be done with it.

What a file holds is told by its bytes: XML as NCMEC's API answers, JSON (one document, or one a line; the pages that APIs answer
with are opened), a table with a head, a `simple.HASH_PDQ.te` file of `threatexchange`, or lines of text: a hash and what follows,
a type and a hash, or `hash=…,quality=…` as the PDQ tools print. A pickle (`*.state.pickle`) runs code when read: it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final
from xml.parsers import expat

from guardrails.errors import PolicyError, PolicyErrors
from guardrails.media.hashes.exchange_record import HASHES, NAMED, TYPES, Said, SkippedRecord, read_record
from guardrails.media.hashes.hash_file import split_cells

PAGES: Final = ("data", "hashRecords", "results", "entries", "updates", "hashes", "contents")
"""Fields in which APIs answer with lists of records."""

DEEPEST: Final = 4
"""Lists of pages in lists of pages."""

OTHERS: Final = frozenset((
    *("md5", "video_md5", "hash_md5", "hash_video_md5", "video_sha256", "sha1", "hash_sha1", "photodna", "pdna", "vpdq"),
    *("video_vpdq", "tmk", "hash_tmk", "pdq_ocr", "raw_text", "url", "url_md5", "hash_url_md5", "trend_query", "text_tlsh"),
    *("text_tlsh_pdf", "hash_text_tlsh", "uri", "raw_uri", "domain", "debug_string"),
))  # fmt: skip
"""Types of what is no picture's hash, or of none that is matched here, with which a line of text may begin."""

ENTRIES: Final = frozenset(("image", "video", "deletedImage", "deletedVideo"))
"""Elements of NCMEC's answers that are records."""

_TE: Final = re.compile(r"simple\.([^.]+)\.te")
_GAP: Final = re.compile(r"[ \t,]+")
_OPINION: Final = re.compile(r"\b(POSITIVE_CLASS|INVESTIGATION_SEED|NEGATIVE_CLASS|DISPUTED)\b\s*(\S*)")

Row = Mapping[str, Any] | SkippedRecord | str
"""A record; or why it is skipped; or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ExchangeRecord:
    """One record of a file: its line, and what is to be done with it, or what is wrong with it."""

    line: int
    outcome: Said | str


def read_records(data: bytes, file: str, kind: str = "pdq") -> Iterator[ExchangeRecord]:
    """Yield the records of a file; `kind` is that of hashes that say none.

    Raises:
        PolicyErrors: the file as a whole cannot be read.
    """
    text = _decode_text(data, file)
    first = text.lstrip()[:1]
    form = _xml if first == "<" else _json if first in ("{", "[") else _table
    for line, row in form(text, file):
        if isinstance(row, SkippedRecord | str):
            yield ExchangeRecord(line, row)
            continue
        try:
            for said in read_record(row, kind):
                yield ExchangeRecord(line, said)
        except ValueError as error:
            yield ExchangeRecord(line, str(error))


def _unreadable(file: str, line: int, col: int, message: str, hint: str = "") -> PolicyErrors:
    return PolicyErrors([PolicyError(file, line, col, "unreadable_list", message, hint)])


def _decode_text(data: bytes, file: str) -> str:
    if data[:1] == b"\x80":
        hint = "write it by: threatexchange dataset -P --csv"
        raise _unreadable(file, 1, 1, "it is a pickle, which runs code when it is read", hint)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, line, 1, "it is no text in UTF-8") from error


def _json(text: str, file: str) -> Iterator[tuple[int, Row]]:
    """Yield the records of one document, or of one a line, with their lines."""
    decoder, at, line = json.JSONDecoder(), 0, 1
    while (begin := _after(text, at)) < len(text):
        line += text.count("\n", at, begin)
        try:
            value, at = decoder.raw_decode(text, begin)
        except json.JSONDecodeError as error:
            raise _unreadable(file, error.lineno, error.colno, f"it is no JSON: {error.msg}") from error
        except (ValueError, RecursionError) as error:
            raise _unreadable(file, line, 1, "it is too deep, or has a number that is too long") from error
        for row in _walk_document(value):
            # The records of a page stand behind one another: each is found by its hash, which is there as it is.
            found = begin if row is value else max(begin, text.find(_anchor(row), begin, at))
            line += text.count("\n", begin, found)
            begin = found
            yield line, row
        line += text.count("\n", begin, at)


def _after(text: str, at: int) -> int:
    """Return where the next character that is no space stands."""
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _anchor(row: Any) -> str:
    """Return what of a record can be found in the text."""
    for name in ("hashValue", "hash_digest", *HASHES, *NAMED) if isinstance(row, Mapping) else ():
        if isinstance(value := row.get(name), str):
            return json.dumps(value, ensure_ascii=False)
    return "\0"


def _walk_document(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the records of a document: itself, or those of its pages."""
    page = value if isinstance(value, list) else None
    if isinstance(value, dict):
        page = next((value[name] for name in PAGES if isinstance(value.get(name), list)), None)
    if page is None or depth >= DEEPEST:
        yield value
        return
    for each in page:
        yield from _walk_document(each, depth + 1)


def _table(text: str, file: str) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a table, or lines."""
    head: Sequence[str] = ()
    comma, first, named = ",", True, _TE.fullmatch(PurePath(file).name)
    for line, raw in enumerate(re.split("\r\n|\r|\n", text), 1):
        row = raw.strip(" ")
        if not row.strip() or row.startswith("#"):
            continue
        if first and not named and (found := _head(row)) is not None:
            comma, head = found
        elif named:
            yield line, _read_indicator(split_cells(row), named[1])
        elif head:
            given = split_cells(row, comma)
            wrong = f"the row has {len(given)} cells, and the head has {len(head)}"
            yield line, dict(zip(head, given, strict=True)) if len(given) == len(head) else wrong
        else:
            yield line, _line(row)
        first = False


def _head(row: str) -> tuple[str, Sequence[str]] | None:
    """Return what parts the cells of a table, and their names; None where the line is no head."""
    for comma in (",", "\t", ";"):
        names = [name.strip().strip('"').lower() for name in row.split(comma)]
        if not {*HASHES, *NAMED}.isdisjoint(names):
            return comma, names
    return None


def _read_indicator(row: Sequence[str], said: str) -> Row:
    """Return a row of a `.te` file: the indicator, its id or that of its first descriptor, when it was added, and labels."""
    if len(row) not in (4, 5):
        return f"the row has {len(row)} cells, not 4 or 5"
    labels = row[-1].split()
    opinion = "NEGATIVE_CLASS" if "false_positive" in labels else "DISPUTED" if "disputed" in labels else ""
    return {"hash": row[0], "type": said, "id": row[1], "tags": labels, "category": opinion}


def _line(row: str) -> Row:
    """Return a line: `hash=…,name=…`; a type and a hash; or a hash and its id."""
    if row.startswith("hash="):
        return dict(pair.partition("=")[::2] for pair in row.split(","))
    word, rest = (*_GAP.split(row.strip(), 1), "")[:2]
    if (name := word.lower()) in OTHERS:
        return SkippedRecord(f"signal type {name}")
    made = {"hash": word, "id": rest.strip()}
    if name in TYPES:
        digest, _, rest = rest.strip().partition(" ")
        made = {"hash": digest, "type": name}
    if (opinion := _OPINION.search(rest)) is not None:
        made |= {"id": "", "category": opinion[1], "tags": opinion[2]}
    return made


def _xml(text: str, file: str) -> Iterator[tuple[int, Row]]:
    """Yield the entries of an answer of NCMEC's API."""
    reading = _Reading()
    try:
        reading.parser.Parse(text, True)
    except expat.ExpatError as error:
        raise _unreadable(file, error.lineno, error.offset + 1, f"it is no XML: {error}") from error
    except ValueError as error:
        raise _unreadable(file, reading.parser.CurrentLineNumber, 1, str(error)) from error
    yield from reading.found


class _Reading:
    """What reads an answer of NCMEC's API, element by element."""

    def __init__(self) -> None:
        self.found: list[tuple[int, Row]] = []
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._said
        self.parser.StartDoctypeDeclHandler = self._declared
        self._path: list[str] = []
        self._row: dict[str, Any] = {}
        self._line, self._text = 1, ""

    def _declared(self, *_: object) -> None:
        raise ValueError("it declares entities, and answers of the API do not")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name, parent = tag.rpartition(":")[2], self._path[-1] if self._path else ""
        if not self._path and name != "queryResult":
            raise ValueError("it is no answer of NCMEC's API: the outermost element is queryResult there")
        self._text = ""
        if name in ENTRIES and parent in ("images", "videos"):
            what = name.removeprefix("deleted").lower()
            self._row = {"entry_type": what, "deleted": name != what, "fingerprints": {}, "feedback": {}}
            self._line = self.parser.CurrentLineNumber
        elif name == "member" and parent in ENTRIES:
            self._row["member_id"] = attributes.get("id", "")
        elif name == "negativeFeedback" and self._row:
            self._row["feedback"][attributes.get("type", "")] = [{"feedback_type": "downvote"}]
        self._path.append(name)

    def _said(self, text: str) -> None:
        self._text += text

    def _end(self, tag: str) -> None:
        name = self._path.pop()
        parent = self._path[-1] if self._path else ""
        if parent in ENTRIES and name in ("id", "classification"):
            self._row[name] = self._text.strip()
        elif parent == "fingerprints" and self._row:
            self._row["fingerprints"][name] = self._text.strip()
        elif name in ENTRIES and parent in ("images", "videos"):
            self.found.append((self._line, self._row))
            self._row = {}
