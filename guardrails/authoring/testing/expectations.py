"""Compares a verdict with what a test expects, in words for the test's author."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from guardrails.authoring.test_input import plain_content
from guardrails.policy.testing.test_checks import content_fields
from guardrails.policy.testing.test_fields import ExpectDoc, FoundDoc, TestDoc, parse_comparisons
from guardrails.taxonomy import with_ancestors
from guardrails.types import Action, Finding, FiredRule, Verdict

SIGNS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
NEAR: Final = 1e-6
"""How far a score may be from a number that a test names."""

SHOWN: Final = 12
"""Findings that a difference lists."""


def find_differences(test: TestDoc, verdict: Verdict, beside: Collection[str] = ()) -> Iterator[str]:
    """Yield what a verdict has otherwise than the test expects; rules `beside` the policy's own may fire as well."""
    expect, said = test.expect, test.expect.model_fields_set
    if expect.action is not None and str(verdict.action) != expect.action:
        yield f"action is {verdict.action}, not {expect.action}{name_rules(verdict.rules)}"
    yield from _sets("rules", expect.rules, (rule.id for rule in verdict.rules), beside)
    yield from _sets("shadow", expect.shadow, (rule.id for rule in verdict.shadow), beside)
    yield from _sets("categories", expect.categories, (each.category for each in verdict.findings))
    yield from _sets("unchecked", expect.unchecked, (each.kind for each in verdict.coverage.unchecked))
    yield from _findings(test, expect, verdict)
    if "content" in said and plain_content(verdict.content) != _content(expect.content):
        yield f"content is {plain_content(verdict.content)!r}, not {expect.content!r}"
    if "message" in said and verdict.message != expect.message:
        yield f"message is {verdict.message!r}, not {expect.message!r}"
    yield from find_failures(verdict)


def strip_elsewhere(test: TestDoc, verdict: Verdict, elsewhere: Collection[str]) -> tuple[TestDoc, Verdict]:
    """Return an inherited test and a verdict without what comes from policies beside the one that the test was written for:
    rules `elsewhere`, what was not judged for their sake, and where one of those fired what that made of the content.
    """

    def own(fired: Iterable[FiredRule]) -> tuple[FiredRule, ...]:
        return tuple(rule for rule in fired if rule.id not in elsewhere and rule.reason != "unchecked")

    rules = own(verdict.rules)
    lost = {"categories", "unchecked"}
    if len(rules) < len(verdict.rules):
        lost |= {"content", "message"}
    expect = ExpectDoc.model_validate(test.expect.model_dump(exclude_unset=True, exclude=lost))
    action = max((rule.action for rule in rules), default=Action.ALLOW)
    left = replace(verdict, rules=rules, shadow=own(verdict.shadow), action=action)
    return test.model_copy(update={"expect": expect}), left


def find_missing(test: TestDoc, verdict: Verdict) -> Iterator[str]:
    """Yield what a verdict on a disguised text lacks: the action or a stricter one, and the rules."""
    expect = test.expect
    if expect.action is not None and verdict.action < Action[expect.action.upper()]:
        yield f"action is {verdict.action}, not {expect.action} or stricter{name_rules(verdict.rules)}"
    for name, expected, fired in (
        ("rules", expect.rules, verdict.rules),
        ("shadow", expect.shadow, verdict.shadow),
    ):
        found = {rule.id for rule in fired}
        if missing := sorted(set(expected or ()) - found):
            yield f"{name} are {sorted(found)}, without {missing}"
    yield from find_failures(verdict)


def find_failures(verdict: Verdict) -> Iterator[str]:
    """Yield that the check could not be done, and the detectors that failed: no test passes by that."""
    if verdict.unavailable is not None:
        rules = ", ".join(verdict.unavailable.rules)
        yield f"the check could not be done ({verdict.unavailable.reason}): undecided are {rules}"
    for error in verdict.errors:
        yield f"detector {error.detector} failed: {error.error}"


def name_rules(rules: Sequence[FiredRule]) -> str:
    """Return by what rules an action is, in brackets."""
    return f" (by {', '.join(rule.id for rule in rules)})" if rules else " (no rule fired)"


