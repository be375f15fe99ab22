"""Reads files of hashes, with every error at its line.

Three forms, known by the first line that is no comment (`#`):

* text: a hash a line, and what follows it after a space or a comma is its id;
* CSV with a head: `hash`, and of `type`, `id`, `category`, `severity`, `distance`, `quality` what there is, in any order;
* JSON lines: objects with the same keys; `value` and `HASH_PDQ` are read as ThreatExchange exports them, other keys left alone.

A hash is 64 hexadecimal digits, of PDQ (`pdq`) or SHA-256 (`sha256`): the digits do not tell which, so a row or who reads does.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from guardrails.errors import PolicyError, PolicyErrors

KINDS: Final = ("pdq", "sha256")
"""What hashes there are."""

FARTHEST: Final = 128
"""The greatest distance that can be asked for: two pictures that have nothing in common are as far apart."""

MOST_ERRORS: Final = 100
"""Errors that are told before reading ends."""

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class HashEntry:
    """A hash of a list. `distance` is its own, or -1 where the list's holds; `quality` is what the list says, or 100."""

    hash: bytes
    kind: str
    id: str
    category: str = ""
    severity: str = ""
    distance: int = -1
    quality: int = 100


def read_hash_entries(data: bytes, file: str, kind: str = "pdq") -> list[HashEntry]:
    """Return the entries of a file; `kind` is that of rows that say none.

    Raises:
        PolicyErrors: what is wrong, line by line.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyErrors(
            [PolicyError(file, line, 1, "malformed_hash", "it is no text in UTF-8")]
        ) from error
    found, wrong = [], []
    for line, row in read_rows(lines):
        try:
            found.append(read_hash_entry(row, f"line {line}", kind))
        except ValueError as error:
            wrong.append(PolicyError(file, line, 1, "malformed_hash", str(error)))
            if len(wrong) >= MOST_ERRORS:
                break
    if wrong:
        raise PolicyErrors(wrong)
    if not found:
        raise PolicyErrors([PolicyError(file, 1, 1, "empty_list", "the file has no hash in it")])
    return found


def read_rows(lines: list[str]) -> Iterator[tuple[int, Any]]:
    """Yield the number of each line, and its row: a mapping, or what is none."""
    head: list[str] | None = None
    first = True
    for line, text in enumerate(lines, 1):
        text = text.strip()
        if not text or text.startswith("#"):
            continue
        if first and "hash" in (names := [name.strip().lower() for name in text.split(",")]):
            head = names
        elif text.startswith("{"):
            yield line, _json(text)
        elif head is not None:
            row = split_cells(text)
            yield line, dict(zip(head, row, strict=True)) if len(row) == len(head) else len(row)
        else:
            digest, _, rest = text.replace(",", " ", 1).partition(" ")
            yield line, {"hash": digest, "id": rest.strip()}
        first = False


def split_cells(row: str, comma: str = ",") -> list[str]:
    """Return the cells of a row; none where one is longer than any cell is."""
    try:
        return next(csv.reader([row], delimiter=comma), [])
    except csv.Error:
        return []


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read_hash_entry(row: Any, name: str, kind: str) -> HashEntry:
    """Return the entry of a row; `name` is the id, and `kind` the type, of one that says none. Raises `ValueError`."""
    if isinstance(row, int):
        raise ValueError(f"the row has {row} cells, and the head has another number")
    if not isinstance(row, Mapping):
        raise ValueError("the line is no JSON object")
    digest = _text(row, "hash") or _text(row, "value")
    said = (_text(row, "type") or kind).lower().removeprefix("hash_")
    if _HASH.fullmatch(digest) is None:
        raise ValueError(f"a hash has 64 hexadecimal digits, and this has {len(digest)} characters")
    if said not in KINDS:
        raise ValueError(f"type is none of {', '.join(KINDS)}")
    return HashEntry(
        bytes.fromhex(digest),
        said,
        _text(row, "id") or name,
        _text(row, "category"),
        _text(row, "severity"),
        _number(row, "distance", FARTHEST, -1),
        _number(row, "quality", 100, 100),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    """Return a cell as text without line breaks, which end it where lists are kept."""
    value = row.get(name)
    return "" if value is None else " ".join(str(value).split())


def _number(row: Mapping[str, Any], name: str, most: int, default: int) -> int:
    text = _text(row, name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise ValueError(f"{name} is no whole number from 0 to {most}")
    return int(text)
