"""The settings `plugins`, which plugins may be used, and `sinks`, where verdicts go."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from guardrails.errors import GuardrailsError
from guardrails.policy.loading.problems import MarkSource, Problems
from guardrails.registry.sources import PluginError, PluginSources
from guardrails.sinks.kinds import read_entry


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


class SinkSettings(Protocol):
    """Settings that name sinks."""

    @property
    def plugins(self) -> list[str] | None: ...
    @property
    def sinks(self) -> list[dict[str, JsonValue]]: ...


def check_sinks(doc: SinkSettings, marks: MarkSource, problems: Problems) -> None:
    """Add what is wrong with the sinks of some settings to the problems, each with its place."""
    sources = PluginSources.choose(doc.plugins)
    for index, entry in enumerate(doc.sinks):
        try:
            read_entry(entry, sources)
        except GuardrailsError as error:
            problems.add(marks.mark(("sinks", index)), "invalid_value", str(error))
