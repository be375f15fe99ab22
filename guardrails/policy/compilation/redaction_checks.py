"""Checks that a rule can replace what it says it replaces."""

from __future__ import annotations

import importlib.util

from guardrails import taxonomy
from guardrails.policy.compilation.compilation import Compilation
from guardrails.policy.compiled import Rule, bind_single_finding
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.schema import RedactionDoc, RuleDoc
from guardrails.spelling import suggest_name


def redaction_of(doc: RuleDoc) -> RedactionDoc:
    """Return what a rule says of how it replaces, written in full."""
    return (
        doc.with_
        if isinstance(doc.with_, RedactionDoc)
        else RedactionDoc().model_copy(update={"text": doc.with_ or "placeholder"})
    )


def check_fake(work: Compilation, item: PolicyItem, redaction: RedactionDoc) -> None:
    """What is made up needs Faker, and a locale that Faker has."""
    add, place = work.problems.add, item.mark(("with", "locale"))
    if redaction.text != "fake":
        if redaction.locale is not None:
            shown = redaction.text if isinstance(redaction.text, str) else "{…}"
            message = f"locale is for text: fake, not text: {shown}"
            add(place, "unused_field", message, "remove it, or write text: fake")
    elif importlib.util.find_spec("faker") is None:
        message = "what is made up for with: fake needs Faker, which is not installed"
        add(item.mark(("with",)), "missing_extra", message, "pip install 'guardrails-middleware[fake]'")
    elif redaction.locale is not None:
        from faker.config import AVAILABLE_LOCALES

        if redaction.locale not in AVAILABLE_LOCALES:
            message = f"Faker has no locale {redaction.locale!r}"
            add(place, "unknown_locale", message, suggest_name(redaction.locale, sorted(AVAILABLE_LOCALES)))


SCORES = (1.0, *(step / 100 for step in range(99, 0, -1)))
"""Scores that are tried to learn whether one finding alone can make a condition hold; the likeliest first."""


def check_redaction(work: Compilation, item: PolicyItem, rule: Rule) -> None:
    """A redaction needs spans, and a condition that one finding alone can make true."""
    place = item.mark(("when",) if rule.alone else ("redact",))
    for bound in work.detectors:
        gives = [
            c for c in sorted(bound.categories) if not rule.redact.isdisjoint(taxonomy.with_ancestors(c))
        ]
        if gives and not bound.spans:
            message = f"detector {bound.name!r} finds {gives[0]!r} without saying where"
            work.problems.add(place, "redact_without_spans", message, "write then: block")
    if not rule.redact:
        message = "the condition names no category, so there is nothing to replace"
        work.problems.add(place, "redact_nothing", message, "name what to replace: redact: [category]")
    elif rule.alone and not _holds_alone(rule):
        message = "no finding alone can make the condition hold, so none would be replaced"
        hint = f"name the categories to replace: redact: [{', '.join(sorted(rule.redact))}]"
        work.problems.add(place, "redact_nothing", message, hint)


def _holds_alone(rule: Rule) -> bool:
    return any(
        rule.condition.evaluate(bind_single_finding(rule.condition, category, score, "")) is not False
        for score in SCORES
        for category in rule.redact
    )
