"""Spans of words as the shipped model labels them: where it is overruled, and what a span's score becomes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from guardrails.detectors.pii.shipped_names.name_spans import DOUBT, SURE, NameSpans
from guardrails.detectors.pii.span_builder import LabelledWord, LabelTable
from tests.cases import each_case

LABELS = ("O", "B-GIVEN", "B-SURNAME", "B-NUMBER", "B-STREET", "B-CITY")
MEANINGS = {
    "GIVEN": "person",
    "SURNAME": "person",
    "NUMBER": "street_address",
    "STREET": "street_address",
    "CITY": "location",
}
TABLE = LabelTable(LABELS, MEANINGS, frozenset(MEANINGS.values()))


class Word(NamedTuple):
    """A word: its text, its label and how likely that is, whether it is on the line of the one before, or a name in a program."""

    text: str
    label: str
    sure: float = 1.0
    near: bool = True
    is_code: bool = False


def spans(*given: Word, min_score: float = 0.5) -> list[tuple[str, str, float]]:
    """Return name, text and score of the spans of words with a space between them."""
    made, hits, at = NameSpans(TABLE, min_score), [], 0
    for word in given:
        row = np.zeros(len(LABELS), dtype=np.float32)
        row[0] = 1 - word.sure
        row[LABELS.index(word.label)] += word.sure
        means = TABLE.add_up(row[None])[0]
        made.decide(means, is_code=word.is_code)
        end = at + len(word.text)
        hits += made.add(LabelledWord(at, end, word.near, means, row, any(map(str.isalpha, word.text))))
        at = end + 1
    text = " ".join(word.text for word in given)
    return [(hit.name, text[hit.start : hit.end], hit.score) for hit in hits + made.close()]


def found(*given: Word) -> list[tuple[str, str]]:
    """Return name and text of the spans of words."""
    return [(name, text) for name, text, _ in spans(*given)]


def test_a_word_may_be_a_name_although_it_is_likelier_none() -> None:
    """From a share of that likelihood on; what is written as in a program is none."""
    least = DOUBT / (1 + DOUBT)
    assert spans(Word("Ann", "B-GIVEN", least + 0.01), min_score=0.01) != []
    assert spans(Word("Ann", "B-GIVEN", least - 0.01), min_score=0.01) == []
    assert spans(Word("ann", "B-GIVEN", 1.0, is_code=True), min_score=0.01) == []


@each_case(
    ("given", "expected"),
    [
        ([Word("Ann", "B-GIVEN", 0.9)], 0.81),
        ([Word("Ann", "B-GIVEN", 0.9), Word("Lee", "B-SURNAME", 0.7)], 0.96),
        ([Word("Bonn", "B-CITY", 0.9)], 0.9),
    ],
)
def test_a_person_of_several_words_scores_higher_and_one_of_a_word_lower(
    given: list[Word], expected: float
) -> None:
    """The doubt is squared of the one, and the score of the other; a place keeps the mean."""
    ((_, _, score),) = spans(*given)
    assert score == pytest.approx(expected)


def test_a_score_counts_as_it_was_weighed() -> None:
    """A word alone that is likely by half is no person."""
    assert spans(Word("Ann", "B-GIVEN", 0.7)) == []
    assert found(Word("Ann", "B-GIVEN", 0.7), Word("Lee", "B-SURNAME", 0.7)) == [("person", "Ann Lee")]


@each_case(
    ("given", "expected"),
    [
        # Between the number and the rest of a street.
        (
            [Word("55", "B-NUMBER"), Word("Barbara", "B-GIVEN"), Word("Harbors", "B-STREET")],
            [("street_address", "55 Barbara Harbors")],
        ),
        # In front of the rest of a street.
        (
            [Word("Barbara", "B-GIVEN"), Word("Harbors", "B-STREET")],
            [("street_address", "Barbara Harbors")],
        ),
        # Behind a number alone.
        ([Word("55", "B-NUMBER"), Word("Barbara", "B-GIVEN")], [("street_address", "55 Barbara")]),
        # Not on another line, and not behind a street that has its name.
        (
            [Word("Ann", "B-GIVEN"), Word("Main", "B-STREET", near=False)],
            [("person", "Ann"), ("street_address", "Main")],
        ),
        (
            [Word("Main", "B-STREET"), Word("Ann", "B-GIVEN")],
            [("street_address", "Main"), ("person", "Ann")],
        ),
    ],
)
def test_a_street_has_the_name_that_it_is_called_by(
    given: list[Word], expected: list[tuple[str, str]]
) -> None:
    """What the model takes for somebody belongs to the street beside it."""
    assert found(*given) == expected


def test_a_number_alone_must_be_sure() -> None:
    """Most are numbers of something else."""
    assert found(Word("12", "B-NUMBER", SURE + 0.01)) == [("street_address", "12")]
    assert found(Word("12", "B-NUMBER", SURE - 0.01)) == []
    assert found(Word("12", "B-NUMBER", SURE - 0.01), Word("Main", "B-STREET")) == [
        ("street_address", "12 Main")
    ]


@each_case("label", ["B-GIVEN", "B-CITY"])
def test_signs_alone_are_nobody(label: str) -> None:
    """Whatever the model says; with a word they are a part of the name."""
    assert found(Word("-", label)) == []
    assert [text for _, text in found(Word("Ann", "B-GIVEN"), Word("-", "B-SURNAME"))] == ["Ann -"]


def test_a_line_in_front_of_a_house_number_says_who_lives_there() -> None:
    """Two or three words without a number; a word alone may be the name of the house."""
    lived = [Word("12", "B-NUMBER", near=False), Word("Main", "B-STREET")]
    assert [name for name, _ in found(Word("Ann", "B-NUMBER"), Word("Lee", "B-STREET"), *lived)] == [
        "person",
        "street_address",
    ]
    assert [name for name, _ in found(Word("Rosemead", "B-STREET"), *lived)] == [
        "street_address",
        "street_address",
    ]
    assert [name for name, _ in found(Word("4", "B-NUMBER"), Word("Hill", "B-STREET"), *lived)] == [
        "street_address",
        "street_address",
    ]
