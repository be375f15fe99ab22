"""Adapters of objects that are data by named fields: models of pydantic, dataclasses, classes of attrs, namespaces.

Libraries are known by what their classes have, so that none is imported for an object that nobody has made.
"""

from __future__ import annotations

import copy
from argparse import Namespace
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Final

from guardrails.engine.values.adapters import ValueAdapter

CONTAINERS: Final = (dict, list, tuple, set, frozenset, str, bytes, int, float)
"""Types whose own value would be missed where only the fields of a subclass were read."""

ABSENT: Final = object()


def _present(value: Any, names: Iterable[str]) -> Iterable[tuple[str, Any]]:
    """Yield the fields that an object has; one that was never set has none."""
    for name in names:
        if (inner := getattr(value, name, ABSENT)) is not ABSENT:
            yield name, inner


def _forget_computed(made: Any) -> Any:
    """Drop what an object computed from its fields as they were, to be computed anew."""
    own = getattr(made, "__dict__", {})
    for name in [name for name in own if isinstance(getattr(type(made), name, None), cached_property)]:
        del own[name]
    return made


def _rebuild_fields(value: Any, changes: Mapping[Any, Any]) -> Any:
    made = copy.copy(value)
    for name, new in changes.items():
        object.__setattr__(made, name, new)  # it may be frozen, and what it would do on a change was done
    return _forget_computed(made)


def _is_record(value: Any, mark: str) -> bool:
    kind = type(value)
    return hasattr(kind, mark) and not issubclass(kind, CONTAINERS) and not isinstance(value, type)


def _is_dataclass(value: Any) -> bool:
    return _is_record(value, "__dataclass_fields__")


def _is_attrs(value: Any) -> bool:
    return _is_record(value, "__attrs_attrs__")


def _is_model(value: Any) -> bool:
    return _is_record(value, "__pydantic_fields__") and hasattr(type(value), "model_copy")


def _is_old_model(value: Any) -> bool:
    return _is_record(value, "__fields_set__") and isinstance(getattr(type(value), "__fields__", None), dict)


def _extra(value: Any) -> Mapping[str, Any]:
    """Return what a model was given beside its fields: its names come from data too."""
    extra: Mapping[str, Any] | None = getattr(value, "__pydantic_extra__", None)
    return extra or {}


def _model_fields(value: Any) -> Iterable[tuple[str, Any]]:
    own = value.__dict__
    yield from ((name, own[name]) for name in type(value).__pydantic_fields__ if name in own)
    yield from _extra(value).items()


def _rebuild_model(value: Any, changes: Mapping[Any, Any]) -> Any:
    # Not validated: a placeholder is no address, and a model with one is what the policy leaves.
    return _forget_computed(value.model_copy(update=dict(changes)))


def _is_namespace(value: Any) -> bool:
    """Tell whether a value is a namespace of data; one with functions in it stands for an object of some library."""
    return type(value) in (SimpleNamespace, Namespace) and not any(map(callable, vars(value).values()))


ADAPTERS: Final = (
    ValueAdapter(
        name="attrs",
        matches=_is_attrs,
        children=lambda value: _present(value, [each.name for each in type(value).__attrs_attrs__]),
        rebuild=_rebuild_fields,
    ),
    ValueAdapter(
        name="dataclass",
        matches=_is_dataclass,
        children=lambda value: _present(value, type(value).__dataclass_fields__),
        rebuild=_rebuild_fields,
    ),
    ValueAdapter(
        name="namespace",
        matches=_is_namespace,
        children=lambda value: vars(value).items(),
        keys=vars,
        rebuild=_rebuild_fields,
    ),
    ValueAdapter(
        name="pydantic.v1",
        matches=_is_old_model,
        children=lambda value: value.__dict__.items(),
        keys=lambda value: value.__dict__.keys() - type(value).__fields__.keys(),
        rebuild=lambda value, changes: value.copy(update=dict(changes)),
    ),
    ValueAdapter(
        name="pydantic",
        matches=_is_model,
        children=_model_fields,
        keys=_extra,
        rebuild=_rebuild_model,
    ),
)
