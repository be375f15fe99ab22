"""What lint runs: each test once, disguises aside, with what fired; nothing where tests are not wanted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from guardrails.authoring.lint.scene import LintWorkbench, display_test
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.types import Stage

TEXT = """\
format: 1
name: tested
detectors: {words: {use: terms, terms: [zqxbomb, zqxgun], category: custom.w}}
rules:
  - {id: a, on: [input, output], when: custom.w > 0, then: block}
  - {id: b, on: output, when: custom.w > 0, then: flag, mode: shadow}
tests:
  - {name: words, input: "{each}", each: [zqxbomb, zqxgun], obfuscate: true, expect: {action: block}}
  - {output: zqxbomb, expect: {action: flag}}
  - {image: none.png, expect: {action: allow}}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., LintWorkbench]:
    """Return a function that loads the policy above."""

    def make(**options: Any) -> LintWorkbench:
        path = tmp_path / "policy.yaml"
        path.write_text(TEXT)
        policy = load(path, tests=())
        return LintWorkbench(policy, compile_policy(policy), date(2026, 11, 26), **options)

    return make


def test_each_entry_of_a_test_is_run(bench: Callable[..., LintWorkbench]) -> None:
    """Names, stages, rules that fired and what differs; what cannot be judged is said, not raised."""
    ran = bench().ran
    assert [each.name for each in ran][2:] == ["output: zqxbomb", "image: none.png"]
    assert [[rule.id for rule in each.fired] for each in ran] == [["a"], ["a"], ["a", "b"], []]
    assert ran[2].stages == {Stage.OUTPUT}
    assert ran[2].differs[0].startswith("action is block")
    assert ran[3].verdict is None
    assert "could not be judged" in ran[3].differs[0]


def test_progress_is_told_before_each_test(bench: Callable[..., LintWorkbench]) -> None:
    """How many were run, of how many; nobody needs to listen."""
    told: list[tuple[int, int]] = []
    assert len(bench(progress=lambda done, of: told.append((done, of))).ran) == 4
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_no_test_is_run_unless_wanted(bench: Callable[..., LintWorkbench]) -> None:
    """Without tests there is nothing to say of them."""
    assert bench(tests=False).ran == ()


def test_streamed_replies_wait_for_what_may_stop_them(bench: Callable[..., LintWorkbench]) -> None:
    """The gate is that of replies."""
    (rules,) = bench().streamed.rules
    assert [rule.id for rule in rules] == ["a"]


def test_a_test_without_a_name_is_called_by_its_content(bench: Callable[..., LintWorkbench]) -> None:
    """As `guardrails test` calls it."""
    assert display_test(bench().compiled.tests[1][1]) == "output: zqxbomb"
