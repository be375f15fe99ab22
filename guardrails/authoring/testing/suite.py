"""Runs the tests of a policy: what differs from what each expects, and why.

A test may stand for several: one for each entry of `each:`, and one more for each disguise. Every test is run with all detectors,
so that no rule hides behind a stricter one.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

from guardrails.authoring.test_input import check_arguments, read_subject
from guardrails.authoring.testing import cuts, disguises
from guardrails.authoring.testing.coverage import SuiteCoverage, find_used_exceptions, list_exceptions
from guardrails.authoring.testing.expectations import find_differences, find_missing, strip_elsewhere
from guardrails.authoring.testing.near_misses import explain_rules
from guardrails.engine.core.pipeline import today
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.load import load
from guardrails.policy.testing.test_checks import content_fields, fill_placeholders, text_of
from guardrails.policy.testing.test_fields import DISGUISES, DisguiseName, TestDoc
from guardrails.policy.testing.test_files import TestFile
from guardrails.spelling import suggest_name
from guardrails.types import Stage, Verdict

UNJUDGED: Final = (OSError, GuardrailsError)
"""What is raised where a test cannot be run."""

NAMED: Final = 60
"""Characters of a content that stand for the name of a test without one."""


@dataclass(frozen=True, slots=True)
class SuiteDemands:
    """What is demanded of every test of a text, beside what it demands itself: the same at every cut, or in disguise."""

    every_cut: bool = False
    obfuscate: tuple[DisguiseName, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """One test: its name, where it stands (`file:line:col`), what differs, and whether it is a known gap.

    `why` says why rules fired or did not, `note` what else is to be said, `reason` what the gap is; `broken` tells that it could
    not be run, which no known gap excuses.
    """

    name: str
    place: str
    differences: tuple[str, ...]
    todo: bool = False
    reason: str = ""
    why: tuple[str, ...] = ()
    note: str | None = None
    broken: bool = False
    ms: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences

    @property
    def failed(self) -> bool:
        """Whether something differs that is no known gap."""
        return bool(self.differences) and (self.broken or not self.todo)

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain JSON values."""
        return {
            "name": self.name,
            "place": self.place,
            "passed": self.passed,
            "todo": self.todo,
            "reason": self.reason,
            "differences": list(self.differences),
            "why": list(self.why),
            "note": self.note,
            "ms": round(self.ms, 3),
        }


@dataclass(frozen=True, slots=True)
class SuiteCase:
    """One run of a test: of which name, on which content, in which disguise if any, and whether it is cut everywhere."""

    name: str
    test: TestDoc
    disguise: DisguiseName | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class CaseJudgement:
    """What one run of a test came to: the stages at which contents were judged, the verdict, what differs from what the test
    expects, why, and what else is to be said.
    """

    stages: frozenset[Stage]
    verdict: Verdict
    differences: tuple[str, ...]
    why: tuple[str, ...] = ()
    note: str | None = None


def load_guard(policy: str | Path, tests: Iterable[TestFile] = (), floor: str | Path | None = None) -> Guard:
    """Return a guard for a policy whose tests are there as well: its own, those of files beside it and its parents, and `tests`.
    Those of the `floor`, if there is one, are not: they are for the floor alone.

    Raises:
        PolicyErrors: everything that is wrong, in the policy, in the files of tests or in the floor.
    """
    under = None if floor is None else compile_policy(load(floor))
    return Guard(compile_policy(load(policy, tests=tests)), under)


def run_suite(guard: Guard) -> list[SuiteResult]:
    """Run every test of the guard's policy, inherited ones too."""
    return [*run_tests(guard)]


