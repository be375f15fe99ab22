"""Thresholds of conditions, and the ways that they can go."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from guardrails import Finding
from guardrails.authoring.tune.thresholds import (
    LEAST,
    MOST,
    Threshold,
    build_path,
    choose_thresholds,
    find_thresholds,
    format_number,
    replace_thresholds,
)
from guardrails.policy.condition import compile_condition
from guardrails.policy.names import ConditionNames
from tests.cases import each_case

NAMES = ConditionNames({"a": frozenset({"hate", "hate.threatening", "violence"}), "b": frozenset({"hate"})})


def found(text: str) -> list[Threshold]:
    """Return the thresholds of a condition."""
    return find_thresholds(compile_condition(text, NAMES))


@each_case(
    ("condition", "scores"),
    [
        ("hate >= 0.5", {0.49: False, 0.5: True, 0.51: True}),
        ("hate > 0.5", {0.49: False, 0.5: False, 0.51: True}),
        ("!(hate < 0.5)", {0.49: False, 0.5: True}),
        ("!(hate <= 0.5)", {0.5: False, 0.51: True}),
    ],
)
def test_a_score_reaches_a_threshold_where_the_condition_holds(
    condition: str, scores: dict[float, bool]
) -> None:
    """One that is just the threshold does where the rule says "or equal", and in no other rule."""
    (threshold,) = found(condition)
    assert {score: threshold.is_reached(score) for score in scores} == scores


@each_case(
    ("text", "thresholds_"),
    [
        ("hate >= 0.85", ["hate >= 0.85"]),
        ("hate > 0", ["hate > 0"]),
        ("0.7 <= hate", ["hate >= 0.7"]),
        ("0.7 < detector.a.hate", ["detector.a.hate > 0.7"]),
        ("!(hate < 0.8)", ["hate >= 0.8"]),
        ("!(!(hate > 0.8))", ["hate > 0.8"]),
        ("!(violence <= 0.25 || hate < 0.5)", ["violence > 0.25", "hate >= 0.5"]),
        ("hate >= 0.95 || (hate >= 0.8 && content.length <= 1500)", ["hate >= 0.95", "hate >= 0.8"]),
        ('tool.name == "x" ? hate >= 0.5 : violence >= 1', ["hate >= 0.5", "violence >= 1"]),
        ("hate >= 5e-1 && hate>=.5", ["hate >= 0.5", "hate >= 0.5"]),
        # The higher these are, the more fires, or nobody knows: they are no thresholds.
        ("hate < 0.1", []),
        ("!(hate >= 0.8)", []),
        ("hate == 0.5", []),
        ("(hate >= 0.5) == true", []),
        ("hate + violence > 0.5", []),
        ("hate >= violence", []),
        ('count("hate") >= 2', []),
        ("content.length > 100", []),
        ("hate >= 0.5 ? true : false", []),
        ('["user"].exists(role, role == "user" && hate > 0.5)', []),
    ],
)
def test_thresholds_are_numbers_that_a_score_must_reach(text: str, thresholds_: list[str]) -> None:
    """In the order of the text, with where each number stands."""
    got = found(text)
    assert [str(each) for each in got] == thresholds_
    assert [float(text[each.start : each.end]) for each in got] == [each.value for each in got]


@each_case(
    ("text", "category", "nth", "numbers"),
    [
        ("hate >= 0.95 || hate >= 0.8", None, None, [0.95, 0.8]),
        ("detector.b.hate > 0 || hate >= 0.8", None, None, [0.8]),
        ("detector.b.hate > 0 || hate > 0", None, None, [0.0]),
        ("hate >= 0.95 || violence >= 0.8", "violence", None, [0.8]),
        ("detector.a.hate >= 0.95 || hate >= 0.8", "detector.a.hate", None, [0.95]),
        ("hate >= 0.95 || violence >= 0.8", "self_harm", None, []),
        ("hate >= 0.95 || violence >= 0.8", None, 2, [0.8]),
        ("hate >= 0.95 || violence >= 0.8", None, 3, []),
        ("hate >= 0.95 || violence >= 0.8", None, 0, []),
        ("detector.b.hate > 0 || hate >= 0.8", None, 1, [0.0]),
    ],
)
def test_which_are_tuned(text: str, category: str | None, nth: int | None, numbers: list[float]) -> None:
    """All between 0 and 1, of a category, or one by its place."""
    assert [each.value for each in choose_thresholds(found(text), category, nth)] == numbers


def test_numbers_are_replaced_in_place() -> None:
    """Everything else of the text stays."""
    text = "hate >= 0.95 ||\n  (hate>=.8 && content.length <= 1500) // why"
    changes = list(zip(found(text), (0.9, 0.5), strict=True))
    assert (
        replace_thresholds(text, changes) == "hate >= 0.9 ||\n  (hate>=0.5 && content.length <= 1500) // why"
    )


@each_case(
    ("value", "text"),
    [(0.5, "0.5"), (0.0, "0"), (1.0, "1"), (0.001, "0.001"), (0.99999, "0.99999"), (0.85, "0.85")],
)
def test_numbers_are_written_plainly(value: float, text: str) -> None:
    """Without an exponent, and without zeros behind."""
    assert format_number(value) == text


@given(st.lists(st.integers(1_000, 999_000).map(lambda each: each / 1_000_000), min_size=1, max_size=3))
def test_a_way_goes_from_lax_to_strict(values: list[float]) -> None:
    """Each step is at least as strict as the one before in every number, and what is written is one of them."""
    text = " || ".join(f"hate >= {format_number(each)}" for each in values)
    own = build_path(text, found(text))
    assert all(a <= b for one, two in itertools.pairwise(own.steps) for a, b in zip(one, two, strict=True))
    assert own.steps[own.now] == tuple(values)
    assert own.text_at(own.now) == text
    assert len({*own.steps}) == len(own.steps) > 100
    assert own.columns == tuple(zip(*own.steps, strict=True))


def test_the_ends_of_a_way() -> None:
    """One number may be almost anything; several keep their order until one can go no further."""
    (alone,) = build_path("hate >= 0.5", found("hate >= 0.5")).columns
    assert (alone[0], alone[-1]) == (LEAST, MOST)
    assert {0.25, 0.985, 0.9985, 0.99985} <= {*alone}
    both = build_path("hate >= 0.95 || violence >= 0.8", found("hate >= 0.95 || violence >= 0.8"))
    assert all(a > b or (a, b) in ((LEAST, LEAST), (MOST, MOST)) for a, b in both.steps)


@each_case("operator", [">=", ">"])
def test_the_steps_that_scores_reach(operator: str) -> None:
    """A score reaches the numbers below it, and itself where that is enough."""
    text = f"detector.a.hate {operator} 0.5 || violence {operator} 0.5"
    own = build_path(text, found(text))
    findings = [
        Finding("hate.threatening", 0.7, "a"),
        Finding("hate", 0.9, "b"),  # of another detector
        Finding("violence", 0.6, "b"),
    ]
    reached = own.reached_steps(findings)
    for step, score in zip(reached, (0.6, 0.7), strict=True):
        value = own.steps[step][0]
        assert value <= score if operator == ">=" else value < score
        assert own.steps[step + 1][0] > score if operator == ">=" else own.steps[step + 1][0] >= score
    assert own.reached_steps([Finding("violence", 0.0, "b")]) == []
    assert [own.counts(each) for each in findings] == [True, False, True]
