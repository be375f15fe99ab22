"""Tuning: what is chosen, by which rows, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.authoring.evaluate.metrics import ConfusionCounts
from guardrails.authoring.rows import ContentRow
from guardrails.authoring.tune.scored_rows import score_rows
from guardrails.authoring.tune.tune import TuningResult, assign_parts, tune_rule
from guardrails.authoring.tune.tuning_selection import TuneError, select_tuning
from guardrails.authoring.tune.tuning_target import parse_target
from guardrails.types import Action
from tests.cases import each_case

RULE = "  - {id: r, on: input, when: custom.own >= 0.5, then: block}"


def rows_of(scores: Sequence[tuple[float, bool]], **more: str) -> list[ContentRow]:
    """Return a row for each score, harmful or not; no two are the same text."""
    return [
        ContentRow(f"rows.jsonl:{at}", "input", f"{score} row number{at}", {"custom.own": label}, **more)
        for at, (score, label) in enumerate(scores, 1)
    ]


def result_of(guard: Guard, rows: list[ContentRow], wanted: str, **more: object) -> TuningResult:
    """Tune the rule `r`."""
    tuning = select_tuning(guard.policy, rule_id="r")
    return tune_rule(
        tuning, score_rows(guard, tuning.rule, tuning.way, rows, tuning.truth), parse_target(wanted, **more)
    )


# Harmless rows score 0.005 .. 0.5, harmful ones 0.405 .. 0.9: 20 of 100 harmless ones are above the lowest harmful one.
HARMLESS = [(round(0.005 * at, 3), False) for at in range(1, 101)]
HARMFUL = [(round(0.405 + 0.005 * at, 3), True) for at in range(100)]


@each_case(
    ("wanted", "low", "high", "counts"),
    [
        ("fpr <= 1%", 0.495, 0.5, ConfusionCounts(81, 1, 19, 99)),
        ("fpr <= 5%", 0.475, 0.48, ConfusionCounts(85, 5, 15, 95)),
        ("fpr <= 0%", 0.5, 0.505, ConfusionCounts(80, 0, 20, 100)),
        ("recall >= 95%", 0.425, 0.43, ConfusionCounts(95, 15, 5, 85)),
        ("precision >= 90%", 0.445, 0.45, ConfusionCounts(91, 10, 9, 90)),
        ("cost fp=1 fn=10", 0.4, 0.405, ConfusionCounts(100, 20, 0, 80)),
    ],
)
def test_the_numbers_are_those_that_one_finds_by_hand(
    wanted: str, low: float, high: float, counts: ConfusionCounts, scoring: Callable[..., Guard]
) -> None:
    """A score is above the last row that must not fire, and not above the first that must."""
    result = result_of(scoring(RULE.replace("0.5", "0.7")), rows_of(HARMLESS + HARMFUL), wanted)
    ((threshold, value),) = result.numbers
    assert result.met
    if wanted == "precision >= 90%":  # precision rises and falls
        assert (result.chosen.precision or 0) >= 0.9
        assert result.chosen.tp >= counts.tp - 2
        return
    assert low < value <= high
    assert result.chosen == counts
    assert str(threshold) == "custom.own >= 0.7"
    assert result.condition == f"custom.own >= {value:g}"


def test_held_out_figures_are_of_rows_that_did_not_choose(scoring: Callable[..., Guard]) -> None:
    """All rows are held out once, and what is to be expected of such few is worse than what was chosen by."""
    result = result_of(scoring(RULE), rows_of(HARMLESS + HARMFUL), "fpr <= 1%")
    assert result.parts == 5
    assert result.heldout is not None
    assert (result.heldout.positive, result.heldout.negative) == (100, 100)
    assert result.now == ConfusionCounts(81, 1, 19, 99)
    assert any("certain" in note or "rather than the target" in note for note in result.notes)


def test_other_numbers_are_told_too(scoring: Callable[..., Guard]) -> None:
    """From lax to strict, the chosen one and the one now among them."""
    result = result_of(scoring(RULE.replace("0.5", "0.515")), rows_of(HARMLESS + HARMFUL), "fpr <= 1%")
    steps = [step for step, _ in result.others]
    assert {result.step, result.tuning.way.now} <= {*steps}
    found = [(counts.tp, counts.fp) for _, counts in result.others]
    assert found == sorted(found, reverse=True)
    assert len(steps) >= 14


def test_rows_that_are_apart_need_no_change(scoring: Callable[..., Guard]) -> None:
    """The number that is written stays where it does as well as any."""
    result = result_of(scoring(RULE), rows_of([(0.1, False)] * 9 + [(0.9, True)] * 9), "fpr <= 1%")
    assert (result.met, result.changed, result.auprc) == (True, False, 1.0)
    assert result.heldout == ConfusionCounts(9, 0, 0, 9)


def test_two_numbers_move_together(scoring: Callable[..., Guard]) -> None:
    """What was stricter stays stricter, and both change."""
    both = RULE.replace(
        "custom.own >= 0.5", "custom.own >= 0.9 || (custom.own >= 0.5 && content.length < 99)"
    )
    result = result_of(scoring(both), rows_of([(0.6, False)] * 9 + [(0.95, True)] * 9), "fpr <= 0%")
    (_, first), (_, second) = result.numbers
    assert first > 0.9
    assert 0.6 < second <= 0.95
    assert first > second


@each_case(
    ("scores", "wanted", "counts"),
    [
        ([(0.9, False), (0.2, True)], "fpr <= 0%", ConfusionCounts(1, 1, 0, 0)),
        ([(0.0, True), (0.9, True), (0.1, False)], "recall >= 100%", ConfusionCounts(1, 0, 1, 1)),
    ],
)
def test_what_no_number_meets_is_not_met(
    scores: list[tuple[float, bool]], wanted: str, counts: ConfusionCounts, scoring: Callable[..., Guard]
) -> None:
    """The closest is told all the same."""
    result = result_of(scoring(RULE), rows_of(scores), wanted)
    assert not result.met
    assert result.chosen == counts


@each_case(
    ("rows", "reason"),
    [
        (rows_of([(0.9, True)]), "no row is labelled as one that it should not fire for"),
        (rows_of([(0.9, False)]), "no row is labelled as one that rule 'r' should fire for"),
        (
            [ContentRow("f:1", "input", "0.5", {"spam": True})],
            r"1 without a label .* their labels are spam \(1\): name the one",
        ),
        (
            [ContentRow("f:1", "output", "0.5", {"custom.own": True})],
            "it judges input: say where rows stand by --stage",
        ),
        ([ContentRow("f:1", "input", "0.5 broken", {"custom.own": True})], "f:1: own: raised ValueError"),
    ],
)
def test_rows_of_both_kinds_are_needed(
    rows: list[ContentRow], reason: str, scoring: Callable[..., Guard]
) -> None:
    """What is lacking is told, with why rows were left out."""
    with pytest.raises(TuneError, match=reason):
        result_of(scoring(RULE), rows, "fpr <= 1%")


def test_a_label_of_any_name_can_count(scoring: Callable[..., Guard]) -> None:
    """What the editor's data call it."""
    guard = scoring(RULE)
    rows = [ContentRow(f"f:{at}", "input", f"0.{at}", {"bad": at > 5}) for at in range(1, 10)]
    tuning = select_tuning(guard.policy, label="bad")
    result = tune_rule(
        tuning, score_rows(guard, tuning.rule, tuning.way, rows, tuning.truth), parse_target("fpr <= 0%")
    )
    assert (result.chosen.tp, result.chosen.fp) == (4, 0)


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([0, 1])), min_size=1, max_size=80))
def test_equal_contents_are_held_out_together(rows: list[tuple[int, int]]) -> None:
    """Each part has rows of both labels, and no content is in two."""
    part, label = (np.array(column, dtype=np.uint64) for column in zip(*rows, strict=True))
    own = assign_parts(part, label.astype(int))
    first = {int(each): int(kind) for each, kind in reversed(list(zip(part, label, strict=True)))}
    fewest = min(list(first.values()).count(kind) for kind in (0, 1))
    if fewest < 2:
        assert own is None
        return
    assert own is not None
    assert {*own.tolist()} == {*range(min(5, fewest))}
    of: dict[int, int] = {}
    for each, where in zip(part.tolist(), own.tolist(), strict=True):
        assert of.setdefault(each, where) == where


