"""Patterns: which backtrack is told by their shape, and only where RE2 does not run them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import regex

from guardrails.detectors.patterns.table import TIMEOUT
from guardrails.policy.lints import patterns
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case

LOOPS = [
    (r"(?=x)(?:a+)+b", True),
    (r"(?=x)(?:a*)*b", True),
    (r"(?=x)(?:\w+\s?)+;", True),
    (r"(?=x)(?:\s*\w+)*;", True),
    (r"(?=x)(?:a|aa)+b", True),
    (r"(?=x)(?:\d{2,3})+;", True),
    (r"(?=x)(?:(?:ab)+c?)+;", True),
    (r"(?=x)(?:a+,)+b", False),
    (r"(?=x)(?:\s+\w+)+;", False),
    (r"(?=x)(?:\d{3})+;", False),
    (r"(?=x)(?:a++)+b", False),
    (r"(?=x)(?>a+)+b", False),
    (r"(?=x)(?:a?b)+c", False),
    (r"(?=x)(?:a+){2}b", False),
    (r"(?:a+)+b", False),
    (r"(?=x)(?:a|ab|b)+c", True),
    (r"(?=x)(?:\w|\d\d)+;", True),
    (r"(?=x)(?:a|ab)+c", False),
    (r"(?=x)(?:foo|fob|bar)+;", False),
]


@each_case(("pattern", "told"), LOOPS)
def test_nested_repetitions_without_a_separator_are_told(
    scene_of: Callable[..., LintContext], pattern: str, told: bool
) -> None:
    """A part of no fixed length, repeated, with nothing between its turns; not what RE2 runs."""
    scene = scene_of(
        f"detectors: {{p: {{use: patterns, patterns: ['{pattern}']}}}}\n"
        "rules: [{id: a, on: input, when: custom.p > 0, then: flag}]\n"
    )
    assert bool([*patterns.backtracking(scene)]) is told


EVIL = [
    (r"(?=x)x(?:a|aa)+b", "x" + "a" * 60 + "!b"),
    (r"(?=x)x(?:a{1,3}){1,20}b", "x" + "a" * 60 + "!b"),
    (r"(?=x)x(?:a|ab|b)+c", "x" + "ab" * 30 + "!c"),
    (r"(?=x)x(?:\w|\d\d)+;", "x" + "1" * 60 + "!;"),
]
"""Patterns that backtrack, and texts of sixty characters that show it."""


@pytest.mark.parametrize(("pattern", "evil"), EVIL[:2])
def test_what_is_told_does_take_too_long(
    scene_of: Callable[..., LintContext], pattern: str, evil: str
) -> None:
    """Sixty characters are enough for a pattern of that shape to run out of its time."""
    with pytest.raises(TimeoutError):
        regex.compile(pattern).search(evil, timeout=TIMEOUT)
    scene = scene_of(
        f"detectors: {{p: {{use: patterns, patterns: ['{pattern}']}}}}\n"
        "rules: [{id: a, on: input, when: custom.p > 0, then: flag}]\n"
    )
    assert len([*patterns.backtracking(scene)]) == 1


def test_a_pattern_of_a_file_is_told_at_its_line(
    scene_of: Callable[..., LintContext], tmp_path: Path
) -> None:
    """Lists in files have lines of their own, and cannot be put right from here."""
    (tmp_path / "list.txt").write_text("# patterns\nzqx\\d\n\nzqx\\d\n")
    scene = scene_of(
        "detectors: {p: {use: patterns, file: list.txt}}\nrules: [{id: a, on: input, when: custom.p > 0, then: flag}]\n"
    )
    (found,) = patterns.duplicate_pattern(scene)
    assert (found.mark.file.rpartition("/")[2], found.mark.line, found.fix) == ("list.txt", 4, None)


def test_the_time_of_two_neighbours_is_told(scene_of: Callable[..., LintContext]) -> None:
    """A note on the engine says when time may grow with the square."""
    scene = scene_of(
        "detectors: {p: {use: patterns, patterns: ['(?=x)x\\s*:?\\s*y', '(?=x)x\\s*:\\s*y']}}\n"
        "rules: [{id: a, on: input, when: custom.p > 0, then: flag}]\n"
    )
    assert ["square" in found.message for found in patterns.slow_pattern(scene)] == [True, False]


def test_every_repetition_is_seen() -> None:
    """Those inside others too."""
    tree = patterns._tree(r"(?:a+b){2,3}c*")
    assert tree is not None
    assert [(each.low, each.high) for each in patterns.find_repeats(tree)] == [(2, 3), (1, None), (0, None)]
