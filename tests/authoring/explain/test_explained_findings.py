"""What detectors did and found: numbered findings, marked texts, and why some were not asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Detection, Guard, Image
from guardrails.authoring.explain.explained_findings import shorten
from guardrails.authoring.explain.explanation import explain
from guardrails.detectors.kinds import Kind
from guardrails.types import Finding
from tests.cases import each_case

POLICY = """
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  more: {use: terms, terms: [blast off], category: custom.y, score: 0.5}
  long: {use: length, most: 3, unit: words}
  green: {use: green_square}
rules:
  - {id: x, on: [input, tool_call], when: custom.x > 0, then: flag}
  - {id: y, on: [input, tool_call], when: custom.y > 0, then: flag}
  - {id: green, on: input, when: custom.green_square > 0.5, then: flag}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard of two lists of words, one for pictures, and one that no rule reads."""
    return guard_of(POLICY.replace("  long: {use: length, most: 3, unit: words}\n", ""))


def test_findings_are_numbered_and_quoted(guard: Guard) -> None:
    """The highest score first."""
    said = explain(guard, "a blast off, blast")
    assert [(each.number, each.finding.category, each.quote) for each in said.findings] == [
        (1, "custom.x", "blast"),
        (2, "custom.x", "blast"),
        (3, "custom.y", "blast off"),
    ]


@each_case(
    ("content", "stage", "expected"),
    [
        (
            "a blast",
            "input",
            {"words": ("ran", None), "more": ("ran", None), "green": ("not_run", "wrong_kind")},
        ),
        ("a blast", "output", {"words": ("not_run", "not_at_stage"), "green": ("not_run", "not_at_stage")}),
        (
            Image(b"no picture"),
            "input",
            {"words": ("not_run", "wrong_kind"), "green": ("not_run", "not_opened")},
        ),
        ([], "input", {"words": ("not_run", None)}),
    ],
)
def test_who_was_not_asked_has_a_reason(
    guard: Guard, content: object, stage: str, expected: dict[str, tuple[str, str | None]]
) -> None:
    """Another kind of content, no rule that reads it, or nothing to judge."""
    said = {each.name: each for each in explain(guard, content, stage).detectors}
    for name, (state, part) in expected.items():
        assert said[name].state == state
        assert (said[name].why is None) == (state != "not_run")
        assert [*said[name].parts] == ([part] if part else [state] if state == "ran" else [])


def test_what_is_known_from_before_is_said_to_be(guard: Guard) -> None:
    """A text that was judged before is not judged again."""
    text = "a blast that is long enough to be kept in the cache"
    explain(guard, text)
    assert {each.name: each.state for each in explain(guard, text).detectors if each.state != "not_run"} == {
        "words": "cached",
        "more": "cached",
    }


def test_each_detector_says_which_rules_read_it(guard: Guard) -> None:
    """And how much it found, in which tier."""
    said = {each.name: each for each in explain(guard, "blast blast").detectors}
    assert (said["words"].rules, said["words"].findings, said["words"].tier) == (("x",), 2, 0)
    assert (said["more"].rules, said["more"].findings) == (("y",), 0)


def test_who_failed_says_how(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> None:
    """The error, without what it may quote."""

    def judge(_: Any) -> Detection:
        raise ValueError("secret")

    guard = guard_of(
        "detectors:\n  own: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}\n",
        detectors={"own": kind_of(judge)},
    )
    [said] = explain(guard, "text").detectors
    assert (said.state, said.errors) == ("failed", ("raised ValueError",))


def test_findings_without_a_place_have_no_quote(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """They are about all of it."""
    found = Detection((Finding("custom.own", 0.7, "own"),))
    guard = guard_of(
        "detectors:\n  own: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}\n",
        detectors={"own": kind_of(lambda _: found)},
    )
    said = explain(guard, "text")
    assert [(each.quote, each.whole) for each in said.findings] == [(None, False)]


def test_long_texts_are_cut() -> None:
    """What is quoted says that it goes on."""
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
