"""Words that are common in a language, by which short texts are told: `guardrails/models/language_id/common_words.txt`.

What is common in none but languages that a reader does not want is a sign of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).parents[2] / "models" / "language_id" / "common_words.txt"

NO_LANGUAGE: Final = "zxx"
"""The row of the words of programs."""


def read_common_words(written: str) -> dict[str, tuple[str, ...]]:
    """Return the words of each language, of the text of the file: `CODE: WORD …`, and on in lines that begin with blanks."""
    rows: dict[str, tuple[str, ...]] = {}
    code = ""
    for line in written.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            code, _, line = line.partition(":")
        rows[code] = (*rows.get(code, ()), *line.split())
    return rows


@cache
def languages_of_words() -> Mapping[str, frozenset[str]]:
    """Return each word with the languages in which it is common."""
    found: dict[str, set[str]] = {}
    for code, words in read_common_words(FILE.read_text(encoding="utf-8")).items():
        for word in words:
            found.setdefault(word, set()).add(code)
    return {word: frozenset(codes) for word, codes in found.items()}
