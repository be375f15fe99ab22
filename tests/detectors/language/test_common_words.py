"""The table of common words."""

from __future__ import annotations

import unicodedata

import pytest

from guardrails.detectors.language.common_words import (
    FILE,
    NO_LANGUAGE,
    languages_of_words,
    read_common_words,
)
from guardrails.detectors.language.scripts import NAMES

WRITTEN = "# a note\n\nen: the and\n  of\nde: der und\n"


def test_rows_go_on_in_lines_that_begin_with_blanks() -> None:
    """Notes and empty lines are left out."""
    assert read_common_words(WRITTEN) == {"en": ("the", "and", "of"), "de": ("der", "und")}


@pytest.fixture(scope="module")
def rows() -> dict[str, tuple[str, ...]]:
    """The shipped table."""
    return read_common_words(FILE.read_text(encoding="utf-8"))


def test_words_stand_as_texts_are_read(rows: dict[str, tuple[str, ...]]) -> None:
    """In small letters, composed, with a straight apostrophe, each once in a row."""
    for words in rows.values():
        assert len(set(words)) == len(words)
        assert all(word == unicodedata.normalize("NFC", word.lower()) for word in words)
        assert "\u2019" not in "".join(words)


def test_languages_are_those_that_are_told(rows: dict[str, tuple[str, ...]]) -> None:
    """But for Swiss German, and Hindi in Latin letters, which the model of languages does not know."""
    assert rows.keys() - NAMES.keys() == {NO_LANGUAGE, "gsw", "hi-Latn"}


def test_words_that_are_shared_stand_at_each_language() -> None:
    """So that none is a sign of one alone."""
    known = languages_of_words()
    assert {"es", "fr", "pt", "nl", "ca"} <= known["de"]
    assert {"ru", "uk"} <= known["хочу"]
    assert known["het"] == {"nl", "af"}
