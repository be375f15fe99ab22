"""Regular expressions: those that backtrack, that match nearly any text, and that are there twice.

What RE2 runs takes time that is linear in the text, whatever the expression. What it cannot run (look-around, back-references)
is run by `regex`, which tries one way after another under a time-out; there the shape of the expression counts. The ambiguity
of repetitions is that of Berglund, Drewes and van der Merwe, "Analyzing catastrophic backtracking behavior" (2014), as far as
sets of characters tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import regex

from guardrails.detectors import read_list_file
from guardrails.detectors.patterns import syntax_tree
from guardrails.detectors.patterns.patterns_detector import PatternsConfig, PatternsDetector
from guardrails.detectors.patterns.table import TIMEOUT, CompiledRow, display_pattern
from guardrails.policy.lints.issue import Fix, LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.source import Mark

MANY = 8
"""Repetitions from which a bounded one counts as endless here."""

HARMLESS = (
    "What is the capital of France?", "Please send me the report by Monday.", "ok", "Thank you!", "The quick brown fox jumps.",
    "Bread, milk and two eggs", "How do I sort a list?", "It rained all day in Porto", "Hello there", "See you tomorrow then",
)  # fmt: skip
"""Texts of which a pattern that is meant to find something finds few."""

FOUND_IN = 0.8
"""The share of them from which a pattern finds nearly anything."""

SHORT = 2

DELIMITED = re.compile(r"/(.+)/([dgimsuvxy]*)", re.DOTALL)
"""How JavaScript, Perl and others write a pattern, with its flags."""
SITE = re.compile(
    r"(?:(?<![\\\w.])|(?<=\\b))\w+(?:\.\w+)*\.(?:com|net|org|io|edu|gov|de|uk|example)(?![\w.*+?{])"
)
"""The name of a site as it is written in prose."""

PHRASE = re.compile(r"(?<![\\\w])[a-z]{3,}(?: |\\s[+*]?)[a-z]{3,}")
"""Two words as they are written in patterns."""


@dataclass(frozen=True, slots=True)
class PolicyPattern:
    """A pattern of a policy: its text, where it stands, what it was compiled to, and how to take it out."""

    name: str
    pattern: str
    mark: Mark
    entry: CompiledRow
    key: object
    fix: Fix | None = None


def list_patterns(scene: LintContext) -> Iterator[PolicyPattern]:
    """Yield every pattern of the policy's detectors of that kind, of their files too."""
    for name, declared in scene.policy.detectors.items():
        detector = scene.bounds[name].detector
        if not isinstance(declared.config, PatternsConfig) or not isinstance(detector, PatternsDetector):
            continue
        by_text = {entry.row.pattern: entry for entry in detector.table.entries}
        item = declared.item
        for index, each in enumerate(declared.config.patterns):
            bare = isinstance(each, str)
            pattern = each if isinstance(each, str) else each.pattern
            mark = item.mark(("patterns", index) if bare else ("patterns", index, "pattern"))
            source, path = item.place(("patterns",))
            key = (name, each if isinstance(each, str) else each.model_dump_json())
            yield PolicyPattern(name, pattern, mark, by_text[pattern], key, Fix(source, path, index))
        yield from _of_file(name, declared.config, item, by_text)


def _of_file(
    name: str, config: PatternsConfig, item: PolicyItem, by_text: dict[str, CompiledRow]
) -> Iterator[PolicyPattern]:
    if config.file is not None:
        for place, pattern in read_list_file(item, config.file):
            yield PolicyPattern(name, pattern, Mark(*place), by_text[pattern], (name, pattern))


def duplicate_pattern(scene: LintContext) -> Iterator[LintFinding]:
    """A pattern stands in its list twice."""
    first: dict[object, PolicyPattern] = {}
    for row in list_patterns(scene):
        before = first.setdefault(row.key, row)
        if before is not row:
            at = f"{before.mark.file}:{before.mark.line}"
            yield LintFinding(
                row.mark,
                f"pattern {display_pattern(row.pattern)} is there already ({at})",
                "remove it",
                row.name,
                row.fix,
            )


def matches_anything(scene: LintContext) -> Iterator[LintFinding]:
    """A pattern is found in nearly any text."""
    for row in list_patterns(scene):
        found = sum(_is_found(row.entry, text) for text in HARMLESS)
        if found >= FOUND_IN * len(HARMLESS):
            message = f"pattern {display_pattern(row.pattern)} is found in {found} of {len(HARMLESS)} harmless sentences"
            yield LintFinding(
                row.mark, message, "write what must stand beside it, or how long it is", row.name
            )


def _is_found(entry: CompiledRow, text: str) -> bool:
    try:
        return entry.slow.search(text, timeout=TIMEOUT) is not None
    except TimeoutError:
        return False


