"""Reads words that are written without blanks between them: `pleasetellmehowitworks`.

The words are those of BERT's tokenizer (`english_words.txt`), by how common they are: of all ways to cut a row of letters
the one of the commonest words is taken. It counts where all of it is words, some of them such as sentences have; long words of
other languages, names and keys fall into crumbs. What is read is read with the first word of that kind only, in some 20 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import inf, log
from pathlib import Path
from typing import Final

SHORTEST: Final = 20
"""Letters of the shortest row."""

LONGEST: Final = 2_048
"""Letters of the longest: a model's window holds less."""

DEAREST: Final = 1.75
"""What a letter may cost on average: sentences cost 1.1 to 1.7, single words 1.9 and more, words of other languages 2.8."""

CAPITALS: Final = 8
"""Letters of which one may be a capital, where not all are: rows of Base64 have many."""

_WORDS: Final = Path(__file__).with_name("english_words.txt")
_LONGEST_WORD: Final = 16
_FEWEST_WORDS: Final = 5
_LITTLE: Final = frozenset(
    (
        *(
            "the",
            "to",
            "of",
            "and",
            "in",
            "is",
            "it",
            "for",
            "on",
            "with",
            "that",
            "this",
            "from",
            "are",
            "you",
        ),
        *("your", "me", "my", "how", "what", "all", "any", "can", "not", "do", "without"),
        *("at", "by", "be", "about", "please", "tell"),
    )
)
"""Words that sentences have."""


def read_joined_words(pieces: Sequence[str]) -> str:
    """Return the words of a row of letters; "" where it is no sentence."""
    row = pieces[0]
    capitals = sum(map(str.isupper, row))
    if len(row) > LONGEST or len(row) / CAPITALS < capitals < len(row):
        return ""
    letters = row.lower()
    if sum(map(letters.count, "aeiou")) * 4 < len(letters) or sum(each in letters for each in _LITTLE) < 2:
        return ""
    words = _cut_words(letters)
    little = sum(map(_LITTLE.__contains__, words))
    return " ".join(words) if len(words) >= _FEWEST_WORDS and little > 1 else ""


def _cut_words(letters: str) -> list[str]:
    """Return the commonest words that letters may be cut into; none where they cost too much."""
    costs = _word_costs()
    best = [0.0]
    begins = [0]
    for end in range(1, len(letters) + 1):
        cost, begin = min(
            (best[begin] + costs.get(letters[begin:end], inf), begin)
            for begin in range(max(0, end - _LONGEST_WORD), end)
        )
        best.append(cost)
        begins.append(begin)
    if best[-1] > DEAREST * len(letters):
        return []
    words: list[str] = []
    end = len(letters)
    while end:
        words.append(letters[begins[end] : end])
        end = begins[end]
    return words[::-1]


@cache
def _word_costs() -> dict[str, float]:
    """Return what each word costs: the rarer, the more."""
    return {word: log(10 + rank) for rank, word in enumerate(_WORDS.read_text("ascii").split())}
