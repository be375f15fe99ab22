"""Shows records to people, as lines, tables and in full."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from guardrails.types import Action

if TYPE_CHECKING:
    from guardrails.authoring.terminal import Style

SCORES: Final = 3
"""Categories that a line names, the surest."""
WIDTH: Final = 11
"""Characters of the longest decision, `UNAVAILABLE`."""
ACTIONS: Final = {str(action): action for action in Action}


def render_line(row: Mapping[str, Any], style: Style) -> str:
    """Return a record as one line: when, what was done, where, by which rules, what was found, for whom, and its id."""
    if row["kind"] != "decision":
        return f"{style.dim(row['time'])}  {row['kind'].upper():<{WIDTH}}  {row['id']}"
    surest = sorted(row["scores"].items(), key=lambda item: -item[1])[:SCORES]
    parts = [
        ", ".join(row["rules"]),
        " ".join(f"{category} {score:.2f}" for category, score in surest),
        f"user {row['user'][:12]}" if row["user"] else "",
        f"tenant {row['tenant']}" if row["tenant"] else "",
        row["model"],
        style.dim(row["id"]),
    ]
    what = _render_action(row, style)
    return (
        f"{style.dim(row['time'])}  {what}  {row['stage']:<11}  {'  '.join(part for part in parts if part)}"
    )


def _render_action(row: Mapping[str, Any], style: Style) -> str:
    if row.get("unavailable"):
        return style.bad("UNAVAILABLE")
    return style.action(ACTIONS[row["action"]], WIDTH)


def render_table(names: list[str], counts: list[tuple[tuple[str, ...], int]]) -> str:
    """Return counts by the values of columns as a table."""
    head = [*names, "records"]
    lines = [head, *([*values, f"{count:,}"] for values, count in counts)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    last = len(head) - 1
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at == last else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def render_record(record: Mapping[str, Any], style: Style, *, with_content: bool = False) -> str:
    """Return all of a record: a line for each thing that it says, and what was judged `with_content` behind these."""
    from guardrails.records.query import format_time

    lines = [f"{style.bold(record['id'])}  {format_time(record['time'])}"]
    for name, value in record.items():
        if name in ("id", "time", "v", "findings", "ms") or (with_content and name == "content"):
            continue
        lines.append(f"  {name:<13} {_render_value(name, value, style)}")
    for finding in record.get("findings", ()):
        where = "{}..{}".format(*finding["span"]) if finding.get("span") else ""
        lines.append(
            f"  {'finding':<13} {finding['category']} {finding['score']:.3f} by {finding['detector']} {where}"
        )
    if took := record.get("ms"):
        told = ", ".join(
            f"{name} {value:.2f}" for name, value in sorted(took.items(), key=lambda each: -each[1])
        )
        lines.append(f"  {'milliseconds':<13} {told}")
    if with_content:
        lines += _render_content(record["content"])
    return "\n".join(line.rstrip() for line in lines)


def _render_content(content: Any) -> list[str]:
    """Return the lines of a content: a text as it is, all else as JSON; nothing in it moves a terminal."""
    from guardrails.authoring.checked_files import display_name

    if content is None:
        return [f"  {'content':<13} none is kept"]
    told = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    return [f"  {'content':<13}", *(f"    {display_name(line)}" for line in told.splitlines())]


def _render_value(name: str, value: Any, style: Style) -> str:
    if name == "action":
        return style.action(ACTIONS[value])
    if name in ("rules", "shadow"):
        return ", ".join(
            f"{rule['id']} ({rule['action']}{', ' + rule['reason'] if 'reason' in rule else ''})"
            for rule in value
        )
    if name == "errors":
        return ", ".join(f"{each['detector']} ({each['reason']})" for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(each)}" for key, each in value.items())
    return "erased" if value is None else str(value)


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{key} {each}" for key, each in value.items()) + ")"
    return str(value)
