"""Figures of a policy: known answers for a policy whose scores stand in the texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from guardrails import Guard
from guardrails.authoring.evaluate.evaluation import EvaluationTally, judge_rows
from guardrails.authoring.evaluate.measurements import PolicyEvaluation
from guardrails.authoring.evaluate.metrics import ConfusionCounts
from guardrails.authoring.rows import ContentRow
from guardrails.types import Action
from tests.cases import each_case

RULES = """  - {id: b, on: input, when: custom.own >= 0.5, then: block}
  - {id: f, on: [input, output], when: custom.own >= 0.25, then: flag}"""

GIVEN = [
    ("0.9", "input", {"custom.own": True}),  # found
    ("0.6", "input", {"custom.own": True}),  # found
    ("0.3", "input", {"custom.own": True}),  # flagged only
    ("0.8", "input", {"benign": True}),  # a false alarm
    ("0.1", "input", {"benign": True}),
    ("none", "input", {"benign": True}),
    ("0.7", "output", {"benign": True}),  # where the rule that blocks does not look
    ("0.7", "input", {}),
    ("0.2", "input", {"hate_threatening": False}),
]


def rows(given: list[tuple[str, str, dict[str, bool]]] = GIVEN) -> Iterator[ContentRow]:
    """Yield rows of two languages."""
    for at, (text, stage, labels) in enumerate(given):
        yield ContentRow(f"f:{at}", stage, text, labels, lang="de" if at % 2 else "en", source="s")


def measured(guard: Guard, given: Iterator[ContentRow], **more: object) -> PolicyEvaluation:
    """Return what a policy does with rows."""
    tally = EvaluationTally(guard.policy, **more)
    for row, said in judge_rows(guard, given):
        if isinstance(said, str):
            tally.fail(row, said)
        else:
            tally.add(row, said)
    return tally.result()


@pytest.fixture
def result(scoring: Callable[..., Guard]) -> PolicyEvaluation:
    """What the rules do with all rows."""
    return measured(scoring(RULES), rows(), by="lang")


def test_the_decision_is_on_what_is_harmful_and_what_is_not(result: PolicyEvaluation) -> None:
    """Rows that nobody labelled are in the table of actions alone."""
    assert result.decision.counts == ConfusionCounts(tp=2, fp=1, fn=1, tn=3)
    assert result.actions == {
        (True, Action.BLOCK): 2,
        (True, Action.FLAG): 1,
        (False, Action.BLOCK): 1,
        (False, Action.FLAG): 1,
        (False, Action.ALLOW): 2,
        (None, Action.BLOCK): 1,
        (None, Action.ALLOW): 1,
    }
    assert result.rows == len(GIVEN)


def test_what_counts_as_stopped_can_be_said(scoring: Callable[..., Guard]) -> None:
    """Here a flag is enough."""
    found = measured(scoring(RULES), rows(), stopped=Action.FLAG)
    assert found.decision.counts == ConfusionCounts(tp=3, fp=2, fn=0, tn=2)


def test_each_rule_is_measured_where_it_looks(result: PolicyEvaluation) -> None:
    """By the labels of its categories, and by the scores that it reads."""
    assert result.rules["b"].counts == ConfusionCounts(tp=2, fp=1, fn=1, tn=2)
    assert result.rules["f"].counts == ConfusionCounts(tp=3, fp=2, fn=0, tn=2)
    # Scores: harmful 0.9 0.6 0.3, harmless 0.8 0.1 0; hits at ranks 1, 3, 4.
    assert result.rules["b"].auprc == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_each_category_is_measured_by_its_score(result: PolicyEvaluation) -> None:
    """Where detectors look for it, with the numbers that rules compare it with; what nothing gives is named."""
    assert [*result.categories] == ["custom.own"]
    own = result.categories["custom.own"]
    assert own.at == (0.25, 0.5)
    assert own.counts == ConfusionCounts(tp=3, fp=2, fn=0, tn=2)
    assert own.calibration is not None
    assert sum(each.rows for each in own.calibration.bins) == 7
    assert own.calibration.brier == pytest.approx((0.01 + 0.16 + 0.49 + 0.64 + 0.01 + 0 + 0.49) / 7)
    assert result.unmeasured == ("hate.threatening",)


def test_a_category_that_no_rule_names_is_found_from_half(scoring: Callable[..., Guard]) -> None:
    """As one that counts; rows where no rule asks for it say nothing."""
    guard = scoring('  - {id: n, on: input, when: count("custom.own") > 9, then: block}')
    assert measured(guard, rows()).categories["custom.own"].counts == ConfusionCounts(tp=2, fp=1, fn=1, tn=2)


def test_groups_add_up_to_the_decision(result: PolicyEvaluation) -> None:
    """By language here."""
    assert [*result.groups] == ["de", "en"]
    assert sum(result.groups.values(), ConfusionCounts()) == result.decision.counts


def test_what_fails_is_counted(scoring: Callable[..., Guard]) -> None:
    """What a failed detector leaves undecided is no decision; a row that cannot be judged is named."""
    given = [
        ("0.1 broken", "input", {"benign": True}),
        ([{"role": 7, "content": "x"}], "input", {"benign": True}),
    ]
    found = measured(scoring(RULES), rows(given))
    assert found.decision.counts == ConfusionCounts()
    assert found.errors == {"own": 1}
    assert (found.rows, found.unread) == (2, 2)
    assert found.reasons[0].startswith("f:0: the input could not be checked (crash): rule 'b'")
    assert found.reasons[1].startswith("f:1: ")


def test_the_worst_rows_are_shown(result: PolicyEvaluation) -> None:
    """False alarms with the highest scores, misses with the lowest; texts only where they are wanted."""
    assert [(case.place, case.score, case.rules) for case in result.false] == [("f:3", 0.8, ("b", "f"))]
    assert [(case.place, case.score, case.rules) for case in result.missed] == [("f:2", 0.3, ("f",))]
    assert '"text": "0.8"' in json.dumps(result.to_dict())
    assert '"text"' not in json.dumps(result.to_dict(texts=False))


def test_only_so_many_are_kept(scoring: Callable[..., Guard]) -> None:
    """The worst of them."""
    given = [(f"0.{at}", "input", {"benign": True}) for at in range(5, 10)]
    found = measured(scoring(RULES), rows(given), keep=2)
    assert [case.score for case in found.false] == [0.9, 0.8]
    assert measured(scoring(RULES), rows(given), keep=0).false == ()


def test_latency_is_of_each_detector_and_of_all(result: PolicyEvaluation) -> None:
    """In rising percentiles, all of it first."""
    assert [*result.latency] == ["total", "own"]
    for own in result.latency.values():
        assert 0 <= own[0] <= own[1] <= own[2]


@each_case("threads", [1, 3])
def test_threads_change_no_figure(threads: int, scoring: Callable[..., Guard]) -> None:
    """Each row keeps its own verdict."""
    guard = scoring(RULES)
    said = [(row.place, str(verdict.action)) for row, verdict in judge_rows(guard, rows(), threads)]
    assert said == [(row.place, str(guard.check(row.content, row.stage).action)) for row in rows()]


def test_nothing_labelled_is_nothing_known(scoring: Callable[..., Guard]) -> None:
    """No figure is made up."""
    found = measured(scoring(RULES), rows([("0.9", "input", {})]))
    assert (found.rules, found.categories) == ({}, {})
    assert found.decision.to_dict()["recall"] is None
