"""What loading and streaming make of the rows of built-in tables and shipped policies, read from files that were made beforehand.

To work it out for all of `pii` and `secrets`, and to compile it, takes a second; to read it takes milliseconds, and what is
compiled then is what a text asks for. A row that is not in the files, as of a policy of somebody's own, is worked out as ever.
`policy/loading/_generate_pattern_rows.py` makes the files, a test tells when they are old.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from guardrails.detectors.patterns.dialect import Translation
from guardrails.detectors.patterns.literals import LiteralNeeds
from guardrails.detectors.patterns.streaming.open_prefixes import OpenPrefixes

ROWS: Final = Path(__file__).with_name("_rows.jsonl")
"""For each row a digest of it, the number of its group, RE2's forms and what texts need for these to match."""

PREFIXES: Final = Path(__file__).with_name("_prefixes.json.gz")
"""For each digest the open prefixes of the row, for streams alone."""


class RowKey(NamedTuple):
    """What a row is known by: its pattern, and its group as it was written."""

    pattern: str
    group: int | str


@dataclass(frozen=True, slots=True)
class PrecomputedRow:
    """What is known of a row that RE2 can run: the number of its group, RE2's forms, and what ASCII texts need, and any."""

    group: int
    forms: Translation
    ascii: LiteralNeeds
    wide: LiteralNeeds


def look_up_row(key: RowKey) -> PrecomputedRow | None:
    """Return what is known of a row, None where it is in no built-in table and no shipped policy."""
    known = _load_rows().get(_digest(key))
    if known is None:
        return None
    group, exact, superset, ascii_spans, wide_spans, ascii_needs, wide_needs = known
    needs = _read_needs(ascii_needs)
    return PrecomputedRow(
        group,
        Translation(exact, exact if superset is None else superset, ascii_spans, wide_spans),
        needs,
        needs if wide_needs is None else _read_needs(wide_needs),
    )


def look_up_prefixes(key: RowKey) -> OpenPrefixes | None:
    """Return the open prefixes of a row, None where it is in no built-in table and no shipped policy."""
    known = _load_prefixes().get(_digest(key))
    return None if known is None else OpenPrefixes(*known)


def format_rows(rows: Iterable[tuple[RowKey, PrecomputedRow]]) -> Iterator[str]:
    """Yield the lines of the file of rows, in order and each once."""
    found = {_digest(key): row for key, row in rows}
    for digest, row in sorted(found.items(), key=lambda pair: pair[0]):
        forms = row.forms
        superset = None if forms.superset == forms.exact else forms.superset
        wide = None if row.wide == row.ascii else _format_needs(row.wide)
        line = (
            *(digest, row.group, forms.exact, superset, forms.ascii_spans, forms.wide_spans),
            *(_format_needs(row.ascii), wide),
        )
        yield json.dumps(line, separators=(",", ":"))


def format_prefixes(rows: Iterable[tuple[RowKey, OpenPrefixes]]) -> bytes:
    """Return the file of open prefixes, the same bytes for the same rows."""
    found = {_digest(key): astuple(prefixes) for key, prefixes in rows}
    return gzip.compress(json.dumps(found, sort_keys=True, separators=(",", ":")).encode("ascii"), mtime=0)


def _digest(key: RowKey) -> str:
    return hashlib.sha256(f"{key.group} {key.pattern}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


@functools.cache
def _load_rows() -> Mapping[str, list[Any]]:
    try:
        text = ROWS.read_text(encoding="ascii")
    except FileNotFoundError:  # as while it is made
        return {}
    return {digest: rest for digest, *rest in map(json.loads, text.splitlines())}


@functools.cache
def _load_prefixes() -> Mapping[str, list[Any]]:
    try:
        data = PREFIXES.read_bytes()
    except FileNotFoundError:
        return {}
    found: Mapping[str, list[Any]] = json.loads(gzip.decompress(data))
    return found


def _format_needs(needs: LiteralNeeds) -> list[Any]:
    sets = [sorted(literal.decode("latin-1") for literal in each) for each in needs.literals]
    return [sets, needs.runs, needs.numeric, needs.others]


def _read_needs(known: list[Any]) -> LiteralNeeds:
    sets, runs, numeric, others = known
    found = tuple(frozenset(literal.encode("latin-1") for literal in each) for each in sets)
    return LiteralNeeds(found, tuple(runs), numeric, others)
