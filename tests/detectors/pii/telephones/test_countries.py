"""The table of countries."""

from __future__ import annotations

from guardrails.detectors.pii.telephones.countries import COUNTRIES


def test_each_of_the_thirteen_languages_has_a_country() -> None:
    """Codes are digits, and sizes a range."""
    spoken = {language for country in COUNTRIES for language in country.languages}
    assert spoken == {"en", "de", "es", "fr", "it", "pt", "tr", "ru", "ar", "hi", "zh", "ja", "ko"}
    assert all(country.code.isdigit() and country.digits[0] <= country.digits[1] for country in COUNTRIES)
