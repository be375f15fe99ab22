"""Transcribes a piece of sound, by a service or by a model in this process, with the time of each word where that is known.

Either a service that speaks OpenAI's `/audio/transcriptions` (OpenAI, vLLM, speaches, whisper.cpp, …) or a model in this process.
Whatever a service says that is no transcript in its protocol is a failure; an empty one says that there are no words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from guardrails.cancellation import Cancelled
from guardrails.detectors.images.text_layout import Clip
from guardrails.detectors.services.reading import (
    PLAUSIBLE,
    UnreadableResponse,
    read_list,
    read_mapping,
    read_text,
)
from guardrails.detectors.speech.transcript_text import TimedWord, Transcript
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint, RemoteError
from guardrails.remote.form import FormField
from guardrails.remote.loop import submit

if TYPE_CHECKING:
    from guardrails.detectors.speech.speech_pieces import SpeechPiece
    from guardrails.inference.media.speech import Transcription
    from guardrails.inference.media.voice import Samples

PATH: Final = "/audio/transcriptions"

NEAR: Final = 64
"""Characters of a text within which its next word must begin: one that does not has no time of its own."""

Timed = tuple[str, float | None, float | None]
"""A word or a sentence, and from which second of a piece to which it is said; None where that is not known."""


class Transcriber(Protocol):
    """What makes texts of pieces. `concurrency` is how many at a time are of use."""

    concurrency: int

    def start(self, piece: SpeechPiece) -> Future[Transcript]:
        """Begin with a piece; the future has what is said in it, or why that is not known."""
        ...


class RemoteTranscriber:
    """A service. `plain` is for one that gives texts alone, without times."""

    concurrency = 4

    def __init__(self, endpoint: Endpoint, model: str, language: str | None = None, *, plain: bool) -> None:
        self._endpoint = endpoint
        fields = [FormField("model", model.encode()), FormField("temperature", b"0")]
        if language is not None:
            fields.append(FormField("language", language.encode()))
        if plain:
            fields.append(FormField("response_format", b"json"))
        else:
            fields += [
                FormField("response_format", b"verbose_json"),
                FormField("timestamp_granularities[]", b"word"),
                FormField("timestamp_granularities[]", b"segment"),
            ]
        self._fields = fields

    def start(self, piece: SpeechPiece) -> Future[Transcript]:
        return submit(self._request(piece))

    async def _request(self, piece: SpeechPiece) -> Transcript:
        sound = FormField("file", piece.wav(), "speech.wav", "audio/wav")
        body = await get_client(self._endpoint).post_form(PATH, [*self._fields, sound])
        try:
            return parse_answer(body, (piece.start_ms, piece.end_ms))
        except UnreadableResponse as error:
            raise RemoteError(f"endpoint {self._endpoint.name!r}: {error}") from None


class TranscribingModel(Protocol):
    """A model in this process."""

    def transcribe(self, samples: Samples) -> Transcription:
        """Return what is said in at most half a minute at 16 kHz."""
        ...


class LocalTranscriber:
    """A model in this process, which hears one piece at a time, and none once nobody waits any more: then `start` raises
    `Cancelled`.
    """

    concurrency = 1

    def __init__(self, model: TranscribingModel) -> None:
        self._model = model

    def start(self, piece: SpeechPiece) -> Future[Transcript]:
        done: Future[Transcript] = Future()
        try:
            found = self._model.transcribe(piece.louder_samples)
            transcript = align_words(found.text, found.parts, (piece.start_ms, piece.end_ms))
            done.set_result(replace(transcript, doubt=found.doubt))
        except Cancelled:
            raise
        except Exception as error:
            done.set_exception(error)
        return done


def parse_answer(body: Any, clip: Clip) -> Transcript:
    """Return what an answer of the service says of a piece; raises `UnreadableResponse`."""
    found = read_mapping(body, "object")
    whole = read_text(found.get("text"), "text")
    words = list(_parts(found.get("words"), "words", "word"))
    segments = list(_parts(found.get("segments"), "segments", "text"))
    if not whole.strip():
        whole = " ".join(each.strip() for each, _, _ in segments or words).strip()
    return align_words(whole, words or segments, clip)


def _parts(value: Any, what: str, name: str) -> Iterable[Timed]:
    for each in [] if value is None else read_list(value, what):
        part: Mapping[str, Any] = read_mapping(each, what)
        yield (
            read_text(part.get(name), what),
            _seconds(part.get("start"), what),
            _seconds(part.get("end"), what),
        )


def _seconds(value: Any, what: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > PLAUSIBLE:
        raise UnreadableResponse(f"a time of {what} is no number of seconds")
    return float(value)


def align_words(whole: str, parts: Iterable[Timed], clip: Clip) -> Transcript:
    """Return a text with the times of its words, which are sought in it one after the other; what lies between two belongs to
    the first of them.
    """
    folded = whole.casefold()
    if len(folded) != len(whole):
        folded = whole
    found: list[tuple[int, Clip]] = []
    at = 0  # where the next word is sought
    for word, start, end in parts:
        sought = word.strip()
        if not sought or start is None:
            continue
        place = whole.find(sought, at, at + NEAR + len(sought))
        if place < 0:
            place = folded.find(sought.casefold(), at, at + NEAR + len(sought))
        if place >= 0:
            found.append((place, _place_in_film(clip, start, end)))
            at = place + len(sought)
    ends = [*(place for place, _ in found[1:]), len(whole)]
    words = [TimedWord(place, end, when) for (place, when), end in zip(found, ends, strict=False)]
    if words and words[0].start > 0:
        words.insert(0, TimedWord(0, words[0].start, (clip[0], words[0].clip[1])))
    return Transcript(whole, clip, tuple(words))


def _place_in_film(clip: Clip, start: float, end: float | None) -> Clip:
    """Return the time in the film of what is said from one second of a piece to another; at least a millisecond of it."""
    first = min(max(clip[0], clip[0] + int(start * 1_000)), clip[1] - 1)
    last = clip[1] if end is None else min(max(first + 1, clip[0] + round(end * 1_000)), clip[1])
    return first, last
