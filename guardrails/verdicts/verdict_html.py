"""Renders a verdict as HTML, as a notebook shows it: the same that stands in `Verdict.to_dict`, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

LISTED: Final = 50
"""Findings, and other rows of one kind, that are shown."""

SHOWN: Final = 2_000
"""Characters of the content that are shown."""

COLOURS: Final[Mapping[str, str]] = {
    "allow": "#1a7f37",
    "flag": "#9a6700",
    "redact": "#0969da",
    "block": "#cf222e",
}
PLACES: Final = ("path", "choice_index", "span", "box", "clip", "origin")
"""What says where a finding is, as far as it is known."""


def render_verdict(verdict: Mapping[str, Any]) -> str:
    """Return the HTML of a verdict, given as `Verdict.to_dict` has it; every text in it is escaped."""
    action, policy, coverage = verdict["action"], verdict["policy"], verdict["coverage"]
    colour = COLOURS.get(action, "inherit")
    took = verdict["timings_ms"].get("total")
    head = (
        f'<b style="color:{colour}">{escape(action.upper())}</b> {escape(verdict["stage"])} '
        f"<small>policy {escape(policy['name'])} {escape(policy['version'])}, {escape(verdict['id'])}"
        f"{'' if took is None else f', {took:.2f} ms'}</small>"
    )
    rules = (
        (each["id"], each["action"], each["mode"], each["reason"], each["message"])
        for each in verdict["rules"]
    )
    findings = (
        (each["category"], f"{each['score']:.2f}", each["detector"], _place(each))
        for each in verdict["findings"]
    )
    unchecked = ((each["kind"], each["reason"], each["path"]) for each in coverage["unchecked"])
    errors = ((each["detector"], each["error"], each["path"]) for each in verdict["errors"])
    unavailable = verdict["unavailable"]
    undecided = [] if unavailable is None else [(unavailable["reason"], ", ".join(unavailable["rules"]))]
    tables = (
        _table(("could not be checked", "rules that are undecided"), undecided),
        _table(("rule", "action", "mode", "reason", "message"), rules),
        _table(("found", "score", "detector", "where"), findings),
        _table(("unchecked", "reason", "where"), unchecked),
        _table(("failed", "error", "where"), errors),
    )
    return f"<div>{head}{''.join(tables)}{_content(verdict['content'])}</div>"


def _place(finding: Mapping[str, Any]) -> str:
    known = ((name, finding[name]) for name in PLACES)
    return ", ".join(f"{name} {value}" for name, value in known if value not in (None, ""))


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; nothing where it has no rows."""
    lines = [
        "<tr>" + "".join(f"<td>{'' if cell is None else escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    ]
    if not lines:
        return ""
    if len(lines) > LISTED:
        lines[LISTED:] = [f'<tr><td colspan="{len(names)}">and {len(lines) - LISTED:,} more</td></tr>']
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _content(content: object) -> str:
    if content is None:
        return ""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=str)
    return f'<pre style="white-space:pre-wrap">{escape(text[:SHOWN])}{"…" if len(text) > SHOWN else ""}</pre>'
