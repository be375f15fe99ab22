"""An index of known texts: what its lines may hold, and vectors that are kept for the model that made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from guardrails.detectors.semantic.known_texts import (
    IndexFormatError,
    KnownText,
    embed_entries,
    pack_vector,
    parse_index,
)
from tests.cases import each_case


class Letters:
    """Embeds a text by its first letters, and counts what it was asked."""

    identity = "letters of one model"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def vectors(self, texts: Sequence[str]) -> Any:
        """Return one row a text."""
        self.asked += texts
        rows = np.array([[ord(text[0]), ord(text[-1]), 1.0] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_an_entry_survives_being_written() -> None:
    """What is written is read again, in any language."""
    known = KnownText("Gr\u00fc\u00dfe \u4f60\u597d", "jailbreak", "seen in May", "AQID", "model")
    (again,) = parse_index(known.to_json(), plain=False)
    assert (again.text, again.category, again.note, again.vector, again.by, again.line) == (
        *(known.text, known.category, known.note, known.vector, known.by),
        1,
    )


def test_a_plain_file_has_a_text_a_line() -> None:
    """Comments and empty lines are left out, and lines keep their numbers."""
    found = [*parse_index("# known\n\none\n  two \n", plain=True)]
    assert [(each.text, each.line) for each in found] == [("one", 3), ("two", 4)]


@each_case(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ("[1]", "no text"),
        ('{"text": " "}', "no text"),
        ('{"text": 5}', "no text"),
        ('{"text": "a", "categroy": "x"}', "a field 'categroy'"),
        ('{"text": "a", "note": 5}', "a 'note' that is no text"),
    ],
)
def test_a_line_that_is_no_entry_is_named(line: str, said: str) -> None:
    """The error has the line and the cause."""
    with pytest.raises(IndexFormatError, match=said) as raised:
        [*parse_index(f'{{"text": "fine"}}\n{line}', plain=False)]
    assert raised.value.line == 2


def test_kept_vectors_are_not_made_again() -> None:
    """Only what has none, or one of another model, is embedded; a kept one differs by rounding alone."""
    encoder = Letters()
    made = encoder.vectors(["abc"])[0]
    encoder.asked.clear()
    entries = [
        KnownText("abc", vector=pack_vector(made), by=encoder.identity[:16]),
        KnownText("xyz", vector=pack_vector(made), by="another model"),
        KnownText("new"),
    ]
    rows, count = embed_entries(entries, encoder)
    assert (encoder.asked, count) == (["xyz", "new"], 2)
    assert np.allclose(rows[0], made, atol=0.02)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


@each_case(
    ("vector", "said"),
    [("no base64!", "no base64"), ("AAAA", "length 0"), ("AQI=", "another width")],
)
def test_a_vector_that_is_none_is_named(vector: str, said: str) -> None:
    """It is an error of the line, and no reason to leave the entry out."""
    entries = [KnownText("new", line=1), KnownText("abc", vector=vector, by=Letters.identity[:16], line=2)]
    with pytest.raises(IndexFormatError, match=said) as raised:
        embed_entries(entries, Letters())
    assert raised.value.line == 2
