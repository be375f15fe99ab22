"""Renders a `PolicyDiff` as plain text or Markdown (`diff_page`: as HTML). What is said is decided once, here; the forms only
write it down.

Markdown is for comments of pull requests, which more people read than the traffic: it has no examples of it, and whatever is
not a plain word stands in it as code, so that nothing in it is a mention, a link or a tag.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from guardrails.authoring.checked_files import display_name
from guardrails.authoring.diff.difference import PolicyDiff
from guardrails.authoring.diff.gates import GateResult
from guardrails.authoring.diff.traffic.effects import EXAMPLES, SAME, TURNS, NamedCounts
from guardrails.types import Action

Cells = tuple[str, ...]

LONGEST: Final = 100
"""Characters of a value that are shown."""

WIDEST: Final = 72
"""Characters of a cell in text."""

WHERE: Final = "where"
"""The head of columns of places, which are shown whole: people go there."""

AROUND: Final = 16
"""Characters that two texts have alike which are shown on either side of what differs."""

FEW: Final = 20
"""Rows of a table that are shown in text and Markdown."""

HEADS: Final[Mapping[str, str]] = {
    "new_block": "+block",
    "new_redaction": "+redact",
    "new_allow": "-stopped",
    "flag": "±flag",
    "content": "content",
}
"""Turn → the head of its column."""

_PLAIN: Final = re.compile(r"[\w .,:;%→+/()'-]*")


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A part of the answer: a title, lines, and a table."""

    title: str
    lines: Sequence[str] = ()
    head: Cells = ()
    rows: Sequence[Cells] = field(default_factory=list)


def render_title(found: PolicyDiff) -> str:
    """Return what is compared, in one line."""
    if found.old is None or found.new is None:
        return "policy change"
    names = found.old.name if found.old.name == found.new.name else f"{found.old.name} → {found.new.name}"
    return f"{names} {found.old.version} → {found.new.version}"


def render_answer(found: PolicyDiff) -> str:
    """Return the answer in one line."""
    if found.passed:
        minded = f" (warnings: {len(found.warnings):,})" if found.warnings else ""
        return f"ready{minded}" if found.gates or found.check_version else f"no gate was set{minded}"
    return f"not ready: {'; '.join(found.reasons)}"


def build_sections(found: PolicyDiff) -> list[ReportSection]:
    """Return everything that is to be told, in order."""
    told = [*_changes(found)]
    if found.effects.rows:
        told += [*_traffic(found), *_groups(found), *_examples(found)]
    gates = [_gate(each) for each in found.gates]
    if gates:
        told.append(ReportSection("gates", (), ("gate", "limit", "rows", "not judged", "state"), gates))
    if found.warnings:
        told.append(ReportSection("warnings", found.warnings))
    return told


def _gate(gate: GateResult) -> Cells:
    state = "exceeded" if gate.exceeded else "kept, but too few rows to show it" if gate.thin else "kept"
    return gate.gate.replace("_", "-"), gate.limit.text, f"{gate.count:,}", f"{gate.failed:,}", state


def _changes(found: PolicyDiff) -> Iterator[ReportSection]:
    if found.advice is None:
        return
    told = found.advice
    least = f"; the least version after {told.old} is {told.least}" if told.least and told.level else ""
    lines = [f"the change is {told.level}{least}"]
    if told.problem is not None:
        lines.append(told.problem)
    rows = [
        (
            str(each.level),
            f"{each.what}{f' ({each.name})' if each.name else ''}",
            render_value(each.old, each.new),
            each.places[1] or each.places[0],
            each.why,
        )
        for each in found.changes
    ]
    yield ReportSection("changes", lines, ("level", "what", "old → new", WHERE, "why"), rows)


def _traffic(found: PolicyDiff) -> Iterator[ReportSection]:
    effects = found.effects
    share = effects.changed / effects.rows
    lines = [
        f"{effects.rows:,} rows of {found.traffic or 'traffic'}: {effects.changed:,} decisions change ({share:.2%})",
        *(f"{effects.turns[name]:,} {words}" for name, words in TURNS.items() if effects.turns[name]),
    ]
    if effects.other_rules:
        lines.append(f"{effects.other_rules:,} more are decided alike, by other rules")
    if effects.failed:
        why = ", ".join(f"{name} {count:,}" for name, count in effects.errors.most_common(FEW))
        lines.append(f"{effects.failed:,} could not be judged by both: {why}")
    actions = sorted(Action)
    rows = [(str(old), *(f"{effects.matrix[old, new]:,}" for new in actions)) for old in actions]
    yield ReportSection("decisions", lines, ("old ↓ new →", *map(str, actions)), rows)


