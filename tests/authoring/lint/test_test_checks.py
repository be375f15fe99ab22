"""Tests that are looked at: what a rule cannot be shown by is not asked for, and whose sake a test passes for is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrails.authoring.lint import test_checks
from guardrails.authoring.lint.lint_run import lint_policy
from guardrails.authoring.lint.scene import LintWorkbench
from guardrails.authoring.testing.suite import load_guard, run_suite
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from tests.cases import each_case

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


def test_the_rules_that_a_test_is_to_name_are_all_that_fire(bench: Callable[..., LintWorkbench]) -> None:
    """Also those of a milder action: with what the note says the test passes, and there is nothing more to say."""
    text = (
        "rules:\n"
        "  - {id: a, on: input, when: custom.w > 0, then: block}\n"
        "  - {id: b, on: input, when: custom.soft > 0, then: block}\n"
        "  - {id: c, on: input, when: custom.soft > 0, then: flag}\n"
        "tests:\n  - {input: zqxsoft zqxbomb, expect: {action: block}}\n"
    )
    (note,) = test_checks.test_for_any_rule(bench(text))
    cured = bench(text.replace("action: block}", f"action: block, {note.cure.removeprefix('say which: ')}}}"))
    assert [*test_checks.test_for_any_rule(cured), *test_checks.failing_test(cured)] == []


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
    """Only where all that the test stands for passes, disguises and cuts too."""
    rules = "rules: [{id: a, on: input, when: custom.w > 0, then: flag}]\ntests:\n"
    gap = "  - {input: zqxbomb, expect: {action: flag}, todo: true}\n"
    (found,) = test_checks.passing_todo(bench(rules + gap))
    assert found.fix is not None
    assert (found.fix.path, found.fix.key) == (("tests", 0), "todo")
    for more, passing in (("obfuscate: [base64]", 1), ("obfuscate: true", 0), ("every_cut: true", 1)):
        assert (
            len([*test_checks.passing_todo(bench(rules + gap.replace("todo", f"{more}, todo")))]) == passing
        )
    each = "  - {input: '{each}', each: [zqxbomb, zqxbom], expect: {action: flag}, todo: true}\n"
    assert [*test_checks.passing_todo(bench(rules + each))] == []


def test_inherited_tests_of_the_package_are_not_the_authors(bench: Callable[..., LintWorkbench]) -> None:
    """A policy that extends a shipped one and has no tests of its own is told so."""
    text = "extends: [pii-only]\nrules: [{id: a, on: input, when: custom.w > 0, then: flag}]\n"
    (found,) = test_checks.no_tests(bench(text))
    assert "has no tests" in found.message
    assert [*test_checks.duplicate_test(bench(text))] == []


def _policy(name: str, rules: str, tests: str) -> str:
    return (
        f"format: 1\nname: {name}\ndetectors: {{{name}: {{use: terms, terms: [zqx{name}], category: custom.{name}}}}}\n"
        f"rules:\n  - {{id: {name}.stop, on: output, when: custom.{name} > 0, then: {rules}}}\n"
        f"tests:\n  - {tests}\n"
    )


@each_case(
    ("test", "fails"),
    [
        ("{output: zqxone zqxtwo, expect: {action: flag, rules: [one.stop]}}", False),
        ("{output: zqxone, expect: {action: block}}", True),
        ("{output: zqxone zqxone, every_cut: true, expect: {action: flag}}", False),
        ("{output: zqxone, obfuscate: [base64], expect: {action: block}}", True),
        ("{output: zqxone, expect: {action: flag, exceptions: [acme]}}", True),
    ],
)
def test_lint_and_test_say_the_same_of_each_test(tmp_path: Path, test: str, fails: bool) -> None:
    """Also of inherited ones beside rules of other parents, of disguised ones, and of what exceptions must take away."""
    exception = "exceptions: [{id: acme, rules: [one.stop], matches: [nothing], reason: a name of ours}]\n"
    (tmp_path / "one.yaml").write_text(_policy("one", "flag", test) + exception)
    other = "{output: zqxtwo, expect: {action: block}}"
    (tmp_path / "two.yaml").write_text(_policy("two", "block", other))
    child = tmp_path / "child.yaml"
    child.write_text("format: 1\nname: child\nextends: [one.yaml, two.yaml]\nhistory: block\n")
    failing = [issue for issue in lint_policy(child).issues if issue.code == "failing_test"]
    assert bool(failing) == any(result.failed for result in run_suite(load_guard(child))) == fails


def test_a_shipped_test_that_a_change_breaks_is_told_where_it_is_inherited(tmp_path: Path) -> None:
    """`guardrails test` fails by it, so lint says it too, in the author's own file, with a way to leave it out that works."""
    path = tmp_path / "child.yaml"
    head = 'format: 1\nname: child\nversion: "1"\nextends: [pii-only]\noverride: {rules: [{id: pii.redact, then: flag}]}\n'
    path.write_text(head)
    failing = [issue for issue in lint_policy(path).issues if issue.code == "failing_test"]
    assert {(Path(issue.mark.file).name, issue.mark.line) for issue in failing} == {("child.yaml", 4)}
    assert all("which is inherited, fails: " in issue.message for issue in failing)
    cures = [re.search(r"write (disable: {tests: \[(.*)]}),", issue.cure or "") for issue in failing]
    path.write_text(f"{head}disable: {{tests: [{', '.join(cure[2] for cure in cures if cure)}]}}\n")
    assert not [issue for issue in lint_policy(path).issues if issue.code == "failing_test"]
    assert not any(result.failed for result in run_suite(load_guard(path)))
