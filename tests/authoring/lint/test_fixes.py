"""What lint puts right by itself: only that, with comments and layout as they were, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrails.authoring.lint import fixes
from guardrails.authoring.lint.fixes import fix_policy, plan_fixes
from guardrails.authoring.lint.lint_run import LintReport, lint_policy
from guardrails.errors import GuardrailsError
from guardrails.policy.editing.edits import unified_diff

TEXT = """\
format: 1
name: tested   # a name
version: "1"
detectors:
  words:
    use: terms
    category: custom.w
    terms:
      - zqxbomb   # the one
      - ZQXBOMB
      # the other
      - zqxgun
      - zqxgun
rules:
  - {id: a, on: [input, input, output], when: custom.w > 0, then: flag}   # aligned
exceptions:
  # of the old one
  - id: old
    matches: [zqxbomb]
    reason: name of a product
    expires: 2026-01-31
tests:
  - {input: zqxbomb, expect: {action: flag}, todo: later}
  - {output: hello, expect: {action: allow}}
"""

GONE = (
    "      - ZQXBOMB\n",
    "      - zqxgun\nrules",
    "input, input",
    "exceptions:\n  # of the old one\n  - id: old\n    matches: [zqxbomb]\n    reason: name of a product\n    expires: 2026-01-31\n",
    ", todo: later",
)
"""What a fix takes out; of two of these the last part stays."""

STAYS = {"      - zqxgun\nrules": "rules", "input, input": "input"}


def fixed(text: str) -> str:
    """Return the policy without what can be put right."""
    for gone in GONE:
        assert gone in text
        text = text.replace(gone, STAYS.get(gone, ""))
    return text


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Return a file with the policy above."""
    path = tmp_path / "policy.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def linted(policy: Path) -> Callable[[], LintReport]:
    """Return what lints it."""
    return lambda: lint_policy(policy, day=date(2026, 11, 26))


def test_what_is_safe_is_put_right(policy: Path, linted: Callable[[], LintReport]) -> None:
    """Doubles, what has expired and gaps that are none are gone; nothing else has moved; nothing is left to be done."""
    done = fix_policy(str(policy), linted)
    assert policy.read_text() == fixed(TEXT)
    assert done.unfixed == []
    assert [issue for issue in done.report.issues if issue.fix is not None] == []
    assert [change.fixed for change in done.changes.values()] == [5]
    assert "-      - ZQXBOMB\n" in unified_diff(*next((c.before, c.after) for c in done.changes.values()))
    assert fix_policy(str(policy), linted).changes == {}


def test_a_plan_changes_nothing(policy: Path, linted: Callable[[], LintReport]) -> None:
    """What would be done is told without doing it."""
    changes, left = plan_fixes(linted())
    assert [change.fixed for change in changes.values()] == [5]
    assert left == []
    assert policy.read_text() == TEXT


def test_what_would_make_another_policy_of_it_is_undone(
    policy: Path, linted: Callable[[], LintReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should a fix ever change a rule, the file is what it was, and the error says so."""
    seen = iter(([("before",)], [("after",)]))
    monkeypatch.setattr(fixes, "_rules", lambda _: next(seen))
    with pytest.raises(GuardrailsError, match="another policy of it; it was undone"):
        fix_policy(str(policy), linted)
    assert policy.read_text() == TEXT


def test_what_an_alias_shares_is_left_with_a_reason(policy: Path, linted: Callable[[], LintReport]) -> None:
    """A list that two detectors share is not cut for one of them."""
    shared = TEXT.replace("    terms:\n", "    terms: &t\n").replace(
        "rules:", "  more: {use: terms, category: custom.w, case: exact, terms: *t}\nrules:"
    )
    policy.write_text(shared)
    done = fix_policy(str(policy), linted)
    assert "zqxbomb   # the one\n      - ZQXBOMB\n" in policy.read_text()
    assert any("cannot be taken apart" in reason for reason in done.unfixed)


def test_a_shipped_policy_is_never_written() -> None:
    """What comes with the package has no files that could be changed."""
    report = lint_policy("strict", tests=False)
    assert plan_fixes(report) == ({}, [])


def test_a_policy_that_does_not_load_is_left_alone(policy: Path, linted: Callable[[], LintReport]) -> None:
    """Errors come first."""
    policy.write_text(TEXT.replace("then: flag", "then: flagg"))
    done = fix_policy(str(policy), linted)
    assert (done.report.loads, done.changes) == (False, {})
