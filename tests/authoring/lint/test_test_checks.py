"""Tests that are looked at: what a rule cannot be shown by is not asked for, and whose sake a test passes for is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrails.authoring.lint import test_checks
from guardrails.authoring.lint.scene import LintWorkbench
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load

HEAD = """\
format: 1
name: tested
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.w}
  soft: {use: terms, terms: [zqxsoft], category: custom.soft}
  square: {use: green_square, category: custom.square}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., LintWorkbench]:
    """Return a function: the rest of a policy in, a bench for it out."""

    def make(text: str) -> LintWorkbench:
        path = tmp_path / "policy.yaml"
        path.write_text(HEAD + text)
        policy = load(path, tests=())
        return LintWorkbench(policy, compile_policy(policy), date(2026, 11, 26))

    return make


def test_rules_that_no_text_can_show_need_none(bench: Callable[..., LintWorkbench]) -> None:
    """Rules for pictures, rules that never fire and rules without their tools are told elsewhere, or not at all."""
    found = test_checks.rule_without_hit(
        bench(
            "rules:\n"
            "  - {id: picture, on: input, when: custom.square > 0, then: block}\n"
            "  - {id: never, on: input, when: custom.w > 0.5 && custom.w < 0.4, then: block}\n"
            "  - {id: tool, on: tool_call, when: '!tool.listed', then: block}\n"
            "  - {id: text, on: input, when: custom.w > 0, then: block}\n"
        )
    )
    assert [each.subject for each in found] == ["text"]


def test_a_rule_that_fires_for_a_failure_is_not_shown(bench: Callable[..., LintWorkbench]) -> None:
    """A near miss is a content at one of the rule's stages, also within a conversation."""
    text = (
        "rules:\n  - {id: a, on: output, when: custom.w > 0, then: block}\n"
        "tests:\n  - {output: zqxbomb, expect: {action: block}}\n"
        "  - {messages: [{role: user, content: hi}, {role: assistant, content: hello}, {role: user, content: ok}], expect: {action: allow}}\n"
    )
    assert [*test_checks.rule_without_near_miss(bench(text))] == []
    assert [
        each.subject for each in test_checks.rule_without_near_miss(bench(text.rsplit("  - {messages", 1)[0]))
    ] == ["a"]


def test_whose_sake_a_test_passes_for_is_said(bench: Callable[..., LintWorkbench]) -> None:
    """The rule that is meant by the test's name, or by what is found in it, and the one that fires."""
    found = test_checks.test_for_other_rule(
        bench(
            "rules:\n"
            "  - {id: words.block, on: input, when: custom.w > 0, then: block}\n"
            "  - {id: soft.block, on: input, when: custom.soft > 0 && content.length > 50, then: block}\n"
            "tests:\n"
            "  - {input: zqxsoft and zqxbomb, expect: {action: block}}\n"
            "  - {input: zqxbomb, expect: {action: block}}\n"
            "  - {input: zqxsoft and zqxbomb, expect: {action: block, rules: [words.block]}}\n"
        )
    )
    (only,) = found
    assert "passes for the sake of words.block: rule 'soft.block' does not fire" in only.message


def test_a_rule_that_is_meant_by_its_id_is_found_in_a_name(bench: Callable[..., LintWorkbench]) -> None:
    """An id counts as a whole: `a.b` is not in `a.b.c`."""
    rules = (
        "rules:\n"
        "  - {id: words.block, on: input, when: custom.w > 0, then: block}\n"
        "  - {id: words.block.late, on: input, when: custom.soft > 0, then: block}\n"
    )
    tests = "tests:\n  - {name: 'words.block.late fires', input: zqxbomb, expect: {action: block}}\n  - {input: zqxsoft, expect: {action: block}}\n"
    (found,) = test_checks.test_for_other_rule(bench(rules + tests))
    assert "rule 'words.block.late' does not fire" in found.message


def test_a_known_gap_that_is_none_can_be_taken_out(bench: Callable[..., LintWorkbench]) -> None:
    """Only where all that the test stands for passes, disguises and cuts too, of which nothing is known here."""
    rules = "rules: [{id: a, on: input, when: custom.w > 0, then: flag}]\ntests:\n"
    gap = "  - {input: zqxbomb, expect: {action: flag}, todo: true}\n"
    (found,) = test_checks.passing_todo(bench(rules + gap))
    assert found.fix is not None
    assert (found.fix.path, found.fix.key) == (("tests", 0), "todo")
    for more in ("obfuscate: true", "every_cut: true"):
        assert [*test_checks.passing_todo(bench(rules + gap.replace("todo", f"{more}, todo")))] == []
    each = "  - {input: '{each}', each: [zqxbomb, zqxbom], expect: {action: flag}, todo: true}\n"
    assert [*test_checks.passing_todo(bench(rules + each))] == []


def test_inherited_tests_of_the_package_are_not_the_authors(bench: Callable[..., LintWorkbench]) -> None:
    """A policy that extends a shipped one and has no tests of its own is told so."""
    text = "extends: [pii-only]\nrules: [{id: a, on: input, when: custom.w > 0, then: flag}]\n"
    (found,) = test_checks.no_tests(bench(text))
    assert "has no tests" in found.message
    assert [*test_checks.duplicate_test(bench(text))] == []