def run_tests(
    guard: Guard,
    tests: Sequence[tuple[PolicyItem, TestDoc]] | None = None,
    *,
    demands: SuiteDemands = SuiteDemands(),
    pattern: str | None = None,
    coverage: SuiteCoverage | None = None,
) -> Iterator[SuiteResult]:
    """Yield the result of each test, one by one: of the guard's policy, or of `tests`.

    Args:
        guard: what judges.
        tests: tests, each with where it is written.
        demands: what is demanded of every test.
        pattern: only tests whose name or place has this in it (without case; `*`, `?` and `[…]` as in names of files).
        coverage: takes note of what the tests show.
    """
    for item, test in guard.policy.tests if tests is None else tests:
        yield from run_test(guard, item, test, demands=demands, pattern=pattern, coverage=coverage)


def run_test(
    guard: Guard,
    item: PolicyItem,
    test: TestDoc,
    *,
    demands: SuiteDemands = SuiteDemands(),
    pattern: str | None = None,
    coverage: SuiteCoverage | None = None,
) -> Iterator[SuiteResult]:
    """Yield the result of one test, or of the several that it stands for."""
    mark = item.mark(())
    place = f"{mark.file}:{mark.line}:{mark.col}"
    for case in list_cases(test, demands):
        if pattern is None or any(_matches(pattern, text) for text in (case.name, place)):
            yield _result(guard, item, case, place, coverage)


def _matches(pattern: str, text: str) -> bool:
    pattern, text = pattern.casefold(), text.casefold()
    return pattern in text or fnmatch.fnmatchcase(text, pattern)


def list_cases(test: TestDoc, demands: SuiteDemands = SuiteDemands()) -> Iterator[SuiteCase]:
    """Yield the runs that a test stands for."""
    rows: Sequence[str | dict[str, str] | None] = test.each or [None]
    for row in rows:
        one = test if row is None else fill_placeholders(test, row)
        name = test.name or _display_test(one)
        if row is not None and test.name:
            name += f" [{row if isinstance(row, str) else ', '.join(row.values())}]"
        is_text = text_of(one) is not None
        yield SuiteCase(name, one, cut=is_text and (test.every_cut or demands.every_cut))
        for disguise in _disguises(one, demands):
            yield SuiteCase(f"{name} ({disguise})", _disguise_test(one, disguise), disguise)


def _disguises(test: TestDoc, demands: SuiteDemands) -> Sequence[DisguiseName]:
    """Return the disguises in which a content must be found: nothing else has to."""
    if test.obfuscate is not False:
        return DISGUISES if test.obfuscate is True else tuple(test.obfuscate)
    harmful = bool(test.expect.rules) if test.expect.action is None else test.expect.action != "allow"
    return demands.obfuscate if harmful and text_of(test) is not None else ()


def _disguise_test(test: TestDoc, disguise: DisguiseName) -> TestDoc:
    """Return the test with its text disguised, or what the last message says."""
    put_on = disguises.DISGUISES[disguise]
    (name,) = content_fields(test)
    value = getattr(test, name)
    if isinstance(value, str):
        return test.model_copy(update={name: put_on(value)})
    last = {**value[-1]}
    last["content"] = put_on(last["content"]) if isinstance(last.get("content"), str) else last.get("content")
    return test.model_copy(update={name: [*value[:-1], last]})


def _display_test(test: TestDoc) -> str:
    (name,) = content_fields(test)
    value = getattr(test, name)
    if name == "messages":
        name, text = Stage.INPUT.value, "a conversation"
    else:
        text = value if isinstance(value, str) else value.name
    return f"{name}: {text if len(text) <= NAMED else text[: NAMED - 3] + '...'}"


def _result(
    guard: Guard, item: PolicyItem, case: SuiteCase, place: str, coverage: SuiteCoverage | None
) -> SuiteResult:
    test, began = case.test, perf_counter()
    judged, found = None, tuple[str, ...]()
    try:
        judged = judge_case(guard, item, case, coverage)
        found = judged.differences
    except UNJUDGED as error:
        found = (f"could not be judged: {error}",)
    return SuiteResult(
        name=case.name,
        place=place,
        differences=found,
        todo=test.todo is not False,
        reason=test.todo if isinstance(test.todo, str) else "",
        why=() if judged is None else judged.why,
        note=None if judged is None else judged.note,
        broken=judged is None,
        ms=(perf_counter() - began) * 1000.0,
    )


