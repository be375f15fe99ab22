"""`guardrails lint` as a library: a policy in, a report out: what is wrong with it, or what is valid and surely not meant.

Three tables together: what can be told from the policy alone (`policy/lints/lint.py`), from its streams (`held_streams.py`) and
from its tests when they are run (`test_checks.py`). Where a policy does not load, its errors are the report.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from guardrails.authoring.lint import held_streams, test_checks
from guardrails.authoring.lint.scene import LintWorkbench, Progress
from guardrails.errors import GuardrailsError, PolicyError, PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.lints import lint as of_policy
from guardrails.policy.lints.issue import SEVERITIES, Issue, Severity
from guardrails.policy.lints.lint import Check, check, is_shipped
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.items import Policy
from guardrails.policy.loading.load import load
from guardrails.policy.loading.source import Mark, Source

READ: Final[tuple[Check, ...]] = (
    check("warning", held_streams.held_stream),
    check("note", held_streams.whole_stream),
    check("warning", held_streams.pattern_holds_stream),
    check("warning", held_streams.endless_pattern),
    check("warning", test_checks.no_tests),
    check("error", test_checks.unknown_rule),
    check("warning", test_checks.only_allowed),
    check("note", test_checks.duplicate_test),
    check("note", test_checks.duplicate_test_name),
)
"""What is told of streamed replies, and of tests without running them."""

RUN: Final[tuple[Check, ...]] = (
    check("error", test_checks.failing_test),
    check("warning", test_checks.rule_without_hit),
    check("note", test_checks.rule_without_near_miss),
    check("warning", test_checks.test_for_other_rule),
    check("note", test_checks.test_for_any_rule),
    check("note", test_checks.passing_todo),
)
"""What is told of tests when they are run."""

CHECKS: Final[tuple[Check, ...]] = (*of_policy.CHECKS, *READ, *RUN)
"""Everything that lint looks for."""

CODES: Final = frozenset(row.code for row in CHECKS)

UNDER: Final = ("weaker_than_floor", "unkept_by_floor")
"""What is looked for only where there is a floor."""


@dataclass(frozen=True, slots=True)
class LintReport:
    """What lint says of one policy. Where that does not load (`loads`), its issues are the errors of loading; `files` are the
    author's own, which can be changed: none where the policy is a shipped one.
    """

    policy: str
    loads: bool
    issues: tuple[Issue, ...]
    files: tuple[Source, ...] = ()

    @property
    def counts(self) -> dict[Severity, int]:
        """How many issues there are of each severity."""
        found = Counter(issue.severity for issue in self.issues)
        return {severity: found[severity] for severity in SEVERITIES}

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain JSON values."""
        return {
            "policy": self.policy,
            "loads": self.loads,
            "counts": dict(self.counts),
            "issues": [issue.to_dict() for issue in self.issues],
        }


def lint_policy(
    policy: str | Path,
    *,
    floor: str | Path | None = None,
    tests: bool = True,
    ignore: Collection[str] = (),
    day: date | None = None,
    progress: Progress = lambda done, of: None,
) -> LintReport:
    """Say what is wrong or most likely not meant in a policy.

    Args:
        policy: a shipped one by name, or the path of a YAML file.
        floor: the operator's floor, likewise: what it undoes in the policy is told as well.
        tests: whether its tests are run.
        ignore: codes that are not looked for.
        day: the day that exceptions are compared with; today by default, in UTC.
        progress: is told how many of its tests were run, of how many.

    Raises:
        GuardrailsError: `ignore` names a code that there is not, or the environment's key is wrong.
        PolicyErrors: the floor does not load.
    """
    if unknown := sorted({*ignore} - CODES):
        raise GuardrailsError(f"no check is called {unknown[0]!r}; guardrails lint --codes lists them")
    today = day or date(*time.gmtime()[:3])
    under = None if floor is None else _scene(load(floor), today)
    try:
        loaded = load(policy, tests=())
        bench = LintWorkbench(
            loaded, compile_policy(loaded), today, tests=tests, floor=under, progress=progress
        )
    except PolicyErrors as errors:
        return LintReport(str(policy), loads=False, issues=tuple(map(_of_error, errors)))
    left = {*ignore, *(row.code for row in RUN if not tests), *(UNDER if floor is None else ())}
    rows: Sequence[Check] = [row for row in CHECKS if row.code not in left]
    found = of_policy.find_issues(bench, rows, CODES)
    files = () if is_shipped(bench.root.file) else tuple(of_policy.list_own_files(bench))
    return LintReport(str(policy), loads=True, issues=tuple(found), files=files)


def _scene(policy: Policy, day: date) -> LintContext:
    return LintContext(policy, compile_policy(policy), day)


def _of_error(error: PolicyError) -> Issue:
    return Issue(error.code, "error", Mark(error.file, error.line, error.col), error.message, error.hint)
