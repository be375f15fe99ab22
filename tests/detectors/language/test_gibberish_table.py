"""The table of trigrams: complete, small, and about language."""

from __future__ import annotations

from guardrails.detectors.language._generate_gibberish import FIRST, LETTERS, MOST
from guardrails.detectors.language._gibberish_table import BITS


def bits(first: str, second: str, last: str) -> int:
    """Return the entry of a trigram."""
    at = (LETTERS.index(first) * len(LETTERS) + LETTERS.index(second)) * len(LETTERS) + LETTERS.index(last)
    return ord(BITS[at]) - FIRST


def test_every_trigram_has_its_place() -> None:
    """One character each, from 0 to the most, less than 100 kB."""
    assert len(BITS) == len(LETTERS) ** 3 < 100_000
    assert {ord(char) - FIRST for char in BITS} <= {*range(MOST + 1)}


def test_what_languages_write_is_likely() -> None:
    """`the` is, `tqz` is not."""
    assert bits("t", "h", "e") < 15 < bits("t", "q", "z")
    assert bits("_", "_", "a") < bits("_", "_", "x")
