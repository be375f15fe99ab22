"""Personal data by one table of patterns with validators: text in, findings of `pii.*` out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from guardrails.detectors import Kind
from guardrails.detectors.choice import Choice
from guardrails.detectors.config import Config
from guardrails.detectors.pii_entities import TABLE

CHOICE = Choice("pii", TABLE, "entities", ("unknown_entity", "a kind of personal data"))
ENTITIES = CHOICE.names


class PiiConfig(Config):
    """Personal data."""

    use: Literal["pii"]
    """The kind of detector."""
    entities: list[str] | None = Field(default=None, min_length=1, examples=[["email", "credit_card"]])
    """Which kinds to look for; all of the table by default."""


KIND = Kind(
    name="pii",
    doc="Personal data by patterns with validators: " + ", ".join(ENTITIES) + ".",
    config=PiiConfig,
    categories=lambda _name, config: CHOICE.categories(config.entities),
    build=lambda name, config, _files: CHOICE.build(name, config.entities),
)
