"""Edits the text of a policy file at places of a `Source`, with comments and layout left alone.

An edit puts a text in place of some characters of the file. Each is tried before it is returned: the file that it makes is
read, and must hold what the old one held but for the one thing that was to change. So neither an alias that shares the value,
nor a style of scalars that would read it otherwise, can make a change go astray.
"""

from __future__ import annotations

import copy
import difflib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import yaml

from guardrails.errors import GuardrailsError, PolicyErrors
from guardrails.policy.loading import scalars
from guardrails.policy.loading.compose import BranchNode, NodeEntry, ScalarNode
from guardrails.policy.loading.cures.yaml_cures import LOADER
from guardrails.policy.loading.source import Path, Source, read_yaml

MARK = "\ufeff"
"""A byte order mark, which `Source.text` lacks."""

BLANK = " \t\r\n"

_LINE = re.compile("\r\n|[\r\n]")
_LAST = re.compile("(\r\n|[\r\n])\\Z")


class EditError(GuardrailsError):
    """A change that cannot be made for certain; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class TextEdit:
    """Characters `[start, end)` of the file's text, and what stands there instead."""

    start: int
    end: int
    text: str


def replace_in_scalar(source: Source, path: Path, start: int, end: int, new: str) -> TextEdit:
    """Return the edit that puts `new` in place of characters `[start, end)` of the scalar at `path`.

    The characters are those of the text as it is read, whatever the style: `hate >= 0.85` in a plain, quoted or block scalar.

    Raises:
        EditError: there is no such scalar, it is shared by an alias, or the new text cannot stand there.
    """
    entry = source.entry(path)
    where = _display_path(path)
    if entry is None or not isinstance(entry.node, ScalarNode):
        raise EditError(f"{source.file}: {where} is no text or number")
    node = entry.node
    if not 0 <= start <= end <= len(node.text):
        raise EditError(f"{source.file}: {where} has {len(node.text)} characters, not {end}")
    places = scalars.map_positions(source.text, node.start, node.end, node.style, node.text)
    if places is None:
        raise EditError(f"{source.file}: {where} cannot be followed as it is written; change it by hand")
    text = f"{node.text[:start]}{new}{node.text[end:]}"
    edit = TextEdit(places[start], places[end], _escape(new, node.style))
    expected = _with(source.data, path, _value(node, text))
    _check(source, [edit], expected, f"{where} cannot be changed in place")
    return edit


def remove_entries(source: Source, path: Path, keys: Iterable[str | int]) -> tuple[TextEdit, ...]:
    """Return the edits that take entries out of the list or mapping at `path`, with their lines or commas.

    Comments on lines of their own stay. Where nothing would be left, the list or mapping goes as well.

    Raises:
        EditError: there are no such entries, or they are written in a way that cannot be taken apart.
    """
    entry = source.entry(path)
    if entry is None or not isinstance(entry.node, BranchNode):
        raise EditError(f"{source.file}: {_display_path(path)} is no list or mapping")
    out = {*keys}
    if not out or not out <= entry.node.children.keys():
        raise EditError(f"{source.file}: {_display_path(path)} has not all of what is to be taken out")
    if out == entry.node.children.keys():
        if not path:
            raise EditError(f"{source.file}: nothing would be left")
        return remove_entries(source, path[:-1], [path[-1]])
    edits = _cuts(source, entry, out)
    expected = _without(source.data, path, out)
    _check(source, edits, expected, f"{_display_path(path)} cannot be taken apart")
    return tuple(edits)


def apply_edits(source: Source, edits: Iterable[TextEdit]) -> Source:
    """Return the file as it is with the edits.

    Raises:
        EditError: two of them overlap, or the result cannot be read.
    """
    text, pieces, reached = source.text, [], 0
    for edit in sorted({*edits}):
        if edit.start < reached:
            raise EditError(f"{source.file}: two changes overlap")
        pieces += [text[reached : edit.start], edit.text]
        reached = edit.end
    try:
        changed = read_yaml("".join((*pieces, text[reached:])), source.file)
    except PolicyErrors as error:
        raise EditError(f"{source.file} could not be read after the change: {error}") from None
    if len(changed.problems) > len(source.problems):
        raise EditError(f"{source.file} could not be read after the change: {changed.problems[-1]}")
    return changed


def unified_diff(before: Source, after: Source) -> str:
    """Return a unified diff of two states of a file, "" where they are equal."""
    old, new = ([f"{line}\n" for line in _LINE.split(_LAST.sub("", each.text))] for each in (before, after))
    return "".join(difflib.unified_diff(old, new, before.file, before.file))


