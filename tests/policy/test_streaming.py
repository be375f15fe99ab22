"""What of a condition can be decided finding by finding: a table of what can and what cannot, and a property over conditions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Finding, Text
from guardrails.engine.conditions.bindings import bind_names, evaluate_condition
from guardrails.engine.model import Request
from guardrails.policy.compiled import bind_single_finding
from guardrails.policy.condition import Condition, compile_condition
from guardrails.policy.names import ConditionNames
from guardrails.policy.streaming import RuleStreaming, decide_streaming
from tests.cases import each_case, scale

NAMES = ConditionNames(
    {
        "pii": frozenset({"pii.email", "pii.phone"}),
        "toxic": frozenset({"hate", "hate.threatening"}),
        "other": frozenset({"hate", "custom.x"}),
    }
)


def read(text: str, *exceptions: str) -> RuleStreaming:
    """Return how a condition streams."""
    return decide_streaming(
        compile_condition(text, NAMES), [compile_condition(each, NAMES) for each in exceptions]
    )


@each_case(
    "text",
    [
        "tool.tainted && hate > 0",
        "hate > 0 || tool.carries",
        'tool.arguments.path == "x" && hate > 0',
        "tool.arguments.n > 5 || hate > 0",
        '"web" in tool.sources',
        "!tool.listed",
        'tool.carried.exists(s, s == "web") && hate > 0',
    ],
)
def test_what_is_known_of_calls_waits_for_the_end(text: str) -> None:
    """What a call asks for, and what came before it, is known when the answer is whole; the tool's name is known at once."""
    assert read(text).whole
    assert read("hate > 0", "tool.tainted").whole
    assert not read('hate > 0 && tool.name == "x" && tool.server == "y" && !tool.changed').whole


@each_case(
    ("text", "longest"),
    [
        ("hate > 0", 0),
        ("hate >= 0.85", 0),
        ("0.5 < hate", 0),
        ("0.5 <= hate", 0),
        ("hate >= 0.5 || pii.email > 0 || custom.x > 0.1", 0),
        ("pii > 0", 0),
        ("unsafe >= 0.5", 0),
        ("detector.toxic.hate > 0.5 || detector.other.custom.x > 0", 0),
        ('count("pii") > 0', 0),
        ('count("pii.email") >= 1 || count("hate") != 0', 0),
        ('0 < count("pii")', 0),
        ('1 <= count("pii") || 0 != count("hate")', 0),
        ('hate > 0.5 && request.user.tier != "trusted"', 0),
        ('request.user.tier == "a" && (hate > 0.5 || pii > 0) && request.tenant == "t"', 0),
        ('hate > 0.5 || request.user.tier == "bad"', 0),
        ('request.user.tier == "a" ? hate > 0.5 : pii > 0', 0),
        ('request.user.tier in ["a", "b"] && hate > 0.5', 0),
        ('!(request.user.tier in ["a", "b"]) && hate > 0.5', 0),
        ('request.user.id.matches("^a+$") && hate > 0.5', 0),
        ('request.metadata.exists(key, key == "x") && hate > 0', 0),
        ('request.metadata.all(key, key != "x") || hate > 0', 0),
        ('has(request.metadata.x) && request.metadata["x"] == "y" && hate > 0', 0),
        ("conversation.turns > 3 && hate > 0", 0),
        ('message.role == "assistant" && content.kind == "text" && hate > 0', 0),
        ("hate > 0.5 && content.length > 20", 20),
        ("hate > 0.5 && 20 < content.length", 20),
        ("hate > 0.5 && content.length == 7 || pii > 0 && content.length <= 30", 30),
        ("hate > 0.5 && !(content.length > 20)", 20),
        ("content.length > 20 ? hate > 0.5 : pii > 0", 20),
        ("hate > 0.5 && content.length != -3", 0),
        ("content.length > 100", 100),
        ('request.tenant == "t"', 0),
        ("true", 0),
        ("1 > 0 && hate > 0", 0),
        ("hate >= 0", 0),
    ],
)
def test_alternatives_of_one_finding_each_are_decided_by_each(text: str, longest: int) -> None:
    """Lower bounds, joined with what the request says and with the length of the text."""
    assert read(text) == RuleStreaming("", longest)


