"""Parses a YAML file into nodes that keep every comment and blank line as they are written.

`policy/loading/compose.py` reads what a file says; this reads how it is laid out, for `policy/editing/canonical_form.py`.
Scalars stay as they are written: an invisible character that stands there as an escape must not become one that nobody sees,
which is what round-trip libraries do, as they do away with comments inside brackets.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

import yaml

from guardrails.policy.loading.cures.yaml_cures import LOADER

FLOW: Final = ("[", "{")


@dataclass(slots=True, eq=False)
class LayoutNode:
    """A value as it is written. `text` is that of a scalar or alias, "" where nothing stands; `flow` says that a collection is
    in brackets, `keyed` that it is a mapping, `anchor` what names it. `of` is the entry whose value it is, None of the root;
    `ending` are comments behind its last entry.
    """

    start: int
    end: int
    text: str = ""
    entries: list[LayoutEntry] | None = None
    keyed: bool = False
    flow: bool = False
    anchor: str = ""
    of: LayoutEntry | None = None
    ending: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class LayoutEntry:
    """A key and its value, or an item of a list (no key): with the comments and blank lines ("") above it, and the comment beside
    it. `start` and `line` are where it begins; `within` is the collection that it is an entry of.
    """

    key: str | None
    value: LayoutNode
    start: int
    line: int
    within: LayoutNode
    above: list[str] = field(default_factory=list)
    beside: str = ""


class LayoutError(ValueError):
    """A file that is laid out in a way that is not followed; the message says which."""


def parse_layout(text: str) -> LayoutNode:
    """Return the root of a file's text, which is YAML, has no byte order mark and no carriage returns.

    Raises:
        LayoutError: it has several documents, tags, directives or keys that are no texts, or a comment that belongs nowhere.
    """
    reader = _Reader(text)
    root = reader.document()
    _Comments(text, root, reader.scalars).attach()
    return root


class _Reader:
    """Builds nodes from the parser's events; `scalars` are where texts are, in which a # begins no comment."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
        self.scalars: list[tuple[int, int]] = []

    def document(self) -> LayoutNode:
        next(self._events)  # the stream
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            return LayoutNode(0, 0, entries=[], keyed=True)
        if start.explicit or start.tags or start.version:
            raise LayoutError("it begins with '---' or a directive; remove that line")
        root = self._node(next(self._events))
        next(self._events)
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            raise LayoutError("it holds several documents; make them several files")
        return root

    def _node(self, event: Any) -> LayoutNode:
        start, end = event.start_mark.index, event.end_mark.index
        if getattr(event, "tag", None) is not None and "!" in self._text[start : start + 1]:
            raise LayoutError(f"line {event.start_mark.line + 1} has a tag ({event.tag}); remove it")
        if isinstance(event, yaml.AliasEvent):
            return LayoutNode(start, end, f"*{event.anchor}")
        if isinstance(event, yaml.ScalarEvent):
            written = (
                self._text[start:end].rstrip("\n ") if event.style in ("|", ">") else self._text[start:end]
            )
            self.scalars.append((start, start + len(written)))
            return LayoutNode(start, end, written)
        return self._collection(event, start, end)

    def _collection(self, event: Any, start: int, end: int) -> LayoutNode:
        flow = event.flow_style and self._text[end - 1 : end] in FLOW
        keyed = isinstance(event, yaml.MappingStartEvent)
        node = LayoutNode(start, end, entries=[], keyed=keyed, flow=flow, anchor=event.anchor or "")
        assert node.entries is not None
        while not isinstance(event := next(self._events), yaml.CollectionEndEvent):
            line, at = event.start_mark.line, event.start_mark.index
            first = self._node(event)
            if not keyed:
                node.entries.append(_entry(None, first, at, line, node))
                continue
            if first.entries is not None or "\n" in first.text:
                raise LayoutError(f"line {line + 1} has a key that is no text on one line")
            value = self._node(next(self._events))
            node.entries.append(_entry(first.text, value, at, line, node))
        node.end = int(event.end_mark.index)  # type: ignore[union-attr] # a parser's event has its place
        return node


def _entry(key: str | None, value: LayoutNode, start: int, line: int, within: LayoutNode) -> LayoutEntry:
    value.of = LayoutEntry(key, value, start, line, within)
    return value.of


