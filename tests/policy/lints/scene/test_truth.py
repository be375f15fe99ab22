"""Conditions taken apart: they hold exactly where CEL says so, and what they are tried with leaves no case out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.policy.condition import compile_condition
from guardrails.policy.lints.scene.truth import (
    ABSENT,
    PossibleFinding,
    TooMany,
    Trials,
    analyze_condition,
    normalize_expression,
    operands,
    pick_scores,
    pick_values,
    raised_variables,
)
from guardrails.policy.names import ConditionNames
from guardrails.types import Stage
from tests.cases import each_case

NAMES = ConditionNames({"a": frozenset({"hate", "toxic"}), "b": frozenset({"hate.threatening"})})

score = st.sampled_from([0.0, 0.2, 0.5, 0.50001, 0.8, 1.0])
compared = st.builds(
    "{} {} {}".format,
    st.sampled_from(["hate", "toxic", "detector.b.hate"]),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.sampled_from(["0.5", "0.8", "1", "0"]),
)
asked = st.sampled_from(
    ['message.role == "user"', 'message.role in ["user", "tool"]', "content.length <= 10", "10 < content.length", "tool.listed",
     '!(content.language != "en")', 'count("hate") >= 2', "true"]
)  # fmt: skip
conditions = st.recursive(
    compared | asked,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)


def cel(text: str, env: Mapping[str, Any]) -> bool | None:
    """Evaluate a condition by CEL with the same names."""
    condition = compile_condition(text, NAMES)
    bound = condition.zeros()
    bound.update({name: env.get(name, 0.0) for name in condition.scores})
    bound.update({name: env.get(name, 0.0) for name, _, _ in condition.detectors})
    bound.update({name: env.get(f"count {category}", 0) for name, category in condition.counts})
    bound.update({name: env[name] for name in condition.context})
    return condition.evaluate(bound)


@given(
    conditions, score, score, score, st.integers(0, 3), st.sampled_from(["user", "tool"]), st.integers(9, 11)
)
@example("hate >= 0.5 || toxic > 0.8", 0.5, 0.0, 0.0, 0, "user", 9)
def test_a_condition_holds_where_cel_says_so(
    text: str, hate: float, toxic: float, by_b: float, count: int, role: str, length: int
) -> None:
    """Scores, counts, context and their joints come out as at run time."""
    env = {
        "hate": hate, "toxic": toxic, "detector.b.hate": by_b, "count hate": count, "message.role": role,
        "content.length": length, "content.language": "en", "tool.listed": True,
    }  # fmt: skip
    assert analyze_condition(compile_condition(text, NAMES)).holds(env) == cel(text, env)


@given(st.sets(st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]), max_size=4), st.floats(0.001, 1))
def test_every_score_has_a_level_that_compares_alike(constants: set[float], score: float) -> None:
    """Each score above nothing is on the same side of all constants as some level."""
    sides = [(score < each, score == each) for each in sorted(constants)]
    assert sides in [
        [(level < each, level == each) for each in sorted(constants)] for level in pick_scores(constants)
    ]


@each_case(
    ("name", "constants", "expected"),
    [
        ("content.length", [0], [0, 1]),
        ("conversation.turns", [1], [1, 2]),
        ("request.user.tier", ["a", "b"], ["a", "b", "\x00other", ABSENT]),
        ("request.user.age", [16], [15, 16, 17, ABSENT]),
        ("request.tenant", [], ["\x00other", ABSENT]),
        ("tool.listed", [True, False], [True, False]),
        ("message.role", ["human"], ["system", "developer", "user", "assistant", "tool"]),
        ("content.length", [-5], [0]),
    ],
)
def test_context_takes_values_that_it_can_have(name: str, constants: list[Any], expected: list[Any]) -> None:
    """Constants and their neighbours are tried, and something else; never what the leaf cannot be."""
    assert pick_values(name, constants) == expected


def test_what_is_no_comparison_is_tried_both_ways() -> None:
    """A function of the context is an atom: the same one wherever it stands."""
    text = 'request.user.id.startsWith("a") && !(request.user.id.startsWith("a"))'
    found = analyze_condition(compile_condition(text, NAMES))
    assert len(found.atoms) == 1
    assert [found.holds(env) for env in Trials([found], [])] == [False, False]


@each_case(
    ("text", "truths"),
    [
        ("has(request.user.tier)", [True, False]),
        ("has(request.user.tier) && request.user.tier != 'a'", [False, True, False]),
        ("request.user.age < 16 || request.user.age >= 16", [True, True, True, False]),
        ("request.tenant in ['a'] || request.tenant != 'a'", [True, True, True]),
    ],
)
def test_a_leaf_may_be_absent(text: str, truths: list[bool]) -> None:
    """Then it equals nothing and has no order: nothing is said of a condition that would only hold with a value."""
    found = analyze_condition(compile_condition(text, NAMES))
    assert [found.holds(env) for env in Trials([found], [])] == truths


def test_trials_are_all_joints_of_what_may_be_found() -> None:
    """Two detectors and one leaf: each combination comes once, and a parent's score comes with its child's."""
    found = analyze_condition(compile_condition("hate >= 0.5 && toxic >= 0.5 && content.length < 9", NAMES))
    givens = [PossibleFinding("a", "toxic", (1.0,)), PossibleFinding("b", "hate.threatening", (0.4, 0.9))]
    envs = [*Trials([found], givens)]
    assert len(envs) == 3 * 2 * 3
    assert {env.get("hate", 0.0) for env in envs} == {0.0, 0.4, 0.9}
    assert sum(found.holds(env) for env in envs) == 1


def test_kinds_of_content_bound_what_is_found() -> None:
    """In a picture nothing is found that only texts have."""
    found = analyze_condition(compile_condition('hate > 0 && content.kind == "image"', NAMES))
    text = PossibleFinding("a", "hate", (1.0,), kinds=frozenset({"text"}))
    assert not any(found.holds(env) for env in Trials([found], [text]))
    assert any(found.holds(env) for env in Trials([found], [PossibleFinding("a", "hate", (1.0,))]))


def test_too_much_to_try_is_said() -> None:
    """Nobody waits for a thousand combinations of a thousand."""
    text = " && ".join(f"request.user.k{at} > {at}" for at in range(12))
    with pytest.raises(TooMany):
        [*Trials([analyze_condition(compile_condition(text, NAMES))], [])]


def test_operands_can_be_left_out() -> None:
    """Without one operand the rest of the condition is what it was."""
    found = analyze_condition(compile_condition("hate > 0.5 || (toxic > 0.5 && content.length < 9)", NAMES))
    parts = [(node.name, operand.start()) for node, operand in operands(found.tree)]
    assert parts == [("_||_", 0), ("_||_", 15), ("_&&_", 15), ("_&&_", 30)]
    last = [operand for _, operand in operands(found.tree)][-1]
    env = {"toxic": 0.9, "content.length": 20}
    assert not found.holds(env)
    assert found.without(last)(env)


def test_names_of_a_finding_are_those_above_it() -> None:
    """A finding raises its category, its parents, `unsafe` if it is a harm, and the same for its detector."""
    assert raised_variables("b", "hate.threatening") == (
        "hate.threatening", "hate", "unsafe",
        "detector.b.hate.threatening", "detector.b.hate", "detector.b.unsafe",
    )  # fmt: skip
    assert PossibleFinding("w", "custom.x").stages == frozenset(Stage)


def test_one_form_whatever_the_spaces() -> None:
    """Conditions that differ only by how they are written are the same."""
    one, two = (
        analyze_condition(compile_condition(text, NAMES)).tree for text in ("hate>=0.50", "hate  >=  0.5")
    )
    assert normalize_expression(one) == normalize_expression(two)
