"""Grows the indexes of known texts of `use: similar`.

The file is written anew beside the old one and takes its place at once, so that a policy that is loaded meanwhile reads
one or the other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from guardrails import taxonomy
from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.semantic.known_texts import (
    SHOWN,
    IndexFormatError,
    KnownText,
    embed_entries,
    pack_vector,
    parse_index,
)
from guardrails.detectors.semantic.shared_models import load_embedder
from guardrails.errors import GuardrailsError
from guardrails.inference.hub.embedding import Embedder
from guardrails.text import fold_text

SUFFIX = ".jsonl"


class UnusableIndexError(GuardrailsError):
    """An index, or what should go into it, that cannot be used."""


def load_encoder(model: str, revision: str | None = None) -> Embedder:
    """Return what embeds texts: a shipped model, a folder below the current one, or a model of the hub.

    Raises:
        GuardrailsError: it cannot be had.
    """
    try:
        return load_embedder(PolicyFolder(Path.cwd()), model, revision, download=False)
    except ConfigProblems as error:
        problem = error.problems[0]
        raise UnusableIndexError(
            f"{problem.message}{f' - {problem.hint}' if problem.hint else ''}"
        ) from error


def read_entries(path: Path) -> list[KnownText]:
    """Return the entries of an index, none of one that is not there yet.

    Raises:
        GuardrailsError: it cannot be read; the place is named.
    """
    try:
        return [*parse_index(path.read_text("utf-8-sig"), plain=path.suffix != SUFFIX)]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableIndexError(f"{path}: {error}") from error
    except IndexFormatError as error:
        raise UnusableIndexError(f"{path}:{error.line}:1: invalid_index: line {error}") from error


def read_reviewed(path: Path, category: str | None, note: str | None) -> list[KnownText]:
    """Return texts that were reviewed: a `.jsonl` file with `text` and, where they say it, `category` and `note` of each
    (whatever else it holds is left out), or a text a line.

    Raises:
        GuardrailsError: it cannot be read.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableIndexError(f"{path}: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        given: Any = {"text": line.strip()}
        if path.suffix == SUFFIX:
            try:
                given = json.loads(line)
            except (ValueError, RecursionError):
                given = None
        if not isinstance(given, dict) or not isinstance(given.get("text"), str) or not given["text"].strip():
            raise UnusableIndexError(f"{path}:{number}:1: invalid_index: line has no text")
        found.append(
            KnownText(given["text"].strip(), given.get("category") or category, given.get("note") or note)
        )
    return found


def add_entries(known: Sequence[KnownText], new: Iterable[KnownText]) -> list[KnownText]:
    """Return the entries with those of the new ones whose text is not there yet, whatever its case and spaces.

    Raises:
        GuardrailsError: an entry has no category, or one that is none.
    """
    seen = {_key(entry) for entry in known}
    out = [*known]
    for entry in new:
        if entry.category is None or not taxonomy.is_valid(entry.category):
            raise UnusableIndexError(
                f"{entry.category or 'no category'!r} is no category; name one by --category"
            )
        if (mine := _key(entry)) not in seen:
            seen.add(mine)
            out.append(entry)
    return out


def _key(entry: KnownText) -> str:
    return " ".join(fold_text(entry.text).text.split())


def embed_missing(known: Sequence[KnownText], encoder: Embedder) -> list[KnownText]:
    """Return the entries, each with its vector by this model."""
    if not known:
        return []
    rows, _ = embed_entries(known, encoder)
    mine = encoder.identity[:SHOWN]
    return [
        entry if entry.by == mine and entry.vector else replace(entry, vector=pack_vector(row), by=mine)
        for entry, row in zip(known, rows, strict=True)
    ]


def find_nearest(
    known: Sequence[KnownText], text: str, encoder: Embedder, most: int = 5
) -> list[tuple[float, KnownText]]:
    """Return the entries that are nearest to a text, with the cosine of each."""
    rows, _ = embed_entries(known, encoder)
    cosines = rows @ encoder.vectors([text])[0]
    return [(float(cosines[at]), known[at]) for at in np.argsort(-cosines)[:most]]


def save(path: Path, known: Sequence[KnownText]) -> None:
    """Write an index.

    Raises:
        GuardrailsError: it cannot be written, or is no `.jsonl`.
    """
    if path.suffix != SUFFIX:
        raise UnusableIndexError(f"{path}: an index that grows is a {SUFFIX} file")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text("".join(f"{entry.to_json()}\n" for entry in known), "utf-8")
        beside.replace(path)
    except OSError as error:
        raise UnusableIndexError(f"{path}: {error.strerror or error}") from error
