"""A condition term by term says what the engine says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Finding, Guard, Stage, Text
from guardrails.authoring.explain.conditions.condition_terms import (
    ConditionReader,
    Term,
    evaluate_condition,
    join_truths,
    plain_value,
)
from guardrails.engine.core.rule_evaluation import Evaluation
from guardrails.engine.model import JudgedContent, Request
from guardrails.policy.compiled import CompiledPolicy, Rule
from guardrails.policy.condition import compile_condition
from guardrails.policy.names import ConditionNames
from guardrails.policy.shipped import shipped_names
from guardrails.types import Place
from tests.cases import each_case, scale


@cache
def load_policy(name: str) -> CompiledPolicy:
    """Return a shipped policy, compiled."""
    return Guard.load(name).policy


@cache
def default_names() -> ConditionNames:
    """Return the names that conditions of the default policy may use."""
    return ConditionNames({bound.name: bound.categories for bound in load_policy("default").detectors})


def tree(text: str, values: Mapping[str, object]) -> Term:
    """Return the terms of a condition over the categories of the default policy; a count has the name that people write."""
    condition = compile_condition(text, default_names())
    bound: dict[str, object] = dict(values)
    for variable, category in condition.counts:
        if (name := f'count("{category}")') in values:
            bound[variable] = bound.pop(name)
    return ConditionReader(load_policy("default")).tree(condition, bound)


@each_case(
    ("text", "values", "truth", "terms"),
    [
        ("hate >= 0.85", {"hate": 0.61}, False, [(False, {"hate": 0.61}, 0.24)]),
        ("hate >= 0.85", {"hate": 0.9}, True, [(True, {"hate": 0.9}, None)]),
        ("hate > 0.5", {"hate": 0.5}, False, [(False, {"hate": 0.5}, 0.0)]),
        ("toxic < 0.2", {"toxic": 0.5}, False, [(False, {"toxic": 0.5}, 0.3)]),
        ("0.85 <= hate", {"hate": 0.6}, False, [(False, {"hate": 0.6}, 0.25)]),
        ("hate >= 0.85", {}, None, [(None, {}, None)]),
        (
            'count("pii.email") >= 3',
            {'count("pii.email")': 1},
            False,
            [(False, {'count("pii.email")': 1}, 2.0)],
        ),
        (
            'detector.safety.hate > 0.5 && request.user.tier != "staff"',
            {"detector.safety.hate": 0.7, "_present.request.user.tier": False},
            True,
            [(True, {"detector.safety.hate": 0.7}, None), (True, {}, None)],
        ),
        (
            'detector.safety.hate > 0.5 && request.user.tier != "staff"',
            {"detector.safety.hate": 0.7},
            None,
            [(True, {"detector.safety.hate": 0.7}, None), (None, {}, None)],
        ),
        (
            'hate > 0.5 || request.user.tier == "guest"',
            {"hate": 0.7},
            True,
            [(True, {"hate": 0.7}, None), (None, {}, None)],
        ),
        (
            'request.metadata.plan == "free" && hate > 0',
            {"request.metadata": {"plan": "paid"}, "hate": 1.0},
            False,
            [(False, {"request.metadata.plan": "paid"}, None), (True, {"hate": 1.0}, None)],
        ),
        (
            "content.length > 10 ? hate > 0.9 : hate > 0.1",
            {"content.length": 3, "hate": 0.5},
            True,
            [
                (False, {"content.length": 3}, 7.0),
                (False, {"hate": 0.5}, 0.4),
                (True, {"hate": 0.5}, None),
            ],
        ),
        ("!(hate > 0.5)", {"hate": 0.7}, False, [(True, {"hate": 0.7}, None)]),
        (
            "request.user.vip == true",
            {"request.user.vip": True},
            True,
            [(True, {"request.user.vip": True}, None)],
        ),
    ],
)
def test_each_term_says_what_it_reads_and_how_far_off_it_is(
    text: str, values: dict[str, Any], truth: bool | None, terms: list[Any]
) -> None:
    """The truth of each, the values it was read with, and what it is short of its bound."""
    found = tree(text, values)
    assert found.truth is truth
    said = [
        (term.truth, dict(term.values), None if term.short is None else round(term.short, 9))
        for term in found.terms()
    ]
    assert said == terms


def test_names_without_a_value_are_named() -> None:
    """What is absent, also a key that a map of the context does not have, is told apart from what is not known."""
    text = 'request.user.tier == "a" || has(request.tenant) || request.metadata.plan == "b" || hate > 0.5'
    found = tree(text, {"request.metadata": {}, "_present.request.tenant": False})
    assert [(term.truth, term.unknown, term.absent) for term in found.terms()] == [
        (None, ("request.user.tier",), ()),
        (False, (), ("request.tenant",)),
        (False, (), ("request.metadata.plan",)),
        (None, ("hate",), ()),
    ]


def test_a_leaf_of_any_type_is_a_term_by_itself() -> None:
    """Of one that is no truth value nobody knows whether it holds."""
    text = "request.user.vip && hate > 0.5"
    for value, expected in ((True, True), (False, False), ("yes", None), (3, None)):
        found = tree(text, {"request.user.vip": value, "hate": 0.9})
        assert (found.truth, found.parts[0].truth) == (expected, expected)


def test_a_value_that_cel_cannot_take_leaves_the_condition_one_term() -> None:
    """Half a surrogate pair stops CEL as a whole, whatever else would decide."""
    found = tree('request.tenant == "a" || hate > 0.5', {"hate": 0.9, "request.tenant": "\ud800"})
    assert (found.kind, found.truth) == ("term", None)


def test_a_tree_is_plain_json() -> None:
    """Joined parts have parts, terms have values."""
    found = tree("hate >= 0.85 && toxic > 0", {"hate": 0.6, "toxic": 1.0}).to_dict()
    assert found == {
        "text": "hate >= 0.85 && toxic > 0",
        "kind": "and",
        "truth": False,
        "parts": [
            {
                "text": "hate >= 0.85",
                "kind": "term",
                "truth": False,
                "values": {"hate": 0.6},
                "unknown": [],
                "absent": [],
                "short": 0.25,
            },
            {
                "text": "toxic > 0",
                "kind": "term",
                "truth": True,
                "values": {"toxic": 1.0},
                "unknown": [],
                "absent": [],
                "short": None,
            },
        ],
    }


@each_case(
    ("value", "expected"),
    [
        ("x" * 300, "x" * 199 + "…"),
        ({"a": [1, None]}, {"a": [1, None]}),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": "dict"}}),
        ([*range(50)], [*range(20)]),
        (b"x", "bytes"),
    ],
)
def test_values_are_shown_as_far_as_people_read(value: object, expected: object) -> None:
    """Long texts and lists are cut, and what is no JSON is named by its type."""
    assert plain_value(value) == expected


@each_case(
    ("kind", "truths", "expected"),
    [
        ("and", [True, None], None),
        ("and", [False, None], False),
        ("and", [True, True], True),
        ("or", [True, None], True),
        ("or", [False, None], None),
        ("or", [False, False], False),
        ("not", [None], None),
        ("not", [False], True),
        ("if", [None, True, True], None),
        ("if", [True, False, None], False),
        ("if", [False, None, True], True),
    ],
)
def test_what_is_unknown_decides_nothing(kind: str, truths: list[bool | None], expected: bool | None) -> None:
    """And undoes nothing that is decided."""
    assert join_truths(kind, truths) is expected


SCORES = ("hate", "toxic", "pii.email", "detector.safety.hate", "detector.attacks.jailbreak")
OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
NUMBERS = st.sampled_from(["0", "0.1", "0.5", "0.85", "1"])
TERMS = (
    st.builds("{} {} {}".format, st.sampled_from(SCORES), OPERATORS, NUMBERS)
    | st.builds("{1} {2} {0}".format, st.sampled_from(SCORES), NUMBERS, OPERATORS)
    | st.builds('count("{}") {} {}'.format, st.sampled_from(["pii", "hate"]), OPERATORS, st.integers(0, 3))
    | st.sampled_from(
        [
            'request.user.tier == "staff"',
            "request.user.vip",
            "request.user.age > 17",
            'request.tenant != "a && b ? (c : d"',
            "request.tenant == '\"|| !('",
            'request.metadata.plan == "free"',
            'request.metadata["plan"].startsWith("f")',
            'message.role in ["user", "tool"]',
            "content.length > 100",
            "hate > toxic",
            "hate + toxic * 2 > 0.5",
            "(hate > 0.5 ? 0.1 : 0.9) < toxic",
            '["a", "b"].exists(x, x == request.tenant || hate > 0.5)',
        ]
    )
)


def _compared(made: tuple[str, int]) -> tuple[str, int]:
    """Return a condition as it may stand where two values meet, which a free value alone may not."""
    text, count = made
    return (f"{text} == true" if text == "request.user.vip" else text), count


BLANKS = st.sampled_from([" ", "  ", "\n", "\r\n\t", " // a ( comment ? : && \n"])
CONDITIONS = st.recursive(
    TERMS.map(lambda text: (text, 1)),
    lambda inner: (
        st.builds(
            lambda one, two, sign, blank: (f"({one[0]}){blank}{sign}{blank}{two[0]}", one[1] + two[1]),
            inner,
            TERMS.map(lambda text: (text, 1)),
            st.sampled_from(["&&", "||"]),
            BLANKS,
        )
        | st.builds(
            lambda one, two, sign, blank: (f"({one[0]}) {sign}{blank}({two[0]}{blank})", one[1] + two[1]),
            inner,
            inner,
            st.sampled_from(["&&", "||"]),
            BLANKS,
        )
        | st.builds(
            lambda test, one, two: (f"({test[0]}) ? ({one[0]}) : ({two[0]})", test[1] + one[1] + two[1]),
            inner,
            inner.map(_compared),
            inner.map(_compared),
        )
        | inner.map(lambda one: (f"!({one[0]})", one[1]))
    ),
    max_leaves=6,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(SCORES, st.sampled_from([0.0, 0.1, 0.5, 0.85, 1.0])),
    'count("pii")': st.integers(0, 3),
    'count("hate")': st.integers(0, 3),
    "request.user.tier": st.sampled_from(["staff", "guest"]),
    "request.user.vip": st.sampled_from([True, False, "yes"]),
    "request.user.age": st.sampled_from([3, 30, "old"]),
    "request.tenant": st.sampled_from(["a", "c", '"|| !(']),
    "request.metadata": st.sampled_from([{}, {"plan": "free"}, {"plan": 3}]),
    "message.role": st.sampled_from(["user", "system"]),
    "content.length": st.sampled_from([3, 300]),
}


@given(made=CONDITIONS, values=st.fixed_dictionaries({}, optional=VALUES))
@settings(max_examples=scale(400))
def test_terms_put_together_say_what_the_condition_says(
    made: tuple[str, int], values: dict[str, Any]
) -> None:
    """Whatever is unknown, and with each term found as one: no condition is left whole because it could not be read."""
    text, count = made
    condition = compile_condition(text, default_names())
    bound: dict[str, object] = {name: value for name, value in values.items() if not name.startswith("count")}
    for variable, category in condition.counts:
        if (name := f'count("{category}")') in values:
            bound[variable] = values[name]
    own = {
        *condition.scores,
        *condition.context,
        *(each[0] for each in (*condition.counts, *condition.detectors)),
    }
    bound = {name: value for name, value in bound.items() if name in own}
    found = ConditionReader(load_policy("default")).tree(condition, bound)
    assert found.truth is evaluate_condition(condition, bound)
    assert len([*found.terms()]) == count


@given(
    of=st.deferred(
        lambda: st.sampled_from(
            [(name, rule) for name in shipped_names() for rule in load_policy(name).rules]
        )
    ),
    found=st.lists(st.tuples(st.integers(0, 50), st.sampled_from([0.1, 0.5, 0.8, 0.95, 1.0])), max_size=4),
    failed=st.lists(st.integers(0, 20), max_size=3),
    tier=st.sampled_from([None, "trusted"]),
    length=st.sampled_from([10, 2_000]),
)
@settings(max_examples=scale(300))
def test_terms_of_the_shipped_rules_say_what_the_engine_decides(
    of: tuple[str, Rule], found: list[tuple[int, float]], failed: list[int], tier: str | None, length: int
) -> None:
    """For findings of any kind, detectors that failed, and context that is not known: the truth of the terms is the engine's."""
    policy, rule = load_policy(of[0]), of[1]
    kinds = [(bound.name, category) for bound in policy.detectors for category in sorted(bound.categories)]
    findings = [
        Finding(category, score, name, (at, at + 1))
        for at, (number, score) in enumerate(found)
        for name, category in [kinds[number % len(kinds)]]
    ]
    names = frozenset(policy.detectors[number % len(policy.detectors)].name for number in failed)
    stage = next(stage for stage in Stage if stage in rule.on)
    content = Text("x" * length, Place(stage))
    request = Request(user={} if tier is None else {"tier": tier})
    item = JudgedContent(content, policy.plan((stage,)), tuple(findings), names)
    evaluation = Evaluation(policy, [item], request)
    of_what = None if rule.scope == "conversation" else content
    truth, bound = evaluation.decided(rule.condition, findings, names, of_what)
    assert truth is evaluation.holds(rule.condition, findings, names, of_what)
    assert ConditionReader(policy).tree(rule.condition, bound).truth is truth
