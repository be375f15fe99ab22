"""Personal data by one table of patterns with validators: text in, findings of `pii.*` out."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, Files, Kind
from guardrails.detectors.config import Config
from guardrails.detectors.patterns import Patterns
from guardrails.detectors.pii_entities import TABLE
from guardrails.detectors.table import PatternTable

ENTITIES: tuple[str, ...] = tuple(dict.fromkeys(row.category.removeprefix("pii.") for row in TABLE))


class PiiConfig(Config):
    """Personal data."""

    use: Literal["pii"]
    """The kind of detector."""
    entities: list[str] | None = Field(default=None, min_length=1, examples=[["email", "credit_card"]])
    """Which kinds to look for; all of the table by default."""


def _entities(config: PiiConfig) -> tuple[str, ...]:
    return ENTITIES if config.entities is None else tuple(config.entities)


def _hint(entity: str) -> str:
    close = difflib.get_close_matches(entity.removeprefix("pii."), ENTITIES, n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(ENTITIES)}"


def _categories(_name: str, config: PiiConfig) -> frozenset[str]:
    wanted = _entities(config)
    # With a misspelt entity any may be meant: then the one problem to report is the spelling.
    return frozenset(f"pii.{entity}" for entity in (wanted if {*wanted} <= {*ENTITIES} else ENTITIES))


def _build(name: str, config: PiiConfig, files: Files) -> Patterns:
    wanted = _entities(config)
    problems = [
        ConfigProblem(
            "unknown_entity",
            f"{entity!r} is not a kind of personal data",
            ("entities", index),
            hint=_hint(entity),
        )
        for index, entity in enumerate(wanted)
        if entity not in ENTITIES
    ]
    if problems:
        raise ConfigProblems(problems)
    return Patterns(name, PatternTable(row for row in TABLE if row.category.removeprefix("pii.") in wanted))


KIND = Kind(
    name="pii",
    doc="Personal data by patterns with validators: " + ", ".join(ENTITIES) + ".",
    config=PiiConfig,
    categories=_categories,
    build=_build,
)
