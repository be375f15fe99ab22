"""Renders a `PolicyDiff` as one HTML file for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from guardrails.authoring.diff.diff_report import (
    HEADS,
    ReportSection,
    build_sections,
    render_answer,
    render_title,
)
from guardrails.authoring.diff.difference import PolicyDiff
from guardrails.authoring.diff.traffic.effects import TURNS
from guardrails.authoring.markup import Html, cover_text, make_page, make_table, tag
from guardrails.authoring.reports.charts import STYLE, render_numbers, render_shares
from guardrails.authoring.reports.terms import ACTIONS, TERMS, explain_terms
from guardrails.types import Action

if TYPE_CHECKING:
    from guardrails.authoring.reports.report_source import ReportSource

MANY: Final = 500
"""Rows of a table that are shown."""

COVERED: Final = "text"
"""The head of columns of texts, which are covered."""

EXPLAINED: Final[Mapping[str, tuple[str, ...]]] = {
    "changes": ("Level",),
    "decisions": ACTIONS,
    "gates": ("Gate",),
    "rules in shadow": ("Shadow",),
}
"""Title of a section → the terms that it uses."""

_NUMBER: Final = re.compile(r"[\d,]+")

TURNED: Final = tuple(HEADS.values())
"""The terms of sections that count by something."""


def render_html(found: PolicyDiff, source: ReportSource | None = None) -> str:
    """Return the answer as a whole page that needs nothing but itself; `source` are the traffic, the policies and the date."""
    words = f"guardrails diff: {render_title(found)}"
    head = [
        tag("h1", words),
        tag("p", *_judge(found), " ", _next_step(found)),
        *_version(found),
        *([] if source is None else source.render(_policies(found))),
        *_charts(found),
    ]
    sections = (each for each in build_sections(found) if each.lines or each.rows)
    return make_page(words, [*head, *map(_article, sections)], STYLE)


def _policies(found: PolicyDiff) -> str:
    both = (each for each in (found.old, found.new) if each is not None)
    return " → ".join(f"{each.name} {each.version}, {each.digest[:19]}" for each in both) or "as in the log"


def _judge(found: PolicyDiff) -> Iterator[Html]:
    """Yield the answer, and how much changes."""
    effects = found.effects
    asked = bool(found.gates) or found.check_version or not found.passed
    if asked:
        colour = Action.ALLOW if found.passed else Action.BLOCK
        yield tag("strong", f"{_capitalize(render_answer(found))}.", class_=str(colour))
        yield Html(" ")
    if effects.rows:
        turns = ", ".join(
            f"{effects.turns[name]:,} {words}" for name, words in TURNS.items() if effects.turns[name]
        )
        told = (
            f"{effects.changed:,} of {effects.rows:,} decisions change ({effects.changed / effects.rows:.1%})"
        )
        yield tag("strong", f"{told}{f': {turns}' if turns else ''}.")
    else:
        yield tag("strong", "No traffic was judged.")


def _next_step(found: PolicyDiff) -> str:
    """Return what to do about it."""
    if not found.effects.rows:
        return "See what the change does with --on traffic.jsonl."
    if not found.passed:
        return "Look at what changes below, and mend the policy, or raise the limit if all of it is meant."
    if not found.effects.changed:
        return "Nothing here speaks against the new policy."
    if not found.gates:
        return "Look at them below, and say how many may change with a limit such as --max-new-blocks 0.1%."
    return "The limits are kept; try it on live traffic with guardrails serve --shadow before it decides."


def _version(found: PolicyDiff) -> Iterator[Html]:
    """Yield what is wrong with the version, where nobody asked to fail for it."""
    problem = None if found.advice is None or found.check_version else found.advice.problem
    if problem is not None:
        yield tag("p", tag("strong", "Note: "), f"version {problem}")


def _charts(found: PolicyDiff) -> Iterator[Html]:
    """Yield a bar for each policy with what it decides, and one for each kind of change."""
    effects = found.effects
    if not effects.matrix:
        return
    both = [
        (
            name,
            {
                str(action): sum(effects.matrix[pair] for pair in effects.matrix if pair[at] is action)
                for action in Action
            },
        )
        for at, name in enumerate(("Before", "After"))
    ]
    yield tag("div", render_shares("What becomes of the traffic, by either policy.", both), class_="charts")
    rows = [
        (_capitalize(words), f"{effects.turns[name]:,}", f"{effects.turns[name] / effects.rows:.2%}")
        for name, words in TURNS.items()
        if effects.turns[name]
    ]
    if rows:
        yield render_numbers(("What changes", "Decisions", "Share"), rows)


def _article(section: ReportSection) -> Html:
    lines = [tag("p", _capitalize(line)) for line in section.lines]
    more = (
        tag("p", f"and {len(section.rows) - MANY:,} more", class_="dim") if len(section.rows) > MANY else None
    )
    used = TURNED if section.title.startswith("by ") else EXPLAINED.get(section.title, ())
    terms = explain_terms(*used) if used and section.rows else None
    table = _table(section) if section.rows else None
    return tag("article", tag("h2", _capitalize(section.title)), *lines, table, more, terms)


def _table(section: ReportSection) -> Html:
    """Return the rows of a section, texts covered; numbers stand at the right."""
    heads = [_capitalize(name) for name in section.head]
    rows = [
        [
            cover_text(cell) if name == COVERED and cell else cell
            for name, cell in zip(section.head, row, strict=True)
        ]
        for row in section.rows[:MANY]
    ]
    numeric = all(_NUMBER.fullmatch(cell) for row in rows for cell in row[1:])
    return render_numbers(heads, rows) if numeric else make_table(heads, rows)


def _capitalize(text: str) -> str:
    """Return a text of the terminal as a page begins it; a term stays as it is explained."""
    return text if text in TERMS else f"{text[:1].upper()}{text[1:]}"
