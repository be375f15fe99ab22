"""Compiles the text of a `when:` into a condition that answers true, false or unknown.

CEL wants `hate > 0.0` where people write `hate > 0`, and has no function that could see the findings. So the
expression is parsed, integer literals that meet a score become doubles, each `count("category")` becomes a
variable, so does `has(…)` of a context leaf, and the result is compiled with just the names that it uses, each term joined with
whether its context is there (`absence.py`). Offsets of errors are those of the text as written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from guardrails import taxonomy
from guardrails.policy.absence import PRESENT, guard_absent
from guardrails.policy.cel import cel, wording
from guardrails.policy.cel.condition_mistakes import find_bare_text, find_foreign_call, find_hyphenated
from guardrails.policy.cel.habits import find_habit, propose_condition
from guardrails.policy.cel.half_conditions import find_half
from guardrails.policy.names import (
    CONTEXT,
    CONTEXT_ROOTS,
    NOT_IN_CONVERSATION,
    OPTIONAL_CONTEXT,
    SAID_ELSEWHERE,
    TOOL_NAMES,
    ConditionNames,
    find_context_leaf,
    find_meant_leaf,
    fold_tool_name,
)
from guardrails.spelling import suggest_name
from guardrails.wire.lossless_json import write

COMPARISONS = frozenset({"_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"})
LITERAL = re.compile(r"""[rR]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
ARITHMETIC = frozenset({"_+_", "_-_", "_*_", "_/_"})


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
    `detectors` maps a variable to `(detector, category)`; `context` are context leaves, of which each in `presence` has a
    variable that tells whether it has a value.
    """

    text: str
    program: cel.CelProgram
    scores: tuple[str, ...]
    counts: tuple[tuple[str, str], ...]
    detectors: tuple[tuple[str, str, str], ...]
    context: tuple[str, ...]
    presence: tuple[tuple[str, str], ...] = ()

    @property
    def categories(self) -> frozenset[str]:
        """Every category that the condition names."""
        named = {category for _, category in self.counts} | {category for _, _, category in self.detectors}
        return frozenset(named.union(self.scores))

    def evaluate(self, bound: Mapping[str, object]) -> bool | None:
        """Return the truth with these names bound, None if it depends on one that is not. A leaf that is bound is there."""
        if self.presence:
            bound = {**{variable: True for variable, name in self.presence if name in bound}, **bound}
        return self.program.run(bound)

    def zeros(self) -> dict[str, object]:
        """Bind every score and count to nothing found, and leave the context unbound."""
        bound: dict[str, object] = dict.fromkeys(self.scores, 0.0)
        bound.update({variable: 0 for variable, _ in self.counts})
        bound.update({variable: 0.0 for variable, _, _ in self.detectors})
        return bound

    def bind_context(self, value_of: Callable[[str], object]) -> dict[str, object]:
        """Bind the context; `value_of` returns the value of a leaf, None for one that is absent."""
        bound: dict[str, object] = {}
        for name in self.context:
            if (value := value_of(name)) is not None:
                bound[name] = value
        bound.update({variable: name in bound for variable, name in self.presence})
        return bound

    def needs_findings(self, known: Mapping[str, object] | None = None) -> bool:
        """Tell whether CEL proves the condition false without findings, whatever the context; but what is `known` of that."""
        context = {name: value for name, value in (known or {}).items() if name in self.context}
        return self.evaluate({**self.zeros(), **context}) is False


OF_TEXTS: Final = re.compile(
    r"(?:(?:request|message|content|prompt|tool|user|client|metadata)\.[\w.]+\s*[=!]=\s*|\bin\s*\[[^\]]*|\.\w+\()$"
)
"""What stands before a text: a value that may be one and is compared, a list, a function of such a value."""
OF_NUMBERS: Final = re.compile(r"[\w.]+\s*(?:[<>]=?|[=!]=)\s*$")


class _Compiler:
    """Turns one text into a condition; collects problems on the way."""

    def __init__(self, text: str, names: ConditionNames, scope: str, *, part: bool = False) -> None:
        self.text = text
        self.part = part
        self.names = names
        self.scope = scope
        self.problems: list[ConditionProblem] = []
        self.types: dict[str, str] = {}
        self.scores: dict[str, None] = {}
        self.counts: dict[str, str] = {}
        self.detectors: dict[str, tuple[str, str]] = {}
        self.context: dict[str, None] = {}
        self.presence: dict[str, str] = {}
        self.edits: dict[tuple[int, int], str] = {}

    def compile(self) -> Condition:
        try:
            tree = cel.parse(self.text)
        except cel.CelError as error:
            # One mistake makes the parser stumble several times; the first place is the author's.
            at, message = error.problems[0]
            said, hint = wording.explain_syntax_error(message, self.text[:at])
            habit = find_habit(self.text, at)
            if habit is None and (half := find_half(self.text)):
                raise ConditionError([ConditionProblem("condition_syntax", *half)]) from None
            if habit:
                (at, said), hint = habit, ""
            if proposed := propose_condition(self.text):
                hint = f"{hint}: {proposed}" if hint.startswith("write ") else f"write {proposed}"
            raise ConditionError([ConditionProblem("condition_syntax", at, said, hint)]) from None
        self.read(tree, frozenset())
        if self.problems:
            raise ConditionError(self.problems)
        self.widen(tree)
        self.fold_names(tree)
        if self.problems:
            raise ConditionError(self.problems)
        try:
            program = cel.check(self.rewritten(), self.types)
            type_name, is_bool = program.type_name, program.is_bool
            if any(name.startswith(OPTIONAL_CONTEXT) for name in self.context):
                program = cel.check(guard_absent(self.rewritten()), self.types)
        except cel.CelError as error:
            proposed = propose_condition(self.text)
            told = [(self.back(at), *wording.explain_type_error(message)) for at, message in error.problems]
            raise ConditionError(
                [
                    ConditionProblem("condition_type", at, said, f"write {proposed}" if proposed else hint)
                    for at, said, hint in told
                ]
            ) from None
        if not (is_bool or (self.part and type_name == "dyn")):
            message = f"the condition must be true or false, but is {wording.TYPES.get(type_name, type_name)}"
            hint = "compare it: request.user.x == true" if type_name == "dyn" else "compare it: hate >= 0.8"
            raise ConditionError([ConditionProblem("condition_type", 0, message, hint)])
        return Condition(
            self.text,
            program,
            tuple(self.scores),
            tuple(self.counts.items()),
            tuple((variable, *pair) for variable, pair in self.detectors.items()),
            tuple(self.context),
            tuple(self.presence.items()),
        )

    def read(self, node: cel.CelNode, local: frozenset[str]) -> None:
        """Find every name and count in the tree."""
        dotted = node.dotted_name()
        if dotted is not None:
            if dotted.split(".", 1)[0] not in local and not dotted.startswith("@"):
                self.name(dotted, node.start())
            return
        if node.kind == "call" and node.name == "count":
            self.count(node)
            return
        if (not local and self.is_mistaken(node)) or (node.kind == "has" and self.has(node)):
            return
        if node.kind == "loop":
            if local:
                self.report(
                    "condition_syntax", node.start(), "a loop in a loop may take too long", "split the rule"
                )
            local = local | {node.name}
        for arg in node.args:
            self.read(arg, local)

    def is_mistaken(self, node: cel.CelNode) -> bool:
        """Report a part that is wrong as a whole: a function of elsewhere, a name with a hyphen, a text without its quotes."""
        if node.kind != "call":
            return False
        for find in (find_foreign_call, find_hyphenated, find_bare_text):
            if problem := find(node, self.text, self.names):
                self.report(*problem)
                return True
        return False

    def has(self, node: cel.CelNode) -> bool:
        """Make a variable of the question whether a context leaf has a value; CEL itself knows what a map has. Return whether
        the question is a mistake.
        """
        dotted = node.args[0].dotted_name()
        if dotted is None:
            return False
        leaf = find_context_leaf(dotted)
        if leaf is None and (meant := find_meant_leaf(dotted)):
            self.report(
                "unknown_name", node.args[0].start(), f"{dotted!r} is not known", f"write has({meant})"
            )
            return True
        if leaf is None:
            if dotted.split(".", 1)[0] not in CONTEXT_ROOTS:
                hint = f"write {dotted} > 0"
                message = f"has() asks whether context is known, and {dotted!r} is none: what is not found has score 0"
                self.report("condition_type", node.args[0].start(), message, hint)
        elif dotted == leaf:
            start = self.text.rindex("has", 0, node.offset + 1)
            self.edits[start, self.text.index(")", node.args[0].offset) + 1] = f"{PRESENT}{leaf}"
            self.note_presence(leaf)
        return False

    def note_presence(self, leaf: str) -> None:
        self.presence[f"{PRESENT}{leaf}"] = leaf
        self.types[f"{PRESENT}{leaf}"] = "bool"

    def name(self, dotted: str, offset: int) -> None:
        if dotted == "detector" or dotted.startswith("detector."):
            self.detector(dotted, offset)
        elif (known := find_context_leaf(dotted)) is not None:
            if self.scope == "conversation" and known.startswith(NOT_IN_CONVERSATION):
                message = f"{known!r} differs within a conversation"
                self.report("not_in_scope", offset, message, "use scope: message or part")
            self.types[known] = CONTEXT[known][0] if known in CONTEXT else "dyn"
            self.context[known] = None
            if known.startswith(OPTIONAL_CONTEXT):
                self.note_presence(known)
        elif dotted.split(".", 1)[0] in CONTEXT_ROOTS:
            proposed = propose_condition(self.text)
            hint = (
                f"write {proposed}"
                if proposed
                else SAID_ELSEWHERE.get(dotted) or suggest_name(dotted, list(CONTEXT))
            )
            self.report("unknown_name", offset, f"{dotted!r} is not known", hint)
        elif self.category(dotted, offset):
            self.types[dotted] = "double"
            self.scores[dotted] = None

    def detector(self, dotted: str, offset: int) -> None:
        _, name, category = (*dotted.split(".", 2), "", "")[:3]
        given = self.names.by_detector.get(name)
        if not name or (given is not None and not category):
            hint = f"write {dotted}.{min(given)}" if given else "write detector.<name>.<category>"
            self.report("unknown_name", offset, f"{dotted!r} names no category of a detector", hint)
        elif given is None:
            hint = suggest_name(name, sorted(self.names.by_detector))
            if any(known.startswith(f"{name}-") for known in self.names.by_detector):
                hint = "a name with '-' cannot stand in a condition: write '_' in it"
            self.report("unknown_detector", offset, f"{name!r} is not a detector of this policy", hint)
        elif not any(category in taxonomy.with_ancestors(found) for found in given):
            message = f"detector {name!r} does not give {category!r}"
            self.report("unknown_category", offset, message, suggest_name(category, sorted(given)))
        self.types[dotted] = "double"
        self.detectors[dotted] = (name, category)

    def category(self, category: str, offset: int) -> bool:
        problem = self.names.problem(category)
        if problem is None:
            return True
        code, message, hint = problem
        self.report(code, offset, message, hint or self.explain_place(category, offset))
        return False

    def explain_place(self, word: str, offset: int) -> str:
        """Return what belongs there where a word stands that names nothing: a text, or a number."""
        before = self.text[:offset]
        if OF_TEXTS.search(before):
            written = re.match(r"[\w.-]+", self.text[offset:])
            return f'a text stands in quotes: "{written[0] if written else word}"'
        return "write a number from 0 to 1, such as hate >= 0.8" if OF_NUMBERS.search(before) else ""

    def count(self, node: cel.CelNode) -> None:
        start = self.text.rindex("count", 0, node.offset + 1)
        argument = node.args[0] if len(node.args) == 1 else None
        if argument is None or argument.kind != "const" or not isinstance(argument.value, str):
            message = "count() takes one category in quotes"
            named = argument.dotted_name() if argument else None
            shown = named if named in self.names.categories else None
            hint = f'write count("{shown}")' if shown else 'write count("pii.email") >= 2'
            self.report("condition_type", start, message, hint)
            return
        if not self.category(argument.value, argument.offset + 1):
            return
        end = self.text.index(")", argument.offset + len(argument.value)) + 1
        variable = f"count_{len(self.counts)}"
        self.types[variable] = "int"
        self.counts[variable] = argument.value
        self.edits[start, end] = variable.ljust(end - start)

    def report(self, code: str, offset: int, message: str, hint: str = "") -> None:
        self.problems.append(ConditionProblem(code, offset, message, hint))

    def is_double(self, node: cel.CelNode) -> bool:
        """Tell whether a part of the expression is of type double."""
        if node.kind == "const":
            return isinstance(node.value, float)
        dotted = node.dotted_name()
        if dotted is not None:
            return self.types.get(dotted) == "double"
        if node.kind == "call" and node.name in {*ARITHMETIC, "-_", "_?_:_"}:
            return any(map(self.is_double, node.args))
        return node.kind == "call" and node.name == "double"

    def widen(self, node: cel.CelNode) -> None:
        """Make doubles of the integer literals that meet a score."""
        if (
            node.kind == "call"
            and node.name in COMPARISONS | ARITHMETIC
            and any(map(self.is_double, node.args))
        ):
            for arg in node.args:
                self.literals(arg)
            if node.name in COMPARISONS:
                self.in_range(*node.args)
                self.in_range(*reversed(node.args))
        for arg in node.args:
            self.widen(arg)

    def in_range(self, score: cel.CelNode, literal: cel.CelNode) -> None:
        """Report a score that is compared with a number which no score reaches: such a rule would sleep for ever."""
        number = literal.value
        if literal.kind != "const" or isinstance(number, bool) or not isinstance(number, int | float):
            return
        if self.types.get(score.dotted_name() or "") == "double" and not 0 <= number <= 1:
            message = f"{number} is outside 0..1, where scores are"
            percent = (
                f"write {number / 100:g} for {number} %" if 10 <= number <= 100 else "write 0.85 for 85 %"
            )
            percent = "write a number from 0 to 1, such as 0.8" if 1 < number < 10 else percent
            self.report("score_range", literal.start(), message, percent)

    def literals(self, node: cel.CelNode) -> None:
        if node.kind == "const" and isinstance(node.value, int) and not isinstance(node.value, bool):
            match = re.compile(r"-?\s*\d+(?![\dxuU.])").match(self.text, node.offset)
            if match:
                self.edits[match.end(), match.end()] = ".0"
        elif node.kind == "call" and node.name in {*ARITHMETIC, "-_"}:
            for arg in node.args:
                self.literals(arg)

    def fold_names(self, node: cel.CelNode) -> None:
        """Write the names of tools in one form where they are compared with a tool's, which is given in that form."""
        if node.kind == "call" and any(arg.dotted_name() in TOOL_NAMES for arg in node.args):
            for arg in node.args:
                self.fold_literals(arg, is_pattern=node.name == "matches")
        for arg in node.args:
            self.fold_names(arg)

    def fold_literals(self, node: cel.CelNode, *, is_pattern: bool) -> None:
        for each in node.walk():
            literal = LITERAL.match(self.text, each.offset) if isinstance(each.value, str) else None
            if literal is None or each.kind != "const":
                continue
            folded = f"(?i){each.value}" if is_pattern else fold_tool_name(str(each.value))
            if folded != each.value:
                self.edits[literal.start(), literal.end()] = write(folded)

    def rewritten(self) -> str:
        text = self.text
        for (start, end), new in sorted(self.edits.items(), reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def back(self, offset: int) -> int:
        """Map an offset of the rewritten text to the text as written."""
        shift = 0
        for (start, end), new in sorted(self.edits.items()):
            begin = start + shift
            if offset <= begin:
                break
            grown = len(new) - (end - start)
            if offset < begin + len(new):
                return min(offset - shift, end) if start < end else start
            shift += grown
        return max(0, offset - shift)


def compile_condition(text: str, names: ConditionNames, scope: str = "part") -> Condition:
    """Compile the text of a `when:`; raise `ConditionError` with all that is wrong."""
    return _Compiler(text, names, scope).compile()


def compile_term(text: str, names: ConditionNames) -> Condition:
    """Compile a part of a condition that stands where a truth value is wanted; raise `ConditionError`. Of a context leaf of any
    type only the value tells whether it is one: what is none is unknown.
    """
    return _Compiler(text, names, "part", part=True).compile()
