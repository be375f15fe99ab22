"""Repairs the texts for which a rule with `on_fail` fires, and finds out what is wrong with those that cannot be.

What is repaired is judged anew as if it had come so (`Pipeline.steps`): no detector is passed by.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.core.task_runner import run_tasks
from guardrails.engine.detector_task import Task
from guardrails.engine.model import NO_REPAIRS, Change, Repairs, RuleMatch
from guardrails.policy.compilation.on_fail import format_detectors
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.types import CLEAN, Action, Content, Detection, Mode, Text
from guardrails.verdicts.format_failure import FormatFailure, FormatProblem
from guardrails.wire.pointers import pointer

REPAIRED: Final = "repaired"
"""The reason of a rule that repaired what it would have acted on."""

SHORT: Final = 4
"""Characters below which a value is replaced in the words of a problem only where it stands as a word."""

QUICK: Final = 2_000
"""Characters that are repaired right where they are judged, in some milliseconds."""


@dataclass(slots=True, eq=False)
class _Attempt:
    """One rule that fires on one text."""

    match: RuleMatch
    index: int
    text: str
    bounds: Sequence[BoundDetector]
    repaired: str | None = None
    problems: tuple[FormatProblem, ...] = ()

    @property
    def rule(self) -> Rule:
        return self.match.rule

    def run(self) -> None:
        """Repair the text, or find out what is wrong with it."""
        assert self.rule.on_fail is not None
        if self.rule.on_fail.repairs:
            for bound in self.bounds:
                if bound.repair is not None and (repaired := bound.repair(self.text)) is not None:
                    self.repaired = repaired
                    return
        found = (
            bound.format_problems(self.text) for bound in self.bounds if bound.format_problems is not None
        )
        self.problems = tuple(problem for problems in found for problem in problems)


class _Repairer:
    """Makes attempts, as a detector would judge."""

    def __init__(self, attempts: Sequence[_Attempt]) -> None:
        self._attempts = attempts

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        for attempt in self._attempts:
            attempt.run()
        return [CLEAN] * len(batch)


def repair_texts(
    policies: Sequence[CompiledPolicy],
    leaves: Sequence[Leaf],
    matches: Sequence[Sequence[RuleMatch]],
    before: Repairs,
    inline: int | None,
) -> Generator[list[Task], None, tuple[Repairs, tuple[tuple[int, FormatFailure], ...]]]:
    """Repair what rules with `on_fail` fire on; return what was repaired, and the leaves that could not be, with why.

    Args:
        policies: the policies.
        leaves: all of a body.
        matches: the rules that match, by policy.
        before: what was repaired already; it is not repaired again.
        inline: the characters up to which quick tasks run right here (`run_tasks`).
    """
    attempts = [
        _Attempt(match, index, leaf.content.text, format_detectors(match.rule, policy.detectors))
        for policy, some in zip(policies, matches, strict=True)
        for match in some
        if match.rule.on_fail is not None and match.rule.mode is Mode.ENFORCE and match.reason == "matched"
        for index in match.members
        if isinstance((leaf := leaves[index]).content, Text)
    ]
    if not attempts:
        return NO_REPAIRS, ()
    size = sum(len(attempt.text) for attempt in attempts)
    bound = BoundDetector("repair", _Repairer(attempts), frozenset(), inline=size <= QUICK)
    yield from run_tasks([Task(bound, [0], [Text("")])], inline)
    done = [
        each for each in attempts if each.repaired is not None and not _touches(leaves, each.index, before)
    ]
    return _collect(leaves, done), tuple(
        (each.index, _failure(leaves, each)) for each in attempts if each not in done
    )


def _touches(leaves: Sequence[Leaf], index: int, before: Repairs) -> bool:
    return any(at in before.texts for at in _members(leaves, index))


def _members(leaves: Sequence[Leaf], index: int) -> list[int]:
    """Return the leaves that a leaf's text stands in."""
    return [at for at, _ in leaves[index].pieces] or [index]


def _collect(leaves: Sequence[Leaf], done: Sequence[_Attempt]) -> Repairs:
    texts: dict[int, str] = {}
    for each in done:
        first, *rest = _members(leaves, each.index)
        assert each.repaired is not None
        if first not in texts:  # what is left is judged anew, by other rules on it too
            texts.update({first: each.repaired, **dict.fromkeys(rest, "")})
    matches = tuple(
        RuleMatch(each.rule, Action.REDACT, REPAIRED, (*_members(leaves, each.index),)) for each in done
    )
    findings = tuple(finding for each in done for _, finding in each.match.grounds)
    return Repairs(texts, matches, findings)


def _failure(leaves: Sequence[Leaf], attempt: _Attempt) -> FormatFailure:
    assert attempt.rule.on_fail is not None
    choice = leaves[attempt.index].content.place.choice_index
    reasks = attempt.rule.on_fail.reasks
    languages = [getattr(bound.detector, "language", "text") for bound in attempt.bounds]
    return FormatFailure(
        attempt.rule.id,
        attempt.problems,
        reasks,
        choice,
        attempt.text,
        " and ".join(dict.fromkeys(languages)),
    )


def redact_problems(
    problems: Sequence[FormatProblem], changes: Iterable[tuple[str, Change]]
) -> tuple[FormatProblem, ...]:
    """Return problems of a text without the values that are replaced in it: a pointer may name keys, and the words of a validator
    may quote what it read.

    Args:
        problems: what is wrong with the text.
        changes: what is replaced, each with the text that it is a stretch of.
    """
    replaced: dict[str, str] = {}
    for text, change in changes:
        if before := text[change.start : change.end]:
            replaced[before] = change.new
            replaced[_unescape(before)] = change.new
    values = sorted(replaced.items(), key=lambda item: -len(item[0]))  # one may be part of another
    return tuple(dict.fromkeys(_redact_problem(problem, values) for problem in problems))


def _redact_problem(problem: FormatProblem, values: Sequence[tuple[str, str]]) -> FormatProblem:
    where, expected = problem.pointer, problem.expected
    for before, new in values:
        where = _replace_value(where, pointer((before,))[1:], pointer((new,))[1:])
        expected = _replace_value(expected, before, new)
    return FormatProblem(where, expected)


def _replace_value(text: str, before: str, new: str) -> str:
    bound = r"\b" if len(before) < SHORT else ""
    return re.sub(f"{bound}{re.escape(before)}{bound}", lambda _: new, text)


def _unescape(text: str) -> str:
    """Return what a stretch of a JSON string says, itself where it is none."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def rewrite_texts(tree: ContentTree, texts: Mapping[int, str]) -> None:
    """Put new texts into the leaves of a tree, and into what they are joined to."""
    for index, new in texts.items():
        leaf = tree.leaves[index]
        assert isinstance(leaf.content, Text)
        tree.leaves[index] = replace(leaf, content=replace(leaf.content, text=new))
    for index, leaf in enumerate(tree.leaves):
        if not leaf.pieces or not any(at in texts for at, _ in leaf.pieces):
            continue
        pieces: list[tuple[int, int]] = []
        whole = ""
        for at, _ in leaf.pieces:
            pieces.append((at, len(whole)))
            whole += getattr(tree.leaves[at].content, "text", "")
        assert isinstance(leaf.content, Text)
        tree.leaves[index] = replace(leaf, content=replace(leaf.content, text=whole), pieces=tuple(pieces))
