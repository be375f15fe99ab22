"""Personal data by one table of patterns with validators: text in, findings of `pii.*` out."""

from __future__ import annotations

import difflib
from typing import Literal

from pydantic import Field

from guardrails.detectors import ConfigProblem, ConfigProblems, Files, Kind
from guardrails.detectors.config import Config
from guardrails.detectors.patterns import Patterns
from guardrails.detectors.table import Pattern, PatternTable
from guardrails.detectors.validators import credit_card, iban, ip_address, phone, us_ssn

# ASCII words (`(?a)`): in Chinese, Japanese or Thai text an address touches the letters around it.
# Card and telephone numbers may also be written in the digits of other scripts.
TABLE: tuple[Pattern, ...] = (
    Pattern(
        r"(?a)[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.)+[A-Za-z]{2,24}\b", "pii.email"
    ),
    *(
        Pattern(flags + pattern, category, validate=validate)
        for pattern, category, validate in (
            (r"\b(?:\d[ \-.]?){12,18}\d\b", "pii.credit_card", credit_card),
            # International form: a plus or 00, then groups.
            (
                r"(?:\+|\b00)[1-9]\d{0,2}[ .\-/]?(?:\(0?\d{1,4}\)[ .\-/]?)?\d{1,5}(?:[ .\-/]?\d{2,5}){1,4}\b",
                "pii.phone",
                phone,
            ),
            # North American form.
            (r"(?:\(\d{3}\) ?|\b\d{3}[.\- ])\d{3}[.\-]\d{4}\b", "pii.phone", phone),
        )
        for flags in ("(?a)", "")
    ),
    Pattern(r"(?a)\b\d{3}[- ]\d{2}[- ]\d{4}\b", "pii.us_ssn", validate=us_ssn),
    Pattern(r"(?a)\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", "pii.iban", validate=iban),
    Pattern(r"(?a)\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", "pii.ip_address", validate=ip_address),
)
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
