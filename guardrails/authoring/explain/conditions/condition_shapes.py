"""Parses a condition into its terms and what joins them, each term compiled by itself.

`&&`, `||`, `!` and `? :` join terms, all else is one (`policy/cel/terms.py`); chains of one kind are one thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from guardrails.policy.cel import cel
from guardrails.policy.cel.terms import ConditionPart, ConditionText
from guardrails.policy.condition import COMPARISONS, Condition, compile_term
from guardrails.policy.names import MAPS, ConditionNames, find_context_leaf
from guardrails.policy.streaming import TURNED

OPERATORS: Final[Mapping[str, str]] = {name: name.strip("_") for name in COMPARISONS}
"""CEL's name of a comparison, and how it is written."""


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
    layout = ConditionText(text)
    return _shape(layout.text, layout.tree, names)


def _shape(text: str, part: ConditionPart, names: ConditionNames) -> TermShape:
    """Return the shape of a part; chains of one kind are one thing."""
    own = text[part.low : part.high]
    if part.kind == "term":
        return _term(own, part.node, names)
    parts = [_shape(text, each, names) for each in part.parts]
    if part.kind in ("and", "or"):
        parts = [each for one in parts for each in (one.parts if one.kind == part.kind else (one,))]
    return TermShape(own, part.kind, tuple(parts))


def _term(text: str, node: cel.CelNode, names: ConditionNames) -> TermShape:
    condition = compile_term(text, names)
    dotted = dict.fromkeys(filter(None, (each.dotted_name() for each in node.walk())))
    keys = [name for name in dotted if find_context_leaf(name) in MAPS and name not in MAPS]
    longest = [key for key in keys if not any(other.startswith(f"{key}.") for other in keys)]
    return TermShape(text, "term", (), condition, _read_comparison(node, condition), tuple(longest))


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