SEVERAL = "its condition joins several findings with &&"
COUNTS = "its condition counts findings"
UPPER = "its condition has an upper bound for a score"
OTHER = "its condition compares findings with each other"
ODD = "its condition is not a lower bound of each finding"


@each_case(
    ("text", "why"),
    [
        ("hate > 0.5 && pii > 0", SEVERAL),
        ("hate > 0.5 && hate > 0.2", SEVERAL),
        ('(hate > 0.5 || request.tenant == "t") && (pii > 0 || request.tenant == "u")', SEVERAL),
        ('request.tenant == "t" || (custom.x > 0 && (pii > 0 || hate > 0))', SEVERAL),
        ('request.tenant == "t" ? hate > 0.5 && pii > 0 : false', SEVERAL),
        ('count("pii") >= 3', COUNTS),
        ('count("pii") > 1', COUNTS),
        ('count("pii") == 0', COUNTS),
        ('count("pii") == 1', COUNTS),
        ('count("pii") != 1', COUNTS),
        ('count("pii") < 2', COUNTS),
        ('2 > count("pii")', COUNTS),
        ('3 <= count("pii")', COUNTS),
        ('hate > 0.5 || count("pii") >= 2', COUNTS),
        ("hate < 0.5", UPPER),
        ("0.5 >= hate", UPPER),
        ("hate == 1.0", UPPER),
        ("hate != 0.0", UPPER),
        ("pii > 0 || hate <= 0.5", UPPER),
        ("hate > custom.x", OTHER),
        ("hate > 0.2 + 0.3", ODD),
        ("hate >= double(request.user.limit)", ODD),
        ('count("pii") > count("hate")', OTHER),
        ("double(request.user.limit) < hate", OTHER),
        ("!(hate > 0.5)", ODD),
        ("!(pii > 0 || hate > 0.5)", ODD),
        ('request.tenant == "t" && !(hate < 0.5)', ODD),
        ("hate > 0.5 ? true : false", ODD),
        ("(hate > 0.5) == true", ODD),
        ('(hate > 0.5) != (request.tenant == "t")', ODD),
        ("hate + custom.x > 0.5", ODD),
        ("-hate < -0.5", ODD),
        ("hate in [0.5, 1.0]", ODD),
        ('count("pii") in [1, 2]', ODD),
        ('count("pii") + 1 > 1', ODD),
        ("[1.0].exists(x, x == hate)", ODD),
        ('request.metadata.exists(key, hate > 0.5)', ODD),
        ('content.language == "de" && hate > 0', "its condition depends on content.language of the whole text"),
        ('content.language in ["de"]', "its condition depends on content.language of the whole text"),
        ('content.language.startsWith("d")', "its condition depends on content.language of the whole text"),
        ("hate > 0 && content.length % 2 == 0", "its condition depends on content.length of the whole text"),
        ("hate > 0 && content.length + 1 > 5", "its condition depends on content.length of the whole text"),
        ("hate > 0 && content.length in [5]", "its condition depends on content.length of the whole text"),
        ("hate > 0 && content.length == content.length", "its condition depends on content.length of the whole text"),
        ("hate > 0 && content.length > conversation.turns", "its condition depends on content.length of the whole text"),
        ("hate > 0 && content.length > 3 + 4", "its condition depends on content.length of the whole text"),
        ("hate > 0 && [1].exists(x, x < content.length)", "its condition depends on content.length of the whole text"),
    ],
)  # fmt: skip
def test_what_needs_the_whole_text_says_why(text: str, why: str) -> None:
    """Several findings together, counts, negations, upper bounds, and what a growing text does not tell."""
    assert read(text) == RuleStreaming(why)


@each_case(
    ("exception", "whole"),
    [
        ('request.user.tier == "staff"', ""),
        ('message.role == "assistant"', ""),
        ('content.language == "de"', "an exception of it depends on the whole text"),
        ("content.length > 10", "an exception of it depends on the whole text"),
        ('request.tenant == "t" || !(content.length > 10)', "an exception of it depends on the whole text"),
    ],
)
def test_an_exception_must_be_known_when_a_finding_is(exception: str, whole: str) -> None:
    """One that depends on the length or the language of the text holds its rule to the end."""
    assert read("hate > 0.5", 'request.tenant == "x"', exception).whole == whole


