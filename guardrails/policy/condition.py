"""Conditions: the text of a `when:` in, a checked condition out that answers true, false or unknown.

CEL wants `hate > 0.0` where people write `hate > 0`, and has no function that could see the findings. So the
expression is parsed, integer literals that meet a score become doubles, each `count("category")` becomes a
variable, and the result is compiled with just the names that it uses. Offsets of errors are those of the
text as written.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from guardrails import taxonomy
from guardrails.policy import cel

CONTEXT: dict[str, tuple[str, str]] = {
    "request.user.id": ("string", "who asks, from authentication or the library's caller"),
    "request.user.tier": ("string", "the asker's tier, from the same sources"),
    "request.tenant": ("string", "the tenant, from the same sources"),
    "request.model": ("string", "the model that was asked for"),
    "request.metadata": ("map", "free values of the caller: request.metadata.key or request.metadata['key']"),
    "message.role": ("string", "system, developer, user, assistant or tool"),
    "content.kind": ("string", "text, image, video, audio or tool_call"),
    "content.length": ("int", "characters of the text"),
    "content.language": ("string", "BCP 47 tag; 'und' while no detector tells"),
    "conversation.turns": ("int", "user messages so far, this one included"),
    "tool.name": ("string", "the tool that is defined, called or answers; '' elsewhere"),
}
"""Context leaves: name → type and meaning. `request.user.*` and `request.client.*` may have further leaves of any type."""

OPEN_CONTEXT = ("request.user.", "request.client.")
NOT_IN_CONVERSATION = ("message.", "content.", "tool.")
"""Leaves that differ within a conversation, so that a rule with that scope cannot name them."""

COMPARISONS = frozenset({"_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_", "_+_", "_-_", "_*_", "_/_"})


@dataclass(frozen=True, slots=True)
class ConditionProblem:
    """Something wrong with a condition, `offset` characters into its text."""

    code: str
    offset: int
    message: str
    hint: str = ""


class ConditionError(ValueError):
    """All problems of one condition."""

    def __init__(self, problems: list[ConditionProblem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `scores` are categories; `counts` maps a variable to the category it counts;
    `detectors` maps a variable to `(detector, category)`; `context` are context leaves."""

    text: str
    program: cel.Program
    scores: tuple[str, ...]
    counts: tuple[tuple[str, str], ...]
    detectors: tuple[tuple[str, str, str], ...]
    context: tuple[str, ...]

    @property
    def categories(self) -> frozenset[str]:
        """Every category that the condition names."""
        named = {category for _, category in self.counts} | {category for _, _, category in self.detectors}
        return frozenset(named.union(self.scores))

    def evaluate(self, bound: Mapping[str, object]) -> bool | None:
        """Return the truth with these names bound, None if it depends on one that is not."""
        return self.program.run(bound)

    def zeros(self) -> dict[str, object]:
        """Bind every score and count to nothing found, and leave the context unbound."""
        bound: dict[str, object] = dict.fromkeys(self.scores, 0.0)
        bound.update({variable: 0 for variable, _ in self.counts})
        bound.update({variable: 0.0 for variable, _, _ in self.detectors})
        return bound

    def needs_findings(self) -> bool:
        """Tell whether CEL proves the condition false without findings, whatever the context."""
        return self.evaluate(self.zeros()) is False


@dataclass(frozen=True, slots=True)
class Names:
    """What a condition may name: the categories that detectors give, by detector, and whether any detector is broken
    (then a category of the taxonomy that nobody gives is not reported: the broken one may give it)."""

    by_detector: Mapping[str, frozenset[str]]
    broken: bool = False

    def given(self, category: str) -> bool:
        """Tell whether some detector can find the category or something below it."""
        return any(
            category in taxonomy.with_ancestors(found) for found in frozenset().union(*self.by_detector.values())
        )

    def known(self) -> list[str]:
        """Return all category names, for did-you-mean."""
        return sorted({*taxonomy.CATEGORIES, *frozenset().union(*self.by_detector.values())})


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else ""


