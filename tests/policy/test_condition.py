"""Conditions: scores and counts as people write them, places of errors as written, unknown where it matters."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.policy.condition import (
    Condition,
    ConditionError,
    compile_condition,
    compile_term,
)
from guardrails.policy.names import ConditionNames
from tests.cases import each_case

NAMES = ConditionNames({"t": frozenset({"hate", "toxic"}), "p": frozenset({"pii.email", "pii.phone"})})


def compiled(text: str, scope: str = "part") -> Condition:
    """Compile a condition."""
    return compile_condition(text, NAMES, scope)


def errors(text: str, scope: str = "part") -> list[tuple[str, int]]:
    """Return code and offset of each problem."""
    with pytest.raises(ConditionError) as caught:
        compiled(text, scope)
    return [(problem.code, problem.offset) for problem in caught.value.problems]


@each_case(
    ("text", "bound", "truth"),
    [
        ("hate > 0", {"hate": 0.1}, True),
        ("hate > 0", {"hate": 0.0}, False),
        ("0 < hate", {"hate": 0.1}, True),
        ("hate >= 1 || toxic==1", {"hate": 0.5, "toxic": 1.0}, True),
        ("hate * 100 > 85", {"hate": 0.9}, True),
        ("hate + toxic > 1", {"hate": 0.9, "toxic": 0.2}, True),
        ("hate - 1 < 0", {"hate": 0.9}, True),
        ("-hate < 0", {"hate": 0.9}, True),
        ("hate > (0)", {"hate": 0.9}, True),
        ("hate>0&&content.length>3", {"hate": 0.9, "content.length": 4}, True),
        ("content.length > 3 && hate > 0", {"hate": 0.9, "content.length": 3}, False),
        ("request.user.age > 18 && hate > 0", {"hate": 0.9, "request.user.age": 19}, True),
        ("request.metadata.n == 3 || request.metadata['n'] == 4", {"request.metadata": {"n": 4}}, True),
        ("has(request.metadata.x)", {"request.metadata": {}}, False),
        ("request.user.roles.exists(r, r == 'admin')", {"request.user.roles": ["admin"]}, True),
        ("pii > 0 && pii.email > 0", {"pii": 1.0, "pii.email": 1.0}, True),
        ("detector.t.hate > 0", {"detector.t.hate": 0.5}, True),
        ("hate > 0 // a comment\n && toxic > 0", {"hate": 1.0, "toxic": 0.0}, False),
    ],
)
def test_conditions_mean_what_people_write(text: str, bound: dict[str, object], truth: bool) -> None:
    """Whole numbers compare with scores, dotted names are one name, context has its types."""
    assert compiled(text).evaluate(bound) is truth


def test_counts_are_variables_of_their_category() -> None:
    """Each `count("category")` becomes a number that the engine binds, however it is spaced."""
    condition = compiled('count("pii.email") >= 2 || count ( "pii" ) > 5 || hate > 0')
    assert [category for _, category in condition.counts] == ["pii.email", "pii"]
    assert condition.categories == {"hate", "pii.email", "pii"}
    first, second = (variable for variable, _ in condition.counts)
    assert condition.evaluate({first: 2, second: 0, "hate": 0.0}) is True
    assert condition.evaluate({first: 1, second: 5, "hate": 0.0}) is False


def test_a_condition_names_just_what_it_uses() -> None:
    """Scores, detectors and context are told apart, so that only they are bound."""
    condition = compiled(
        "detector.p.pii.email > 0 && hate > 0 && request.user.tier != 'x' && tool.name == 'y'"
    )
    assert condition.scores == ("hate",)
    assert condition.detectors == (("detector.p.pii.email", "p", "pii.email"),)
    assert condition.context == ("request.user.tier", "tool.name")


@each_case(
    ("text", "known", "needs"),
    [
        ("!tool.listed", {}, False),
        ("!tool.listed", {"tool.listed": True}, True),
        ("!tool.listed", {"tool.listed": False}, False),
        ("tool.tainted || hate > 0", {"tool.tainted": False}, True),
        ("tool.tainted || hate >= 0", {"tool.tainted": False}, False),
        ('"web" in tool.sources', {"tool.sources": []}, True),
        ("hate > 0", {"tool.listed": True}, True),
    ],
)
def test_what_is_known_of_the_context_may_prove_it_false(
    text: str, known: dict[str, object], needs: bool
) -> None:
    """Where a policy says nothing of tools, conditions over them are decided at load."""
    assert compiled(text).needs_findings(known) is needs


@each_case(
    ("text", "needs"),
    [
        ("hate > 0", True),
        ("hate >= 0", False),
        ("hate < 0.1", False),
        ("hate > 0 && tool.name == 'x'", True),
        ("hate > 0 || tool.name == 'x'", False),
        ('count("pii") > 1', True),
        ("detector.t.hate > 0.5 && pii > 0", True),
        ("true", False),
    ],
)
def test_the_index_skips_only_what_is_proven_false(text: str, needs: bool) -> None:
    """A condition needs findings only if it is false without them, whatever the context."""
    assert compiled(text).needs_findings() is needs


CLAUSES = st.sampled_from(
    ["hate > 0", "toxic>=1", "0.5 <hate", 'count("pii.email") > 2', "hate - 1 < 0", "(hate * 2) > 1",
     "request.user.id == 'é😀 > 0'", "content.length > 7", "0 < toxic && 1 > hate"]
)  # fmt: skip
JOINTS = st.sampled_from([" && ", "||", "\n && ", " ||\n\t"])
WRONG = st.sampled_from(
    [("haet > 0", 0), ("hate > 'x'", 5), ("count(hate) > 0", 0), ("toxic > 7", 8), ("hate > 0 > 1", 9)]
)


@given(
    st.lists(st.tuples(CLAUSES, JOINTS), max_size=5), WRONG, st.lists(st.tuples(JOINTS, CLAUSES), max_size=3)
)
@example([("hate > 0", " && ")] * 5, ("hate > 'x'", 5), [])
def test_errors_stand_where_they_were_written(
    before: list[tuple[str, str]], wrong: tuple[str, int], after: list[tuple[str, str]]
) -> None:
    """However many numbers were widened and counts replaced before it, a mistake is at its own character."""
    head = "".join(clause + joint for clause, joint in before)
    tail = "".join(joint + clause for joint, clause in after)
    assert [at for _, at in errors(head + wrong[0] + tail)] == [len(head) + wrong[1]]


@given(st.lists(st.tuples(CLAUSES, JOINTS), min_size=1, max_size=6))
def test_sound_conditions_compile_however_they_are_joined(clauses: list[tuple[str, str]]) -> None:
    """Every mixture of widened numbers, counts and comments of other scripts is a condition."""
    text = "".join(clause + joint for clause, joint in clauses) + "hate > 0"
    assert compiled(text).evaluate({}) in {None, True, False}


@each_case(
    ("text", "expected"),
    [
        ("haet > 0 || sexal > 1", [("unknown_category", 0), ("unknown_category", 12)]),
        ("hate > 'a' || toxic > 'b'", [("condition_type", 5), ("condition_type", 20)]),
        ("hate > 85 && toxic < -1", [("score_range", 7), ("score_range", 21)]),
        ("100 < hate", [("score_range", 0)]),
        ("sexual > 0", [("category_without_detector", 0)]),
        ('count("sexual") > 0', [("category_without_detector", 7)]),
        ("count() > 0", [("condition_type", 0)]),
        ('hate > 0 && count("pii", "x") > 0', [("condition_type", 12)]),
        ("request.usr.id == 'x'", [("unknown_name", 0)]),
        ("request == 1", [("unknown_name", 0)]),
        ("detector.t > 0", [("unknown_name", 0)]),
        ("detector > 0", [("unknown_name", 0)]),
        ("detector.x.hate > 0", [("unknown_detector", 0)]),
        ("detector.t.pii > 0", [("unknown_category", 0)]),
        ("hate", [("condition_type", 0)]),
        ("request.user.flag", [("condition_type", 0)]),
        ("self-harm > 0", [("unknown_category", 0)]),
        ("[1].exists(a, [1].exists(b, a == b)) && hate > 0", [("condition_syntax", 14)]),
        ("hate > 0 =\n = 1", [("condition_syntax", 9)]),
    ],
)
def test_problems_have_codes_and_places(text: str, expected: list[tuple[str, int]]) -> None:
    """All problems of names, of ranges or of types are reported together, each in its place."""
    assert errors(text) == expected


@each_case("text", ["tool.name == 'x'", "content.length > 1", "message.role == 'user'"])
def test_a_conversation_has_no_single_message(text: str) -> None:
    """A rule over a conversation cannot name what differs within it; over a message it can."""
    assert errors(text, "conversation") == [("not_in_scope", 0)]
    assert compiled(text, "message").context


def test_a_name_with_a_dash_says_what_to_do() -> None:
    """A detector whose name cannot stand in a condition says so."""
    with pytest.raises(ConditionError) as caught:
        compile_condition("detector.my-list.hate > 0", ConditionNames({"my-list": frozenset({"hate"})}))
    assert caught.value.problems[0].hint == "a name with '-' cannot stand in a condition: write '_' in it"


@each_case(("value", "truth"), [(True, True), (False, False), ("yes", None), (1, None), (None, None)])
def test_a_term_may_be_a_leaf_of_any_type(value: object, truth: bool | None) -> None:
    """What it holds tells whether it is a truth value; a whole condition says so by comparing it."""
    term = compile_term("request.user.vip", NAMES)
    assert term.evaluate({} if value is None else {"request.user.vip": value}) is truth
    assert term.evaluate({"_present.request.user.vip": False}) is False
    assert errors("request.user.vip") == [("condition_type", 0)]


@each_case("text", ["hate", "content.length", "request.user.tier", "hate + 1"])
def test_a_term_is_a_truth_value_all_the_same(text: str) -> None:
    """One that never is one is an error."""
    with pytest.raises(ConditionError):
        compile_term(text, NAMES)


def test_a_term_is_compiled_as_the_whole_is() -> None:
    """Integers that meet a score, and counts."""
    assert compile_term("hate > 0", NAMES).evaluate({"hate": 0.5}) is True
    term = compile_term('count("pii.email") >= 2', NAMES)
    assert [term.evaluate({variable: 2}) for variable, _ in term.counts] == [True]


@each_case(
    ("text", "name", "expected"),
    [
        ('tool.name == "Shell"', "shell", True),
        ('tool.name != "Shell"', "shell", False),
        ('tool.name in ["A", "Shell "]', "shell", True),
        ('tool.name.startsWith("SH")', "shell", True),
        ('tool.name.matches("^S.*L$")', "shell", True),
        ('tool.server == "Mail" || tool.name == "x"', "y", False),
        ('tool.name == r"""Shell"""', "shell", True),
    ],
)
def test_names_of_tools_are_compared_in_one_form(text: str, name: str, expected: bool) -> None:
    """The names in a condition are folded as those of calls are, patterns ignore case."""
    condition = compile_condition(text, ConditionNames())
    assert condition.evaluate({"tool.name": name, "tool.server": ""}) is expected


def test_folded_names_leave_places_of_mistakes_alone() -> None:
    """A mistake behind a name that was written in another form is where the author wrote it."""
    text = 'tool.name.matches("Shell") && tool.name > 5'
    with pytest.raises(ConditionError) as caught:
        compile_condition(text, ConditionNames())
    assert [problem.offset for problem in caught.value.problems] == [text.index(">")]