def replace_file(before: Source, after: Source, to: str | FilePath) -> None:
    """Write a changed file in place of the one that was read: all of it or nothing, with its permissions.

    Raises:
        EditError: the file is no longer what was read, or cannot be written.
    """
    path = FilePath(to).resolve()  # of a link, what it leads to
    try:
        content = path.read_bytes().decode()
        mark = content[: len(content) - len(content.lstrip(MARK))]
        if content.removeprefix(mark) != before.text:
            raise EditError(f"{to} was changed by another meanwhile; nothing was written: run this again")
        _replace(path, f"{mark}{after.text}".encode())
    except (OSError, UnicodeDecodeError) as error:
        raise EditError(f"{to} cannot be written: {getattr(error, 'strerror', None) or error}") from error


def _replace(path: FilePath, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, name)
        os.replace(name, path)
    except BaseException:
        FilePath(name).unlink(missing_ok=True)
        raise


def _check(source: Source, edits: Iterable[TextEdit], expected: object, failure: str) -> None:
    try:
        changed = apply_edits(source, edits)
    except EditError as error:
        raise EditError(f"{source.file}: {failure}: {error}") from None
    if _exact(changed.data) != _exact(expected):
        raise EditError(f"{source.file}: {failure}: more than that would change; change it by hand")


def _exact(data: object) -> str:
    """Return data so that 1, 1.0 and true differ, and so does the order of keys."""
    return json.dumps(data)


def _display_path(path: Path) -> str:
    return ".".join(map(str, path)) or "the policy"


def _value(node: ScalarNode, text: str) -> object:
    """Return what a scalar of the same style and tag is worth with another text."""
    if node.style or isinstance(node.value, str):
        return text
    try:
        return scalars.resolve(text)
    except scalars.ScalarProblem as problem:
        raise EditError(str(problem)) from None


def _escape(text: str, style: str) -> str:
    if style == "'":
        return text.replace("'", "''")
    return json.dumps(text, ensure_ascii=False)[1:-1] if style == '"' else text


def _with(data: object, path: Path, value: object) -> object:
    if not path:
        return value
    changed: Any = copy.deepcopy(data)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def _without(data: object, path: Path, keys: set[str | int]) -> object:
    inner: Any = data
    for step in path:
        inner = inner[step]
    if isinstance(inner, dict):
        return _with(data, path, {key: value for key, value in inner.items() if key not in keys})
    return _with(data, path, [value for at, value in enumerate(inner) if at not in keys])


def _ends(text: str) -> dict[tuple[int, bool], int]:
    """Return where each node ends, by where it starts and whether it is a list or mapping.

    The parser ends what has no bracket where the next thing begins; here it ends with the last thing in it.
    """
    ends: dict[tuple[int, bool], int] = {}
    starts: list[int] = []
    last = 0
    for event in yaml.parse(text, Loader=LOADER):
        if event.start_mark is None or event.end_mark is None:
            continue
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.CollectionStartEvent):
            starts.append(start)
        elif isinstance(event, yaml.CollectionEndEvent):
            last = max(last, end if text[start : start + 1] in ("]", "}") and end > start else 0)
            ends[starts.pop(), True] = last
        elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
            blanks = len(text[start:end]) - len(text[start:end].rstrip(BLANK))
            last = max(last, end - blanks)
            ends[start, False] = last
    return ends


@dataclass(frozen=True, slots=True)
class _Piece:
    """An entry of a list or mapping: where it begins, with its dash or key, and where its value ends."""

    begin: int
    end: int
    goes: bool


def _cuts(source: Source, entry: NodeEntry, out: set[str | int]) -> list[TextEdit]:
    """Return what to cut for the entries of `out`, some of the entries of a branch."""
    node, text, ends = entry.node, source.text, _ends(source.text)
    assert isinstance(node, BranchNode)
    flow = text[scalars.content_start(text, entry.start) :][:1] in ("[", "{")
    pieces = []
    for key, child in node.children.items():
        begin = child.key if node.is_mapping or flow else text.rfind("-", 0, child.start)
        whole = (child.start, isinstance(child.node, BranchNode))
        end = ends[whole] if whole in ends else ends[child.start, False]  # of an alias to a list
        pieces.append(_Piece(begin, end, key in out))
    return [_cut(text, pieces, at, flow=flow) for at, piece in enumerate(pieces) if piece.goes]


def _cut(text: str, pieces: list[_Piece], at: int, *, flow: bool) -> TextEdit:
    piece = pieces[at]
    line = max(text.rfind("\n", 0, piece.begin), text.rfind("\r", 0, piece.begin)) + 1
    if not flow and not text[line : piece.begin].strip(BLANK):
        found = _LINE.search(text, piece.end)
        return TextEdit(line, found.end() if found else len(text), "")
    if all(each.goes for each in pieces[at:]) and flow:
        kept = next(each for each in reversed(pieces[:at]) if not each.goes)
        before = pieces[at - 1]
        return TextEdit(before.end if before.goes else kept.end, piece.end, "")
    return TextEdit(piece.begin, pieces[at + 1].begin if at + 1 < len(pieces) else piece.end, "")
