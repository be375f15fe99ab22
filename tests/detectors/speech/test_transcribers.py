"""Transcribers: what a service is asked, how its answers are read, and what is none."""

from __future__ import annotations

import io
import wave
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.cancellation import Cancelled
from guardrails.detectors.services.reading import UnreadableResponse
from guardrails.detectors.speech.speech_pieces import SpeechPiece
from guardrails.detectors.speech.transcribers import (
    LocalTranscriber,
    RemoteTranscriber,
    align_words,
    parse_answer,
)
from guardrails.detectors.speech.transcript_text import TimedWord, Transcript
from guardrails.inference.media.speech import Transcription
from guardrails.remote.endpoint import RemoteError, SecretSource
from tests.cases import each_case

PIECE = SpeechPiece(10_000, 14_000, np.full(64_000, 0.1, np.float32))
CLIP = (10_000, 14_000)


def asked(
    transcribing: Any, *, plain: bool = False, language: str | None = None, **settings: Any
) -> Transcript:
    """Return what the far side says of a piece."""
    served = RemoteTranscriber(transcribing.endpoint(**settings), "whisper-1", language, plain=plain)
    return served.start(PIECE).result(20)


def test_a_piece_goes_as_a_file(transcribing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that OpenAI's protocol has for words with times, and the operator's key."""
    monkeypatch.setenv("ZQX_KEY", "zqx-key")
    asked(transcribing, key=SecretSource(env="ZQX_KEY"), language="de")
    [upload] = transcribing.asked
    assert (upload.name, upload.key) == ("speech.wav", "Bearer zqx-key")
    assert upload.fields == [
        ("model", "whisper-1"),
        ("temperature", "0"),
        ("language", "de"),
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
    ]
    with wave.open(io.BytesIO(upload.sound)) as sound:
        assert (sound.getframerate(), sound.getnframes(), sound.getnchannels()) == (16_000, 64_000, 1)


def test_a_service_without_times_is_asked_for_none(transcribing: Any) -> None:
    """Then a text has those of the piece."""
    transcribing.answers = [(200, {"text": "hello there"})]
    assert asked(transcribing, plain=True) == Transcript("hello there", CLIP)
    assert transcribing.asked[0].fields == [
        ("model", "whisper-1"), ("temperature", "0"), ("response_format", "json")
    ]  # fmt: skip


WORDS = [
    {"word": "Hello", "start": 0.0, "end": 0.5},
    {"word": "there", "start": 0.5, "end": 1.25},
    {"word": "zqxbomb", "start": 3.5, "end": 9.0},
]
SEGMENTS = [
    {"id": 0, "text": " Hello, there!", "start": 0.0, "end": 1.5, "avg_logprob": -0.3},
    {"id": 1, "text": " Zqxbomb", "start": 3.0, "end": 4.0},
]


@each_case(
    ("body", "words"),
    [
        (
            {"words": WORDS, "segments": SEGMENTS},
            [(0, 7, 10_000, 10_500), (7, 14, 10_500, 11_250), (14, 21, 13_500, 14_000)],
        ),
        ({"words": None, "segments": SEGMENTS}, [(0, 14, 10_000, 11_500), (14, 21, 13_000, 14_000)]),
        ({"words": [], "segments": SEGMENTS[1:]}, [(0, 14, 10_000, 14_000), (14, 21, 13_000, 14_000)]),
        ({"words": [{"word": "Hello", "start": 1}]}, [(0, 21, 11_000, 14_000)]),
        ({"words": [{"word": "zqx", "start": None, "end": None}]}, []),
        ({"words": [{"word": "other", "start": 1, "end": 2}]}, []),
        ({}, []),
    ],
    ids=["words", "segments", "some of it", "without an end", "without times", "not in the text", "nothing"],
)
def test_words_have_times(body: dict[str, Any], words: list[tuple[int, int, int, int]]) -> None:
    """Those of the service's words, else of its sentences, within the piece; what stands between belongs to the word before."""
    found = parse_answer({"text": "Hello, there! Zqxbomb", **body}, CLIP)
    assert found.text == "Hello, there! Zqxbomb"
    assert found.words == tuple(TimedWord(start, end, (first, last)) for start, end, first, last in words)


@each_case(
    ("body", "text"),
    [
        ({"text": "", "segments": SEGMENTS}, "Hello, there! Zqxbomb"),
        ({"text": "  ", "words": WORDS}, "Hello there zqxbomb"),
        ({"text": ""}, ""),
        ({"text": "", "segments": [], "words": []}, ""),
    ],
)
def test_a_text_that_stands_in_its_parts_alone_is_one(body: dict[str, Any], text: str) -> None:
    """An empty one says that there are no words."""
    assert parse_answer(body, CLIP).text == text


@each_case(
    "body",
    [
        None, [], "hello", {}, {"text": None}, {"text": 7}, {"text": "a", "words": {}}, {"text": "a", "words": ["a"]},
        {"text": "a", "words": [{"start": 1}]}, {"text": "a", "words": [{"word": "a", "start": "1"}]},
        {"text": "a", "segments": [{"text": "a", "start": True, "end": 1}]},
        {"text": "a", "segments": [{"text": "a", "start": 10**400, "end": 1}]},
    ],
)  # fmt: skip
def test_what_is_no_transcript_is_a_failure(body: Any) -> None:
    """And never a text in which nothing is said."""
    with pytest.raises(UnreadableResponse):
        parse_answer(body, CLIP)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"error": "zqx"}), "endpoint 'whisper': text is no text"),
        ((200, []), "endpoint 'whisper': the answer has no object"),
        ((400, {"text": "hello"}), "endpoint 'whisper': answered 400"),
        ((503, {"text": "hello"}), "endpoint 'whisper': answered 503"),
    ],
)
def test_a_service_that_fails_is_named(transcribing: Any, answer: tuple[int, Any], said: str) -> None:
    """And nothing of what it wrote."""
    transcribing.answers = [answer]
    with pytest.raises(RemoteError) as error:
        asked(transcribing)
    assert str(error.value) == said


