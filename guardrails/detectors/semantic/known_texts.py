"""Reads and writes an index of known texts, which grows line by line.

A `.jsonl` file has an object a line: `text`, and optionally `category`, `note` (where it was seen, by whom it was
reviewed) and `vector` with `by`: the embedding of the text at 8 bits and the digest of the model that made it, so that a
large index need not be embedded at each start (`guardrails index`). Any other file has a text a line, `#` starts a comment.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from guardrails.inference.hub.embedding import Embedder
from guardrails.inference.safety.scores import Scores

FIELDS: Final = ("text", "category", "note", "vector", "by")

SCALE: Final = 127.0
"""Of a component of 1 at 8 bits."""

SHOWN: Final = 16
"""Characters of a model's digest that a vector carries."""


class IndexFormatError(ValueError):
    """A line that is no entry; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class KnownText:
    """One known text. `vector` are 8-bit numbers in base64, made by the model whose digest begins with `by`."""

    text: str
    category: str | None = None
    note: str | None = None
    vector: str | None = None
    by: str | None = None
    line: int = 0

    def to_json(self) -> str:
        """Return the line of the entry."""
        given = {name: getattr(self, name) for name in FIELDS}
        return json.dumps(
            {name: value for name, value in given.items() if value is not None}, ensure_ascii=False
        )


def parse_index(content: str, *, plain: bool) -> Iterator[KnownText]:
    """Yield the entries of a file.

    Raises:
        IndexFormatError: a line is none.
    """
    for number, line in enumerate(content.split("\n"), 1):
        stripped = line.strip()
        if not stripped or (plain and stripped.startswith("#")):
            continue
        yield KnownText(stripped, line=number) if plain else _entry(stripped, number)


def _entry(line: str, number: int) -> KnownText:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise IndexFormatError(number, "is no JSON") from error
    if not isinstance(given, dict) or not isinstance(given.get("text"), str) or not given["text"].strip():
        raise IndexFormatError(number, "has no text")
    unknown = sorted({*given} - {*FIELDS})
    if unknown:
        raise IndexFormatError(number, f"has a field {unknown[0]!r}, which is none of {', '.join(FIELDS)}")
    wrong = [name for name in FIELDS if not isinstance(given.get(name), str | None)]
    if wrong:
        raise IndexFormatError(number, f"has a {wrong[0]!r} that is no text")
    return KnownText(**given, line=number)


def pack_vector(vector: Scores) -> str:
    """Return a vector of length 1 as text."""
    return base64.b64encode(np.round(vector * SCALE).astype(np.int8).tobytes()).decode()


def embed_entries(entries: Sequence[KnownText], encoder: Embedder) -> tuple[Scores, int]:
    """Return the vectors of entries, one row each, and how many had to be made.

    Raises what the encoder raises, and `IndexFormatError` for a vector that cannot be read.
    """
    mine = encoder.identity[:SHOWN]
    kept = {
        at: _unpack_vector(entry) for at, entry in enumerate(entries) if entry.vector and entry.by == mine
    }
    missing = [at for at in range(len(entries)) if at not in kept]
    rows: dict[int, Scores] = {**kept}
    if missing:
        rows |= zip(missing, encoder.vectors([entries[at].text for at in missing]), strict=True)
    widths = {len(row) for row in rows.values()}
    if len(widths) > 1:
        odd = next(at for at in kept if len(kept[at]) != max(widths))
        raise IndexFormatError(entries[odd].line, "has a vector of another width")
    return np.array([rows[at] for at in range(len(entries))], dtype=np.float32), len(missing)


def _unpack_vector(entry: KnownText) -> Scores:
    try:
        row = np.frombuffer(base64.b64decode(entry.vector or "", validate=True), dtype=np.int8)
    except (ValueError, binascii.Error) as error:
        raise IndexFormatError(entry.line, "has a vector that is no base64") from error
    length = float(np.linalg.norm(row.astype(np.float32)))
    if not length:
        raise IndexFormatError(entry.line, "has a vector of length 0")
    return np.asarray(row.astype(np.float32) / length)
