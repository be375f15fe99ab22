"""Kinds of sinks: what `use:` names in an entry of `sinks`. The built-in ones and those of plugins are registered alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from pydantic import ValidationError

from guardrails.detectors.config import Config, describe_invalid, with_use
from guardrails.errors import GuardrailsError
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin, PluginSources

Record = Mapping[str, Any]
"""A verdict as plain JSON values (`Verdict.to_dict`) without its content, and with `time`: UTC, ISO 8601."""


class VerdictSink(Protocol):
    """An opened sink. It is used by one thread."""

    def write(self, record: Record) -> None:
        """Take one verdict; raising means that it was not taken, and it is not offered again."""
        ...

    def close(self) -> None:
        """Take the end."""
        ...


@dataclass(frozen=True, slots=True)
class Sink:
    """A kind of sink: what `use:` names in an entry of `sinks`.

    Attributes:
        name: what `use:` calls it.
        doc: where verdicts go, in one sentence.
        config: the fields of its configuration.
        open: opens one by its configuration; what it raises is an error at load.
        origin: where it comes from; None: built in.
    """

    name: str
    doc: str
    config: type[Config]
    open: Callable[[Any], VerdictSink]
    origin: PluginOrigin | None = None


def read_sink(name: str, given: object, origin: PluginOrigin | None) -> Sink:
    """Return the kind of sink that was registered under a name; raises `PluginError` where it is none."""
    if not isinstance(given, Sink):
        raise PluginError(
            "invalid_plugin",
            f"the sink {name!r} is a {type(given).__name__}",
            "give a guardrails.plugins.Sink",
        )
    return replace(given, name=name, config=with_use(name, given.config, "Sink"), origin=origin)


SINKS: Final = Registry("sinks", Sink, {"jsonl": "guardrails.sinks.json_lines:JSONL"}, read_sink)
"""The kinds of sinks by name."""


def read_entry(entry: Mapping[str, Any], sources: PluginSources | None = None) -> tuple[Sink, Config]:
    """Return the kind and the configuration that an entry of `sinks` means; raises `GuardrailsError`."""
    use = entry.get("use") if isinstance(entry, Mapping) else None
    if not isinstance(use, str):
        raise GuardrailsError(f"a sink needs 'use', one of: {', '.join(SINKS.names(sources))}")
    kind = SINKS.find(use, sources)
    if kind is None:
        raise GuardrailsError(f"{use!r} is not a kind of sink; there are: {', '.join(SINKS.names(sources))}")
    try:
        return kind, kind.config.model_validate(entry)
    except ValidationError as error:
        raise GuardrailsError(f"sink {use!r}: {describe_invalid(error)}") from None