@given(
    st.text("ab ß\u0130", max_size=20),
    st.lists(st.tuples(st.text("abß ", max_size=3), st.none() | st.floats(-9, 99), st.none() | st.floats(-9, 99)), max_size=6),
)  # fmt: skip
def test_words_lie_in_the_text_and_in_the_piece(
    whole: str, parts: list[tuple[str, float | None, float | None]]
) -> None:
    """In order, all of the text if any, whatever a service says of times."""
    found = align_words(whole, parts, CLIP)
    ends = [0, *(word.end for word in found.words)]
    assert [word.start for word in found.words] == ends[:-1]
    assert ends[-1] == (len(whole) if found.words else 0)
    assert all(10_000 <= start < end <= 14_000 for start, end in (word.clip for word in found.words))


class Model:
    """A model that hears what a test wrote down."""

    def __init__(self, said: Any) -> None:
        self.said = said

    def transcribe(self, samples: Any) -> Any:
        """Return it, or raise it."""
        self.samples = samples
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def test_a_model_in_this_process() -> None:
    """Answers at once; what it raises is in the future."""
    heard: Any = Model(Transcription("hello", (("hello", 0.5, 1.0),), "is unclear"))
    done: Future[Transcript] = LocalTranscriber(heard).start(PIECE)
    assert done.result(0) == Transcript("hello", CLIP, (TimedWord(0, 5, (10_500, 11_000)),), "is unclear")
    assert float(heard.samples.max()) == 0.5  # a quiet voice is made louder
    failing: Any = Model(ArithmeticError("zqx"))
    assert isinstance(LocalTranscriber(failing).start(PIECE).exception(0), ArithmeticError)


def test_who_no_longer_waits_is_no_failure_of_the_model() -> None:
    """The work is given up, as any other is."""
    late: Any = Model(Cancelled("zqx"))
    with pytest.raises(Cancelled, match="zqx"):
        LocalTranscriber(late).start(PIECE)
