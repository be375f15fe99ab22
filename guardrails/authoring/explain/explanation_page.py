"""Renders explanations as one HTML file for people: what decided, and what it would take for another decision.

Texts, and whatever quotes them, are covered until a reader asks for them.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from guardrails.authoring.explain.explained_findings import DetectorNote
from guardrails.authoring.explain.explained_rules import STATES, RuleNote
from guardrails.authoring.explain.explained_texts import MarkedText
from guardrails.authoring.explain.explanation import Explanation
from guardrails.authoring.explain.rules_report import LISTED, render_terms
from guardrails.authoring.markup import Html, cover_text, fold, make_page, make_table, mark_text, tag
from guardrails.authoring.reports.check_report import DONE, describe_place
from guardrails.authoring.reports.report_source import render_date
from guardrails.authoring.reports.terms import explain_terms
from guardrails.authoring.terminal import Style
from guardrails.authoring.tune.thresholds import find_thresholds
from guardrails.errors import describe_unavailable
from guardrails.types import Action

TOLD: Final = ("fired", "undecided", "nothing_to_redact")
"""The states of rules that stand first."""


@dataclass(frozen=True, slots=True)
class ExplainedContent:
    """A content that was explained, by what people call it, which is not covered."""

    name: str
    explanation: Explanation


def render_page(explained: Sequence[ExplainedContent], at: datetime) -> str:
    """Return a whole HTML document with a card for each content; `at` is when they were judged."""
    policies = dict.fromkeys(
        f"{ref.name} {ref.version}, {ref.digest[:19]}"
        for ref in (each.explanation.verdict.policy for each in explained)
    )
    judged = [[*_judge(each)] for each in explained]
    head = [
        tag("h1", "guardrails explain"),
        *([tag("p", *parts) for parts in judged] if len(judged) == 1 else _summarize(explained, judged)),
        tag("p", f"Data: {', '.join(each.name for each in explained)}", class_="dim"),
        tag("p", f"Policy: {'; '.join(policies)}. Date: {render_date(at)}.", class_="dim"),
    ]
    return make_page("guardrails explain", [*head, *map(_card, explained)])


def _summarize(explained: Sequence[ExplainedContent], judged: Sequence[Sequence[str]]) -> Iterator[Html]:
    """Yield how many there are of each, what to look at first, and a line for each."""
    if not explained:
        yield tag("p", "Nothing was given to explain.")
        return
    counts = Counter(each.explanation.verdict.action for each in explained)
    told = ", ".join(f"{counts[action]:,} {DONE[action]}" for action in sorted(Action, reverse=True))
    worst = max(explained, key=lambda each: each.explanation.verdict.action)
    rest = (
        "there is nothing to do, unless a rule should have fired"
        if worst.explanation.verdict.action is Action.ALLOW
        else f"begin with {worst.name}"
    )
    yield tag("p", tag("strong", f"{len(explained):,} explained: {told}"), f"; {rest}.")
    yield tag("ul", *(tag("li", *parts) for parts in judged))


def _judge(explained: ExplainedContent) -> Iterator[str]:
    """Yield what decided, and what to do next."""
    verdict = explained.explanation.verdict
    if verdict.unavailable is not None:
        yield tag("strong", f"{explained.name} could not be judged: {describe_unavailable(verdict)}")
        yield "; mend that, and explain it again."
        return
    yield tag("strong", f"{explained.name}: {verdict.action}")
    if verdict.rules and verdict.action is not Action.ALLOW:
        yield " by the rule "
        yield tag("strong", verdict.rules[0].id)
        yield "; if that is wrong, give the rule an exception"
        yield (" or a higher number" if _has_numbers(explained) else "")
        yield ": its terms below say which one decided."
        return
    near = [note for note in explained.explanation.rules if note.state == "not_fired" and _missing(note)]
    if near:
        yield "; nearest to firing is the rule "
        yield tag("strong", near[0].rule.id)
        yield f": it lacks {_missing(near[0])}; if it should have fired, lower that number with guardrails tune."
    else:
        yield "; no rule came near: if one should have fired, see whether a detector looks for this at all."


def _has_numbers(explained: ExplainedContent) -> bool:
    """Tell whether the rule that decided compares a score with more than nothing, as one over a list does not."""
    decided = explained.explanation.verdict.rules[0].id
    rules = (note.rule for note in explained.explanation.rules if note.rule.id == decided)
    return any(each.value > 0 for rule in rules for each in find_thresholds(rule.condition))


def _missing(note: RuleNote) -> str:
    """Return what would have made a rule fire for what was found; empty where nothing was found for it."""
    first = note.tries[0] if note.tries else None
    if first is None or first.missing is None or not first.evidence:
        return ""
    return " and ".join(
        f"{each.name} {each.operator} {each.bound:g} (it is {each.value:.4g})"
        for each in first.missing.changes
    )


def _card(explained: ExplainedContent) -> Html:
    found = explained.explanation
    action = found.verdict.action
    return tag(
        "article",
        tag("h2", tag("span", str(action), class_=f"action {action}"), " ", explained.name),
        *_texts(found),
        *_findings(found),
        *_rules(found),
        *_redaction(found),
        *_detectors(found.detectors),
    )


def _texts(found: Explanation) -> Iterator[Html]:
    shown = [each for each in found.texts if each.marks] or [*found.texts[:1]]
    for each in shown[:LISTED]:
        yield tag("h3", " ".join(filter(None, ("Text", each.path, each.role, each.origin))))
        yield cover_text(_marked(each))
    if len(shown) > LISTED:
        yield tag("p", f"and {len(shown) - LISTED:,} more texts", class_="dim")


def _marked(text: MarkedText) -> Html:
    marks = [(start, end, number) for start, end, numbers in text.marks for number in numbers]
    rest = tag("em", f" … {text.cut:,} characters are not shown", class_="dim") if text.cut else None
    return tag("span", mark_text(text.text, marks), rest)


def _findings(found: Explanation) -> Iterator[Html]:
    yield tag("h3", "Findings")
    if not found.findings:
        yield tag("p", "Nothing was found.")
        return
    raised = {each.finding: each for each in found.raised}
    rows = []
    for each in found.findings[:LISTED]:
        of = each.finding
        words = raised[each.number].words if each.number in raised else ()
        quoted = ", ".join(f"“{word.text}” {word.adds:+.2f}" for word in words)
        bar = tag("meter", min=0, max=1, value=f"{of.score:.3f}", aria_label=f"score of {of.category}")
        rows.append(
            (
                str(each.number),
                of.category,
                tag("span", bar, f" {of.score:.2f}"),
                of.detector,
                describe_place(of),
                cover_text(quoted) if quoted else "",
            )
        )
    yield make_table(("Number", "Category", "Score", "Detector", "Where", "Words that raise it"), rows)
    rest = len(found.findings) - len(rows) + found.left_out["findings"]
    if rest:
        yield tag("p", f"and {rest:,} more", class_="dim")
    yield explain_terms("Score")


def _rules(found: Explanation) -> Iterator[Html]:
    """Yield the rules that fired, then those for which something was found, then the names of all others."""
    told = [note for note in found.rules if note.state in TOLD]
    near = [note for note in found.rules if note not in told and _missing(note)]
    if told:
        yield tag("h3", "Rules that decided")
        heads = ("Rule", "Action", "Severity", "Why", "Condition", "Its terms")
        yield make_table(heads, [_told(note) for note in told])
        shadow = ("Shadow",) if any(note.rule.mode.value == "shadow" for note in told) else ()
        used = dict.fromkeys(str(note.rule.then) for note in told if str(note.rule.then) in map(str, Action))
        yield explain_terms(*used, "Severity", *shadow)
    if near:
        yield tag("h3", "Rules that did not fire, and what they lack")
        rows = [(note.rule.id, note.rule.condition.text, _missing(note)) for note in near]
        yield make_table(("Rule", "Condition", "It lacks"), rows)
    rest = ", ".join(note.rule.id for note in found.rules if note not in told and note not in near)
    if rest:
        yield fold("Rules that had nothing to fire for", tag("p", rest))


def _told(note: RuleNote) -> tuple[str, ...]:
    rule, first = note.rule, note.tries[0] if note.tries else None
    action = rule.then if note.verdict is None else note.verdict.action
    why = [STATES[note.state], *(["in shadow"] if rule.mode.value == "shadow" else [])]
    terms = "" if first is None else "\n".join(render_terms(first, Style(io.StringIO())))
    return (
        tag("strong", rule.id),
        tag("span", str(action), class_=f"action {action}"),
        str(rule.severity),
        ", ".join(why),
        tag("code", rule.condition.text),
        cover_text(terms) if terms else "",
    )


def _redaction(found: Explanation) -> Iterator[Html]:
    replaced = found.redaction.replaced
    if not replaced:
        return
    yield tag("h3", "What was replaced")
    rows = [
        (cover_text(each.before), each.after, each.rule or "as it was handed out before", each.path)
        for each in replaced[:LISTED]
    ]
    yield make_table(("Before", "After", "Rule", "Where"), rows)
    rest = len(replaced) - len(rows) + found.redaction.left_out
    if rest:
        yield tag("p", f"and {rest:,} more", class_="dim")


def _detectors(notes: Sequence[DetectorNote]) -> Iterator[Html]:
    if not notes:
        return
    rows = [
        (
            each.name,
            each.state.replace("_", " "),
            str(each.tier),
            "" if each.took_ms is None else f"{each.took_ms:.2f}",
            f"{each.findings:,}",
            "; ".join((*filter(None, (each.why,)), *each.errors)),
        )
        for each in notes
    ]
    table = make_table(("Detector", "State", "Tier", "Time in ms", "Findings", "Note"), rows)
    yield fold("Detectors, and how long each took", table, explain_terms("Tier"))
