"""Adapters of containers: lists, tuples, sets and mappings of all kinds."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set, ValuesView
from types import MappingProxyType
from typing import Any, Final

from guardrails.engine.values.adapters import ValueAdapter


def _rebuild_list(value: Any, changes: Mapping[Any, Any]) -> Any:
    made = copy.copy(value)
    for index, new in changes.items():
        made[index] = new
    return made


def _replace_entries(value: Any, changes: Mapping[Any, Any]) -> list[Any]:
    return [changes.get(index, entry) for index, entry in enumerate(value)]


def _rebuild_tuple(value: Any, changes: Mapping[Any, Any]) -> Any:
    entries = _replace_entries(value, changes)
    kind: Any = type(value)
    return (
        kind._make(entries) if hasattr(kind, "_make") else kind(entries)
    )  # a named tuple takes its fields one by one


def _rebuild_sequence(value: Any, changes: Mapping[Any, Any]) -> Any:
    entries = _replace_entries(value, changes)
    try:
        return type(value)(entries)
    except TypeError:  # it cannot be made of its entries
        return entries


def _rebuild_set(value: Any, changes: Mapping[Any, Any]) -> Any:
    entries = _replace_entries(value, changes)
    try:
        return type(value)(entries)
    except TypeError:  # such as the keys of a mapping
        return set(entries)


def _rebuild_dict(value: Any, changes: Mapping[Any, Any]) -> Any:
    made = copy.copy(value)
    for key, new in changes.items():
        made[key] = new
    return made


def _rebuild_mapping(value: Any, changes: Mapping[Any, Any]) -> Any:
    # What the type does where it is written to is not known: it may be the environment of the process.
    entries = {**value, **changes}
    try:
        return type(value)(entries)
    except TypeError:
        return entries


def _rebuild_pairs(value: Any, changes: Mapping[Any, Any]) -> Any:
    pairs = _replace_entries(value.multi_items(), changes)
    return type(value)(pairs)


def _is_mapping(value: Any) -> bool:
    """Tell whether a value is data by keys. What has a mapping's look and compares by identity is none, but an object, such as
    the request of a web framework.
    """
    kind = type(value)
    return issubclass(kind, Mapping) and not issubclass(kind, dict) and kind.__eq__ is not object.__eq__


def _is_multi_mapping(value: Any) -> bool:
    return hasattr(type(value), "multi_items") and _is_mapping(value)


def _is_sequence(value: Any) -> bool:
    kind = type(value)
    return issubclass(kind, Sequence) and not issubclass(
        kind, str | bytes | bytearray | memoryview | list | tuple | range
    )


def _is_set(value: Any) -> bool:
    return issubclass(type(value), Set | ValuesView)


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    items: Iterable[tuple[Any, Any]] = value.items()
    return items


ADAPTERS: Final = (
    ValueAdapter(name="list", types=(list, deque), children=enumerate, rebuild=_rebuild_list),
    ValueAdapter(name="tuple", types=(tuple,), children=enumerate, rebuild=_rebuild_tuple),
    ValueAdapter(name="dict", types=(dict,), children=_items, keys=iter, rebuild=_rebuild_dict),
    ValueAdapter(name="sequence", matches=_is_sequence, children=enumerate, rebuild=_rebuild_sequence),
    ValueAdapter(
        name="set", types=(set, frozenset), matches=_is_set, children=enumerate, rebuild=_rebuild_set
    ),
    ValueAdapter(
        name="mapping",
        types=(MappingProxyType,),
        matches=_is_mapping,
        children=_items,
        keys=iter,
        rebuild=_rebuild_mapping,
    ),
    ValueAdapter(
        name="multi_mapping",
        matches=_is_multi_mapping,
        children=lambda value: enumerate(value.multi_items()),
        rebuild=_rebuild_pairs,
    ),
)
