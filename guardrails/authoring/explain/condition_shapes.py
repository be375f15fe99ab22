"""Parses a condition into its terms and what joins them, each term compiled by itself.

The structure is that of CEL's own tree (`policy/cel.parse`): `&&`, `||`, `!` and `? :` join terms, all else is one. The tree
knows where each of these stands in the text, and so where the text of each term is; chains of one kind are one thing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from guardrails.policy.cel import cel
from guardrails.policy.condition import COMPARISONS, Condition, compile_term
from guardrails.policy.names import MAPS, ConditionNames, find_context_leaf
from guardrails.policy.streaming import TURNED

JOINS: Final[Mapping[str, str]] = {"_&&_": "and", "_||_": "or", "!_": "not", "_?_:_": "if"}
"""What joins terms: CEL's name of it, and what a tree calls it."""

OPERATORS: Final[Mapping[str, str]] = {name: name.strip("_") for name in COMPARISONS}
"""CEL's name of a comparison, and how it is written."""

_QUOTED: Final = re.compile(
    r"""//[^\n]*|[rRbB]*(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL
)
"""Comments, and what is quoted: where brackets and colons mean nothing."""

_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class BoundComparison:
    """A score, a count or a number of the context on one side of a comparison, and the number on the other.

    `name` is as conditions write it (`hate`, `count("pii")`, `detector.safety.hate`, `content.length`); `is_score` and `is_count`
    tell which of these it is; `operator` is written as if the name stood on the left.
    """

    name: str
    operator: str
    bound: float
    is_score: bool
    is_count: bool


@dataclass(frozen=True, slots=True)
class TermShape:
    """A part of a condition before it is evaluated: as a term, but with the `condition` that it is by itself."""

    text: str
    kind: str
    parts: tuple[TermShape, ...] = ()
    condition: Condition | None = None
    compared: BoundComparison | None = None
    keys: tuple[str, ...] = ()
    """Dotted names below maps of the context (`request.metadata.plan`)."""


def readable_variables(condition: Condition) -> Mapping[str, str]:
    """Return the variables of a condition with the names that people write for them."""
    counts = {variable: f'count("{category}")' for variable, category in condition.counts}
    plain_names = (
        *condition.scores,
        *(variable for variable, _, _ in condition.detectors),
        *condition.context,
    )
    return {name: name for name in plain_names} | counts


def parse_shape(text: str, names: ConditionNames) -> TermShape:
    """Take a condition apart.

    Raises:
        CelError, ConditionError, RecursionError: it cannot be; no condition of a policy that was compiled is known to do so.
    """
    return _ShapeParser(text, names).shape()


class _ShapeParser:
    """Takes one condition apart."""

    def __init__(self, text: str, names: ConditionNames) -> None:
        self.tree, self.names = cel.parse(text), names
        self.text = _QUOTED.sub(_without_comment, text)
        self.depths = _depths(self.text)

    def shape(self) -> TermShape:
        return self._of(self.tree, 0, len(self.text))

    def _of(self, node: cel.CelNode, low: int, high: int) -> TermShape:
        """Return the shape of a node whose text lies between two places, brackets and blanks around it included."""
        kind = JOINS.get(node.name) if node.kind == "call" else None
        low, high = self._bare(low, high)
        if kind is None:
            return self._term(node, low, high)
        text = self.text[low:high]
        if kind == "not":
            start = low + len(text) - len(text.lstrip("! \t\r\n"))
            return TermShape(text, kind, (self._of(node.args[0], start, high),))
        if kind == "if":
            colon = self._colon(node.offset + 1, high)
            cuts = [(low, node.offset), (node.offset + 1, colon), (colon + 1, high)]
        else:
            cuts = [(low, node.offset), (node.offset + len("&&"), high)]
        parts = [self._of(arg, *cut) for arg, cut in zip(node.args, cuts, strict=True)]
        if kind != "if":  # a chain is one thing
            parts = [each for part in parts for each in (part.parts if part.kind == kind else (part,))]
        return TermShape(text, kind, tuple(parts))

    def _bare(self, low: int, high: int) -> tuple[int, int]:
        """Return where a part lies without the blanks and brackets around it."""
        text = self.text
        while True:
            while low < high and text[low].isspace():
                low += 1
            while low < high and text[high - 1].isspace():
                high -= 1
            inner = self.depths[low + 1 : high - 1]
            if not (text[low : low + 1] == "(" and text[high - 1] == ")" and inner):
                return low, high
            if min(inner) <= self.depths[low]:
                return low, high
            low, high = low + 1, high - 1

    def _colon(self, low: int, high: int) -> int:
        """Return where the `:` of a `? :` is that goes on from a place: the first outside of brackets and quotes."""
        depth = self.depths[low]
        return next(at for at in range(low, high) if self.text[at] == ":" and self.depths[at] == depth)

    def _term(self, node: cel.CelNode, low: int, high: int) -> TermShape:
        condition = compile_term(self.text[low:high], self.names)
        dotted = dict.fromkeys(filter(None, (each.dotted_name() for each in node.walk())))
        keys = [name for name in dotted if find_context_leaf(name) in MAPS and name not in MAPS]
        longest = [key for key in keys if not any(other.startswith(f"{key}.") for other in keys)]
        return TermShape(
            self.text[low:high], "term", (), condition, _read_comparison(node, condition), tuple(longest)
        )


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


def _read_comparison(node: cel.CelNode, condition: Condition) -> BoundComparison | None:
    """Return what a term compares, if that is a name with a number."""
    if node.kind != "call" or node.name not in COMPARISONS:
        return None
    left, right = node.args
    name = node.name
    if right.kind != "const":
        left, right, name = right, left, TURNED.get(name, name)
    number = right.value
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    counts = left.kind == "call" and left.name == "count" and len(condition.counts) == 1
    dotted = f'count("{condition.counts[0][1]}")' if counts else left.dotted_name()
    if dotted is None or dotted not in readable_variables(condition).values():
        return None
    scores = {*condition.scores, *(variable for variable, _, _ in condition.detectors)}
    return BoundComparison(dotted, OPERATORS[name], float(number), dotted in scores, counts)
