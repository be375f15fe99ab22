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
from guardrails.policy.testing.test_fields import DISGUISES
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
    ran = bench().undisguised
    assert [each.name for each in ran][2:] == ["output: zqxbomb", "image: none.png"]
    assert [[rule.id for rule in each.fired] for each in ran] == [["a"], ["a"], ["a", "b"], []]
    assert ran[2].stages == {Stage.OUTPUT}
    assert ran[2].differs[0].startswith("action is block")
    assert ran[3].verdict is None
    assert "could not be judged" in ran[3].differs[0]


def test_progress_is_told_before_each_test(bench: Callable[..., LintWorkbench]) -> None:
    """How many were run, of how many; nobody needs to listen."""
    told: list[tuple[int, int]] = []
    ran = bench(progress=lambda done, of: told.append((done, of))).ran
    assert told == [(done, len(ran)) for done in range(len(ran))]


def test_tests_in_disguise_are_run_as_guardrails_test_runs_them(bench: Callable[..., LintWorkbench]) -> None:
    """Each entry once as it is written, and once in each disguise."""
    runs = [each for each in bench().ran if each.test.name == "words"]
    assert len(runs) == 2 * (1 + len(DISGUISES))
    assert sum(each.disguised for each in runs) == 2 * len(DISGUISES)


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
