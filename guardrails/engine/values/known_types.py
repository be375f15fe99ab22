"""The table of value adapters: those of Python's own types, of media, of arrays and tables, and those of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from guardrails.engine.values import arrays, containers, media, records, scalars
from guardrails.engine.values.adapters import AdapterTable, ValueAdapter
from guardrails.registry.by_class import ClassRegistry
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin
from guardrails.types import Unchecked

ADAPTERS: Final = AdapterTable(
    (
        *containers.ADAPTERS,
        *records.ADAPTERS,
        *arrays.ADAPTERS,
        *media.ADAPTERS,
        *scalars.ADAPTERS,
    )
)
"""All adapters; the structural ones of the last rows are asked first."""


def _read_adapter(name: str, given: object, origin: PluginOrigin | None) -> ValueAdapter:
    if isinstance(given, ValueAdapter):
        return given
    kind = type(given).__name__
    raise PluginError(
        "invalid_plugin", f"the adapter {name!r} is a {kind}", "give a guardrails.plugins.ValueAdapter"
    )


OTHERS: Final = ClassRegistry(Registry("adapters", ValueAdapter, {}, _read_adapter))
"""The adapters of applications and of plugins, by the classes of values; they go before those that match by structure."""


def adapter_of(value: Any) -> ValueAdapter | None:
    """Return how a value is read and written, None where nobody knows; raises `PluginError` where a plugin that knows fails."""
    kind = type(value)
    return ADAPTERS.of_type(kind) or OTHERS.find(kind) or ADAPTERS.find(value)


def unread(value: object, kind: str = "part") -> Unchecked:
    """Return the entry for a value that no adapter reads; it names the type, and what to give instead where that is known."""
    hint = ""
    if media.is_tensor(value):
        hint = f"; {media.TENSOR}"
    elif isinstance(value, Iterator):
        hint = "; give a list, as what it yields can be read but once"
    elif hasattr(type(value), "model_dump") or "model_dump" in getattr(value, "__dict__", ()):
        hint = "; give what its model_dump() returns"
    return Unchecked(kind, f"an object of type {type(value).__qualname__}, which no adapter reads{hint}")
