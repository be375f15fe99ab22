"""Runs the tests of a policy: a guard in, one result for each test out, with what differs from what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guardrails.guard import Guard
from guardrails.policy.schema import TestDoc
from guardrails.types import FiredRule, Stage, Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """One test: its name, where it stands (`file:line:col`), what differs, and whether it is a known gap."""

    name: str
    place: str
    differences: tuple[str, ...]
    todo: bool = False

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences

    @property
    def failed(self) -> bool:
        """Whether something differs that is no known gap."""
        return bool(self.differences) and not self.todo

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain JSON values."""
        return {
            "name": self.name,
            "place": self.place,
            "passed": self.passed,
            "todo": self.todo,
            "differences": list(self.differences),
        }


def run(guard: Guard) -> list[Result]:
    """Run every test of the guard's policy, inherited ones too, with all detectors."""
    results = []
    for item, test in guard.policy.tests:
        stage, content = given(test)
        verdict = guard.check(content, stage, user=test.user, metadata=test.metadata, complete=True)
        mark = item.mark(())
        place = f"{mark.file}:{mark.line}:{mark.col}"
        results.append(
            Result(test.name or _named(stage, content), place, tuple(differences(test, verdict)), test.todo)
        )
    return results


def given(test: TestDoc) -> tuple[str, object]:
    """Return the stage and the content of a test."""
    if test.messages is not None:
        return Stage.INPUT.value, test.messages
    return next((stage.value, text) for stage in Stage if (text := getattr(test, stage.value)) is not None)


def _named(stage: str, content: object) -> str:
    text = content if isinstance(content, str) else "a conversation"
    return f"{stage}: {text if len(text) <= 60 else text[:57] + '...'}"


def differences(test: TestDoc, verdict: Verdict) -> Iterable[str]:
    """Yield what a verdict has otherwise than the test expects."""
    expect = test.expect
    if expect.action is not None and str(verdict.action) != expect.action:
        yield f"action is {verdict.action}, not {expect.action}{_because(verdict.rules)}"
    yield from _sets("rules", expect.rules, verdict.rules)
    yield from _sets("shadow", expect.shadow, verdict.shadow)
    if "content" in expect.model_fields_set and verdict.content != expect.content:
        yield f"content is {verdict.content!r}, not {expect.content!r}"
    for error in verdict.errors:
        yield f"detector {error.detector} failed: {error.error}"


def _because(rules: Sequence[FiredRule]) -> str:
    return f" (by {', '.join(rule.id for rule in rules)})" if rules else " (no rule fired)"


def _sets(name: str, expected: list[str] | None, fired: Sequence[FiredRule]) -> Iterable[str]:
    if expected is None:
        return
    found = {rule.id for rule in fired}
    if found != set(expected):
        yield f"{name} are {sorted(found)}, not {sorted(expected)}"
