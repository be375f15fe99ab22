"""Words about numbers."""

from __future__ import annotations

from guardrails.detectors.pii.telephones.words import ANNOUNCE, NAMED


def test_every_language_has_words_and_none_is_empty() -> None:
    """Words that announce a number are none that name one of another kind."""
    assert {*NAMED} == {*ANNOUNCE} - {"others"}
    for language, words in NAMED.items():
        assert all(words)
        assert not {*words} & {*ANNOUNCE[language]}
