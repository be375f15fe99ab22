"""Which language a text is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.language.identification import (
    choose_language,
    identify_language,
    language_probabilities,
)
from guardrails.detectors.language.prose_words import SAMPLE, without_noise
from guardrails.detectors.language.scripts import NAMES
from tests.cases import each_case

SENTENCES: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "sentences.json").read_text(encoding="utf-8")
)
"""One everyday sentence, written for these tests, in many languages."""


def test_sentences_are_known() -> None:
    """One sentence is enough, in each of 37 languages; probabilities sum to 1."""
    assert {code: identify_language(text)[0] for code, text in SENTENCES.items()} == {
        code: code for code in SENTENCES
    }
    assert sum(language_probabilities(SENTENCES["de"]).values()) == pytest.approx(1, abs=1e-3)


@each_case("text", ["", "ok", "42", "👍👍", "Hello", "a\ud800", "https://example.com/eine/lange/adresse"])
def test_short_texts_are_undetermined(text: str) -> None:
    """Too few letters, or none, are `und`."""
    assert identify_language(text)[0] == "und"


@each_case(("text", "code"), [("안녕", "ko"), ("สวัสดี", "th"), ("ありがとう", "ja"), ("Γεια", "el")])
def test_a_script_of_one_language_is_certain(text: str, code: str) -> None:
    """However short the text."""
    assert identify_language(text) == (code, 1.0)


def test_noise_has_no_say() -> None:
    """Links, addresses, code in a line, tags and emoji are taken out, and the length stays."""
    noisy = f"https://example.com/the/best/of <b>😀</b> {SENTENCES['pl']} `the best of` the.best@example.com #hash 12"
    plain = without_noise(noisy)
    assert len(plain) == len(noisy)
    assert plain.split() == SENTENCES["pl"].split()
    assert identify_language(noisy)[0] == "pl"


def test_long_texts_are_sampled() -> None:
    """Beginning, middle and end decide, however much there is between them."""
    long = SENTENCES["de"] * 2000
    assert len(long) > 50 * SAMPLE
    assert identify_language(long)[0] == "de"
    assert identify_language(SENTENCES["de"] * 100 + SENTENCES["fr"] * 100)[0] in ("de", "fr")


OFFERED = frozenset({"en", "de", "fr", "es", "it", "pt", "tr", "ru", "ar", "hi", "zh", "ja", "ko"})


@each_case(
    ("text", "code"),
    [
        ("Quiero morir", "es"),
        ("Ich will sterben.", "de"),
        ("je veux mourir", "fr"),
        ("Voglio morire", "it"),
        ("quero morrer", "pt"),
        ("ölmek istiyorum", "tr"),
        ("хочу умереть", "ru"),
        ("أريد أن أموت", "ar"),
        ("मैं मरना चाहता हूँ", "hi"),
        ("我想死", "zh"),
        ("死にたい", "ja"),
        ("죽고 싶어", "ko"),
        ("I want to die", "en"),
        ("No puedo más", "es"),
        (SENTENCES["nl"], None),
        (SENTENCES["uk"], None),
        ("ik wil dood", None),
        ("Anna Kowalska", None),
        ("ok", None),
        ("6d5cadd95a1d6418f3657d44f2955dd7", None),
        ("", None),
    ],
)
def test_a_few_words_choose_among_languages(text: str, code: str | None) -> None:
    """None where they are in another one, or too few to tell."""
    assert choose_language(text, OFFERED) == code


def test_nothing_is_chosen_that_is_not_offered() -> None:
    """However certain it is."""
    for code, text in SENTENCES.items():
        assert choose_language(text, frozenset({"en", "de"})) in ({code} & {"en", "de"} or {None})


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    """A known code or `und`, and a probability."""
    code, probability = identify_language(text)
    assert code in NAMES or code == "und"
    assert 0 <= probability <= 1.001
