"""Renders a `PolicyDiff` as one HTML file for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from guardrails.authoring.diff.diff_report import ReportSection, build_sections, render_answer, render_title
from guardrails.authoring.diff.difference import PolicyDiff
from guardrails.authoring.diff.traffic.effects import TURNS
from guardrails.authoring.markup import Html, cover_text, make_page, make_table, tag
from guardrails.authoring.reports.terms import ACTIONS, explain_terms
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

TURNED: Final = ("+block", "+redact", "-stopped", "content")
"""The terms of sections that count by something."""


def render_html(found: PolicyDiff, source: ReportSource | None = None) -> str:
    """Return the answer as a whole page that needs nothing but itself; `source` are the traffic, the policies and the date."""
    action = Action.ALLOW if found.passed else Action.BLOCK
    words = f"guardrails diff: {render_title(found)}"
    head = [
        tag("h1", words),
        tag("p", tag("strong", render_answer(found), class_=str(action)), ". ", _next_step(found)),
        *([] if source is None else source.render(_policies(found))),
        *_turns(found),
    ]
    sections = (each for each in build_sections(found) if each.lines or each.rows)
    return make_page(words, [*head, *map(_article, sections)])


def _policies(found: PolicyDiff) -> str:
    both = (each for each in (found.old, found.new) if each is not None)
    return " → ".join(f"{each.name} {each.version}, {each.digest[:19]}" for each in both) or "as in the log"


def _next_step(found: PolicyDiff) -> str:
    """Return how much changes and what to do about it."""
    effects = found.effects
    if not effects.rows:
        return "No traffic was judged: see what the change does with --on traffic.jsonl."
    told = (
        f"Of {effects.rows:,} decisions {effects.changed:,} change ({effects.changed / effects.rows:.1%}): "
    )
    if not found.passed:
        return f"{told}look at what changes below, and mend the policy, or raise the limit if all of it is meant."
    if not effects.changed:
        return f"{told}nothing here speaks against the new policy."
    if not found.gates:
        return f"{told}look at them below, and say how many may with a limit such as --max-new-blocks 0.1%."
    return (
        f"{told}the limits are kept; try it on live traffic with guardrails serve --shadow before it decides."
    )


def _turns(found: PolicyDiff) -> Iterator[Html]:
    """Yield a bar for each kind of change."""
    effects = found.effects
    most = max((effects.turns[name] for name in TURNS), default=0)
    rows = [
        [
            words,
            tag("span", _bar(words, effects.turns[name], most), f" {effects.turns[name]:,}"),
            f"{effects.turns[name] / effects.rows:.2%}",
        ]
        for name, words in TURNS.items()
        if effects.turns[name]
    ]
    if rows:
        yield make_table(("What changes", "Decisions", "Share"), rows)


def _bar(words: str, count: int, most: int) -> Html:
    return tag("meter", min=0, max=most, value=count, aria_label=words)


def _article(section: ReportSection) -> Html:
    lines = [tag("p", line) for line in section.lines]
    rows = make_table(section.head, [_cover(section.head, row) for row in section.rows[:MANY]])
    more = (
        tag("p", f"and {len(section.rows) - MANY:,} more", class_="dim") if len(section.rows) > MANY else None
    )
    used = TURNED if section.title.startswith("by ") else EXPLAINED.get(section.title, ())
    terms = explain_terms(*used) if used and section.rows else None
    return tag("article", tag("h2", section.title), *lines, rows if section.rows else None, more, terms)


def _cover(head: Sequence[str], row: Sequence[str]) -> list[str]:
    return [
        cover_text(cell) if name == COVERED and cell else cell for name, cell in zip(head, row, strict=True)
    ]
