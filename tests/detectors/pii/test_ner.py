"""Spans from word pieces: whole words, one span for what belongs together, scores that are means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.detectors import ConfigProblems
from guardrails.detectors.pii.names import LABELS
from guardrails.detectors.pii.ner import NerSearcher
from guardrails.detectors.pii.ner_model import load_token_model
from tests.cases import scale

WORDS = {
    "Ann": "B-PER", "##a": "O", "Maria": "B-PER", "Lee": "I-PER", "of": "O", "Bonn": "B-LOC", "New": "B-LOC",
    "York": "I-LOC", "Acme": "B-ORG", "Inc": "I-ORG", "-": "I-PER", ",": "O", "Misc": "B-MISC", "\u7530": "B-PER",
    "##\u4e2d": "I-PER", "##\u306f": "O",
}  # fmt: skip
ALL = frozenset(LABELS.values())
Make = Callable[..., Path]


def ner(
    folder: Path, own: Mapping[str, str] = {}, wanted: frozenset[str] = ALL, min_score: float = 0.5
) -> NerSearcher:
    """Return the searcher over a folder."""
    return NerSearcher(load_token_model(folder, None, "onnx", 64), own, wanted, min_score)


def found(searcher: NerSearcher, text: str) -> list[tuple[str, str]]:
    """Return the name and the text of each hit."""
    return [(hit.name, text[hit.start : hit.end]) for hit in searcher.search(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Maria Lee of Bonn", [("person", "Maria Lee"), ("location", "Bonn")]),
        ("Maria\n Lee", [("person", "Maria\n Lee")]),
        ("Maria Maria", [("person", "Maria"), ("person", "Maria")]),
        ("Maria, Lee", [("person", "Maria"), ("person", "Lee")]),
        ("Maria-Lee", [("person", "Maria-Lee")]),
        ("New York, Acme Inc", [("location", "New York"), ("organization", "Acme Inc")]),
        ("Maria New", [("person", "Maria"), ("location", "New")]),
        ("Misc of", []),
        ("\u7530\u4e2d\u306f", [("person", "\u7530\u4e2d")]),
        ("", []),
        (" \n", []),
    ],
)
def test_words_of_one_meaning_make_a_span(
    ner_folder: Make, text: str, expected: list[tuple[str, str]]
) -> None:
    """A label that begins starts a new span; what stands between two spans keeps them apart; other labels are left out."""
    assert found(ner(ner_folder(WORDS)), text) == expected


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (
            ("O", "B-PER", "I-PER", "E-PER", "S-PER"),
            {"Jo": "B-PER", "van": "I-PER", "Doe": "E-PER", "Al": "S-PER"},
        ),
        (
            ("O", "B-PER", "I-PER", "L-PER", "U-PER"),
            {"Jo": "B-PER", "van": "I-PER", "Doe": "L-PER", "Al": "U-PER"},
        ),
        (("O", "I-PER", "B-PER"), {"Jo": "I-PER", "van": "I-PER", "Doe": "I-PER", "Al": "B-PER"}),
    ],
)
def test_all_schemes_of_prefixes_are_read(
    ner_folder: Make, labels: tuple[str, ...], words: dict[str, str]
) -> None:
    """BIO in both forms, BIOES and BILOU say the same."""
    assert found(ner(ner_folder(words, labels)), "Jo van Doe Al") == [
        ("person", "Jo van Doe"),
        ("person", "Al"),
    ]


def test_labels_without_prefix_make_spans_too(ner_folder: Make) -> None:
    """Neighbours with a plain label are one span."""
    folder = ner_folder({"Jo": "NAME", "Doe": "NAME", "at": "O", "Rome": "GPE"}, ("O", "NAME", "GPE"))
    assert found(ner(folder), "Jo Doe at Rome") == [("person", "Jo Doe"), ("location", "Rome")]


def test_labels_that_mean_the_same_are_added_up(ner_folder: Make) -> None:
    """A word that is a given name or a surname is surely a person, and both together are one."""
    words = {"Jo": {"B-GIVEN_NAME": 0.9}, "Rose": {"B-GIVEN_NAME": 0.29, "B-SURNAME": 0.32, "O": 0.39}}
    folder = ner_folder(words, ("O", "B-GIVEN_NAME", "B-SURNAME"))
    (hit,) = ner(folder).search("Jo Rose")
    assert (hit.name, hit.start, hit.end) == ("person", 0, 7)
    assert hit.score == pytest.approx((0.95 + 0.61) / 2, abs=0.01)


def test_a_word_takes_the_mean_of_its_pieces(ner_folder: Make) -> None:
    """No word is found in part; one whose pieces disagree scores between them."""
    searcher = ner(ner_folder({"Jo": {"B-PER": 0.9}, "##han": {"I-PER": 0.5}, "##x": {"O": 0.99}}))
    (hit,) = searcher.search("Johan")
    assert (hit.start, hit.end) == (0, 5)
    assert hit.score == pytest.approx(0.7, abs=0.05)
    assert searcher.search("Jox") == []


@pytest.mark.parametrize(("min_score", "expected"), [(0.5, 1), (0.8, 1), (0.95, 0)])
def test_weak_spans_are_left_out(ner_folder: Make, min_score: float, expected: int) -> None:
    """`min_score` is the mean from which on a span counts."""
    assert len(ner(ner_folder(WORDS), min_score=min_score).search("Maria")) == expected


def test_the_policy_says_what_labels_mean(ner_folder: Make) -> None:
    """Its own table comes before the known one, is not particular about separators, and may bring new names."""
    searcher = ner(ner_folder(WORDS), {"misc": "title", "LOC": "office"}, ALL | {"title", "office"})
    assert found(searcher, "Misc Bonn Maria") == [("title", "Misc"), ("office", "Bonn"), ("person", "Maria")]
    assert searcher.names == {"title", "office", "person", "organization"}


def test_only_what_is_wanted_is_found(ner_folder: Make) -> None:
    """What a model takes for something else is not found as what is wanted."""
    searcher = ner(ner_folder(WORDS), wanted=frozenset({"person"}))
    assert found(searcher, "Maria of New York") == [("person", "Maria")]


@pytest.mark.parametrize(
    ("own", "wanted", "code", "path", "hint"),
    [
        ({"PERS": "person"}, ALL, "unknown_label", ("ner", "labels", "PERS"), "did you mean 'PER'?"),
        ({"zzz": "person"}, ALL, "unknown_label", ("ner", "labels", "zzz"), "it has LOC, MISC, ORG, PER"),
        ({}, frozenset({"email"}), "unavailable_entity", ("ner", "model"), "say what they mean by 'labels:'"),
    ],
)
def test_labels_that_are_not_there_are_problems(
    ner_folder: Make, own: dict[str, str], wanted: frozenset[str], code: str, path: tuple[str, ...], hint: str
) -> None:
    """A misspelt label, and a model that finds nothing of what is wanted, are located."""
    with pytest.raises(ConfigProblems) as caught:
        ner(ner_folder(WORDS), own, wanted)
    (problem,) = caught.value.problems
    assert (problem.code, problem.path, problem.hint) == (code, path, hint)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=scale(40))
@given(st.lists(st.sampled_from(["Maria", "Lee", "of", "Bonn", "New", "York", ","]), max_size=150))
def test_windows_change_nothing(ner_folder: Make, words: list[str]) -> None:
    """A text longer than a window has the spans that it has in one."""
    folder, text = ner_folder(WORDS), " ".join(words)
    whole = NerSearcher(load_token_model(folder, None, "onnx", 8192), {}, ALL, 0.5)
    assert [hit[:1] + hit[2:] for hit in ner(folder).search(text)] == [
        hit[:1] + hit[2:] for hit in whole.search(text)
    ]