def short_pattern(scene: LintContext) -> Iterator[LintFinding]:
    """A pattern is one or two characters without an edge, so that it is found within words."""
    for row in list_patterns(scene):
        tree = _tree(row.pattern)
        parts = [] if tree is None else _flat(tree)
        if 0 < len(parts) <= SHORT and all(
            isinstance(part, syntax_tree.CharacterClass) and len(part.ascii) <= 10 for part in parts
        ):
            message = f"pattern {display_pattern(row.pattern)} is found within words: it is {len(parts)} long, without an edge"
            yield LintFinding(row.mark, message, r"write \b before and after it", row.name)


def unescaped_dot(scene: LintContext) -> Iterator[LintFinding]:
    """A dot in what looks like the name of a site stands for any character."""
    for row in list_patterns(scene):
        if found := SITE.search(row.pattern):
            message = (
                f"in pattern {display_pattern(row.pattern)} the dot of {found[0]!r} stands for any character"
            )
            yield LintFinding(row.mark, message, f"write {found[0].replace('.', chr(92) + '.')!s}", row.name)


def delimited_pattern(scene: LintContext) -> Iterator[LintFinding]:
    """A pattern stands between slashes, as in JavaScript: here they are part of what is looked for."""
    for row in list_patterns(scene):
        if found := DELIMITED.fullmatch(row.pattern):
            message = f"the slashes are part of pattern {display_pattern(row.pattern)}, so that it finds nothing without them"
            flags = "".join(flag for flag in "ims" if flag in found[2])
            shown = f"(?{flags}){found[1]}" if flags else found[1]
            yield LintFinding(row.mark, message, f"write '{shown}'", row.name)


def case_matters(scene: LintContext) -> Iterator[LintFinding]:
    """A pattern of several words in lower case is not found at the beginning of a sentence."""
    for row in list_patterns(scene):
        if PHRASE.search(row.pattern) and not row.entry.slow.flags & regex.IGNORECASE:
            message = f"pattern {display_pattern(row.pattern)} is found in lower case alone"
            yield LintFinding(row.mark, message, "write (?i) before it", row.name)


def runs_slow(entry: CompiledRow) -> bool:
    """Tell whether `regex` runs a pattern, on some texts at least."""
    return entry.ascii is None or entry.wide is None or not (entry.ascii.spans and entry.wide.spans)


def backtracking(scene: LintContext) -> Iterator[LintFinding]:
    """A pattern that RE2 does not run alone has repetitions that can share a text in very many ways."""
    for row, why in _ambiguous(scene, slow=True):
        message = (
            f"pattern {display_pattern(row.pattern)} backtracks: {why}; a text made for it takes more than {TIMEOUT} s, "
            "which is an error of the detector"
        )
        cure = "put something between the turns, make a repetition possessive (++), or avoid look-around"
        yield LintFinding(row.mark, message, cure, row.name)


def nested_repetition(scene: LintContext) -> Iterator[LintFinding]:
    """A pattern would backtrack elsewhere; here RE2 runs it, in linear time, as long as nothing is added that RE2 lacks."""
    for row, why in _ambiguous(scene, slow=False):
        message = f"pattern {display_pattern(row.pattern)} would backtrack if RE2 did not run it: {why}"
        yield LintFinding(row.mark, message, "write one repetition: (?:a+)+ is a+", row.name)


def _ambiguous(scene: LintContext, *, slow: bool) -> Iterator[tuple[PolicyPattern, str]]:
    for row in list_patterns(scene):
        tree = _tree(row.pattern) if runs_slow(row.entry) is slow else None
        if tree is not None and (why := next(filter(None, map(_loops, find_repeats(tree))), "")):
            yield row, why


def slow_pattern(scene: LintContext) -> Iterator[LintFinding]:
    """A pattern is run by `regex`, not by RE2: its time is not bound to be linear."""
    for row in list_patterns(scene):
        if row.entry.ascii is None:
            tree = _tree(row.pattern)
            square = tree is not None and any(_neighbours(_flat(each)) for each in _nodes(tree))
            more = "; its time may grow with the square of the text, as repetitions of the same characters follow each other"
            message = (
                f"pattern {display_pattern(row.pattern)} is not run by RE2, but by a slower engine with a time-out of {TIMEOUT} s"
                f"{more if square else ''}"
            )
            cure = "avoid look-around, back-references and possessive repetitions where that is possible"
            yield LintFinding(row.mark, message, cure, row.name)


def _tree(pattern: str) -> syntax_tree.Node | None:
    try:
        return syntax_tree.parse_tree(pattern).root
    except (syntax_tree.UnsupportedPattern, RecursionError):
        return None


def _flat(node: syntax_tree.Node) -> list[syntax_tree.Node]:
    """Return the parts of a sequence, groups opened."""
    if isinstance(node, syntax_tree.Concatenation):
        return [each for part in node.parts for each in _flat(part)]
    if isinstance(node, syntax_tree.Group):
        return _flat(node.body)
    return [node]