class _Comments:
    """Gives each comment, and each blank line above something, to the entry that it is about."""

    def __init__(self, text: str, root: LayoutNode, scalars: list[tuple[int, int]]) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._root = root
        self._entries = [*_all(root)]
        self._starts = [entry.start for entry in self._entries]
        self._offsets = [0, *accumulate(len(line) + 1 for line in self._lines)]
        self._inside = {number for span in scalars for number in [*self._lines_of(*span)][1:]}
        self._comments = dict(self._find_comments(sorted(scalars)))

    def attach(self) -> None:
        """Attach all."""
        starts: dict[int, LayoutEntry] = {}
        for entry in self._entries:
            starts.setdefault(entry.line, entry)
        waiting: list[tuple[int, str]] = []
        for number, line in enumerate(self._lines):
            comment = self._comments.get(number)
            own = comment is not None and not line[:comment].strip()
            if comment is not None and not own:
                self._attach_beside(number, comment)
            if comment is not None and own:
                waiting.append((comment, line.strip()))
            elif not line.strip() and number not in self._inside:
                waiting.append((-1, ""))
            if number in starts:
                self._above(starts[number], waiting, len(line) - len(line.lstrip()))
                waiting = []
            elif line.strip() and not own:
                waiting = [each for each in waiting if each[1]]  # in the middle of something in brackets
        self._end(waiting, -1, None)

    def _attach_beside(self, number: int, column: int) -> None:
        at = self._offsets[number] + column
        entry = self._last(at)
        while entry is not None and entry.within.flow and entry.within.end <= at:
            entry = entry.within.of
        if entry is None:
            raise LayoutError(
                f"line {number + 1} has a comment that belongs to nothing; put it on its own line"
            )
        comment = self._lines[number][column:].rstrip()
        entry.beside = f"{entry.beside} {comment}".strip()

    def _above(self, entry: LayoutEntry, waiting: list[tuple[int, str]], column: int) -> None:
        left = self._end(waiting, column, entry)
        entry.above = _collapse_blank([words for _, words in left])

    def _end(
        self, waiting: list[tuple[int, str]], column: int, before: LayoutEntry | None
    ) -> list[tuple[int, str]]:
        """Give comments that stand further right than what follows to what ends above them; return the others."""
        last = self._last(len(self._text) if before is None else before.start)
        while waiting and last is not None:
            further = next((place for place, words in waiting if words), -1)
            owner = self._owner(last, further, before) if further > max(column, 0) else None
            if owner is None:
                break
            if waiting[0][1]:
                owner.ending.append(waiting[0][1])
            waiting = waiting[1:]
        if before is None:
            self._root.ending += _collapse_blank([words for _, words in waiting])
            while self._root.ending[-1:] == [""]:
                self._root.ending.pop()
        return waiting

    def _last(self, at: int) -> LayoutEntry | None:
        """Return the entry that begins last before a place."""
        found = bisect_left(self._starts, at)
        return self._entries[found - 1] if found else None

    def _owner(self, last: LayoutEntry, column: int, before: LayoutEntry | None) -> LayoutNode | None:
        """Return the collection that ends at `last`, and whose entries stand at a column or left of it."""
        chain = [last.within]
        while (of := chain[-1].of) is not None:
            chain.append(of.within)
        if before is not None and before.within in chain:
            chain = chain[: chain.index(before.within)]
        blocks = [node for node in chain if not node.flow]
        return next((node for node in blocks if self._column(node) <= column), blocks[-1] if blocks else None)

    def _column(self, node: LayoutNode) -> int:
        """Return where the entries of a block begin."""
        assert node.entries
        start = node.entries[0].start
        if not node.keyed and not self._text[(dash := self._text.rfind("-", 0, start)) + 1 : start].strip():
            start = dash
        return start - self._offsets[self._lines_of(start, start)[0]]

    def _lines_of(self, start: int, end: int) -> range:
        return range(bisect_right(self._offsets, start) - 1, bisect_right(self._offsets, max(start, end - 1)))

    def _find_comments(self, scalars: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield the line and the column of each comment."""
        at, line = 0, -1
        for found in _HASH.finditer(self._text):
            place = found.start()
            while at < len(scalars) and scalars[at][1] <= place:
                at += 1
            number = self._lines_of(place, place)[0]
            if number != line and not (at < len(scalars) and scalars[at][0] <= place):
                yield number, place - self._offsets[number]
                line = number


def _all(node: LayoutNode) -> Iterator[LayoutEntry]:
    for entry in node.entries or ():
        yield entry
        yield from _all(entry.value)


_HASH = re.compile(r"(?:(?<=[\s])|^)#", re.M)


def _collapse_blank(lines: list[str]) -> list[str]:
    """Return lines with no two blank ones in a row."""
    return [line for at, line in enumerate(lines) if line or at == 0 or lines[at - 1]]
