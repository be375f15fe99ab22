"""The table of checks: codes are functions' names, comments silence, and only the author's files are told of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrails.policy.compile import compile_policy
from guardrails.policy.lints.issue import Fix, Issue, LintFinding
from guardrails.policy.lints.lint import (
    CHECKS,
    Check,
    check,
    find_issues,
    is_own,
    is_shipped,
    list_own_files,
    sort_issues,
    unused_ignore,
)
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.load import load
from guardrails.policy.loading.source import Mark
from guardrails.policy.shipped import shipped_folder

TEXT = """\
format: 1
name: tested
version: "1"
detectors: {words: {use: terms, terms: [zqx], category: custom.w}}
rules:
  - {id: a, on: input, when: custom.w >= 0, then: block}
  - id: b  # lint: ignore always_fires
    on: input
    when: custom.w >= 0
    then: flag
"""


@pytest.fixture
def scene(tmp_path: Path) -> Callable[..., LintContext]:
    """Return a function: text in, scene out."""

    def make(text: str = TEXT) -> LintContext:
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        policy = load(path)
        return LintContext(policy, compile_policy(policy), date(2026, 11, 26))

    return make


def test_a_code_is_the_name_of_its_function() -> None:
    """An author who reads a code finds the check by it; the sentence is the first of its docstring."""

    def some_thing(_: LintContext) -> list[LintFinding]:
        """It is so.

        More of it.
        """
        return []

    row = check("note", some_thing)
    assert (row.code, row.severity, row.doc) == ("some_thing", "note", "It is so.")
    assert [row.code for row in CHECKS] == [row.run.__name__ for row in CHECKS]


def test_a_check_gives_what_it_finds_its_code(scene: Callable[..., LintContext]) -> None:
    """Code and severity come from the table, the rest from what was found; equal issues are one, whatever their fix."""
    found, mark = scene(), Mark("p.yaml", 1, 1)
    row = Check(
        "x", "note", "Doc.", lambda _: [LintFinding(mark, "m", "c", "s", Fix(found.root, ("rules",), 0))]
    )
    (issue,) = row.issues(found)
    assert (issue.code, issue.severity, issue.subject) == ("x", "note", "s")
    assert issue == Issue("x", "note", mark, "m", "c", "s")


def test_a_comment_silences_its_rule_alone(scene: Callable[..., LintContext]) -> None:
    """One rule is told, the other not, and the comment is of use."""
    found = [(issue.code, issue.mark.line) for issue in find_issues(scene())]
    assert ("always_fires", 6) in found
    assert ("always_fires", 9) not in found
    assert "unused_ignore" not in {code for code, _ in found}


def test_a_comment_without_use_is_told_with_what_was_meant(scene: Callable[..., LintContext]) -> None:
    """A misspelt code gets a did-you-mean; a code that others look for is none of these checks' business."""
    text = TEXT.replace("ignore always_fires", "ignore always_fire, no_tests")
    found = [
        issue
        for issue in find_issues(scene(text), codes=frozenset({"always_fires", "no_tests"}))
        if issue.code == "unused_ignore"
    ]
    assert [(issue.mark.line, issue.cure) for issue in found] == [(7, "did you mean 'always_fires'?")]
    assert [*unused_ignore(scene())] == []


def test_files_of_the_package_are_not_the_authors(scene: Callable[..., LintContext]) -> None:
    """A policy that extends a shipped one owns its own file; the shipped one by itself is looked at."""
    extending = scene("format: 1\nname: x\nextends: [pii-only]\n")
    assert [Path(each.file).name for each in list_own_files(extending)] == ["policy.yaml"]
    shipped = str(shipped_folder() / "pii-only.yaml")
    assert is_shipped(shipped)
    assert not is_own(extending, shipped)
    policy = load("pii-only")
    itself = LintContext(policy, compile_policy(policy), date(2026, 11, 26))
    assert is_own(itself, shipped)
    assert not is_own(itself, str(shipped_folder() / "default.yaml"))


def test_issues_come_in_the_order_of_the_file_each_once() -> None:
    """By line and column, the graver first at one place."""
    rows = [
        Issue("b", "note", Mark("p", 2, 1), "m"), Issue("a", "warning", Mark("p", 1, 9), "m"),
        Issue("c", "error", Mark("p", 2, 1), "m"), Issue("b", "note", Mark("p", 2, 1), "m"),
    ]  # fmt: skip
    assert [issue.code for issue in sort_issues(rows)] == ["a", "c", "b"]