class _Compiler:
    """Turns one text into a condition; collects problems on the way."""

    def __init__(self, text: str, names: Names, scope: str) -> None:
        self.text = text
        self.names = names
        self.scope = scope
        self.problems: list[ConditionProblem] = []
        self.types: dict[str, str] = {}
        self.scores: dict[str, None] = {}
        self.counts: dict[str, str] = {}
        self.detectors: dict[str, tuple[str, str]] = {}
        self.context: dict[str, None] = {}
        self.replaced: list[tuple[int, int, str]] = []
        self.inserted: list[int] = []

    def compile(self) -> Condition:
        try:
            tree = cel.parse(self.text)
        except cel.CelError as error:
            raise ConditionError(
                [ConditionProblem("condition_syntax", at, message) for at, message in error.problems]
            ) from None
        self.read(tree, frozenset())
        if self.problems:
            raise ConditionError(self.problems)
        self.widen(tree)
        if self.problems:
            raise ConditionError(self.problems)
        try:
            program = cel.check(self.rewritten(), self.types)
        except cel.CelError as error:
            found = [ConditionProblem("condition_type", self.back(at), message) for at, message in error.problems]
            raise ConditionError(found) from None
        if not program.is_bool:
            message = f"must be true or false, but is of type {program.type_name}"
            raise ConditionError([ConditionProblem("condition_type", 0, message, "compare it: hate >= 0.8")])
        return Condition(
            self.text,
            program,
            tuple(self.scores),
            tuple(self.counts.items()),
            tuple((variable, *pair) for variable, pair in self.detectors.items()),
            tuple(self.context),
        )

    def read(self, node: cel.Node, local: frozenset[str]) -> None:
        """Find every name and count in the tree."""
        dotted = node.dotted()
        if dotted is not None:
            if dotted.split(".", 1)[0] not in local and not dotted.startswith("@"):
                self.name(dotted, node.start())
            return
        if node.kind == "call" and node.name == "count":
            self.count(node)
            return
        if node.kind == "loop":
            local = local | {node.name}
        for arg in node.args:
            self.read(arg, local)

    def name(self, dotted: str, offset: int) -> None:
        if dotted.startswith("detector."):
            self.detector(dotted, offset)
        elif (leaf := self.leaf(dotted)) is not None:
            if self.scope == "conversation" and leaf.startswith(NOT_IN_CONVERSATION):
                self.report("not_in_scope", offset, f"{leaf!r} differs within a conversation", "use scope: message or part")
            self.types[leaf] = CONTEXT[leaf][0] if leaf in CONTEXT else "dyn"
            self.context[leaf] = None
        elif dotted.split(".", 1)[0] in {"request", "message", "content", "conversation", "tool"}:
            self.report("unknown_name", offset, f"{dotted!r} is not known", _nearest(dotted, list(CONTEXT)))
        elif self.category(dotted, offset):
            self.types[dotted] = "double"
            self.scores[dotted] = None

    @staticmethod
    def leaf(dotted: str) -> str | None:
        """Return the context leaf that a chain of names begins with, or None."""
        if dotted.startswith("request.metadata"):
            return "request.metadata" if dotted[16:17] in {"", "."} else None
        if dotted in CONTEXT:
            return dotted
        if dotted.startswith(OPEN_CONTEXT):
            return ".".join(dotted.split(".")[:3])
        return None

    def detector(self, dotted: str, offset: int) -> None:
        _, name, category = (*dotted.split(".", 2), "", "")[:3]
        if name not in self.names.by_detector:
            if not self.names.broken:
                hint = _nearest(name, sorted(self.names.by_detector))
                self.report("unknown_detector", offset, f"{name!r} is not a detector of this policy", hint)
        elif not any(category in taxonomy.with_ancestors(found) for found in self.names.by_detector[name]):
            known = sorted(self.names.by_detector[name])
            self.report("unknown_category", offset, f"detector {name!r} does not give {category!r}", _nearest(category, known))
        self.types[dotted] = "double"
        self.detectors[dotted] = (name, category)

    def category(self, category: str, offset: int) -> bool:
        if self.names.given(category):
            return True
        if not taxonomy.is_valid(category):
            self.report("unknown_category", offset, f"{category!r} is not a category", _nearest(category, self.names.known()))
            return False
        if not self.names.broken:
            given = [name for name in self.names.known() if self.names.given(name) and name != "unsafe"]
            hint = _nearest(category, given) or "add a detector that gives it under 'detectors:'"
            self.report("category_without_detector", offset, f"no detector of this policy gives {category!r}", hint)
        return False

    def count(self, node: cel.Node) -> None:
        argument = node.args[0] if len(node.args) == 1 else None
        if argument is None or argument.kind != "const" or not isinstance(argument.value, str):
            self.report("condition_type", node.offset, "count() takes one category in quotes", 'write count("pii.email")')
            return
        if not self.category(argument.value, argument.offset + 1):
            return
        start = self.text.rindex("count", 0, node.offset + 1)
        end = self.text.index(")", argument.offset + len(argument.value)) + 1
        variable = f"count_{len(self.counts)}"
        self.types[variable] = "int"
        self.counts[variable] = argument.value
        self.replaced.append((start, end, variable.ljust(end - start)))

    def report(self, code: str, offset: int, message: str, hint: str = "") -> None:
        self.problems.append(ConditionProblem(code, offset, message, hint))

    def is_double(self, node: cel.Node) -> bool:
        """Tell whether a part of the expression is of type double."""
        if node.kind == "const":
            return isinstance(node.value, float)
        dotted = node.dotted()
        if dotted is not None:
            return self.types.get(dotted) == "double"
        if node.kind == "call" and node.name in {*COMPARISONS, "-_", "_?_:_"}:
            return not node.name.startswith(("_<", "_>", "_=", "_!")) and any(map(self.is_double, node.args))
        return node.kind == "call" and node.name == "double"

    def widen(self, node: cel.Node) -> None:
        """Make doubles of the integer literals that meet a score."""
        if node.kind == "call" and node.name in COMPARISONS and any(map(self.is_double, node.args)):
            for arg in node.args:
                self.literals(arg)
            if len(node.args) == 2:
                self.in_range(*node.args)
                self.in_range(*reversed(node.args))
        for arg in node.args:
            self.widen(arg)

    def in_range(self, score: cel.Node, literal: cel.Node) -> None:
        """Report a score that is compared with a number which no score reaches: such a rule would sleep for ever."""
        number = literal.value
        if literal.kind != "const" or isinstance(number, bool) or not isinstance(number, int | float):
            return
        if self.types.get(score.dotted() or "") == "double" and not 0 <= number <= 1:
            self.report("score_range", literal.start(), f"{number} is outside 0..1, where scores are", "write 0.85 for 85 %")

    def literals(self, node: cel.Node) -> None:
        if node.kind == "const" and isinstance(node.value, int) and not isinstance(node.value, bool):
            match = re.compile(r"-?\s*\d+(?![\dxuU.])").match(self.text, node.offset)
            if match and match.end() not in self.inserted:
                self.inserted.append(match.end())
        elif node.kind == "call" and node.name in {"_+_", "_-_", "_*_", "_/_", "-_"}:
            for arg in node.args:
                self.literals(arg)

    def rewritten(self) -> str:
        text = self.text
        for start, end, variable in self.replaced:
            text = text[:start] + variable + text[end:]
        self.inserted.sort()
        for offset in reversed(self.inserted):
            text = f"{text[:offset]}.0{text[offset:]}"
        return text

    def back(self, offset: int) -> int:
        """Map an offset of the rewritten text to the text as written."""
        shifted = [at + 2 * index for index, at in enumerate(self.inserted)]
        return max(0, offset - 2 * bisect_left(shifted, offset))


def compile_condition(text: str, names: Names, scope: str = "part") -> Condition:
    """Compile the text of a `when:`; raise `ConditionError` with all that is wrong."""
    return _Compiler(text, names, scope).compile()


def compile_context(text: str) -> Condition:
    """Compile a condition over the context alone (the `when:` of an exception); raise `ConditionError`."""
    return _Compiler(text, Names({}), "part").compile()


