"""Exceptions: phrases around findings, phrases near them, phrases in what a model finds, and conditions over other findings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Content, Detection, Finding, Guard, Stage, Text
from guardrails.detectors.kinds import Kind
from guardrails.engine.conditions.exceptions import FindingScene, is_covered, is_expired
from guardrails.engine.model import Request
from guardrails.types import CLEAN, Place
from tests.cases import each_case

HEAD = """
detectors:
  guns: {use: terms, terms: [shoot, "4000123412341234"], category: custom.gun}
  pay: {use: terms, terms: [payment, invoice], category: custom.pay}
rules:
  - {id: gun, on: [input, output], when: custom.gun > 0, then: %s}
exceptions:
  - {id: e, rules: [gun], reason: no harm, %s}
"""


def streamed(guard: Guard, parts: Sequence[str]) -> tuple[str, str]:
    """Return what a stream shows, and its action."""
    stream = guard.stream(stage="output")
    shown = "".join([*map(stream.feed, parts), stream.flush()])
    assert stream.verdict is not None
    return shown, str(stream.verdict.action)


@each_case(
    ("exception", "text", "action"),
    [
        ("matches: [shoot a payment over]", "Can you shoot a payment over?", "allow"),
        ("matches: [shoot a payment over]", "I shoot my landlord", "block"),
        ("matches: [shoot a payment over]", "shoot a payment over, then shoot my landlord", "block"),
        ("matches: [shoot a payment over]", "shoot a payment overnight", "block"),
        ("matches: [shoot a payment over]", "overshoot a payment over, and shoot", "block"),
        ("near: [test card]", "the test card is 4000123412341234", "allow"),
        ("near: [test card]", "4000123412341234 is the TEST CARD of ours", "allow"),
        ("near: [test card]", "4000123412341234", "block"),
        ("near: [test card]", f"4000123412341234{' and so on' * 9} test card", "block"),
        ("near: [test card]", "4000123412341234 is our test cardboard", "block"),
        ("near: [test card], matches: ['4000123412341234']", "shoot with a test card", "block"),
        ("near: [test card], matches: ['4000123412341234']", "test card 4000123412341234", "allow"),
        ("when: custom.pay > 0", "shoot the invoice over", "allow"),
        ("when: custom.pay > 0", "shoot the sheriff", "block"),
        ("when: 'count(\"custom.pay\") >= 2'", "shoot the invoice over", "block"),
        ("when: 'count(\"custom.pay\") >= 2'", "shoot the payment and the invoice over", "allow"),
        ("when: custom.pay > 0 && request.user.tier == 'staff'", "shoot the invoice over", "block"),
    ],
)
def test_an_exception_takes_away_what_it_is_for_and_nothing_else(
    exception: str, text: str, action: str, guard_of: Callable[..., Guard]
) -> None:
    """As one text, and as one that grows, whatever way it is cut."""
    guard = guard_of(HEAD % ("block", exception))
    assert str(guard.check(text, stage="output").action) == action
    for parts in ([text], [*text], [text[:9], text[9:20], text[20:]]):
        shown, said = streamed(guard, parts)
        assert said == action
        assert shown == text if action == "allow" else text.startswith(shown) and shown != text


WORDS = st.lists(
    st.sampled_from(["shoot", "a", "payment", "over", "test card", "so it goes on and on", ".", "card"]), max_size=10
)  # fmt: skip


@given(WORDS, st.lists(st.integers(0, 200), max_size=4))
def test_a_stream_is_redacted_as_the_whole(words: list[str], places: list[int]) -> None:
    """What an exception depends on behind a finding is waited for."""
    guard = Guard.load(
        {
            "format": 1,
            "name": "t",
            "detectors": {"guns": {"use": "terms", "terms": ["shoot"], "category": "custom.gun"}},
            "rules": [{"id": "gun", "on": "output", "when": "custom.gun > 0", "then": "redact"}],
            "exceptions": [
                {"id": "a", "reason": "no harm", "matches": ["shoot a payment over"]},
                {"id": "b", "reason": "no harm", "near": ["test card"]},
            ],
        }
    )
    text = " ".join(words)
    bounds = [0, *sorted(min(each, len(text)) for each in places), len(text)]
    parts = [text[start:end] for start, end in itertools.pairwise(bounds)]
    assert streamed(guard, parts)[0] == (guard.check(text, stage="output").content if text else "")


MODEL = """
detectors:
  safety: {use: classifier, model: text-safety}
  toys: {use: terms, terms: [balloons, balloon], category: custom.toys}
rules:
  - {id: violence, on: [input, output], when: violence >= 0.5, then: block}
exceptions:
  - {id: e, rules: [violence], reason: balloons are toys, %s}
