"""What is missing for a condition to hold."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.authoring.explain.conditions.condition_terms import ConditionReader
from guardrails.authoring.explain.conditions.missing_scores import MissingScores, find_missing
from guardrails.policy.condition import Condition, compile_condition
from guardrails.policy.names import ConditionNames
from tests.cases import each_case, scale

POLICY = Guard.load("default").policy
NAMES = ConditionNames({bound.name: bound.categories for bound in POLICY.detectors})
READER = ConditionReader(POLICY)


def bound_of(condition: Condition, values: dict[str, object]) -> dict[str, object]:
    """Bind every score and count, those that are not given to nothing found; of the context what is given."""
    counts = {variable: values.get(f'count("{category}")', 0) for variable, category in condition.counts}
    own = {name: value for name, value in values.items() if not name.startswith("count")}
    return {**condition.zeros(), **counts, **own}


def missing(text: str, values: dict[str, object]) -> MissingScores:
    """Return what is missing for a condition."""
    condition = compile_condition(text, NAMES)
    bound = bound_of(condition, values)
    return find_missing(READER.tree(condition, bound), condition, bound)


@each_case(
    ("text", "values", "changes", "distance"),
    [
        ("hate >= 0.85", {"hate": 0.61}, ["hate >= 0.85"], 0.24),
        ("hate > 0.5", {"hate": 0.5}, ["hate > 0.5"], 0.0),
        ("!(hate < 0.5)", {"hate": 0.2}, ["hate >= 0.5"], 0.3),
        ("toxic < 0.2", {"toxic": 0.5}, ["toxic < 0.2"], 0.3),
        ("hate >= 0.9 || toxic >= 0.8", {"hate": 0.6, "toxic": 0.7}, ["toxic >= 0.8"], 0.1),
        ("hate >= 0.9 && toxic >= 0.8", {"hate": 0.6, "toxic": 0.7}, ["hate >= 0.9", "toxic >= 0.8"], 0.4),
        ("hate >= 0.9 && hate >= 0.7", {"hate": 0.6}, ["hate >= 0.9"], 0.3),
        (
            "(hate >= 0.9 || toxic >= 0.8) && hate >= 0.95",
            {"hate": 0.6, "toxic": 0.7},
            ["hate >= 0.95"],
            0.35,
        ),
        # A score that was found is nearer than what was not found at all.
        ("pii > 0 || hate >= 0.9", {"hate": 0.6}, ["hate >= 0.9"], 0.3),
        ("pii > 0 || hate >= 0.9", {}, ["pii > 0"], 0.0),
        ('count("pii.email") >= 3', {'count("pii.email")': 1}, ['count("pii.email") >= 3'], None),
        ('count("pii.email") > 3', {'count("pii.email")': 1}, ['count("pii.email") > 3'], None),
        ('count("pii") == 0', {'count("pii")': 2}, ['count("pii") == 0'], None),
        ('count("pii") != 2', {'count("pii")': 2}, ['count("pii") != 2'], None),
        ("hate == 0.5", {"hate": 0.2}, ["hate == 0.5"], 0.3),
        ("hate != 0.5", {"hate": 0.5}, ["hate != 0.5"], 0.0),
        # What is above a category is worth at least as much.
        (
            "detector.safety.hate >= 0.8 && unsafe >= 0.7",
            {"unsafe": 0.5},
            ["detector.safety.hate >= 0.8"],
            0.8,
        ),
        (
            "detector.safety.hate >= 0.8 && detector.safety.toxic >= 0.7",
            {"detector.safety.hate": 0.9, "detector.safety.toxic": 0.5},
            ["detector.safety.toxic >= 0.7"],
            0.2,
        ),
        (
            "content.length > 9 ? hate > 0.9 : hate > 0.3",
            {"content.length": 3, "hate": 0.2},
            ["hate > 0.3"],
            0.1,
        ),
    ],
)
def test_the_nearest_change_is_named(
    text: str, values: dict[str, object], changes: list[str], distance: float | None
) -> None:
    """Scores and counts with what they should be; how far scores are away together, where they alone are enough."""
    found = missing(text, values)
    said = [f"{each.name} {each.operator} {each.bound:g}" for each in found.changes]
    assert said == changes
    assert found.distance == pytest.approx(distance)
    assert found.in_the_way == ()


@each_case(
    ("text", "values", "in_the_way"),
    [
        ("hate > 0.5 && content.length > 10", {"content.length": 3}, ("content.length > 10",)),
        ('hate > 0.5 && request.user.tier == "a"', {"hate": 0.9}, ('request.user.tier == "a"',)),
        (
            'hate > 0.5 && !(request.user.tier == "a")',
            {"request.user.tier": "a"},
            ('!(request.user.tier == "a")',),
        ),
        ("hate > toxic", {}, ("hate > toxic",)),
        (
            'request.tenant == "a" || request.tenant == "b"',
            {"request.tenant": "c"},
            ('request.tenant == "a"', 'request.tenant == "b"'),
        ),
        ('request.tenant == "a" ? hate > 0.5 : toxic > 0.5', {}, ('request.tenant == "a"',)),
        ("hate >= 1 && hate > 0.99 && content.length < 1", {"content.length": 3}, ("content.length < 1",)),
        ("hate > 1", {"hate": 1.0}, ("hate > 1",)),
        ("hate < 0", {}, ("hate < 0",)),
    ],
)
def test_what_stands_in_the_way_is_named(
    text: str, values: dict[str, object], in_the_way: tuple[str, ...]
) -> None:
    """Where no finding would be enough, the terms that keep the condition from holding."""
    found = missing(text, values)
    assert (found.changes, found.in_the_way) == ((), in_the_way)


def test_a_change_that_does_not_help_is_none() -> None:
    """One score cannot be high and low at once."""
    found = missing("hate > 0.8 && hate < 0.2", {"hate": 0.5})
    assert found == MissingScores()
    assert found.distance is None


GRID = [0.1, 0.3, 0.5, 0.7, 0.9]
NAMED = ("hate", "toxic", "violence", "pii.email")
TREES = st.recursive(
    st.sampled_from(GRID),
    lambda inner: st.tuples(st.sampled_from(["&&", "||"]), inner, inner),
    max_leaves=4,
)


def written(tree: object, names: list[str]) -> str:
    """Write a tree as a condition, each name once."""
    if isinstance(tree, tuple):
        return f"({written(tree[1], names)}) {tree[0]} ({written(tree[2], names)})"
    return f"{names.pop()} >= {tree}"


@given(tree=TREES, values=st.lists(st.sampled_from(GRID), min_size=4, max_size=4))
@settings(max_examples=scale(150))
def test_no_smaller_change_makes_it_true(tree: object, values: list[float]) -> None:
    """Tried against all changes to scores that are bounds, where each name occurs once."""
    condition = compile_condition(written(tree, [*NAMED]), NAMES)
    bound: dict[str, object] = {name: values[NAMED.index(name)] for name in condition.scores}
    if condition.evaluate(bound):
        return
    found = find_missing(READER.tree(condition, bound), condition, bound)
    options = [[score for score in GRID if score >= float(str(bound[name]))] for name in condition.scores]
    smallest = min(
        sum(after - float(str(before)) for after, before in zip(option, bound.values(), strict=True))
        for option in itertools.product(*options)
        if condition.evaluate(dict(zip(bound, option, strict=True)))
    )
    assert found.distance == pytest.approx(smallest)
