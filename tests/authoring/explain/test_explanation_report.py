"""How an explanation looks."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Detection, Guard
from guardrails.authoring.explain.explanation import explain
from guardrails.authoring.explain.explanation_report import LINES, render_explanation
from guardrails.authoring.terminal import Style
from guardrails.detectors.kinds import Kind
from tests.cases import each_case

POLICY = """
detectors:
  words: {use: terms, terms: [blast, blast off], category: custom.x}
  green: {use: green_square}
rules:
  - {id: flag, on: [input, output], when: custom.x > 0, then: flag}
  - {id: mask, on: output, when: custom.x > 0, then: redact, with: mask}
unchecked: {part: flag}
"""


class Terminal(io.StringIO):
    """An output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard of a list of words."""
    return guard_of(POLICY)


def shown(guard: Guard, content: object, stage: str = "input", **more: Any) -> str:
    """Return the lines."""
    return "\n".join(
        render_explanation(explain(guard, content, stage, passes=0), Style(io.StringIO()), **more)
    )


@each_case(
    ("text", "expected"),
    [
        ("a blast, so", "text\n  a [[blast]](1), so\nfound"),
        ("blast off", "text\n  [[blast]](1,2)[[ off]](2)\nfound"),
        ("one\nblast\r\ntwo", "text\n  one\n  [[blast]](1)\n  two\nfound"),
        ("a\x1b[31m blast\u202e", "text\n  a\\x1b[31m [[blast]](1)\\u202e\nfound"),
        ("x" * 500 + " blast", "…(381 characters)…"),
        ("fine", "text\n  fine\nfound  nothing"),
        ("", "1 of 1, 0 characters\nfound  nothing"),
    ],
)
def test_what_was_found_is_marked_in_the_text(guard: Guard, text: str, expected: str) -> None:
    """By the numbers of the findings; nothing in it does anything to a terminal, and long stretches are cut."""
    assert expected in shown(guard, text)


def test_lines_with_findings_are_shown_first(guard: Guard) -> None:
    """The others as far as there is room, and what is left out is said."""
    text = "\n".join(["plain"] * 50 + ["a blast"] + ["plain"] * 50)
    said = shown(guard, text).split("found")[0]
    assert "[[blast]]" in said
    assert said.count("plain") == LINES - 1
    assert "  …\n" in said
    assert "50 more lines" in said


def test_a_terminal_has_colours(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings are underlined there."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    said = "\n".join(render_explanation(explain(guard, "a blast"), Style(Terminal())))
    assert "\x1b[1;4;33mblast\x1b[0m" in said
    assert "[[" not in said


def test_redaction_is_shown_before_and_after(guard: Guard) -> None:
    """What shares a character is one, and the content is what it becomes."""
    said = shown(guard, "a blast off", "output")
    assert "'blast off' → '***** ***'  by mask (mask), 2 findings in one" in said
    assert "becomes  'a ***** ***'" in said
    assert "mask: the text goes out as far as nothing that follows can change what is found" in said


def test_several_contents_are_named(guard: Guard) -> None:
    """On one line, however long the name is."""
    said = shown(guard, "fine", name="a\nname" * 50).splitlines()
    assert said[1].startswith("  content  'a\\nname")
    assert said[1].endswith("…'")


def test_one_rule_alone_is_shown_with_all_its_terms(guard: Guard) -> None:
    """The rest of the check is left out."""
    said = "\n".join(render_explanation(explain(guard, "fine", only="flag"), Style(io.StringIO()), only=True))
    assert "custom.x > 0  0.00, nothing found" in said
    assert "detectors" not in said
    assert "flag: the rule changes nothing, and the text does not wait for it" in said


def test_what_could_not_be_judged_is_shown(guard: Guard) -> None:
    """With what the policy says of it."""
    said = shown(guard, b"\x89PNG\r\n\x1a\nbroken")
    assert "unread   part: no detector reads this image" in said
    assert "FLAG  unchecked.part  what could not be judged: no detector reads this image" in said


def test_detectors_say_why_they_were_not_asked(guard: Guard) -> None:
    """And how long the others took."""
    said = shown(guard, "fine")
    assert "green  not run                no rule at this stage reads what it finds" in said
    assert "words  ran" in said
    assert "ms in total, tier 0" in said


def test_what_is_known_from_before_is_said(guard: Guard) -> None:
    """Such parts take no time."""
    text = "a text that is long enough for a cache to be worth while, with a blast"
    shown(guard, text)
    assert "1 parts known from before" in shown(guard, text)


def test_who_failed_is_shown(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> None:
    """At the head, and among the detectors."""

    def judge(_: Any) -> Detection:
        raise ValueError

    rules = (
        "detectors:\n  own: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}\n"
    )
    said = shown(guard_of(rules, detectors={"own": kind_of(judge)}), "text")
    assert "failed   own: raised ValueError" in said
    assert "tier 0, 0 found, failed: raised ValueError" in said


def test_what_is_the_applications_own_is_said(tmp_path: Any) -> None:
    """In the head, at the text, and of what was found in a slot."""
    path = tmp_path / "p.yaml"
    path.write_text(f"format: 1\nname: p\n{POLICY}")
    guard = Guard.load(path, application_text=["You handle each blast of the customer {name}."])
    content = [{"role": "system", "content": "You handle each blast of the customer blast off."}]
    lines = shown(guard, content)
    assert "declared /0/content: the application's own" in lines
    assert "text /0/content system the application's own" in lines
    assert "fills a slot  'blast off'" in lines
    said = explain(guard, content, passes=0)
    assert [each.to_dict()["declared"] for each in said.texts] == [True]
    assert {each.leaf: each.to_dict()["fills"] for each in said.findings} == {0: False, 1: True}


def test_what_became_of_a_text_in_a_wrong_format(guard_of: Callable[..., Guard]) -> None:
    """That it was mended, or what is wrong with it and where."""
    form = guard_of(
        "detectors:\n  form: {use: format, kind: json, schema: {required: [city]}, category: custom.form}\n"
        "rules:\n  - {id: form, on: output, when: custom.form > 0, then: block, on_fail: repair}\n"
    )
    assert "repaired by form" in shown(form, "{'city': 1}", "output")
    assert "form: the answer: must have the property 'city'" in shown(form, '{"town": 1}', "output")
