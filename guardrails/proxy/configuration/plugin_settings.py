"""The setting `plugins`: which plugins policies may use."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from guardrails.registry.sources import PluginError, PluginSources


def _split(given: object) -> object:
    """Return the entries of a list that is written as one text, as in the environment."""
    return [entry for entry in map(str.strip, given.split(",")) if entry] if isinstance(given, str) else given


def _check(entries: list[str]) -> list[str]:
    try:
        PluginSources.read(entries)
    except PluginError as error:
        raise ValueError(str(error)) from None
    return entries


Plugins = Annotated[list[str], BeforeValidator(_split), AfterValidator(_check), Field(max_length=256)]
"""Requirements of packages (`acme-detectors==1.*`), `*` for each, and paths of Python files."""
