"""Transcribers: a piece of sound goes in, what is said in it comes out, with the time of each word where that is known.

Either a service that speaks OpenAI's `/audio/transcriptions` (OpenAI, vLLM, speaches, whisper.cpp, …) or a model in this process.
Whatever a service says that is no transcript in its protocol is a failure; an empty one says that there are no words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, Protocol

from guardrails.detectors.images.text_layout import Clip
from guardrails.detectors.services.reading import PLAUSIBLE, Unreadable, listed, mapping, text
from guardrails.detectors.speech.transcript_text import Transcript, Word
from guardrails.remote.client import client
from guardrails.remote.endpoint import Endpoint, RemoteError
from guardrails.remote.form import Field
from guardrails.remote.loop import submit

if TYPE_CHECKING:
    from guardrails.detectors.speech.speech_pieces import Piece
    from guardrails.inference.media.speech import SpeechModel

PATH: Final = "/audio/transcriptions"

NEAR: Final = 64
"""Characters of a text within which its next word must begin: one that does not has no time of its own."""

Timed = tuple[str, float | None, float | None]
"""A word or a sentence, and from which second of a piece to which it is said; None where that is not known."""


class Transcriber(Protocol):
    """What makes texts of pieces. `beside` is how many at a time are of use."""

    beside: int

    def begin(self, piece: Piece) -> Future[Transcript]:
        """Begin with a piece; the future has what is said in it, or why that is not known."""
        ...


class Served:
    """A service. `plain` is for one that gives texts alone, without times."""

    beside = 4

    def __init__(self, endpoint: Endpoint, model: str, language: str | None = None, *, plain: bool) -> None:
        self._endpoint = endpoint
        fields = [Field("model", model.encode()), Field("temperature", b"0")]
        if language is not None:
            fields.append(Field("language", language.encode()))
        if plain:
            fields.append(Field("response_format", b"json"))
        else:
            fields += [
                Field("response_format", b"verbose_json"),
                Field("timestamp_granularities[]", b"word"),
                Field("timestamp_granularities[]", b"segment"),
            ]
        self._fields = fields

    def begin(self, piece: Piece) -> Future[Transcript]:
        return submit(self._asked(piece))

    async def _asked(self, piece: Piece) -> Transcript:
        sound = Field("file", piece.wav(), "speech.wav", "audio/wav")
        body = await client(self._endpoint).post_form(PATH, [*self._fields, sound])
        try:
            return answered(body, (piece.start_ms, piece.end_ms))
        except Unreadable as error:
            raise RemoteError(f"endpoint {self._endpoint.name!r}: {error}") from None


class Here:
    """A model in this process, which hears one piece at a time."""

    beside = 1

    def __init__(self, model: SpeechModel) -> None:
        self._model = model

    def begin(self, piece: Piece) -> Future[Transcript]:
        done: Future[Transcript] = Future()
        try:
            whole, parts = self._model.heard(piece.heard)
            done.set_result(transcript(whole, parts, (piece.start_ms, piece.end_ms)))
        except Exception as error:
            done.set_exception(error)
        return done


def answered(body: Any, clip: Clip) -> Transcript:
    """Return what an answer of the service says of a piece; raises `Unreadable`."""
    found = mapping(body, "object")
    whole = text(found.get("text"), "text")
    words = list(_parts(found.get("words"), "words", "word"))
    segments = list(_parts(found.get("segments"), "segments", "text"))
    if not whole.strip():
        whole = " ".join(each.strip() for each, _, _ in segments or words).strip()
    return transcript(whole, words or segments, clip)


def _parts(value: Any, what: str, name: str) -> Iterable[Timed]:
    for each in [] if value is None else listed(value, what):
        part: Mapping[str, Any] = mapping(each, what)
        yield text(part.get(name), what), _seconds(part.get("start"), what), _seconds(part.get("end"), what)


def _seconds(value: Any, what: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > PLAUSIBLE:
        raise Unreadable(f"a time of {what} is no number of seconds")
    return float(value)


def transcript(whole: str, parts: Iterable[Timed], clip: Clip) -> Transcript:
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
            found.append((place, _within(clip, start, end)))
            at = place + len(sought)
    ends = [*(place for place, _ in found[1:]), len(whole)]
    words = [Word(place, end, when) for (place, when), end in zip(found, ends, strict=False)]
    if words and words[0].start > 0:
        words.insert(0, Word(0, words[0].start, (clip[0], words[0].clip[1])))
    return Transcript(whole, clip, tuple(words))


def _within(clip: Clip, start: float, end: float | None) -> Clip:
    """Return the time in the film of what is said from one second of a piece to another; at least a millisecond of it."""
    first = min(max(clip[0], clip[0] + int(start * 1_000)), clip[1] - 1)
    last = clip[1] if end is None else min(max(first + 1, clip[0] + round(end * 1_000)), clip[1])
    return first, last