def _inner(node: syntax_tree.Node) -> tuple[syntax_tree.Node, ...]:
    if isinstance(node, syntax_tree.Concatenation):
        return node.parts
    if isinstance(node, syntax_tree.Alternation):
        return node.ways
    if isinstance(node, syntax_tree.Conditional):
        return (node.then, node.otherwise)
    return (
        (node.body,)
        if isinstance(node, syntax_tree.Group | syntax_tree.Repetition | syntax_tree.Lookaround)
        else ()
    )


def _endless(node: syntax_tree.Node) -> bool:
    return (
        isinstance(node, syntax_tree.Repetition)
        and node.kind != "possessive"
        and (node.high is None or node.high >= MANY)
    )


def _nodes(node: syntax_tree.Node) -> Iterator[syntax_tree.Node]:
    """Yield every part of a pattern, the whole first."""
    yield node
    for each in _inner(node):
        yield from _nodes(each)


def find_repeats(node: syntax_tree.Node) -> Iterator[syntax_tree.Repetition]:
    """Yield every repetition in a pattern."""
    return (each for each in _nodes(node) if isinstance(each, syntax_tree.Repetition))


def _loops(node: syntax_tree.Repetition) -> str:
    """Return why a repetition can match one text in very many ways, "" if it cannot for all that is seen here."""
    if not _endless(node):
        return ""
    ways = [_flat(way) for way in _ways(node.body)]
    if any(_begins(one, two, ways) for at, one in enumerate(ways) for two in (*ways[:at], *ways[at + 1 :])):
        return "what one way of a repeated choice matches, others match piece by piece"
    for parts in ways:
        for part in parts:
            others = [
                each
                for each in parts
                if each is not part and not isinstance(each, syntax_tree.Assertion | syntax_tree.Lookaround)
            ]
            own = _chars(part)
            if _varies(part) and own and not any(_separates(each, own) for each in others):
                return "a repetition stands in another, with nothing between their turns"
    return ""


def _begins(
    one: list[syntax_tree.Node], two: list[syntax_tree.Node], ways: list[list[syntax_tree.Node]]
) -> bool:
    """Tell whether a way can be the beginning of another, and the rest of that the beginning of any."""
    if (
        not one
        or len(one) > len(two)
        or not all(isinstance(part, syntax_tree.CharacterClass) for part in one)
    ):
        return False
    if not all(set(_chars(left)) & set(_chars(right)) for left, right in zip(one, two, strict=False)):
        return False
    rest = two[len(one) :]
    return not rest or any(set(_chars(rest[0])) & set(_chars(way[0])) for way in ways if way)


def _varies(node: syntax_tree.Node) -> bool:
    """Tell whether a part matches texts of several lengths, in a way that may be tried again."""
    if isinstance(node, syntax_tree.Repetition):
        return node.kind != "possessive" and node.low != node.high
    return isinstance(node, syntax_tree.Alternation) and _empty(node)


def _neighbours(parts: list[syntax_tree.Node]) -> bool:
    """Tell whether two endless repetitions of the same characters follow each other."""
    before = ""
    for part in parts:
        own = _chars(part)
        if _endless(part):
            if set(before) & set(own):
                return True
            before = own
        elif not isinstance(part, syntax_tree.Assertion | syntax_tree.Lookaround) and not _empty(part):
            before = ""
    return False


def _ways(node: syntax_tree.Node) -> tuple[syntax_tree.Node, ...]:
    only = _only(node)
    return only.ways if isinstance(only, syntax_tree.Alternation) else (node,)


def _only(node: syntax_tree.Node) -> syntax_tree.Node:
    parts = _flat(node)
    return parts[0] if len(parts) == 1 else node


def _empty(node: syntax_tree.Node) -> bool:
    """Tell whether a part may match nothing."""
    if isinstance(node, syntax_tree.Repetition):
        return node.low == 0 or node.may_be_empty
    if isinstance(node, syntax_tree.Alternation):
        return any(all(_empty(part) for part in _flat(way)) for way in node.ways)
    return isinstance(node, syntax_tree.Assertion | syntax_tree.Lookaround)


def _separates(node: syntax_tree.Node, own: str) -> bool:
    """Tell whether a part must match something that the characters of a repetition are not."""
    return (
        not _empty(node)
        and not set(_chars(node)) & set(own)
        and not isinstance(node, syntax_tree.Backreference | syntax_tree.AtomicGroup)
    )


def _chars(node: syntax_tree.Node) -> str:
    """Return the ASCII characters that a part consists of."""
    if isinstance(node, syntax_tree.CharacterClass):
        return node.ascii
    return (
        "".join(_chars(each) for each in _inner(node)) if not isinstance(node, syntax_tree.Lookaround) else ""
    )
