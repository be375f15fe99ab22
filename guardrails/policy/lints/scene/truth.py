"""Analyzes conditions and tries them with what detectors may find and what a request may say.

A condition is a tree of `&&`, `||`, `!` and `?:` over comparisons. Comparisons with constants change their truth only at these,
so that trying each constant, a value between neighbours and both ends is trying everything; what is no such comparison
(`startsWith`, one score with another's product, …) is an atom, tried both true and false. Where that would be more than `MOST`
trials nothing is said (`TooMany`): lint prefers silence to a false alarm.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, product
from typing import Any, Final, get_args

from guardrails.policy.cel import cel
from guardrails.policy.condition import Condition
from guardrails.policy.names import CONTEXT, OPTIONAL_CONTEXT, find_context_leaf
from guardrails.taxonomy import with_ancestors
from guardrails.types import AsksFor, Stage

Env = Mapping[str, Any]
Fn = Callable[[Env], Any]

MOST: Final = 4_096
"""Trials of one question; a usual condition needs some fifty."""

OTHER: Final = "\x00other"
"""A text that no condition compares with."""

ABSENT: Final = object()
"""What stands for the value of a leaf that has none: it equals nothing, and has no order."""

COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
    "_==_": operator.eq,
    "_!=_": operator.ne,
}
TURNED: Final[Mapping[str, str]] = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}

KINDS: Final = ("text", "image", "video", "audio", "tool_call")
ROLES: Final = ("system", "developer", "user", "assistant", "tool")
ASKED_FOR: Final = get_args(AsksFor)
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "content.kind": KINDS,
    "message.role": ROLES,
    "content.asks_for": ASKED_FOR,
}
"""Context leaves that have few values."""

OF_TEXT: Final[Mapping[str, Any]] = {"content.length": 0, "content.language": "und"}
"""Context leaves of texts, with what they are of any other content."""

LOWEST: Final[Mapping[str, int]] = {"content.length": 0, "conversation.turns": 1}


class TooMany(Exception):
    """There is too much to try."""


@lru_cache(maxsize=65_536)
def raised_variables(detector: str, category: str) -> tuple[str, ...]:
    """Return the variables that a finding raises."""
    above = with_ancestors(category)
    return (*above, *(f"detector.{detector}.{name}" for name in above))


@dataclass(frozen=True, slots=True)
class PossibleFinding:
    """What a detector may find: a category with a score of `scores` (empty: any), in contents of these kinds, at these stages."""

    detector: str
    category: str
    scores: tuple[float, ...] = ()
    kinds: frozenset[str] = frozenset(KINDS)
    stages: frozenset[Stage] = frozenset(Stage)

    def variables(self) -> tuple[str, ...]:
        """Return the variables that it raises, counts aside."""
        return raised_variables(self.detector, self.category)


@dataclass(frozen=True, slots=True)
class ConstantComparison:
    """A comparison of a name (`count hate` for a count) with a constant: `op` with the name on the left."""

    name: str
    op: str
    value: Any
    offset: int


@dataclass
class ConditionShape:
    """A condition taken apart. `findings` are its variables that detections raise, `context` those that the request sets."""

    condition: Condition
    tree: cel.CelNode
    findings: frozenset[str] = frozenset()
    context: dict[str, list[Any]] = field(default_factory=dict)
    comparisons: list[ConstantComparison] = field(default_factory=list)
    atoms: dict[str, cel.CelNode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holds = self.without(None)

    def without(self, operand: cel.CelNode | None) -> Fn:
        """Return what tells whether the condition holds; as it would be without one operand of an `&&` or `||`."""
        return _Writer(self, operand).write(self.tree)

    @property
    def scores(self) -> list[float]:
        """The constants that scores are compared with."""
        return sorted({float(each.value) for each in self.comparisons if each.name in self.findings})

    @property
    def counts(self) -> list[int]:
        """The constants that counts are compared with."""
        return sorted({int(each.value) for each in self.comparisons if each.name.startswith("count ")})


def operands(node: cel.CelNode) -> Iterator[tuple[cel.CelNode, cel.CelNode]]:
    """Yield each `&&` and `||` of a tree with each of its operands that is no such node itself."""
    for each in node.walk():
        if each.kind == "call" and each.name in ("_&&_", "_||_"):
            for arg in each.args:
                if not (arg.kind == "call" and arg.name == each.name):
                    yield each, arg


def analyze_condition(condition: Condition) -> ConditionShape:
    """Take a condition apart."""
    names = {*condition.scores, *(variable for variable, _, _ in condition.detectors)}
    counted = {f"count {category}" for _, category in condition.counts}
    return ConditionShape(condition, cel.parse(condition.text), frozenset(names | counted))


def normalize_expression(node: cel.CelNode) -> str:
    """Return an expression in one form, whatever its spaces."""
    if node.kind == "const":
        return repr(float(node.value) if type(node.value) is int else node.value)
    return f"{node.kind}:{node.name}({','.join(map(normalize_expression, node.args))})"


def name_of(node: cel.CelNode) -> str | None:
    """Return the name that an expression is: a score, a leaf, or `count hate`."""
    if node.kind == "call" and node.name == "count" and node.args:
        return f"count {node.args[0].value}"
    return node.dotted_name()


class _Writer:
    """Makes a function of a tree, and notes in its shape what occurs in it."""

    def __init__(self, shape: ConditionShape, out: cel.CelNode | None) -> None:
        self.shape = shape
        self.out = out
        self.first = out is None

    def write(self, node: cel.CelNode) -> Fn:
        if node.kind == "const":
            value = node.value
            return lambda env: value
        if node.kind == "call" and node.name in ("_&&_", "_||_"):
            kept = [arg for arg in node.args if arg is not self.out]
            parts = [self.write(arg) for arg in kept]
            if len(parts) == 1:
                return parts[0]
            left, right = parts
            if node.name == "_&&_":
                return lambda env: left(env) and right(env)
            return lambda env: left(env) or right(env)
        if node.kind == "call" and node.name == "!_":
            inner = self.write(node.args[0])
            return lambda env: not inner(env)
        if node.kind == "call" and node.name == "_?_:_":
            test, then, other = (self.write(arg) for arg in node.args)
            return lambda env: then(env) if test(env) else other(env)
        if node.kind == "call" and node.name in COMPARE and (made := self._comparison(node)):
            return made
        if node.kind == "call" and node.name == "@in" and (made := self._write_membership(node)):
            return made
        return self._write_name(node) or self._atom(node)

    def _write_name(self, node: cel.CelNode) -> Fn | None:
        """Write a leaf that is true or false, or the question whether one has a value; None for anything else."""
        if node.kind == "has" and (leaf := self._optional(node.args[0])) is not None:
            get = self._leaf(leaf, [])
            return lambda env: get(env) is not ABSENT
        dotted = node.dotted_name()
        if dotted is not None and CONTEXT.get(dotted, ("",))[0] == "bool":
            return self._leaf(dotted, [True, False])
        return None

    def _optional(self, node: cel.CelNode) -> str | None:
        """Return the context leaf that a part is, if it may be absent."""
        dotted = node.dotted_name() or ""
        return dotted if dotted.startswith(OPTIONAL_CONTEXT) and dotted == find_context_leaf(dotted) else None

    def _atom(self, node: cel.CelNode) -> Fn:
        key = f"atom {normalize_expression(node)}"
        self.shape.atoms.setdefault(key, node)
        return lambda env: env[key]

    def _leaf(self, name: str, values: Iterable[Any]) -> Fn:
        known = self.shape.context.setdefault(name, [])
        known += [value for value in values if value not in known]
        return lambda env: env[name]

    def _comparison(self, node: cel.CelNode) -> Fn | None:
        left, right = node.args
        op = node.name
        if left.kind == "const":
            left, right, op = right, left, TURNED.get(op, op)
        if left.kind == right.kind == "const":
            truth = _make_comparison(COMPARE[op], left.value, right.value)
            return lambda env: truth
        name = name_of(left)
        if right.kind != "const" or name is None or right.value is None:
            return None
        value, compare = right.value, COMPARE[op]
        if self.first:
            self.shape.comparisons.append(
                ConstantComparison(name, op, value, min(node.start(), left.start()))
            )
        if name in self.shape.findings:
            zero = 0 if name.startswith("count ") else 0.0
            return lambda env: compare(env.get(name, zero), value)
        if name.startswith("count "):
            return None
        get = self._leaf(name, [value])
        return lambda env: _make_comparison(compare, get(env), value)

    def _write_membership(self, node: cel.CelNode) -> Fn | None:
        item, listed = node.args
        name = item.dotted_name()
        values = [arg.value for arg in listed.args]
        if name is None or name in self.shape.findings or listed.kind != "other" or None in values:
            return None
        if any(arg.kind != "const" for arg in listed.args):
            return None
        if self.first:
            self.shape.comparisons += [
                ConstantComparison(name, "in", arg.value, arg.offset)
                for arg in listed.args
                if arg.kind == "const"
            ]
        get = self._leaf(name, values)
        return lambda env: get(env) in values


def _make_comparison(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    try:
        return compare(left, right)
    except TypeError:  # a text that is compared with a number is an error at run time
        return False


def pick_scores(constants: Collection[float]) -> list[float]:
    """Return scores among which each comparison with these constants comes out in each way; 0 is nothing found."""
    inner = sorted({each for each in constants if 0 < each <= 1})
    edges = [0.0, *inner, 1.0]
    between = [(low + high) / 2 for low, high in pairwise(edges) if low < high]
    return sorted({*inner, *between, 1.0})


def pick_values(name: str, constants: Sequence[Any]) -> list[Any]:
    """Return values of a context leaf among which each comparison with these constants comes out in each way."""
    if name in VALUES:
        return [*VALUES[name]]
    found: list[Any] = []
    for each in constants:
        if isinstance(each, bool) or not isinstance(each, int | float):
            found.append(each)
        else:
            found += [each - 1, each, each + 1]
    if any(isinstance(each, str) for each in constants) or not constants:
        found.append(OTHER)
    if any(isinstance(each, bool) for each in constants):
        found += [True, False]
    if name.startswith(OPTIONAL_CONTEXT):
        found.append(ABSENT)
    lowest = LOWEST.get(name)
    kept = [each for each in found if lowest is None or not isinstance(each, int) or each >= lowest]
    return [*dict.fromkeys(kept)] or [lowest]


class Trials:
    """What some conditions are tried with, together.

    Args:
        shapes: the conditions.
        given: what detectors may find.
        known: context that has one value.
    """

    def __init__(
        self,
        shapes: Sequence[ConditionShape],
        given: Iterable[PossibleFinding],
        known: Mapping[str, object] | None = None,
    ) -> None:
        self._scores = pick_scores({score for each in shapes for score in each.scores})
        counts = {count for each in shapes for count in each.counts}
        self._counts = sorted({1, *(n for count in counts for n in (count - 1, count, count + 1) if n > 0)})
        names = frozenset().union(*(each.findings for each in shapes))
        by_kind = any("content.kind" in each.context for each in shapes)
        self._found: dict[object, PossibleFinding] = {}
        for each in given:
            raised = frozenset(each.variables()).intersection(
                names | {n[6:] for n in names if n[:6] == "count "}
            )
            if raised:
                self._found.setdefault((raised, each.scores, each.kinds if by_kind else None), each)
        leaves: dict[str, list[Any]] = {}
        for one in shapes:
            for name, constants in one.context.items():
                leaves.setdefault(name, []).extend(constants)
        self._context = {name: pick_values(name, constants) for name, constants in leaves.items()}
        self._context |= {name: [value] for name, value in (known or {}).items() if name in self._context}
        for name, nothing in OF_TEXT.items():
            if by_kind and nothing not in self._context.get(name, [nothing]):
                self._context[name].append(nothing)
        self._atoms = sorted({key for each in shapes for key in each.atoms})

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each combination; raises `TooMany`."""
        found = [self._ways(each) for each in self._found.values()]
        size = 1
        for some in (*found, *self._context.values(), *([0, 1] for _ in self._atoms)):
            size *= len(some)
            if size > MOST:
                raise TooMany
        for context in product(*self._context.values()):
            base = dict(zip(self._context, context, strict=True))
            kind = base.get("content.kind", "text")
            if kind != "text" and any(
                base.get(name, nothing) != nothing for name, nothing in OF_TEXT.items()
            ):
                continue
            able = [
                [None] if "content.kind" in base and kind not in each.kinds else ways
                for each, ways in zip(self._found.values(), found, strict=True)
            ]
            for atoms in product((False, True), repeat=len(self._atoms)):
                fixed = base | dict(zip(self._atoms, atoms, strict=True))
                for combination in product(*able):
                    yield _env(fixed, combination)

    def _ways(self, each: PossibleFinding) -> list[tuple[PossibleFinding, float, int] | None]:
        scores = each.scores or self._scores
        return [None, *((each, score, count) for score in scores for count in self._counts)]


def _env(
    base: Mapping[str, Any], found: Iterable[tuple[PossibleFinding, float, int] | None]
) -> dict[str, Any]:
    env = dict(base)
    for each in found:
        if each is None:
            continue
        what, score, count = each
        for name in what.variables():
            env[name] = max(env.get(name, 0.0), score)
        for name in with_ancestors(what.category):
            key = f"count {name}"
            env[key] = env.get(key, 0) + count
    return env
