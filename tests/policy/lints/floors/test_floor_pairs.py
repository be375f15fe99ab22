"""Rules of two policies side by side: which fires wherever another does, and does as much."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints.floors.floor_pairs import (
    FloorPair,
    count_cases,
    does_as_much,
    is_covered,
    shorten_condition,
)
from guardrails.types import Stage
from tests.cases import each_case

RULES = """\
rules:
  - {id: low, on: [input, output], when: hate >= 0.5, then: block}
  - {id: high, on: [input, output], when: hate >= 0.9, then: block}
  - {id: other, on: input, when: violence >= 0.1, then: block}
  - {id: always, on: input, when: content.length >= 0, then: flag}
  - {id: never, on: input, when: hate > 0.5 && hate < 0.4, then: flag}
  - {id: mask, on: input, when: pii.email > 0, then: redact}
  - {id: far, on: input, when: pii.email > 0, then: flag, scope: conversation}
  - {id: late, on: input, when: pii.email > 0, then: block, stream: annotate}
  - {id: trial, on: input, when: pii.email > 0, then: block, mode: shadow}
"""


@each_case(
    ("weak", "strict", "expected"),
    [
        ("low", ["high"], False),
        ("high", ["low"], True),
        ("high", ["other"], False),
        ("low", [], False),
        ("never", [], True),
        ("low", ["high", "always"], True),
        ("mask", ["far"], True),
    ],
)
def test_a_rule_is_covered_where_others_fire_wherever_it_does(
    weak: str, strict: list[str], expected: bool, pair_of: Callable[..., FloorPair]
) -> None:
    """One or several; a rule that never fires is covered by none at all."""
    sides = {each.id: each for each in pair_of(RULES, apart=True).own}

    assert is_covered(sides[weak], [sides[name] for name in strict], Stage.INPUT) == expected


def test_cases_are_counted(pair_of: Callable[..., FloorPair]) -> None:
    """Those in which a rule fires, and those of them in which no other does; `only` leaves findings out."""
    sides = {each.id: each for each in pair_of(RULES, apart=True).own}
    answer = count_cases(sides["low"], [sides["high"]], Stage.INPUT)
    assert answer is not None
    assert answer[0] > answer[1] > 0
    assert count_cases(sides["low"], [], Stage.INPUT, lambda given: given.category == "violence") == (0, 0)


@each_case(
    ("one", "other", "does"),
    [
        ("low", "mask", True),
        ("mask", "low", False),
        ("mask", "mask", True),
        ("mask", "far", False),  # of several messages together it sees one part each
        ("far", "always", True),
        ("late", "mask", False),
        ("late", "late", True),
        ("trial", "mask", False),
    ],
)
def test_what_a_rule_does_is_compared(
    one: str, other: str, does: bool, pair_of: Callable[..., FloorPair]
) -> None:
    """By action, mode, scope and when a streamed text is judged."""
    sides = {each.id: each for each in pair_of(RULES, apart=True).own}

    assert does_as_much(sides[one].row, sides[other].row) == does


def test_shadow_rules_of_the_floor_are_none_of_its_own(pair_of: Callable[..., FloorPair]) -> None:
    """They are recorded, not enforced."""
    pair = pair_of("")
    assert [each.id for each in pair.under] == ["hate", "words", "mail", "shell"]
    assert [each.id for each in pair.own] == ["hate", "words", "mail", "shell", "trial"]


def test_conditions_stand_on_one_line() -> None:
    """Breaks are blanks, and a long one ends in dots."""
    assert shorten_condition(" a\n  && b ") == "a && b"
    assert shorten_condition("x" * 101) == "x" * 99 + "…"