def judge_case(
    guard: Guard, item: PolicyItem, case: SuiteCase, coverage: SuiteCoverage | None = None
) -> CaseJudgement:
    """Run a test once and return what it comes to; raise one of `UNJUDGED` where it cannot be run."""
    test, who, floor = case.test, check_arguments(case.test), guard.floor
    stage, subject = read_subject(test, item)
    stages = frozenset(
        at for leaf in subject.tree.leaves for at in (leaf.content.place.stage, *leaf.content.place.also)
    )
    leaves = tuple(leaf.content for leaf in subject.tree.leaves)
    verdict = guard.check(subject, stage.value, **who, complete=True)
    own = verdict  # what the policy's own rules and exceptions come to
    if floor is not None and (coverage is not None or test.expect.exceptions):
        own = _without_floor(guard).check(read_subject(test, item)[1], stage.value, **who, complete=True)
    if coverage is not None:
        coverage.record(own, leaves, who)
    beside = () if floor is None else _ids(floor) - _ids(guard.policy)
    compare: Callable[[TestDoc, Verdict], Iterator[str]] = (
        partial(find_differences, beside=beside) if case.disguise is None else find_missing
    )
    found = [*compare(test, verdict)]
    if found and (elsewhere := guard.policy.elsewhere.get(item.source.file)):
        found = [*compare(*strip_elsewhere(test, verdict, elsewhere))]
    if test.expect.exceptions:
        took = find_used_exceptions(list_exceptions(guard.policy), own, leaves, who)
        idle = (name for name in test.expect.exceptions if name not in took)
        found += [f"exception {name} takes nothing away{_why_expired(guard, name)}" for name in idle]
    if found:
        found += find_unknown_rules(guard, item, test)
    why = tuple(explain_rules(guard.pipeline.policies, test.expect, verdict, stages)) if found else ()
    text, note = text_of(test), None
    if case.cut and text is not None:
        found += cuts.find_cut_differences(guard, stage.value, text, verdict, who)
        note = cuts.cut_note(guard, text, verdict)
    if found and floor is not None and not judge_case(_without_floor(guard), item, case).differences:
        found.append(f"the floor {floor.ref.name} {floor.ref.version} decides: without it the test passes")
    return CaseJudgement(stages, verdict, tuple(found), why, note)


def find_unknown_rules(guard: Guard, item: PolicyItem, test: TestDoc) -> Iterator[str]:
    """Yield the rules that a test expects and that there are not, with where the test names them."""
    policies = [each for each in (guard.policy, guard.floor) if each is not None]
    ids = {name for each in policies for name in _ids(each)}
    ids |= {f"unchecked.{kind}" for each in policies for kind in each.unchecked}
    for field in ("rules", "shadow"):
        for index, name in enumerate(getattr(test.expect, field) or ()):
            if name not in ids:
                mark, hint = item.mark(("expect", field, index)), suggest_name(name, sorted(ids))
                yield f"{mark.file}:{mark.line}:{mark.col}: no rule is called {name!r}{f' - {hint}' if hint else ''}"


def _without_floor(guard: Guard) -> Guard:
    """Return a guard by the same policy that has no floor."""
    return Guard(guard.policy, cache=guard.pipeline.cache)


def _ids(policy: CompiledPolicy) -> frozenset[str]:
    return frozenset(rule.id for rule in policy.rules)


def _why_expired(guard: Guard, name: str) -> str:
    """Return why an exception holds no more, "" where it does."""
    ends = [each.expires for rule in guard.policy.rules for each in rule.exceptions if each.id == name]
    over = next((end for end in ends if end is not None and end < today()), None)
    return "; the verdict is the same without it" if over is None else f": it held until {over}"
