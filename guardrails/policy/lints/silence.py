"""Reads the comments that suppress lint issues in a file, and the lines that they are for.

    - id: all.flag               # lint: ignore no_message, constant_condition
    # lint: ignore shadowed_rule
    - {id: hate.flag, …}
    # lint: ignore-file no_expiry

At the end of a line a comment is for that line, on a line of its own for the next one; in both cases also for what is indented
more deeply below it, so that one comment does for a whole rule. `ignore-file` is for the whole file. Codes are named always:
there is no silence for whatever may come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from guardrails.policy.loading.compose import BranchNode, NodeEntry, ScalarNode
from guardrails.policy.loading.source import Mark, Source

COMMENT = re.compile(
    r"(?:^|(?<=[ \t]))#[ \t]*lint:[ \t]*(ignore(?:-file)?)\b[ \t:]*([^#\r\n]*)", re.MULTILINE
)
LINE = re.compile(r"\r\n|\r|\n")
CODE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One code of a comment: where the comment stands, and the lines (from 1, the last one included) that it is for."""

    mark: Mark
    code: str
    first: int
    last: int

    def covers(self, code: str, mark: Mark) -> bool:
        """Tell whether a finding is not to be told."""
        return code == self.code and mark.file == self.mark.file and self.first <= mark.line <= self.last


def find_suppressions(source: Source) -> list[Suppression]:
    """Return what the comments of a file silence."""
    found = [*COMMENT.finditer(source.text)]
    if not found:
        return []
    lines = LINE.split(source.text)
    texts = [*_texts(source.entry(()))]
    silenced = []
    for match in found:
        if any(start < match.start() < end for start, end in texts):
            continue  # no comment, but part of a text
        before = source.text[: match.start()]
        line = len(LINE.findall(before)) + 1
        mark = Mark(source.file, line, match.start() - _line_start(before) + 1)
        first, last = (1, len(lines)) if match[1] == "ignore-file" else _block(lines, line)
        silenced += [Suppression(mark, code, first, last) for code in CODE.findall(match[2]) or [""]]
    return silenced


def _line_start(before: str) -> int:
    return max(before.rfind("\n"), before.rfind("\r")) + 1


def _block(lines: list[str], line: int) -> tuple[int, int]:
    """Return the lines that a comment in a line is for."""
    first = line
    while first < len(lines) and _is_bare(lines[first - 1]):
        first += 1
    indent = _indent(lines[first - 1])
    last = first
    while last < len(lines) and (_is_bare(lines[last]) or _indent(lines[last]) > indent):
        last += 1
    while last > first and _is_bare(lines[last - 1]):  # which belongs to what follows
        last -= 1
    return first, last


def _is_bare(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _texts(entry: NodeEntry | None) -> Iterator[tuple[int, int]]:
    """Yield where the quoted and block texts of a file are."""
    if entry is None:
        return
    if isinstance(entry.node, ScalarNode):
        if entry.node.style:
            yield entry.node.start, entry.node.end
    elif isinstance(entry.node, BranchNode):
        for child in entry.node.children.values():
            yield from _texts(child)


def find_unused_suppressions(
    silenced: Iterable[Suppression], used: Iterable[Suppression], codes: frozenset[str], ran: frozenset[str]
) -> Iterator[tuple[Mark, str, str]]:
    """Yield the comments that silenced nothing, with what is wrong and the code; those of `ran` were looked for."""
    known = {*used}
    for each in silenced:
        if not each.code:
            yield each.mark, "the comment silences nothing: it names no code", ""
        elif each.code not in codes:
            yield each.mark, f"the comment silences nothing: no check is called {each.code!r}", each.code
        elif each.code in ran and each not in known:
            yield each.mark, f"the comment silences nothing: there is no {each.code} here any more", each.code
