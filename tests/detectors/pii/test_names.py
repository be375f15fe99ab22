"""The tables of names: what Presidio has is all there, and nothing has two names."""

from __future__ import annotations

import typing

from guardrails import taxonomy
from guardrails.detectors.pii.names import GENERIC, LABELS, NATIONAL, normalize_label, presidio_entities
from guardrails.detectors.pii.pii_detector import ENTITIES, PiiConfig
from guardrails.detectors.pii.presidio import presidio_classes
from tests.cases import each_case


def test_every_recognizer_of_the_installed_presidio_has_a_name() -> None:
    """The table has each entity under the language that its recognizer declares, and no other. South Africa's
    telephone numbers are those of the region ZA.
    """
    national = {entity: language for language, table in NATIONAL.items() for entity in table}
    known = {entity: of[1] for entity, of in presidio_classes().items() if entity not in GENERIC}
    assert known == national | {"ZA_MOBILE_NUMBER": "en", "ZA_TELEPHONE_NUMBER": "en"}
    assert {*GENERIC} <= {*presidio_classes()}


LEFT = {
    "date_time", "url", "uuid",  # no personal data, or another detector's
    "ng_nin", "ph_umid", "us_claim", "us_health_insurance", "us_prescription", "us_prior_authorization", "us_referral",
    "za_company", "za_tax_number", "za_traffic_register", "za_vat",
}  # fmt: skip


def test_what_both_engines_find_has_one_name() -> None:
    """Of Presidio's kinds the table of patterns lacks those that have no form of their own."""
    assert {*presidio_entities(NATIONAL).values()} - {*ENTITIES} == LEFT


def test_the_languages_of_the_configuration_are_those_of_the_table() -> None:
    """A policy can name each of them."""
    (choices,) = typing.get_args(PiiConfig.model_fields["languages"].annotation)
    assert {*typing.get_args(choices)} == {*NATIONAL}


@each_case("name", sorted({*presidio_entities(NATIONAL).values(), *LABELS.values()}))
def test_each_name_makes_a_category(name: str) -> None:
    """Names are leaves of `pii`."""
    assert taxonomy.is_valid(f"pii.{name}")


@each_case(
    ("label", "name"),
    [("PER", "person"), ("GIVEN_NAME", "person"), ("given-name", "person"), ("Zip Code", "postal_code")],
)
def test_labels_are_read_without_case_and_separators(label: str, name: str) -> None:
    """One entry serves all ways in which models write a label."""
    assert LABELS[normalize_label(label)] == name
    assert all(normalize_label(each) == each for each in LABELS)