def _sets(
    name: str, expected: Collection[str] | None, found: Iterable[str], beside: Collection[str] = ()
) -> Iterator[str]:
    if expected is None:
        return
    names = {each for each in found if each in expected or each not in beside}
    if names != set(expected):
        yield f"{name} are {sorted(names)}, not {sorted(expected)}"


def _content(expected: Any) -> Any:
    """Return an expected content with a call's arguments as a mapping, however they are written."""
    if isinstance(expected, dict) and expected.keys() == {"name", "arguments"}:
        try:
            return expected | {"arguments": json.loads(expected["arguments"])}
        except (TypeError, ValueError):
            return expected
    return expected


def _findings(test: TestDoc, expect: ExpectDoc, verdict: Verdict) -> Iterator[str]:
    """Yield the findings that are missing; each expected one needs one of its own."""
    if expect.findings is None:
        return
    found = verdict.findings
    told = "; ".join(display_finding(each, _text_at(test, each)) for each in found[:SHOWN]) or "nothing"
    if not expect.findings and found:
        yield f"findings are {told}, not nothing"
    fits = [
        [index for index, each in enumerate(found) if _fits(wanted, each, _text_at(test, each))]
        for wanted in expect.findings
    ]
    taken = _pair_rows(fits)
    for wanted, candidates, pair in zip(expect.findings, fits, taken, strict=True):
        if pair is None:
            again = " once more" if candidates else ""
            named = ", ".join(
                f"{name} {value!r}" for name, value in wanted.model_dump(exclude_unset=True).items()
            )
            yield f"findings lack{again}: {named} (found: {told})"


def _pair_rows(fits: Sequence[Sequence[int]]) -> list[int | None]:
    """Give each row one of its columns, no column twice, and leave out as few rows as possible (augmenting paths)."""
    owner: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column in fits[row]:
            if column not in tried:
                tried.add(column)
                if column not in owner or place(owner[column], tried):
                    owner[column] = row
                    return True
        return False

    for row in range(len(fits)):
        place(row, set())
    columns = {row: column for column, row in owner.items()}
    return [columns.get(row) for row in range(len(fits))]


def _fits(wanted: FoundDoc, finding: Finding, text: str | None) -> bool:
    exact = (
        (wanted.detector, finding.detector),
        (wanted.path, finding.path),
        (wanted.origin, finding.origin),
        (wanted.text, text),
        (wanted.span, None if finding.span is None else [*finding.span]),
    )
    return (
        wanted.category in with_ancestors(finding.category)
        and _scores(wanted.score, finding.score)
        and all(expected is None or expected == value for expected, value in exact)
    )


def _scores(wanted: float | str | None, score: float) -> bool:
    if isinstance(wanted, str):
        return all(SIGNS[sign](score, number) for sign, number in parse_comparisons(wanted))
    return wanted is None or abs(score - wanted) <= NEAR


def _text_at(test: TestDoc, finding: Finding) -> str | None:
    """Return the stretch of text that a finding covers, None where it has none."""
    if finding.span is None:
        return None
    value: Any = getattr(test, content_fields(test)[0])
    value = value.model_dump(exclude_none=True) if hasattr(value, "model_dump") else value
    if not finding.path and isinstance(value, dict):
        value = value.get("text")
    for part in finding.path.split("/")[1:]:
        value = _inside(value, part.replace("~1", "/").replace("~0", "~"))
    return value[slice(*finding.span)] if isinstance(value, str) else None


def _inside(value: Any, part: str) -> Any:
    """Return what lies at one step of a JSON Pointer, which may lead into a JSON text."""
    try:
        known = json.loads(value) if isinstance(value, str) else value
        return known[int(part)] if isinstance(known, list) else known[part]
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def display_finding(finding: Finding, text: str | None) -> str:
    """Return a finding as a difference names it."""
    where = f" at {finding.span[0]}..{finding.span[1]}" if finding.span else ""
    quoted = "" if text is None else f" {text if len(text) <= 40 else text[:37] + '...'!r}"
    return f"{finding.category} {finding.score:.2f} by {finding.detector}{quoted}{where}"