def _groups(found: PolicyDiff) -> Iterator[ReportSection]:
    effects = found.effects
    both = ("old", "new")
    yield _group("by rule", effects.rules, {"old": "fired: old", "new": "new", **HEADS})
    yield _group("by category", effects.categories, HEADS)
    for name, group in effects.by.items():
        if len(group.counts) > 1:
            yield _group(f"by {name}", group, {SAME: SAME, **HEADS})
    for words, group in (("rules in shadow", effects.shadow), ("detectors that failed", effects.failures)):
        yield _group(words, group, dict(zip(both, both, strict=True)))


def _group(words: str, group: NamedCounts, columns: Mapping[str, str]) -> ReportSection:
    rows = [
        (name, *(f"{counts.get(column, 0):,}" for column in columns))
        for name, counts in group.to_dict().items()
        if any(counts.get(column) for column in columns)
    ]
    return ReportSection(words, (), (words.removeprefix("by "), *columns.values()), rows)


def _examples(found: PolicyDiff) -> Iterator[ReportSection]:
    for name, words in {**TURNS, "failed": "not judged"}.items():
        kept = found.effects.examples.get(name, ())
        rows = [
            (
                str(each["place"]),
                " ".join(str(each[key]) for key in ("id", "tenant", "lang") if each.get(key)),
                str(each.get("stage", "")),
                f"{each.get('old', 'judged')} → {each.get('new', 'judged')}",
                ", ".join(each.get("rules", ())),
                str(each.get("text", "")),
            )
            for each in kept
        ]
        if rows:
            head = (WHERE, "who", "stage", "old → new", "rules", "text")
            yield ReportSection(f"examples: {words}", (), head, rows)


def render_value(old: Any, new: Any) -> str:
    """Return how a value changes, of lists only what came and went."""
    if isinstance(old, list) and isinstance(new, list):
        gone, come = ([each for each in one if each not in other] for one, other in ((old, new), (new, old)))
        if gone or come:
            return " ".join(filter(None, (_sign_entries("-", gone), _sign_entries("+", come))))
        return "in another order"
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > LONGEST // 2:
        old, new = _shorten_common(old, new)
    return f"{_brief(old)} → {_brief(new)}"


def _shorten_common(old: str, new: str) -> tuple[str, str]:
    """Return two long texts without most of what they begin and end with alike."""
    begin = _alike(old, new)
    end = _alike(old[begin:][::-1], new[begin:][::-1])
    first = max(0, begin - AROUND)

    def cut(text: str) -> str:
        last = len(text) - max(0, end - AROUND)
        return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"

    return cut(old), cut(new)


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _sign_entries(sign: str, entries: Sequence[Any]) -> str:
    told = ", ".join(_brief(each) for each in entries[:EXAMPLES])
    more = f", … ({len(entries)})" if len(entries) > EXAMPLES else ""
    return f"{sign}{told}{more}" if entries else ""


def _brief(given: Any) -> str:
    if given is None:
        return "none"
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def render_text(told: Iterable[ReportSection], most: int = FEW) -> Iterator[str]:
    """Yield the lines of sections, for a terminal."""
    for section in told:
        if not section.lines and not section.rows:
            continue
        yield ""
        yield section.title.upper()
        yield from (f"  {display_name(line)}" for line in section.lines)
        rows = [
            [
                display_name(cell) if name == WHERE else _cut(display_name(cell))
                for name, cell in zip(section.head, row, strict=True)
            ]
            for row in (section.head, *section.rows[:most])
        ]
        if section.rows:
            widths = [max(len(row[column]) for row in rows) for column in range(len(section.head))]
            for row in rows:
                yield (
                    "  "
                    + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                )
        if len(section.rows) > most:
            yield f"  and {len(section.rows) - most:,} more"


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def render_markdown(found: PolicyDiff) -> str:
    """Return the answer as a comment of a pull request, without a text of the traffic."""
    mark = "✅" if found.passed else "❌"
    out = [f"### guardrails diff: {_cell(render_title(found))}", "", f"{mark} {_cell(render_answer(found))}"]
    for section in build_sections(found):
        if section.title.startswith("examples") or not (section.lines or section.rows):
            continue
        out += ["", f"**{section.title}**", ""]
        if section.lines:
            out += [*(f"- {_cell(line)}" for line in section.lines), ""]
        if section.rows:
            out += [_row(section.head), _row(("---",) * len(section.head))]
            out += [_row(row) for row in section.rows[:FEW]]
        if len(section.rows) > FEW:
            out += ["", f"and {len(section.rows) - FEW:,} more"]
    return re.sub(r"\n{3,}", "\n\n", "\n".join((*out, "")))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    text = display_name(text)
    return text if _PLAIN.fullmatch(text) else f"`{text.replace('`', chr(39)).replace('|', chr(92) + '|')}`"