"""


@each_case(
    ("exception", "text", "action"),
    [
        ("matches: [blow up balloons]", "I want to blow up balloons at school", "allow"),
        ("matches: [blow up balloons]", "I want to blow up the school", "block"),
        (
            "matches: [blow up balloons]",
            "I want to blow up balloons and then I will kill my teacher",
            "block",
        ),
        (
            "matches: [blow up balloons]",
            "I want to blow up balloons. I will kill you all with a knife.",
            "block",
        ),
        ("near: [balloons]", "I want to blow up balloons at school", "allow"),
        ("when: custom.toys > 0 && violence < 0.95", "I want to blow up balloons at school", "allow"),
        ("when: custom.toys > 0 && violence < 0.95", "I want to shoot my landlord, balloon", "block"),
        ("when: custom.toys > 0", "I want to blow up my school", "block"),
    ],
)
def test_what_a_model_finds_is_judged_again_without_the_phrase(
    exception: str, text: str, action: str, guard_of: Callable[..., Guard]
) -> None:
    """A phrase that is no harm does not let harm pass that stands in the same passage; in streams too."""
    guard = guard_of(MODEL % exception)
    assert str(guard.check(text, stage="output").action) == action
    for parts in ([text], [*text]):
        shown, said = streamed(guard, parts)
        assert said == action
        assert (shown == text) is (action == "allow")


class Scores:
    """A model that gives each passage the score of its most harmful word, and keeps what it was asked."""

    passages = True

    def __init__(self) -> None:
        self.seen: list[str] = []

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge each text whole."""
        return [self.judge(content) for content in batch]

    def judge(self, content: Content) -> Detection:
        """Judge one text."""
        assert isinstance(content, Text)
        self.seen.append(content.text)
        if "zqxcrash" in content.text and "phrase" not in content.text:
            raise ValueError
        score = max((0.9 * ("zqxbad" in content.text), 0.6 * ("zqxodd" in content.text)))
        return Detection((Finding("hate", score, "own", (0, len(content.text))),)) if score else CLEAN


@pytest.fixture
def scored(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> tuple[Guard, Scores]:
    """Return a guard over a model of which two phrases are excepted, by two exceptions, and the model."""
    model = Scores()
    text = """
detectors: {own: {use: own}}
rules: [{id: r, on: [input, output], when: hate >= 0.5, then: block}]
exceptions:
  - {id: a, reason: no harm, matches: [a zqxbad phrase]}
  - {id: b, reason: no harm, matches: [a zqxodd phrase], tenants: [acme]}
"""
    return guard_of(text, detectors={"own": kind_of(model, "hate")}), model


@each_case(
    ("text", "tenant", "blocked"),
    [
        ("so a zqxbad phrase it is", None, False),
        ("so a zqxbad phrase it is, zqxbad", None, True),
        ("so a zqxbad phrase it is, zqxodd", None, True),
        ("so a zqxbad phrase and a zqxodd phrase", None, True),
        ("so a zqxbad phrase and a zqxodd phrase", "acme", False),
        ("a zqxbad phrase a zqxbad phrase", None, False),
        ("a zqxbad phrase", None, False),
        ("a zqxbad phrase, zqxcrash", None, True),
    ],
)
def test_all_phrases_of_a_rule_are_left_out_together(
    text: str, tenant: str | None, blocked: bool, scored: tuple[Guard, Scores]
) -> None:
    """Those of exceptions that hold; where the rest cannot be judged, the finding counts as it is."""
    guard, _ = scored
    assert guard.check(text, tenant=tenant).blocked is blocked


def test_nothing_is_judged_twice_without_a_phrase(scored: tuple[Guard, Scores]) -> None:
    """A model is asked again only about what it found, and where something is left."""
    guard, model = scored
    for text in ("nothing", "zqxbad alone", "a zqxbad phrase"):
        guard.check(text)
    assert model.seen == ["nothing", "zqxbad alone", "a zqxbad phrase"]
    guard.check("so a zqxbad phrase!")
    assert model.seen[3:] == ["so a zqxbad phrase!", "so  !"]


def test_an_exception_that_asks_for_a_detector_which_failed_does_not_hold(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """What is not known lets nothing pass, and what a later tier finds is waited for."""

    def judge(content: Content) -> Detection:
        assert isinstance(content, Text)
        if "zqxcrash" in content.text:
            raise ValueError
        return Detection((Finding("custom.own", 1.0, "own"),)) if "zqxfine" in content.text else CLEAN

    text = """
detectors: {own: {use: own}, words: {use: terms, terms: [zqxbad], category: custom.bad}}
rules: [{id: r, on: input, when: custom.bad > 0, then: block}]
exceptions: [{id: a, reason: no harm, when: custom.own > 0}]
"""
    guard = guard_of(text, detectors={"own": kind_of(judge, tier=2, spans=False)})
    blocked = [guard.check(f"zqxbad {more}").blocked for more in ("", "zqxfine", "zqxcrash")]
    assert blocked == [True, False, True]


@each_case(("span", "covered"), [((0, 3), True), ((4, 7), False)])
def test_an_exception_covers_what_it_is_for_also_once_it_expired(
    span: tuple[int, int], covered: bool, guard_of: Callable[..., Guard]
) -> None:
    """Whether it still holds is another question."""
    guard = guard_of(HEAD % ("block", "matches: [one], expires: '2026-06-14'"))
    [exception] = guard.policy.rules[0].exceptions
    scene = FindingScene(Text("one two", Place(Stage.INPUT)), Request(today="2026-06-15"))
    assert is_covered(exception, Finding("custom.gun", 1.0, "guns", span), scene) is covered
    assert is_expired(exception, Request(today="2026-06-15"))
    assert not is_expired(exception, Request(today="2026-06-14"))