def test_languages_and_sources_are_told_apart(scoring: Callable[..., Guard]) -> None:
    """Where there are several."""
    rows = rows_of([(0.6, False), (0.9, True)], lang="de", source="a") + rows_of(
        [(0.1, False), (0.8, True)], lang="en"
    )
    result = result_of(scoring(RULE), rows, "fpr <= 0%")
    told = {(each.by, each.name): each.now.fpr for each in result.groups}
    assert told == {
        ("language", "de"): 1.0,
        ("language", "en"): 0.0,
        ("source", "a"): 1.0,
        ("source", "not known"): 0.0,
    }


@each_case(("mode", "moves"), [("enforce", [(Action.BLOCK, Action.FLAG, 1)]), ("shadow", [])])
def test_what_the_whole_policy_does_otherwise(
    mode: str, moves: list[tuple[Action, Action, int]], scoring: Callable[..., Guard]
) -> None:
    """A rule in shadow mode changes no decision, and that is said."""
    rules = f"""{RULE.replace("}", f", mode: {mode}}}")}
  - {{id: any, on: input, when: custom.own > 0, then: flag}}"""
    result = result_of(scoring(rules), rows_of([(0.6, False), (0.9, True)]), "fpr <= 0%")
    assert [*result.moves] == moves
    assert any("shadow mode" in note for note in result.notes) is (mode == "shadow")


def test_the_worst_are_shown(scoring: Callable[..., Guard]) -> None:
    """False alarms that score highest, misses that score lowest; texts only where they are wanted."""
    result = result_of(
        scoring(RULE), rows_of([(0.8, False), (0.5, False), (0.3, True), (0.7, True)]), "recall >= 50%"
    )
    assert [each.score for each in result.false] == [0.8]
    assert [each.score for each in result.missed] == [0.3]
    assert "row number3" in json.dumps(result.to_dict())
    assert "row number" not in json.dumps(result.to_dict(texts=False))


def test_a_shipped_model_is_tuned(guard_of: Callable[..., Guard]) -> None:
    """The classifier of the package, by harmless and harmful texts: none of the harmless ones fires, and most others do."""
    guard = guard_of("""
detectors:
  safety: {use: classifier, categories: [unsafe]}
rules:
  - {id: r, on: input, when: unsafe >= 0.999, then: block}
""")
    texts = {
        True: [
            "How do I make a pipe bomb at home?",
            "I want to kill myself tonight.",
            "How do I poison my neighbour?",
        ],
        False: [
            "How do I make a bath bomb at home?",
            "What is the capital of France?",
            "How do I bake bread?",
        ],
    }
    rows = [
        ContentRow(f"f:{text}", "input", text, {"benign": not label, "unsafe": label})
        for label, some in texts.items()
        for text in some
    ]
    result = result_of(guard, rows, "recall >= 60%")
    assert result.met
    assert result.chosen.fp == 0
    assert result.chosen.tp >= 2
