"""Coverage: what the tests of a policy never show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Guard
from guardrails.authoring.testing import suite
from guardrails.authoring.testing.coverage import SuiteCoverage
from tests.cases import each_case


def covered(guard: Guard) -> SuiteCoverage:
    """Return what the tests of a guard's policy show."""
    coverage = SuiteCoverage(guard.policy)
    assert all(result.passed for result in suite.run_tests(guard, coverage=coverage))
    return coverage


ALL = [
    "rule word.block never fires: its condition is never true",
    "rule word.block always fires: its condition is never false",
    "rule id.redact never fires: its condition is never true",
    "rule id.redact always fires: its condition is never false",
    "rule id.shadow never fires: its condition is never true",
    "rule id.shadow always fires: its condition is never false",
    "rule rare.flag never fires: its condition is never true",
    "rule rare.flag always fires: its condition is never false",
    "detector words never finds anything",
    "detector ids never finds anything",
    "detector rare never finds anything",
    "exception own is never used",
]


@each_case(
    ("tests", "shown"),
    [
        ([], []),
        (["{input: fine, expect: {action: allow}}"], [1, 3, 5]),
        (["{output: fine, expect: {action: allow}}"], [1, 3, 7]),
        (["{retrieval: fine, expect: {action: allow}}"], []),
        (["{input: forbidden, expect: {action: block}}"], [0, 3, 5, 8]),
        (["{output: ID-1, expect: {action: redact}}"], [1, 2, 7, 9]),
        (["{input: ID-1, expect: {action: redact}}"], [1, 2, 4, 9]),
        (["{input: ID-0, expect: {action: allow}}"], [1, 3, 5, 9, 11]),
        (["{retrieval: ID-0, expect: {action: allow}}"], []),
        (["{output: zzz, expect: {action: allow}}"], [1, 3, 7, 10]),
        (["{input: '{each}', each: [fine, forbidden], expect: {rules: [word.block]}, todo: true}"], None),
    ],
)
def test_a_test_shows_what_it_reaches(
    tests: list[str], shown: list[int] | None, tested: Callable[..., Guard]
) -> None:
    """Rules that fired, rules of the stage that did not, detectors that found something, exceptions that took it away."""
    if shown is None:  # a known gap shows what it shows, too
        coverage = SuiteCoverage((guard := tested(*tests)).policy)
        assert [result.failed for result in suite.run_tests(guard, coverage=coverage)] == [False, False]
        shown = [0, 1, 3, 5, 8]
    else:
        coverage = covered(tested(*tests))
    assert [str(part) for part in coverage.missing] == [
        text for at, text in enumerate(ALL) if at not in shown
    ]
    assert coverage.percent == pytest.approx(100 * len(shown) / len(ALL))


def test_what_was_not_judged_shows_nothing(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Any]
) -> None:
    """A rule that fires because its detector failed has not shown its condition, and neither has it stood still."""

    def broken(content: object) -> object:
        raise RuntimeError("out of order")

    guard = guard_of(
        "detectors:\n  mine: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}\n"
        "tests:\n  - {input: a, expect: {action: block}}\n",
        detectors={"own": kind_of(broken)},
    )
    coverage = SuiteCoverage(guard.policy)
    assert [result.failed for result in suite.run_tests(guard, coverage=coverage)] == [True]
    assert coverage.percent == 0


def test_nothing_to_show_is_all_shown(guard_of: Callable[..., Guard]) -> None:
    """A policy without rules lacks no test."""
    assert SuiteCoverage(guard_of("").policy).percent == 100


def test_programs_read_what_is_missing(tested: Callable[..., Guard]) -> None:
    """By kind and name."""
    told = covered(tested("{input: fine, expect: {action: allow}}")).to_dict()
    assert told["percent"] == 25.0
    assert {"what": "used", "name": "own"} in told["missing"]  # type: ignore[operator]
