"""Exceptions: each rule that one switches off is named, and what removes nothing is told where it is written."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints import exceptions
from guardrails.policy.lints.scene.scene import LintContext

RULES = """\
rules:
  - {id: a, on: input, when: custom.w > 0, then: block}
  - {id: b, on: output, when: custom.w > 0 || custom.soft > 0, then: block}
  - {id: c, on: input, when: content.length > 9000, then: flag}
exceptions:
"""


def test_each_rule_that_is_switched_off_is_named(scene_of: Callable[..., LintContext]) -> None:
    """Rules that read more, or that need no finding, go on; a category above those that are read counts too."""
    scene = scene_of(f"{RULES}  - {{id: e, categories: [custom.w], reason: long enough}}\n")
    assert [found.message.split("'")[3] for found in exceptions.switches_off(scene)] == ["a"]
    scene = scene_of(f"{RULES}  - {{id: e, categories: [custom], reason: long enough}}\n")
    assert [found.message.split("'")[3] for found in exceptions.switches_off(scene)] == ["a", "b"]


def test_days_are_counted_to_the_last(scene_of: Callable[..., LintContext]) -> None:
    """The last day is the last on which it holds."""
    days = ("2026-11-25", "2026-11-26", "2026-11-27", "2026-12-10", "2026-12-11")
    rows = "".join(
        f"  - {{id: e{at}, rules: [a], reason: long enough, expires: '{day}'}}\n"
        for at, day in enumerate(days)
    )
    scene = scene_of(RULES + rows)
    assert [found.subject for found in exceptions.expired(scene)] == ["e0"]
    assert [found.message for found in exceptions.expires_soon(scene)] == [
        "exception 'e1' expires today", "exception 'e2' expires in 1 day", "exception 'e3' expires in 14 days",
    ]  # fmt: skip


def test_an_expired_exception_can_be_taken_out(scene_of: Callable[..., LintContext]) -> None:
    """The fix takes the whole exception."""
    scene = scene_of(f"{RULES}  - {{id: e, rules: [a], reason: long enough, expires: 2026-01-31}}\n")
    (found,) = exceptions.expired(scene)
    assert found.fix is not None
    assert (found.fix.path, found.fix.key) == (("exceptions",), 0)


def test_a_rule_that_is_disabled_needs_no_exception(scene_of: Callable[..., LintContext]) -> None:
    """The place is that of the rule's name in the exception."""
    scene = scene_of(
        "extends: [pii-only]\ndisable: [secrets.redact]\n"
        "exceptions:\n  - {id: e, rules: [secrets.redact], matches: [x], reason: long enough}\n"
    )
    (found,) = exceptions.unused_exception(scene)
    assert "'secrets.redact', which is disabled" in found.message


def test_texts_are_tried_on_lists_and_patterns_alone(scene_of: Callable[..., LintContext]) -> None:
    """What a pattern finds only in its surroundings is not asked of detectors with surroundings of their own."""
    scene = scene_of(
        "rules: [{id: a, on: input, when: custom.w > 0 || pii > 0, then: block}]\n"
        "exceptions: [{id: e, matches: [nothing of that], reason: long enough}]\n"
    )
    assert [*exceptions.matches_nothing(scene)] == []
