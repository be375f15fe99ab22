"""Exceptions as data: for whom and where they hold, until when, and the test that each brings along."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from guardrails import Guard, PolicyErrors
from guardrails.authoring.testing.suite import run_suite
from tests.cases import each_case

POLICY = """
format: 1
name: forum
detectors:
  words: {use: terms, terms: [blasters, rats], category: profanity}
rules:
  - {id: words.block, on: [input, output], when: profanity > 0, then: block}
"""
TEXT = "Where are my Blasters?"


def written(folder: Path, **fields: object) -> Path:
    """Write the policy with one exception; return its path."""
    path = folder / "p.yaml"
    exception = {"id": "acme", "matches": ["blasters"], "reason": "a product", **fields}
    path.write_text(POLICY + yaml.safe_dump({"exceptions": [exception]}))
    return path


@each_case(
    ("fields", "stage", "tenant", "action"),
    [
        ({}, "input", None, "allow"),
        ({"on": "input"}, "input", None, "allow"),
        ({"on": "input"}, "output", None, "block"),
        ({"on": ["input", "output"]}, "output", None, "allow"),
        ({"tenants": ["acme"]}, "input", "acme", "allow"),
        ({"tenants": ["acme"]}, "input", "other", "block"),
        ({"tenants": ["acme"]}, "input", None, "block"),
        ({"tenants": ["a", "acme"], "on": "output"}, "output", "acme", "allow"),
        ({"expires": "9999-12-31"}, "input", None, "allow"),
        ({"expires": "2025-12-31"}, "input", None, "block"),
    ],
)
def test_an_exception_holds_where_it_says(
    tmp_path: Path, fields: dict[str, object], stage: str, tenant: str | None, action: str
) -> None:
    """At its stages, for its tenants, until its last day; what is not said is no bound."""
    guard = Guard.load(written(tmp_path, **fields))

    assert str(guard.check(TEXT, stage, tenant=tenant).action) == action


def test_a_text_that_is_an_earlier_reply_too_needs_both_stages(tmp_path: Path) -> None:
    """What a client says that the model said meets the rules of both, and so does the exception."""
    said = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": TEXT}]

    for stages, blocked in (("output", True), (["input", "output"], False)):
        guard = Guard.load(written(tmp_path, on=stages))
        assert bool(guard.check(said, "input").rules) == blocked


TESTS = {
    "it takes away what it is for": ({"test": {"input": TEXT}}, ()),
    "it does more than is expected": (
        {"test": {"input": TEXT, "expect": {"action": "block"}}},
        ("action is allow, not block (no rule fired)",),
    ),
    "it is not for that stage": (
        {"on": "output", "test": {"input": TEXT}},
        (
            "action is block, not allow (by words.block)",
            "exception acme takes nothing away; the verdict is the same without it",
        ),
    ),
    "it is for that tenant": ({"tenants": ["acme"], "test": {"input": TEXT, "tenant": "acme"}}, ()),
    "it has ended": (
        {"expires": "2025-12-31", "test": {"input": TEXT}},
        ("action is block, not allow (by words.block)", "exception acme takes nothing away: it held until 2025-12-31"),
    ),
    "it is not needed": (
        {"test": {"input": "Where is it?"}},
        ("exception acme takes nothing away; the verdict is the same without it",),
    ),
    "another word is left": (
        {"test": {"input": "Blasters and rats", "expect": {"action": "block", "rules": ["words.block"]}}},
        (),
    ),
}  # fmt: skip


@each_case("case", TESTS)
def test_an_exception_brings_its_own_test(tmp_path: Path, case: str) -> None:
    """Its test runs with those of the policy, and fails where it takes nothing away, whatever the action is."""
    fields, differences = TESTS[case]

    (result,) = run_suite(Guard.load(written(tmp_path, **fields)))

    assert result.name == "exception acme"
    assert result.place == f"{tmp_path / 'p.yaml'}:{_line(tmp_path / 'p.yaml', 'test:')}"
    assert result.differences == differences


def _line(path: Path, words: str) -> str:
    """Return the line and column of what stands in the mapping behind some words."""
    lines = path.read_text().splitlines()
    line = next(number for number, each in enumerate(lines, 2) if each.strip().startswith(words))
    return f"{line}:{len(lines[line - 1]) - len(lines[line - 1].lstrip()) + 1}"


@each_case(
    ("test", "problem"),
    [
        (
            {"expect": {"action": "allow"}},
            "invalid_test: the test of exception 'acme' has no content to check",
        ),
        ({"input": "x", "expects": {}}, "unknown_field"),
        ("x", "wrong_type"),
    ],
)
def test_a_test_that_is_none_is_an_error(tmp_path: Path, test: object, problem: str) -> None:
    """As with any other test, at its place."""
    with pytest.raises(PolicyErrors, match=problem):
        Guard.load(written(tmp_path, test=test))
