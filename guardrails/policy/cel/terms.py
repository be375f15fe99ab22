"""Finds the terms of a condition in its text: what `&&`, `||`, `!` and `? :` join.

The structure is that of CEL's own tree (`cel.parse`), which knows where each of these stands in the text, and so where the text
of each term is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from guardrails.policy.cel.cel import CelNode, parse

JOINS: Final[Mapping[str, str]] = {"_&&_": "and", "_||_": "or", "!_": "not", "_?_:_": "if"}
"""What joins terms: CEL's name of it, and what a tree calls it."""

_QUOTED: Final = re.compile(
    r"""//[^\n]*|[rRbB]*(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL
)
"""Comments, and what is quoted: where brackets and colons mean nothing."""

_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class ConditionPart:
    """A part of a condition that stands from `low` to `high` of its text, brackets and blanks around it left out. `kind` is
    `term`, or what joins its `parts`.
    """

    node: CelNode
    low: int
    high: int
    kind: str
    parts: tuple[ConditionPart, ...] = ()

    def terms(self) -> Iterator[ConditionPart]:
        """Yield the terms below, in the order of the text."""
        if self.kind == "term":
            yield self
        for part in self.parts:
            yield from part.terms()


class ConditionText:
    """A condition as a tree of parts. `text` is as it was written, with blanks in the place of comments, so that offsets stay.

    Raises:
        CelError, RecursionError: it cannot be taken apart.
    """

    def __init__(self, text: str) -> None:
        tree = parse(text)
        self.text = _QUOTED.sub(_without_comment, text)
        self._depths = _depths(self.text)
        self.tree = self._part(tree, 0, len(self.text))

    def _part(self, node: CelNode, low: int, high: int) -> ConditionPart:
        """Return the part of a node whose text lies between two places, brackets and blanks around it included."""
        kind = JOINS.get(node.name) if node.kind == "call" else None
        low, high = self._bare(low, high)
        if kind is None:
            return ConditionPart(node, low, high, "term")
        if kind == "not":
            text = self.text[low:high]
            cuts = [(low + len(text) - len(text.lstrip("! \t\r\n")), high)]
        elif kind == "if":
            colon = self._colon(node.offset + 1, high)
            cuts = [(low, node.offset), (node.offset + 1, colon), (colon + 1, high)]
        else:
            cuts = [(low, node.offset), (node.offset + len("&&"), high)]
        parts = tuple(self._part(arg, *cut) for arg, cut in zip(node.args, cuts, strict=True))
        return ConditionPart(node, low, high, kind, parts)

    def _bare(self, low: int, high: int) -> tuple[int, int]:
        """Return where a part lies without the blanks and brackets around it."""
        text = self.text
        while True:
            while low < high and text[low].isspace():
                low += 1
            while low < high and text[high - 1].isspace():
                high -= 1
            inner = self._depths[low + 1 : high - 1]
            if not (text[low : low + 1] == "(" and text[high - 1] == ")" and inner):
                return low, high
            if min(inner) <= self._depths[low]:
                return low, high
            low, high = low + 1, high - 1

    def _colon(self, low: int, high: int) -> int:
        """Return where the `:` of a `? :` is that goes on from a place: the first outside of brackets and quotes."""
        depth = self._depths[low]
        return next(at for at in range(low, high) if self.text[at] == ":" and self._depths[at] == depth)


def _without_comment(match: re.Match[str]) -> str:
    """Return blanks in the place of a comment, so that offsets stay, and what is quoted as it is."""
    return " " * len(match[0]) if match[0].startswith("//") else match[0]


def _depths(text: str) -> list[int]:
    """Return for each character how many brackets are open around it; a bracket is outside of itself. Of what is quoted none
    counts, and each character is one deeper than what is around.
    """
    quoted = {at for match in _QUOTED.finditer(text) for at in range(*match.span())}
    found: list[int] = []
    depth = 0
    for at, char in enumerate(text):
        if at in quoted:
            found.append(depth + 1)
            continue
        depth -= char in _CLOSE
        found.append(depth)
        depth += char in _OPEN
    return found
