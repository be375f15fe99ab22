"""Rows as a rule sees them: what is found along the way is what the rule does when it is written so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.authoring.rows import ContentRow
from guardrails.authoring.tune.scored_rows import NEVER, ScoredRows, score_rows
from guardrails.authoring.tune.tuning_selection import Tuning, select_tuning
from guardrails.types import Action
from tests.cases import each_case, scale

RULES: dict[str, str] = {
    "plain": "- {id: r, on: input, when: custom.own >= 0.5, then: block}",
    "over": "- {id: r, on: input, when: custom.own > 0.5, then: block}",
    "by length": "- {id: r, on: input, when: custom.own >= 0.9 || (custom.own >= 0.5 && content.length <= 12), then: flag}",
    "context": '- {id: r, on: input, when: custom.own >= 0.5 && request.user.tier != "staff", then: block}',
    "not below": "- {id: r, on: input, when: '!(custom.own < 0.5)', then: block}",
    "counted": '- {id: r, on: input, when: custom.own >= 0.5 || count("custom.own") >= 3, then: block}',
}


def row(content: Any, *, label: bool | None = True, stage: str = "input", **more: Any) -> ContentRow:
    """Return a row that is of `custom.own`, is not, or nobody knows."""
    labels = {} if label is None else {"custom.own": label}
    return ContentRow(f"rows.jsonl:{content}", stage, content, labels, **more)


def ran(guard: Guard, rows: list[ContentRow], **more: Any) -> tuple[Tuning, ScoredRows]:
    """Return what is tuned in the only rule, and what becomes of rows."""
    tuning = select_tuning(guard.policy)
    return tuning, score_rows(guard, tuning.rule, tuning.way, rows, tuning.truth, **more)


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=scale(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scores=st.lists(st.sampled_from(["0", "0.3", "0.5", "0.75", "0.9", "1"]), max_size=4),
    tier=st.sampled_from(["staff", "guest"]),
)
def test_a_rule_fires_up_to_its_step_and_no_further(
    rule: str, scores: list[str], tier: str, scoring: Callable[..., Guard]
) -> None:
    """A guard with the condition as it would be written agrees, at the step, after it, and at both ends."""
    text = " ".join(scores) or "nothing"
    tuning, found = ran(scoring(f"  {RULES[rule]}"), [row(text, user={"tier": tier})])
    last = len(tuning.way.steps) - 1
    (step,) = found.step
    for at in {0, last, max(step, 0), min(step + 1, last)}:
        written = f"- {{id: r, on: input, when: '{tuning.way.text_at(at)}', then: block}}"
        verdict = scoring(f"  {written}").check(text, user={"tier": tier})
        assert verdict.blocked is (step >= at), tuning.way.text_at(at)


def test_a_message_counts_by_all_of_its_parts(scoring: Callable[..., Guard]) -> None:
    """A rule over a conversation sees it all, and the highest score decides."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block, scope: message}")
    parts = [{"type": "text", "text": "0.25"}, {"type": "text", "text": "0.75"}]
    tuning, found = ran(guard, [row([{"role": "user", "content": parts}])])
    assert tuning.way.axis[found.step[0]] == 0.75


def test_exceptions_count(scoring: Callable[..., Guard]) -> None:
    """What an exception removes never makes the rule fire."""
    guard = scoring("""  - {id: r, on: input, when: custom.own >= 0.5, then: block}
exceptions:
  - {id: e, rules: [r], when: request.user.tier == "staff", reason: they know, expires: 2100-01-01}""")
    _, found = ran(guard, [row("0.9", user={"tier": "staff"}), row("0.9", user={"tier": "guest"})])
    assert found.step[0] == NEVER
    assert found.step[1] > NEVER


def test_rows_that_do_not_count_are_counted(scoring: Callable[..., Guard]) -> None:
    """By their reason, with what would help."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block}")
    rows = [
        row("0.9"),
        row("0.8", label=None),
        replace(row("0.8"), labels={"spam": True, "hate": False}),
        row("0.8", stage="output"),
        row("0.8 broken"),
        row([{"role": 7, "content": "x"}]),
        row("0.1", label=False),
    ]
    _, found = ran(guard, rows, keep=0)
    assert found.truth.tolist() == [1, 0]
    assert dict(found.left_out) == {"label": 2, "stage": 1, "failed": 1, "unread": 1}
    assert dict(found.unknown) == {"spam": 1, "hate": 1}
    assert found.reasons[0].startswith("rows.jsonl:0.8 broken: own: ")
    assert found.reasons[1].startswith("rows.jsonl:[{'role': 7, 'content': 'x'}]: ")


def test_the_worst_rows_are_kept(scoring: Callable[..., Guard]) -> None:
    """The harmless ones that fire furthest, the harmful ones that fire least."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block}")
    rows = [row(f"0.{at}", label=at % 2 == 0) for at in range(1, 10)]
    _, found = ran(guard, rows, keep=2)
    assert sorted(each.text for each in found.false) == ["0.7", "0.9"]
    assert sorted(each.text for _, each in found.missed) == ["0.2", "0.4"]
    assert {each.score for each in found.false} == {0.7, 0.9}


@each_case("threads", [1, 4])
def test_threads_change_nothing(threads: int, scoring: Callable[..., Guard]) -> None:
    """Rows stay in order, each with its own step."""
    guard = scoring("  - {id: r, on: input, when: custom.own >= 0.5, then: block}")
    rows = [row(f"0.{at:02}", label=bool(at % 2), lang=f"l{at % 3}", source="s") for at in range(1, 100)]
    done: list[int] = []
    tuning, found = ran(guard, rows, threads=threads, told=done.append)
    assert [tuning.way.axis[step] for step in found.step] == [at / 100 for at in range(1, 100)]
    assert done == [*range(1, 100)]
    assert found.langs == {"l1": 0, "l2": 1, "l0": 2}


def test_what_the_policy_does_without_the_rule_is_known(scoring: Callable[..., Guard]) -> None:
    """The strictest of the other rules."""
    guard = scoring("""  - {id: r, on: input, when: custom.own >= 0.5, then: block}
  - {id: other, on: input, when: custom.own > 0, then: flag}""")
    tuning = select_tuning(guard.policy, rule_id="r")
    found = score_rows(guard, tuning.rule, tuning.way, [row("0.9"), row("0.3"), row("none")], tuning.truth)
    assert [(action, without) for _, _, action, without in found.moves] == [
        (Action.BLOCK, Action.FLAG),
        (Action.FLAG, Action.FLAG),
        (Action.ALLOW, Action.ALLOW),
    ]


def test_rows_without_findings_fire_where_the_condition_needs_none(scoring: Callable[..., Guard]) -> None:
    """A rule that fires by its context fires at every step."""
    guard = scoring("  - {id: r, on: input, when: 'custom.own >= 0.5 || content.length > 20', then: block}")
    tuning, found = ran(guard, [row("nothing at all in this text"), row("nothing")])
    assert found.step.tolist() == [len(tuning.way.steps) - 1, NEVER]
