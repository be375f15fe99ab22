"""Streams: what holds a reply back that could be shown as it is written, why, and how long."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from guardrails.authoring.lint.scene import LintWorkbench
from guardrails.detectors.patterns.streaming.open_prefixes import OpenPrefixes, find_open_prefixes
from guardrails.detectors.patterns.syntax_tree import CharacterClass, Node, UnsupportedPattern, parse_tree
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.patterns import PolicyPattern, find_repeats, list_patterns
from guardrails.policy.lints.scene.scene import RuleRow

TOKENS = 500
"""Tokens of a reply of usual length,"""

PER_SECOND = 50
"""and how many a hosted model writes in a second."""

LATE = f"a reply of {TOKENS} tokens at {PER_SECOND} a second is shown {TOKENS // PER_SECOND} s later than it begins"

WAYS = {
    "redact: names": "leave out redact: where each finding decides for itself",
    "counts findings": "compare the score (> 0) instead of the count",
    "joins several": "split the rule, so that each has one bound",
    "an upper bound": "leave out the upper bound",
    "an exception of it": "name texts (matches:, near:) or categories in the exception, not what the whole text is or holds",
    "of the whole text": "ask only what is known before the text is",
    "is not valid": "write stream: annotate where it may go out at once and be judged afterwards, for the record",
    "needs the whole text": "write stream: segment to have it judged passage by passage",
}
"""A part of a reason for which a rule cannot be judged as a text grows → what to do about it."""

OTHER_WAY = "write alternatives of one bound each (a >= 0.8 || b >= 0.9)"

PROSE = "a ,e"
"""Characters of which prose consists: what repeats all of them goes on through any text."""


def _held(bench: LintWorkbench) -> Iterator[tuple[RuleRow, str]]:
    """Yield the rules that hold streamed replies to their end, with the reasons."""
    reasons = bench.streamed.whole
    for row in bench.rows:
        if row.doc.id in reasons and row.doc.on_fail is None:  # which says that the whole text is wanted
            yield row, reasons[row.doc.id]


def whole_stream(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A rule with `stream: whole` holds every streamed reply to its end."""
    for row, _ in _held(bench):
        if row.doc.stream == "whole":
            message = f"rule {row.doc.id!r} holds every streamed reply to its end: {LATE}"
            yield row.found(
                "stream", message, "write stream: segment where passages can be judged one by one"
            )


def held_stream(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A rule cannot be judged as a reply grows, so that every streamed reply is held to its end."""
    for row, reason in _held(bench):
        if row.doc.stream != "whole":
            asked = ", though it says stream: segment" if row.doc.stream == "segment" else ""
            message = f"rule {row.doc.id!r} holds every streamed reply to its end{asked}: {reason}; {LATE}"
            way = next((way for part, way in WAYS.items() if part in reason), OTHER_WAY)
            field = "stream" if asked else "redact" if row.doc.redact is not None else "when"
            yield row.found(field, message, f"{way}, or write stream: whole if it is meant")


def _streamed(bench: LintWorkbench) -> Iterator[tuple[PolicyPattern, OpenPrefixes]]:
    """Yield the patterns that streamed replies wait for, with where they may be open."""
    waited = {bound.name for bound in bench.streamed.exact.values()}
    return ((row, _prefixes(row.pattern)) for row in list_patterns(bench) if row.name in waited)


_prefixes = lru_cache(maxsize=4_096)(find_open_prefixes)


def pattern_holds_stream(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A pattern cannot be followed through a text that grows, so that replies are held to their end."""
    for row, found in _streamed(bench):
        if found.kind == "whole":
            message = f"the pattern holds every streamed reply to its end: {found.reason}; {LATE}"
            yield LintFinding(row.mark, message, "write it without what cannot be followed", row.name)


def endless_pattern(bench: LintWorkbench) -> Iterator[LintFinding]:
    """A match may go on through any text, so that a streamed reply is held until it is too long, and then stopped."""
    most = bench.compiled.limits.max_hold
    then = "the stream is stopped" if bench.compiled.limits.on_limit == "block" else "it is held to its end"
    for row, found in _streamed(bench):
        if found.endless and _goes_on(row.pattern):
            message = f"a match of the pattern may go on through any text: after {most:,} characters {then}"
            yield LintFinding(
                row.mark,
                message,
                "say how long it may be, such as .{0,200}, or what ends it: [^\\n]",
                row.name,
            )


def _goes_on(pattern: str) -> bool:
    try:
        tree = parse_tree(pattern).root
    except (UnsupportedPattern, RecursionError):
        return False
    return any(each.high is None and _is_prose(each.body) for each in find_repeats(tree))


def _is_prose(node: Node) -> bool:
    return isinstance(node, CharacterClass) and set(PROSE) <= set(node.ascii)
