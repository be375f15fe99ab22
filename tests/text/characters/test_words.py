"""Characters of words, and texts without lone surrogates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.text import is_word, replace_surrogates
from tests.cases import each_case


@each_case("char", ["a", "Z", "0", "_", "\u00e9", "\u0436", "\u4e2d", "\u0301", "\u094d", "\u20dd", "\u0663"])
def test_word_characters(char: str) -> None:
    """Letters and digits of any script, marks and the underscore make words."""
    assert is_word(char)


@each_case("char", [" ", "-", "'", "\n", "\x00", "\u200b", "\u2014", "\U0001f600", "\ud800"])
def test_other_characters(char: str) -> None:
    """Spaces, punctuation, symbols and invisible characters end a word."""
    assert not is_word(char)


def test_is_word_refuses_no_character() -> None:
    """Nothing is not a character."""
    with pytest.raises(TypeError):
        is_word("")


@each_case(
    ("raw", "clean"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udfff", "\ufffd"),
        ("\ud83d\ude00", "\ufffd\ufffd"),
        ("\u00e9\udc80", "\u00e9\ufffd"),
    ],
)
def test_surrogates_replaced(raw: str, clean: str) -> None:
    """Each surrogate becomes one replacement character, pairs too, so offsets stay."""
    assert replace_surrogates(raw) == clean


@each_case("raw", ["", "ascii", "\u00e9\u4e2d\U0001f600"])
def test_clean_text_is_not_copied(raw: str) -> None:
    """A text without surrogates comes back as the same object."""
    assert replace_surrogates(raw) is raw


@given(st.text(st.characters(codec=None)))
def test_result_can_be_encoded(raw: str) -> None:
    """Whatever comes in, what goes out has the same length and encodes."""
    clean = replace_surrogates(raw)

    assert len(clean) == len(raw)
    assert clean.encode().decode() == clean
