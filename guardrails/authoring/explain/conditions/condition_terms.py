"""Evaluates a condition term by term: a tree of terms, each with its truth.

    reader = ConditionReader(guard.policy)
    tree = reader.tree(rule.condition, {"hate": 0.61})
    tree.truth, tree.parts

Terms and how they are joined come from CEL's own tree (`condition_shapes.py`). Each term is evaluated by itself, by the same code
as the whole, and the truth of the whole is that of its terms put together: an unknown makes true or false of nothing that another
term decides. Where it is not, as where a value of the context is none that CEL can take, the condition is shown as one term.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from guardrails.authoring.explain.conditions.condition_shapes import (
    OPERATORS,
    BoundComparison,
    TermShape,
    parse_shape,
    readable_variables,
)
from guardrails.policy.cel import cel
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.condition import Condition, ConditionError
from guardrails.policy.names import ConditionNames
from guardrails.policy.streaming import TURNED

Truth = bool | None
Values = Mapping[str, object]

BOUNDS: Final = frozenset(OPERATORS[name] for name in TURNED)
"""Comparisons that fail by some amount."""

LONGEST: Final = 200
"""Characters of a value that are shown."""

MOST: Final = 20
"""Entries of a list or mapping that are shown."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a condition. `kind` is `term`, or what joins its `parts`: `and`, `or`, `not`, `if` (condition, then, else).

    `truth` is None where it depends on what is `unknown` (names). `values` are those that a term reads, `absent` the names of the
    context that have none; `compared` is what it compares, if it is one comparison of a name with a number.
    """

    text: str
    kind: str
    truth: Truth
    parts: tuple[Term, ...] = ()
    values: Values = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    compared: BoundComparison | None = None

    def terms(self) -> Iterable[Term]:
        """Yield the terms below, in the order of the text."""
        if self.kind == "term":
            yield self
        for part in self.parts:
            yield from part.terms()

    @property
    def short(self) -> float | None:
        """By how much a comparison with a lower or upper bound fails; None where it holds, or is none."""
        if self.compared is None or self.truth is not False or self.compared.operator not in BOUNDS:
            return None
        value = self.values.get(self.compared.name)
        return abs(self.compared.bound - value) if isinstance(value, int | float) else None

    def to_dict(self) -> dict[str, object]:
        """Return the tree as plain JSON values."""
        if self.kind != "term":
            return {
                "text": self.text,
                "kind": self.kind,
                "truth": self.truth,
                "parts": [part.to_dict() for part in self.parts],
            }
        return {
            "text": self.text,
            "kind": self.kind,
            "truth": self.truth,
            "values": {name: plain_value(value) for name, value in self.values.items()},
            "unknown": list(self.unknown),
            "absent": list(self.absent),
            "short": self.short,
        }


def join_truths(kind: str, truths: Sequence[Truth]) -> Truth:
    """Return the truth of parts together, as CEL has it: what is unknown decides nothing, and undoes nothing that is decided."""
    if kind == "not":
        return None if truths[0] is None else not truths[0]
    if kind == "if":
        return None if truths[0] is None else truths[1 if truths[0] else 2]
    decides = kind == "or"
    if decides in truths:
        return decides
    return None if None in truths else not decides


def plain_value(value: object, depth: int = 2) -> object:
    """Return a value of the context as JSON has it, not more of it than people read."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Mapping) and depth:
        some = [*value.items()][:MOST]
        return {str(key)[:LONGEST]: plain_value(inner, depth - 1) for key, inner in some}
    if isinstance(value, list | tuple) and depth:
        return [plain_value(inner, depth - 1) for inner in value[:MOST]]
    text = value if isinstance(value, str) else str(type(value).__name__)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


class ConditionReader:
    """Reads the conditions of one policy; each is taken apart once."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._names = ConditionNames({bound.name: bound.categories for bound in policy.detectors})
        self._shapes: dict[str, TermShape] = {}

    def shape(self, condition: Condition) -> TermShape:
        """Take a condition apart; one that cannot be is one term."""
        known = self._shapes.get(condition.text)
        if known is None:
            try:
                known = parse_shape(condition.text, self._names)
            except (cel.CelError, ConditionError, RecursionError):
                known = TermShape(condition.text, "term", condition=condition)
            self._shapes[condition.text] = known
        return known

    def tree(self, condition: Condition, bound: Values) -> Term:
        """Return the terms of a condition with their truth for the names that are bound."""
        shape, truth = self.shape(condition), evaluate_condition(condition, bound)
        by_name = name_values(condition, bound)
        tree = _term(shape, by_name)
        if tree.truth is truth:
            return tree
        whole = _values(TermShape(condition.text, "term", condition=condition), by_name)
        return Term(condition.text, "term", truth, (), *whole)


def evaluate_condition(condition: Condition, bound: Values) -> Truth:
    """Evaluate a condition; None where it depends on what is unknown, or on a value that CEL cannot take."""
    try:
        return condition.evaluate(bound)
    except RuntimeError:
        return None


def name_values(condition: Condition, bound: Values) -> Values:
    """Return the values by the names that people write: counts have one for each condition."""
    counts = {variable: f'count("{category}")' for variable, category in condition.counts}
    return {counts.get(name, name): value for name, value in bound.items()}


def _term(shape: TermShape, by_name: Values) -> Term:
    if shape.condition is None:
        parts = tuple(_term(part, by_name) for part in shape.parts)
        return Term(shape.text, shape.kind, join_truths(shape.kind, [part.truth for part in parts]), parts)
    own = {variable: by_name.get(name) for variable, name in readable_variables(shape.condition).items()}
    own |= {variable: by_name.get(variable) for variable, _ in shape.condition.presence}
    truth = evaluate_condition(
        shape.condition, {name: value for name, value in own.items() if value is not None}
    )
    return Term(shape.text, "term", truth, (), *_values(shape, by_name), shape.compared)


def _values(shape: TermShape, by_name: Values) -> tuple[Values, tuple[str, ...], tuple[str, ...]]:
    """Return the values that a term reads, the names whose value is not known, and those that have none."""
    assert shape.condition is not None
    variables = {name: variable for variable, name in shape.condition.presence}
    values: dict[str, object] = {}
    unknown: list[str] = []
    absent: list[str] = []
    for name in readable_variables(shape.condition).values():
        below = [key for key in shape.keys if key.startswith(f"{name}.")]
        for key in below or [name]:
            value = _below(by_name.get(name), key.removeprefix(name).split(".")[1:])
            if value is not None:
                values[key] = value
            elif name in variables and (name in by_name or variables[name] in by_name):
                absent.append(key)
            else:
                unknown.append(key)
    return values, tuple(unknown), tuple(absent)


def _below(value: object, path: Sequence[str]) -> object:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
