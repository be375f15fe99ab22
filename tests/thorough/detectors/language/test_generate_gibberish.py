"""What the table of trigrams is made of."""

from __future__ import annotations

from guardrails.detectors.language._generate_gibberish import languages


def test_the_sources_have_many_languages() -> None:
    """Each in Latin letters, each with words enough."""
    found = list(languages())
    assert len(found) > 30
    assert all(sum(counts.values()) > 500 for counts in found)