scores = st.sampled_from([0, 0.2, 0.5, 1])
compares = st.builds(
    lambda name, sign, number, turned: f"{number} {sign} {name}" if turned else f"{name} {sign} {number}",
    st.sampled_from(["hate", "hate.threatening", "pii", "pii.email", "custom.x", "unsafe", "detector.other.hate"]),
    st.sampled_from([">", ">=", ">", ">=", "<", "<=", "==", "!="]),
    scores,
    st.booleans(),
)  # fmt: skip
counts = st.builds(
    'count("{}") {} {}'.format,
    st.sampled_from(["pii", "hate"]),
    st.sampled_from([">", ">=", "!=", "=="]),
    st.integers(0, 2),
)
contexts = st.sampled_from(
    ['request.user.tier == "a"', "has(request.user.tier)", "content.length > 5", "content.length <= 9", 'request.tenant in ["t"]', "true"]
)  # fmt: skip
conditions = st.recursive(
    compares | compares | counts | contexts,
    lambda inner: (
        st.builds("({} || {})".format, inner, inner)
        | st.builds("({} && {})".format, inner, contexts)
        | st.builds("({} && {})".format, inner, inner)
        | st.builds("({} ? {} : {})".format, contexts, inner, inner)
        | st.builds("!({})".format, inner)
    ),
    max_leaves=5,
)
GIVEN = [("pii", "pii.email"), ("pii", "pii.phone"), ("toxic", "hate"), ("toxic", "hate.threatening"), ("other", "hate"), ("other", "custom.x")]  # fmt: skip
findings = st.lists(
    st.builds(
        lambda of, score, at: Finding(of[1], score, of[0], (at, at + 1)),
        st.sampled_from(GIVEN),
        st.sampled_from([0.1, 0.2, 0.4, 0.5, 0.9, 1.0]),
        st.integers(0, 3),
    ),
    max_size=4,
)
REQUESTS = [
    Request(user={"tier": tier} if tier else {}, tenant=tenant)
    for tier, tenant in itertools.product(("a", "b", None), ("t", "u", None))
]


def by_each(condition: Condition, found: Sequence[Finding], context: Mapping[str, Any]) -> bool | None:
    """Return what a condition says of findings, each taken by itself, and of none."""
    bound = [
        condition.zeros(),
        *(bind_single_finding(condition, each.category, each.score, each.detector) for each in found),
    ]
    said = [evaluate_condition(condition, {**values, **context}) for values in bound]
    return True if True in said else None if None in said else False


@given(text=conditions, found=findings, length=st.integers(0, 12))
@settings(max_examples=scale(600))
def test_what_is_decided_finding_by_finding_is_what_all_together_say(
    text: str, found: list[Finding], length: int
) -> None:
    """For every context, known or not: true together exactly if true of one alone, or of none; so is what is unknown."""
    condition = compile_condition(text, NAMES)
    if decide_streaming(condition, ()).whole:
        return
    for request in REQUESTS:
        content = Text("x" * length)
        together = evaluate_condition(condition, bind_names(condition, found, frozenset(), content, request))
        bound = bind_names(condition, (), frozenset(), content, request)
        presence = [variable for variable, _ in condition.presence]
        context = {name: bound[name] for name in (*condition.context, *presence) if name in bound}
        assert by_each(condition, found, context) == together, (text, request)


@given(text=conditions, found=findings, length=st.integers(0, 12), more=st.integers(0, 30))
@settings(max_examples=scale(300))
def test_past_the_longest_number_the_length_changes_nothing(
    text: str, found: list[Finding], length: int, more: int
) -> None:
    """All texts that are longer than `longest` are judged alike."""
    condition = compile_condition(text, NAMES)
    streams = decide_streaming(condition, ())
    if not streams.whole:
        one, other = (
            evaluate_condition(
                condition, bind_names(condition, found, frozenset(), Text("x" * size), REQUESTS[0])
            )
            for size in (streams.longest + 1, streams.longest + 1 + length + more)
        )
        assert one == other


def test_most_conditions_that_could_stream_do() -> None:
    """The property above is about something: conditions of lower bounds are not held."""
    assert not any(
        read(f"{name} >= {score}").whole for name in ("hate", "pii", "unsafe") for score in (0.1, 1)
    )
