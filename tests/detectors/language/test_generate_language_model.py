"""How the table of the language model is made."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from guardrails.detectors.language._generate_language_model import (
    BYTES,
    make_model,
    pack_ngram,
    read_ngrams,
)
from tests.cases import each_case


def _automaton(words: Mapping[bytes, int]) -> tuple[np.ndarray, list[int]]:
    """Return the automaton that says the longest of some words which ends at each byte: its moves, and what counts."""
    states = sorted({word[:size] for word in (b"", *words) for size in range(len(word) + 1)}, key=len)

    def longest(text: bytes) -> bytes:
        return next(text[at:] for at in range(len(text) + 1) if text[at:] in states)

    moves = np.array(
        [[states.index(longest(state + bytes((byte,)))) for byte in range(BYTES)] for state in states]
    )
    outputs = [
        next((words[state[at:]] for at in range(len(state)) if state[at:] in words), -1) for state in states
    ]
    return moves, outputs


@each_case("words", [{b"a": 0}, {b"a": 0, b"ba": 1}, {b"abc": 0, b"bc": 1, b"xyz": 2}, {b"\xc3\xa4": 0}])
def test_ngrams_are_read_back(words: dict[bytes, int]) -> None:
    """From the states that they lead to; what ends in a shorter one is none of its own."""
    assert read_ngrams(*_automaton(words)) == words


def test_an_ngram_that_is_too_long_is_refused() -> None:
    """The table has room for six bytes."""
    with pytest.raises(ValueError, match="more than 6 bytes"):
        read_ngrams(*_automaton({b"abcdefg": 0}))


def test_an_automaton_that_skips_the_longest_is_refused() -> None:
    """The table could not say the same."""
    moves, outputs = _automaton({b"a": 0, b"ba": 1})
    with pytest.raises(ValueError, match="nothing counts"):
        read_ngrams(moves, [-1 if output == 1 else output for output in outputs])


def test_numbers_are_ordered_by_length_and_bytes() -> None:
    """So that n-grams of one length stand together."""
    ngrams = [b"\x00", b"b", b"aa", b"ab", b"\x00\x00\x00"]
    assert sorted(ngrams, key=pack_ngram) == ngrams


def test_the_least_is_left_out() -> None:
    """A weight that is the least of its language is not kept."""
    weights = np.array([[-3, -9], [-9, -9], [-9, -1]], dtype=np.float16)
    made = make_model(["aa", "bb"], np.zeros(2), weights, {b"x": 0, b"y": 1, b"z": 2})
    assert made.starts.tolist() == [0, 1, 1, 2]
    assert (made.columns.tolist(), made.weights.tolist()) == ([0, 1], [-3.0, -1.0])
