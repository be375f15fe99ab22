"""The APIs that there are: one line for each folder, whose `protocol` module lists its descriptions.

The proxy makes a route of each, a wrapped client of its provider's SDK may call it, and the contract matrix of the tests holds
rows for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Final

from guardrails.protocols.errors import (
    ErrorWriter,
    ollama_error_writer,
    write_google_error,
    write_openai_error,
)
from guardrails.protocols.protocol import Protocol
from guardrails.registry.registered import Registry
from guardrails.registry.sources import PluginError, PluginOrigin, PluginSources

FOLDERS: Final[tuple[str, ...]] = (
    "chat",
    "completions",
    "messages",
    "responses",
    "embeddings",
    "moderations",
    "images",
    "audio",
    "videos",
    "ollama",
    "gemini",
    "mistral",
    "bedrock",
)
"""Names of folders here."""


ROOTS: Final[Mapping[str, ErrorWriter]] = {
    "/api/": ollama_error_writer(),
    "/v1beta/": write_google_error,
    "/v1/models/": write_google_error,
}
"""Beginnings of paths below which one provider's errors are written, also where no protocol is known."""


@cache
def load_protocols() -> tuple[Protocol, ...]:
    """Return the description of every API; raises `ValueError` where two have one name."""
    found: list[Protocol] = []
    for folder in FOLDERS:
        found += import_module(f"{__package__}.{folder}.protocol").PROTOCOLS
    names = [protocol.name for protocol in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two protocols have the name {twice[0]!r}")
    return tuple(found)


class ProtocolGroup(tuple[Protocol, ...]):
    """The protocols that are registered under one name: the APIs of one folder, or of one entry point."""


def _read_protocols(name: str, given: object, origin: PluginOrigin | None) -> ProtocolGroup:
    group = (given,) if isinstance(given, Protocol) else given
    if isinstance(group, tuple) and group and all(isinstance(each, Protocol) for each in group):
        return ProtocolGroup(group)
    kind = type(given).__name__
    hint = "give a Protocol of guardrails.plugins.protocols, or a tuple of some"
    raise PluginError("invalid_plugin", f"the protocol {name!r} is a {kind}", hint)


PROTOCOLS: Final = Registry(
    "protocols",
    ProtocolGroup,
    {folder: f"{__package__}.{folder}.protocol:PROTOCOLS" for folder in FOLDERS},
    _read_protocols,
)
"""The APIs by the name under which they are registered."""

_added: dict[str, tuple[Protocol, ...]] = {}


def add_plugins(names: Sequence[str], sources: PluginSources | None = None) -> tuple[Protocol, ...]:
    """Add the APIs of plugins to those that are known in this process, and return them.

    Args:
        names: under which they are registered, as the settings have them.
        sources: where plugins may come from; None: what the environment allows.

    Raises:
        PluginError: there is none of a name, it cannot be used, or it has the name or the path of another API.
    """
    for name in names:
        if name in _added:
            continue
        found = None if name in FOLDERS else PROTOCOLS.find(name, sources)
        if found is None:
            hint = "APIs that come with this package are always served" if name in FOLDERS else ""
            raise PluginError("unknown_plugin", f"no plugin has the protocol {name!r}", hint)
        known = (*load_protocols(), *(each for some in _added.values() for each in some))
        for new in found:
            for old in known:
                if new.name == old.name or _route(new) == _route(old):
                    what = f"the protocol {name!r} has the name or the path of {old.name!r}"
                    raise PluginError("duplicate_plugin", what)
        _added[name] = tuple(found)
        _error_writers.cache_clear()
    return tuple(each for name in names for each in _added[name])


def _route(protocol: Protocol) -> tuple[str, str]:
    return protocol.method, protocol.provider.root + protocol.path


def error_writer(path: str) -> ErrorWriter:
    """Return how the API at a path of the proxy writes an error: that of the longest path of a protocol that it begins with."""
    return next((write for prefix, write in _error_writers() if path.startswith(prefix)), write_openai_error)


@cache
def _error_writers() -> tuple[tuple[str, ErrorWriter], ...]:
    own = {
        protocol.provider.root + protocol.path: protocol.write_error
        for protocol in (*load_protocols(), *(each for some in _added.values() for each in some))
        if protocol.path.startswith("/") and "*" not in protocol.path
    }
    return tuple(sorted((dict(ROOTS) | own).items(), key=lambda row: -len(row[0])))
