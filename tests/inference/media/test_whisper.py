"""Whisper without its weights: what is doubted, how often a piece is read, what is missing from the system. The model itself runs in
`tests/system/test_speech_whisper.py`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.cancellation import Cancelled, Token, within
from guardrails.detectors.speech.transcript import THIRD_PARTY
from guardrails.inference.media.log_mel import RATE
from guardrails.inference.media.speech import Transcription
from guardrails.inference.media.whisper import (
    NO_SPEECH,
    PASSES,
    UNCLEAR,
    Reading,
    WhisperModel,
    load_whisper,
    split_words,
    transcribe_piece,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case

SURE = Reading("hello there", (("hello", 0.0, 0.5), (" there", 0.5, 1.0)), 5.0, 12, -0.3, 0.02, cut=False)


@each_case(
    ("changes", "doubt"),
    [
        ({}, None),
        ({"likely": -0.8}, None),
        ({"likely": -0.9, "tokens": 30}, UNCLEAR),
        ({"likely": -0.9, "tokens": 6}, None),
        ({"likely": -0.86, "tokens": 10, "speechless": 0.22}, UNCLEAR),
        ({"likely": -1.3}, UNCLEAR),
        ({"likely": -1.3, "speechless": 0.7}, NO_SPEECH),
        ({"speechless": 0.7}, None),
        ({"speechless": 0.95}, NO_SPEECH),
        ({"cut": True}, UNCLEAR),
        ({"text": "I'm going to be here for you. " * 5}, UNCLEAR),
        ({"text": "no, no, no"}, None),
        ({"text": "", "tokens": 0}, None),
    ],
)
def test_a_model_tells_when_it_does_not_understand(changes: dict[str, Any], doubt: str | None) -> None:
    """Numbers as another language, noise and English have them; few tokens say less than many."""
    assert replace(SURE, **changes).doubt == doubt


class Scripted:
    """What reads as a test wrote down, and notes how many samples it was given."""

    def __init__(self, *readings: Reading, language: tuple[str, str | None] = ("en", None)) -> None:
        self.readings, self.language = [*readings], language
        self.given: list[int] = []
        self.languages: list[str] = []

    def encode(self, samples: Any) -> Any:
        """Return nothing in particular."""
        self.given.append(len(samples))

    def tell_language(self, encoded: Any) -> tuple[str, str | None]:
        """Return the one of the test."""
        return self.language

    def read(self, encoded: Any, language: str, samples: int) -> Reading:
        """Return the next reading."""
        self.languages.append(language)
        return self.readings[min(len(self.given), len(self.readings)) - 1]


def piece(seconds: float) -> Any:
    """Return so much of a sound."""
    return np.zeros(round(seconds * RATE), np.float32)


def test_a_piece_is_read_once() -> None:
    """Where the model writes to its end, but for the pause behind a voice."""
    scripted = Scripted(SURE)
    assert transcribe_piece(scripted, piece(6), None) == Transcription(SURE.text, SURE.parts)
    assert scripted.given == [6 * RATE]


def test_what_was_not_written_down_is_read_again() -> None:
    """A model that stops early has not heard the rest; times go on."""
    scripted = Scripted(
        SURE, replace(SURE, text="the rest", parts=(("the", 1.0, 1.5), (" rest", None, None)), end_s=4.0)
    )
    found = transcribe_piece(scripted, piece(9), "en")
    assert scripted.given == [9 * RATE, 4 * RATE]
    assert found.text == "hello there the rest"
    assert found.parts == (*SURE.parts, ("the", 6.0, 6.5), (" rest", None, None))
    assert found.doubt is None


def test_a_piece_is_read_some_times_at_most() -> None:
    """A model that gets nowhere has not understood it."""
    scripted = Scripted(replace(SURE, text="", parts=(), end_s=0.0))
    assert transcribe_piece(scripted, piece(30), "en") == Transcription("", (), UNCLEAR)
    assert len(scripted.given) == PASSES


@each_case(
    ("reading", "text", "doubt"),
    [
        (replace(SURE, likely=-2.0), "hello there", UNCLEAR),
        (replace(SURE, likely=-2.0, speechless=0.8), "", NO_SPEECH),
        (replace(SURE, text="", parts=()), "", None),
    ],
    ids=["unlikely", "no speech", "nothing"],
)
def test_a_doubt_takes_nothing_away(reading: Reading, text: str, doubt: str | None) -> None:
    """What is unclear is judged all the same; what is written of what is no speech is made up."""
    found = transcribe_piece(Scripted(reading), piece(5), "en")
    assert (found.text, found.doubt) == (text, doubt)


def test_the_language_is_told_once() -> None:
    """Of the whole piece; a policy that names one is believed."""
    scripted = Scripted(SURE, language=("sw", "is in Swahili"))
    assert transcribe_piece(scripted, piece(9), None).doubt == "is in Swahili"
    assert scripted.languages == ["sw", "sw"]
    scripted = Scripted(SURE, language=("sw", "is in Swahili"))
    assert transcribe_piece(scripted, piece(5), "de").doubt is None
    assert scripted.languages == ["de"]


def test_nobody_waits_any_more() -> None:
    """Then nothing more is read."""
    token = Token()
    token.cancel()
    with within(token), pytest.raises(Cancelled):
        transcribe_piece(Scripted(SURE), piece(5), "en")


@each_case(
    ("tokens", "spaced", "words"),
    [
        ([" Hello", " the", "re", "."], True, ["Hello", "there."]),
        (["Zqx", "bomb", " now"], True, ["Zqxbomb", "now"]),
        (["你", "好"], False, ["你", "好"]),
        (["\ufffd", "\ufffd", "好", "吗"], False, ["\ufffd\ufffd好", "吗"]),
        ([], True, []),
    ],
)
def test_tokens_are_put_together_to_words(tokens: list[str], spaced: bool, words: list[str]) -> None:
    """By spaces, or where there are none by characters."""
    found = ["".join(tokens[first:behind]).strip() for first, behind in split_words(tokens, spaced=spaced)]
    assert found == words


@given(st.lists(st.text("a \ufffd", min_size=1, max_size=3)), st.booleans())
def test_words_are_all_tokens(tokens: list[str], spaced: bool) -> None:
    """In order, and none twice."""
    found = [*split_words(tokens, spaced=spaced)]
    assert [each for first, behind in found for each in range(first, behind)] == [*range(len(tokens))]


@each_case("name", THIRD_PARTY)
def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With the command that brings it."""
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(ModelError, match="package 'ctranslate2', which is not installed") as caught:
        load_whisper(THIRD_PARTY[name])
    assert caught.value.code == "missing_extra"
    assert caught.value.hint.startswith("pip install 'guardrails-middleware[speech")


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Any) -> None:
    """It is told at once."""
    with pytest.raises(ModelError, match=r"no manifest\.json"):
        WhisperModel(tmp_path, None)
