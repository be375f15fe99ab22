"""Writes new values at places of a value, in the types that stand there.

Nothing is changed in place: what leads to a change is made anew by the adapters of its types, all else is shared.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from guardrails.engine.values.json_text import parse_json_text, write_json_text
from guardrails.engine.values.known_types import adapter_of
from guardrails.types import Text, ToolCall
from guardrails.wire.lossless_json import Number
from guardrails.wire.pointers import KeyStep, Path, pointer

PLAIN: Final = frozenset((str, int, float, bool, type(None), Number))
"""What JSON is made of: another value may stand in the place of one."""


@dataclass(slots=True)
class _Changes:
    """What changes at one place: the `value` that stands there from now on (`whole`), or what is below it."""

    whole: bool = False
    value: Any = None
    below: dict[Any, _Changes] | None = None
    inside: dict[Path, Any] | None = None


def replace_values(value: Any, edits: Mapping[tuple[Path, Path | None], Any]) -> Any:
    """Return a value with others at some places; what leads to none of them is shared, not copied.

    Args:
        value: any value.
        edits: by the path of a place, and the path inside the JSON text that stands there (None: the place as a whole).

    Raises:
        ValueError: a place is edited as a whole and below it, or as a whole and inside; or its type cannot be written.
    """
    root = _Changes()
    for (path, inner), new in edits.items():
        at = root
        for step in path:
            if at.whole or at.inside is not None:
                raise ValueError(f"{pointer(path)} is edited as a whole and inside")
            at.below = {} if at.below is None else at.below
            at = at.below.setdefault(step, _Changes())
        if at.whole or (inner is None and at.inside is not None):
            raise ValueError(f"{pointer(path)} is edited as a whole and inside")
        if inner is None:
            at.whole, at.value = True, new
        else:
            at.inside = {} if at.inside is None else at.inside
            at.inside[inner] = new
    return _changed(value, root)


def _changed(value: Any, changes: _Changes) -> Any:
    if changes.whole:
        return _write(value, changes.value)
    if changes.inside is not None:
        return _write(value, _edit_json_text(value, changes.inside))
    if changes.below is None:
        return value
    renamed = {str(step): each.value for step, each in changes.below.items() if isinstance(step, KeyStep)}
    if renamed:
        others = {step: each for step, each in changes.below.items() if not isinstance(step, KeyStep)}
        return _rename_keys(_changed(value, _Changes(below=others or None)), renamed)
    kind = type(value)
    made: Any
    if kind is dict or kind is list:
        made = kind(value)
        for step, below in changes.below.items():
            made[step] = _changed(value[step], below)
        return made
    children = dict(_children(value))
    return rebuild(value, {step: _changed(children[step], below) for step, below in changes.below.items()})


def _rename_keys(value: Any, renamed: Mapping[Any, Any]) -> Any:
    """Return a mapping with other keys, of the same type where that is a dictionary; no entry is lost where two get the same."""
    entries: dict[Any, Any] = {}
    for key, inner in value.items():
        new = name = renamed.get(key, key)
        count = 1
        while name in entries or (key in renamed and name in value):
            count += 1
            name = f"{new} {count}"
        entries[name] = inner
    if not isinstance(value, dict):
        return entries
    made = copy.copy(value)
    made.clear()
    made.update(entries)
    return made


def _children(value: Any) -> Iterable[tuple[Any, Any]]:
    adapter = adapter_of(value)
    if adapter is None or adapter.children is None:
        raise ValueError(f"a {type(value).__name__} has no parts")
    return adapter.children(value)


def rebuild(value: Any, changes: Mapping[Any, Any]) -> Any:
    """Return a container of the same type with others in the place of some children, by their steps; itself where none is.

    Raises:
        ValueError: its type cannot be written.
    """
    if not changes:
        return value
    adapter = adapter_of(value)
    if adapter is None or adapter.rebuild is None:
        raise ValueError(f"nothing in a {type(value).__name__} can be changed")
    return adapter.rebuild(value, changes)


def _write(value: Any, new: Any) -> Any:
    """Return what stands in the place of a value: a leaf of its type, where that is another than JSON's."""
    if type(value) in PLAIN:
        return new
    adapter = adapter_of(value)
    if adapter is None or adapter.content is None:
        return new
    if adapter.write is None:
        raise ValueError(f"a {type(value).__name__} cannot be changed")
    return adapter.write(value, new)


def _edit_json_text(value: Any, changes: Mapping[Path, Any]) -> str:
    """Return the JSON text that a leaf holds with other values inside."""
    text = value
    if not isinstance(value, str):
        adapter = adapter_of(value)
        content = None if adapter is None or adapter.content is None else adapter.content(value)
        text = (
            content.text
            if isinstance(content, Text)
            else content.arguments
            if isinstance(content, ToolCall)
            else ""
        )
    parsed, sound = parse_json_text(text)
    if not sound:
        raise ValueError("what is edited inside is no JSON text")
    return write_json_text(replace_values(parsed, {(path, None): new for path, new in changes.items()}))


def value_at(value: Any, path: Path) -> Any:
    """Return what stands at a path of a value.

    Raises:
        KeyError: nothing stands there.
        IndexError: likewise.
    """
    for step in path:
        indexed = isinstance(value, dict | list | tuple | Mapping)
        value = value[step] if indexed else dict(_children(value))[step]
    return value


def find_value(value: Any, path: Path) -> Any:
    """Return what stands at a path of nested mappings; None where nothing does."""
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def nest_value(path: Path, value: Any) -> Any:
    """Return mappings that hold a value at a path, and no more; the value itself where the path is empty."""
    for step in reversed(path):
        value = {step: value}
    return value


def find_changes(old: Any, new: Any, path: Path = ()) -> dict[tuple[Path, Path | None], Any]:
    """Return the edits that make one value in JSON's containers into another."""
    if new is old:
        return {}
    changes: dict[tuple[Path, Path | None], Any] = {}
    if isinstance(old, Mapping) and isinstance(new, Mapping) and old.keys() == new.keys():
        for key in old:
            changes |= find_changes(old[key], new[key], (*path, key))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            changes |= find_changes(before, after, (*path, index))
    elif new != old:
        changes[path, None] = new
    return changes


def remove_entries(value: Any, removed: Iterable[int]) -> Any:
    """Return a list, or what is like one, without some entries; itself where none is removed."""
    gone = frozenset(removed)
    if not gone:
        return value
    kept = [entry for index, entry in enumerate(value) if index not in gone]
    kind: Any = type(value)
    return kept if kind is list or (isinstance(value, tuple) and hasattr(kind, "_make")) else kind(kept)
