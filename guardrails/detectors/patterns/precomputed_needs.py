"""The needs of the built-in tables' rows, read from a file that was made beforehand by `literals.find_needs`.

To work it out for all of `pii` and `secrets` takes half of the time of loading them (0.7 s of 1.4 on a 2-core x86-64 box), to
read the file 3 ms. A row that is not in it, as of a policy's own patterns, is worked out as ever. A test tells when it is old.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from guardrails.detectors.patterns import literals
from guardrails.detectors.patterns.literals import LiteralNeeds

FILE: Final = Path(__file__).with_name("_needs.jsonl")
"""Made by `python -m guardrails.detectors.patterns._generate_needs`: for each row a digest of it, and what it needs."""


def look_up_needs(pattern: str, group: int, *, wide: bool) -> LiteralNeeds:
    """Return what `literals.find_needs` returns."""
    known = _load_file().get(_digest(pattern, group, wide=wide))
    return literals.find_needs(pattern, group, wide=wide) if known is None else _read(known)


def format_needs(rows: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Yield the lines of the file for some patterns, each with its group, in order and each once."""
    found = {
        _digest(pattern, group, wide=wide): literals.find_needs(pattern, group, wide=wide)
        for pattern, group in rows
        for wide in (False, True)
    }
    for digest, need in sorted(found.items(), key=lambda pair: pair[0]):
        sets = [sorted(literal.decode("latin-1") for literal in each) for each in need.literals]
        yield json.dumps([digest, sets, need.runs, need.numeric, need.others], separators=(",", ":"))


def _digest(pattern: str, group: int, *, wide: bool) -> str:
    wide = wide or pattern.startswith("(?a")  # which makes no difference to what it needs
    return hashlib.sha256(f"{group} {wide} {pattern}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


@functools.cache
def _load_file() -> Mapping[str, list[Any]]:
    try:
        text = FILE.read_text(encoding="ascii")
    except FileNotFoundError:
        return {}
    return {digest: rest for digest, *rest in map(json.loads, text.splitlines())}


def _read(known: list[Any]) -> LiteralNeeds:
    sets, runs, numeric, others = known
    found = tuple(frozenset(literal.encode("latin-1") for literal in each) for each in sets)
    return LiteralNeeds(found, tuple(runs), numeric, others)
