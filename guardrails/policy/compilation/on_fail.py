"""What a rule tries before it acts on a text in a wrong format (`on_fail`), and where that can be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guardrails.detectors.binding import BoundDetector
from guardrails.policy.compiled import OnFail, Rule
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.source import Mark
from guardrails.policy.schema import RuleDoc
from guardrails.taxonomy import with_ancestors

Misuse = tuple[Mark, str, str, str]
"""Where something is wrong, a code, a message and a hint."""


def read_on_fail(doc: RuleDoc) -> OnFail | None:
    """Return what a rule tries, None where it says nothing of that."""
    if doc.on_fail is None:
        return None
    return OnFail(True, (doc.reask or 1) if doc.on_fail == "reask" else 0)


def find_misuse(
    item: PolicyItem, doc: RuleDoc, rule: Rule, detectors: Sequence[BoundDetector]
) -> Iterator[Misuse]:
    """Yield what is wrong with the `on_fail` of a rule: only what a detector of formats finds can be repaired."""
    place = item.mark(("on_fail",))
    others = [
        each
        for each in detectors
        if each.format_problems is None
        and any(not rule.condition.categories.isdisjoint(with_ancestors(name)) for name in each.categories)
    ]
    if others:
        message = f"on_fail is for what 'use: format' finds, and detector {others[0].name!r} looks for something else"
        yield place, "not_a_format", message, "remove on_fail, or name the category of a format alone"
    elif not format_detectors(rule, detectors):
        message = "on_fail is for what a detector of 'use: format' finds, and the condition names none"
        yield place, "not_a_format", message, "name its category in when"
    if doc.on_fail == "reask" and "output" not in ([doc.on] if isinstance(doc.on, str) else doc.on):
        message = "only what a model answers can be asked for again, and the rule judges none"
        yield place, "not_in_scope", message, "write on: output, or on_fail: repair"
    if doc.scope != "part":
        message = f"on_fail is for single texts, not scope: {doc.scope}"
        yield item.mark(("scope",)), "not_in_scope", message, "remove scope"
    if doc.stream == "annotate":
        message = "what went out already cannot be repaired or asked for again"
        yield item.mark(("stream",)), "unused_field", message, "remove stream: annotate"


def format_detectors(rule: Rule, detectors: Sequence[BoundDetector]) -> list[BoundDetector]:
    """Return the detectors of formats whose findings a rule is about."""
    return [
        each
        for each in detectors
        if each.format_problems is not None
        and any(not rule.condition.categories.isdisjoint(with_ancestors(name)) for name in each.categories)
    ]
