"""What lint looks at beyond the policy itself: what streams wait for, and what its tests come to, each run once for all checks.

The engine is imported where a test is run: to lint a policy without tests does not take it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from guardrails.engine.streaming.stream_plan import StreamNeeds, find_stream_needs
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.testing.test_fields import TestDoc
from guardrails.types import FiredRule, Stage, Verdict

if TYPE_CHECKING:
    from guardrails.authoring.testing.suite import SuiteCase
    from guardrails.guard import Guard


Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """One run of a test, `disguised` or as it is written. `verdict` is None where it could not be judged; `differs` says what is
    not as expected.
    """

    item: PolicyItem
    test: TestDoc
    name: str
    stages: frozenset[Stage]
    verdict: Verdict | None
    differs: tuple[str, ...]
    disguised: bool = False

    @property
    def fired(self) -> tuple[FiredRule, ...]:
        """The rules whose conditions held, shadow ones too."""
        if self.verdict is None:
            return ()
        every = (*self.verdict.rules, *self.verdict.shadow)
        return tuple(rule for rule in every if rule.reason not in ("error", "unchecked"))


@dataclass(frozen=True)
class LintWorkbench(LintContext):
    """A policy that loads, ready to be run. With `tests` its tests may be run, else none is; `progress` is told how many of them
    were, of how many.
    """

    tests: bool = True
    progress: Progress = lambda done, of: None

    @cached_property
    def streamed(self) -> StreamNeeds:
        """What streamed replies wait for."""
        return find_stream_needs((self.compiled,), (Stage.OUTPUT,))

    @cached_property
    def ran(self) -> tuple[SuiteRun, ...]:
        """What each test comes to, in the order of the files; nothing where tests are not to be run."""
        if not self.tests or not self.compiled.tests:
            return ()
        from guardrails.authoring.testing.suite import list_cases
        from guardrails.guard import Guard

        guard = Guard(self.compiled)
        tests = [(item, case) for item, test in self.compiled.tests for case in list_cases(test)]
        found = []
        for done, (item, case) in enumerate(tests):
            self.progress(done, len(tests))
            found.append(_run(guard, item, case))
        return tuple(found)

    @cached_property
    def undisguised(self) -> tuple[SuiteRun, ...]:
        """Of these, the tests as they are written."""
        return tuple(ran for ran in self.ran if not ran.disguised)


def _run(guard: Guard, item: PolicyItem, case: SuiteCase) -> SuiteRun:
    """Run a test once, as `guardrails test` does: both say the same of it."""
    from guardrails.authoring.testing.suite import UNJUDGED, judge_case

    disguised = case.disguise is not None
    try:
        judged = judge_case(guard, item, case)
    except UNJUDGED as error:
        wrong = (f"could not be judged: {error}",)
        return SuiteRun(item, case.test, case.name, frozenset(), None, wrong, disguised)
    return SuiteRun(item, case.test, case.name, judged.stages, judged.verdict, judged.differences, disguised)


def display_test(test: TestDoc) -> str:
    """Return what a test is called in messages: its name, or its content."""
    from guardrails.authoring.testing.suite import list_cases

    return next(list_cases(test)).name
