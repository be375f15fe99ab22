"""Policies that build on several others: each one's tests are about what its own rules do, whatever the others add."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.authoring.testing.suite import load_guard, run_suite, run_tests
from guardrails.policy.shipped import shipped_names
from tests.cases import each_case

HEAD = "format: 1\nname: {name}\nextends: [{extends}]\n"
RULE = """
detectors:
  {name}_words: {{use: terms, terms: [{terms}], category: custom.{name}}}
rules:
  - {{id: {name}.stop, on: input, when: custom.{name} > 0, then: {then}}}
"""


def write(folder: Path, name: str, terms: str, then: str, *tests: str, extends: str = "") -> Path:
    """Write a policy with one rule."""
    path = folder / f"{name}.yaml"
    lines = "".join(f"  - {{{test}}}\n" for test in tests)
    head = HEAD.format(name=name, extends=extends)
    path.write_text(
        head + RULE.format(name=name, terms=terms, then=then) + (f"tests:\n{lines}" if tests else "")
    )
    return path


BLUE = (
    "input: a blue sky, expect: {action: redact, rules: [blue.stop], content: 'a [CUSTOM.BLUE] sky'}",
    "input: a red sky, expect: {action: allow}",
    "input: a red sky, expect: {categories: [], rules: []}",
)


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A policy on two others, one of which stops what the other's tests leave alone."""
    write(tmp_path, "blue", "blue", "redact", *BLUE)
    write(tmp_path, "sky", "sky", "block", "input: a blue sky, expect: {action: block, rules: [sky.stop]}")
    return write(tmp_path, "both", "sun", "flag", extends="blue.yaml, sky.yaml")


def test_tests_of_a_parent_are_about_its_own_rules(both: Path) -> None:
    """What rules of its sibling do beside them makes no test fail, nor what becomes of the content by them."""
    assert [result.differences for result in run_suite(Guard.load(both))] == [(), (), (), ()]


def test_a_parent_whose_own_rule_is_changed_fails_its_tests(both: Path) -> None:
    """The child's change is of that rule, and so is the test."""
    both.write_text(both.read_text() + "override: {rules: [{id: blue.stop, then: flag}]}\n")

    first, *others = run_suite(Guard.load(both))

    assert first.differences[0].startswith("action is flag, not redact")
    assert [result.differences for result in others] == [(), (), ()]


def test_own_tests_are_about_everything(both: Path) -> None:
    """A policy knows what it builds on."""
    both.write_text(both.read_text() + "tests:\n  - {input: a sky, expect: {action: allow}}\n")

    (result,) = [result for result in run_suite(Guard.load(both)) if not result.passed]

    assert result.differences == ("action is block, not allow (by sky.stop)",)


@each_case(
    ("lists", "passes"),
    [
        ("tools: {allow: [{name: search}], untrusted: [search]}\n", True),
        ("tools: {allow: [{name: search}]}\nrules: [{id: own, on: tool_call, when: '!tool.listed', then: flag}]\n", True),
        ("override: {rules: [{id: tools.unlisted, when: tool.listed}]}\n", False),
    ],
)  # fmt: skip
def test_a_list_of_tools_makes_no_test_of_a_parent_fail(tmp_path: Path, lists: str, passes: bool) -> None:
    """Which tools there are is what the child adds; that a rule over them is changed is another thing."""
    (tmp_path / "base.yaml").write_text(
        "format: 1\nname: base\nrules:\n"
        "  - {id: tools.unlisted, on: tool_call, when: '!tool.listed', then: block}\n"
        "  - {id: tools.flow, on: tool_call, when: tool.carries, then: flag}\n"
        "tests:\n  - {tool_call: {name: mail, arguments: {to: jo}}, expect: {action: allow, rules: []}}\n"
    )
    (tmp_path / "child.yaml").write_text("format: 1\nname: child\nextends: base.yaml\n" + lists)

    (result,) = run_suite(Guard.load(tmp_path / "child.yaml"))

    assert result.passed is passes


def test_files_of_tests_are_about_their_policy(both: Path) -> None:
    """As if their tests stood in it."""
    (both.parent / "blue.test.yaml").write_text("tests:\n  - {input: sky, expect: {action: allow}}\n")
    (both.parent / "both.test.yaml").write_text("tests:\n  - {input: sky, expect: {action: allow}}\n")

    failed = [result.place for result in run_tests(load_guard(both)) if not result.passed]

    assert failed == [f"{both.parent / 'both.test.yaml'}:2:5"]


def test_a_parent_of_two_parents_is_known_to_both(tmp_path: Path) -> None:
    """Whatever the order in which they are read."""
    write(tmp_path, "one", "one", "flag")
    test = "input: one two, expect: {{action: block, rules: [one.stop, {}.stop]}}"
    write(tmp_path, "two", "two", "block", test.format("two"), extends="one.yaml")
    write(tmp_path, "too", "two", "block", test.format("too"), extends="one.yaml")
    path = write(tmp_path, "all", "all", "flag", extends="two.yaml, too.yaml")

    policy = Guard.load(path).policy

    assert {Path(file).stem: names for file, names in policy.elsewhere.items()} == {
        "one": {"two.stop", "too.stop", "all.stop"},
        "two": {"too.stop", "all.stop"},
        "too": {"two.stop", "all.stop"},
    }
    assert [result.differences for result in run_suite(Guard.load(path))] == [(), ()]


PACKS = tuple(name for name in shipped_names() if name not in ("default", "strict", "agents", "pii-only"))


def test_packs_combine(tmp_path: Path) -> None:
    """All of them on the default: they load, and what each promises still holds."""
    path = tmp_path / "all.yaml"
    path.write_text(HEAD.format(name="all", extends=", ".join(("default", *PACKS))))

    guard = Guard.load(path)

    assert [result for result in run_suite(guard) if not result.passed] == []
