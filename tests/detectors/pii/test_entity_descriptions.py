"""Every kind of personal data says what it is."""

from __future__ import annotations

from guardrails.detectors.pii.entity_descriptions import ENTITY_DESCRIPTIONS
from guardrails.detectors.pii.pii_detector import ENTITIES, OF_MODELS


def test_every_kind_is_described_and_no_other() -> None:
    """Those of the table of patterns, and those that the shipped model finds."""
    assert {*ENTITY_DESCRIPTIONS} == {*ENTITIES, *OF_MODELS}


def test_a_kind_of_a_country_names_it() -> None:
    """Kinds with the code of a country before their name, and no others, are a country's."""
    for name, (region, meaning) in ENTITY_DESCRIPTIONS.items():
        assert meaning
        assert bool(region) == (name[2:3] == "_" and name != "ip_address"), name
