"""Tells which characters belong to words, and replaces lone surrogates."""

from __future__ import annotations

import re
import unicodedata


def is_word(char: str) -> bool:
    """Say whether one character belongs to a word: a letter, digit or underscore, or a mark on one.

    Args:
        char: exactly one character.

    Raises:
        TypeError: when `char` is not one character.
    """
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


def replace_surrogates(text: str) -> str:
    """Return `text` with every lone surrogate as U+FFFD, one for one, so that offsets stay.

    The same object comes back when there are none.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text)
    return text
