"""Values in JSON's containers, as the field tables of APIs read them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from guardrails.engine.values.known_types import adapter_of
from guardrails.errors import RequestError
from guardrails.wire.pointers import MAX_DEPTH


def to_plain(value: Any, depth: int = 0) -> Any:
    """Return a value with lists and dictionaries in the place of other containers and objects, by the same paths; itself where it
    is made of them already. Texts that are members of an enumeration become texts, all other leaves stay as they are.

    Raises:
        RequestError: it nests too deep, or contains itself.
    """
    kind = type(value)
    if kind is str or kind is int or kind is float or value is None or kind is bool:
        return value
    if depth > MAX_DEPTH:
        raise RequestError("too_deep", f"nests deeper than {MAX_DEPTH} levels, or contains itself")
    if kind is dict:
        fields = {key: to_plain(inner, depth + 1) for key, inner in value.items()}
        return value if all(fields[key] is inner for key, inner in value.items()) else fields
    if kind is list or kind is tuple:
        entries = [to_plain(inner, depth + 1) for inner in value]
        return value if all(new is old for new, old in zip(entries, value, strict=True)) else entries
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value
    adapter = adapter_of(value)
    if adapter is None or adapter.children is None:
        return value
    children = [(step, to_plain(inner, depth + 1)) for step, inner in adapter.children(value)]
    if adapter.keys is None and [step for step, _ in children] == [*range(len(children))]:
        return [inner for _, inner in children]
    return dict(children)


def fields_of(value: Any) -> Mapping[Any, Any]:
    """Return the fields of a mapping or an object by name, as they are; of what has none nothing."""
    kind = type(value)
    if issubclass(kind, dict):
        fields: Mapping[Any, Any] = value
        return fields
    if kind is str or kind is list or kind is int or kind is float or value is None:
        return {}
    adapter = adapter_of(value)
    return {} if adapter is None or adapter.children is None else dict(adapter.children(value))
