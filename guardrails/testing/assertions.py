"""Assertions on verdicts, which say what was decided where it is not what was expected. They show nothing of the content."""

from __future__ import annotations

from guardrails.errors import Blocked
from guardrails.spelling import suggest_name
from guardrails.types import Verdict


def assert_blocked(verdict: Verdict | Blocked, *, rule: str | None = None) -> None:
    """Check that a content was blocked.

    Args:
        verdict: the verdict, or the exception that brought it.
        rule: the id of a rule that must have blocked it.

    Raises:
        AssertionError: it was not, or not by that rule.
    """
    made = verdict.verdict if isinstance(verdict, Blocked) else verdict
    if not made.blocked:
        raise AssertionError(f"not blocked: {describe(made)}")
    rules = [fired.id for fired in made.rules if fired.action == "block"]
    if rule is not None and rule not in rules:
        raise AssertionError(
            f"not blocked by rule {rule!r} ({suggest_name(rule, rules) or 'by none'}): {describe(made)}"
        )


def assert_allowed(verdict: Verdict, *, unchanged: bool = True) -> None:
    """Check that a content may be used.

    Args:
        verdict: the verdict.
        unchanged: whether it may be used as it is; otherwise something in it may be redacted.

    Raises:
        AssertionError: it was blocked, or is not to be used as it is.
    """
    if verdict.blocked:
        raise AssertionError(f"not allowed: {describe(verdict)}")
    if unchanged and verdict.action >= "redact":
        raise AssertionError(f"not allowed as it is: {describe(verdict)}")


def describe(verdict: Verdict) -> str:
    """Return what was decided, by which rules and findings, in a few lines."""
    lines = [f"{verdict.action} at {verdict.stage} by policy {verdict.policy.name!r}"]
    lines += [f"  rule {fired.id}: {fired.action} ({fired.reason})" for fired in verdict.rules]
    lines += [f"  found {each.category} {each.score:.2f} by {each.detector}" for each in verdict.findings]
    lines += [f"  not checked: {each.kind}: {each.reason}" for each in verdict.coverage.unchecked]
    lines += [f"  failed: {each.detector}: {each.error}" for each in verdict.errors]
    return "\n".join(lines)
