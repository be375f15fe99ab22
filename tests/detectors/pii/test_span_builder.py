"""Spans of labelled words: what goes on with a span, what begins another, and what counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from guardrails.detectors.pii.names import EntityHit
from guardrails.detectors.pii.span_builder import LabelledWord, LabelTable, SpanBuilder, split_label
from tests.cases import each_case

LABELS = ("O", "B-GIVEN", "I-GIVEN", "B-SURNAME", "B-CITY", "B-OTHER")
MEANINGS = {"GIVEN": "person", "SURNAME": "person", "CITY": "location"}
TABLE = LabelTable(LABELS, MEANINGS, frozenset({"person", "location", "age"}))


@each_case(
    ("label", "expected"),
    [
        ("B-PER", ("B", "PER")),
        ("I_LOC", ("I", "LOC")),
        ("S-ORG", ("S", "ORG")),
        ("PERSON", ("", "PERSON")),
        ("BIRTH", ("", "BIRTH")),
        ("I-", ("", "I-")),
        ("O", ("", "O")),
    ],
)
def test_a_label_has_a_prefix_or_not(label: str, expected: tuple[str, str]) -> None:
    """Only one letter and a dash make a prefix."""
    assert split_label(label) == expected


def row(label: str, sure: float = 1.0) -> list[float]:
    """Return probabilities of which one label has some, and `O` the rest."""
    found = [0.0] * len(LABELS)
    found[0] = 1 - sure
    found[LABELS.index(label)] += sure
    return found


def words(*given: tuple[str, float, bool]) -> list[LabelledWord]:
    """Return words of three characters with a space between them: label, how sure, whether next to the one before."""
    made = []
    for at, (label, sure, near) in enumerate(given):
        scores = np.array([row(label, sure)], dtype=np.float32)
        made.append(LabelledWord(4 * at, 4 * at + 3, near, TABLE.add_up(scores)[0], scores[0]))
    return made


def built(given: Sequence[LabelledWord], min_score: float = 0.5) -> list[tuple[str, int, int]]:
    """Return the spans of words."""
    spans = SpanBuilder(TABLE, min_score)
    hits: list[EntityHit] = [hit for word in given for hit in spans.add(word)]
    return [(hit.name, hit.start, hit.end) for hit in hits + spans.close()]


@each_case(
    ("given", "expected"),
    [
        ([("B-GIVEN", 1.0, True), ("B-SURNAME", 1.0, True)], [("person", 0, 7)]),
        ([("B-GIVEN", 1.0, True), ("I-GIVEN", 1.0, True)], [("person", 0, 7)]),
        ([("B-GIVEN", 1.0, True), ("B-GIVEN", 1.0, True)], [("person", 0, 3), ("person", 4, 7)]),
        ([("B-GIVEN", 1.0, True), ("B-SURNAME", 1.0, False)], [("person", 0, 3), ("person", 4, 7)]),
        ([("B-GIVEN", 1.0, True), ("B-CITY", 1.0, True)], [("person", 0, 3), ("location", 4, 7)]),
        (
            [("B-GIVEN", 1.0, True), ("O", 1.0, True), ("I-GIVEN", 1.0, True)],
            [("person", 0, 3), ("person", 8, 11)],
        ),
        ([("B-OTHER", 1.0, True)], []),
        ([("B-GIVEN", 0.4, True)], []),
        ([], []),
    ],
)
def test_words_of_one_meaning_make_a_span(
    given: list[tuple[str, float, bool]], expected: list[tuple[str, int, int]]
) -> None:
    """A label of the same kind that begins, a gap, and another meaning begin another span; other labels compete."""
    assert built(words(*given)) == expected


def test_a_span_has_the_mean_of_its_words_and_counts_from_a_score_on() -> None:
    """A weak word is carried by a strong one, as far as the mean allows."""
    given = words(("B-GIVEN", 1.0, True), ("B-SURNAME", 0.6, True))
    spans = SpanBuilder(TABLE, 0.5)
    assert [hit for word in given for hit in spans.add(word)] == []
    assert spans.start == 0
    (hit,) = spans.close()
    assert hit.score == pytest.approx(0.8)
    assert spans.start is None
    assert built(given, min_score=0.81) == []


def test_a_table_has_the_names_that_there_are_labels_for() -> None:
    """What is wanted and has none is not promised."""
    assert TABLE.names == ["location", "person"]
    assert TABLE.add_up(np.array([row("B-GIVEN")], dtype=np.float32))[0][TABLE.names.index("person")] == 1.0
