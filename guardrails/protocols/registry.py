"""The APIs that there are: one line for each folder, whose `protocol` module lists its descriptions.

The proxy makes a route of each, a wrapped client of its provider's SDK may call it, and the contract matrix of the tests holds
rows for it.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def error_writer(path: str) -> ErrorWriter:
    """Return how the API at a path of the proxy writes an error: that of the longest path of a protocol that it begins with."""
    return next((write for prefix, write in _error_writers() if path.startswith(prefix)), write_openai_error)


@cache
def _error_writers() -> tuple[tuple[str, ErrorWriter], ...]:
    own = {
        protocol.provider.root + protocol.path: protocol.write_error
        for protocol in load_protocols()
        if protocol.path.startswith("/") and "*" not in protocol.path
    }
    return tuple(sorted((dict(ROOTS) | own).items(), key=lambda row: -len(row[0])))
