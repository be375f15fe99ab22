"""Classifies the change of a condition by a word of `LEVELS`. Where that is not certain, it may be stricter.

It is certain where they differ in thresholds alone, and nothing in them turns what holds into what does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_TOKEN: Final = re.compile(
    r"""//[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[<>=!]=|&&|\|\||[A-Za-z_][\w.]*|\S"""
)
_NUMBER: Final = re.compile(r"\d")
TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""Comparison → the same with its sides exchanged."""

RISING: Final = frozenset((">", ">="))
CALLS: Final = frozenset(("count",))
"""What may be called: a count does not fall when more is found."""


def split_tokens(condition: str) -> list[str]:
    """Return the words of a condition, without blanks and comments."""
    return [each for each in _TOKEN.findall(condition) if not each.startswith("//")]


def classify_change(old: str, new: str) -> str:
    """Return what the change of a condition is: `wording`, `laxer`, `stricter`, or `condition` where that cannot be told."""
    before, after = split_tokens(old), split_tokens(new)
    if before == after:
        return "wording"
    if len(before) != len(after) or not _is_plain(after):
        return "condition"
    found = {
        _threshold_move(before, after, at)
        for at, (a, b) in enumerate(zip(before, after, strict=True))
        if a != b
    }
    found.discard("wording")
    if not found:
        return "wording"
    return found.pop() if len(found) == 1 else "condition"


def _is_plain(words: Sequence[str]) -> bool:
    """Tell whether a condition holds more the higher the scores that it compares by `>`, and only so."""
    if {"!", "?", "false", "true", "-", "+", "*", "/", "%"} & {*words}:
        return False
    for word, then in pairwise([*words, ""]):
        if then == "(" and (word[0].isalpha() or word[0] == "_") and word not in CALLS:
            return False
        if word in ("==", "!=") and not (then[:1] in "\"'" and then):
            return False
    return all(before != ")" for before, word in pairwise(words) if word in ("==", "!="))


def _threshold_move(before: Sequence[str], after: Sequence[str], at: int) -> str:
    """Return which way a threshold moved that stands at a place of both."""
    if not (_NUMBER.match(before[at]) and _NUMBER.match(after[at])):
        return "condition"
    around = [after[at - 1] if at else "", after[at + 1] if at + 1 < len(after) else ""]
    signs = [each for each in (around[0], TURNED.get(around[1])) if each in TURNED]
    if len(signs) != 1:
        return "condition"
    was, now = float(before[at]), float(after[at])
    if was == now:
        return "wording"
    return "laxer" if (now > was) is (signs[0] in RISING) else "stricter"
