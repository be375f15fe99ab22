"""Speech that a synthesizer makes (espeak-ng): it is found, and goes to a transcriber as it is."""

from __future__ import annotations

import io
import subprocess
import wave
from concurrent.futures import Future
from typing import Any

import av
import numpy as np
import pytest

from guardrails.detectors.speech.transcript import SoundTranscript, TranscriptConfig, TranscriptExtractor
from guardrails.detectors.speech.transcript_text import Transcript
from guardrails.media.audio.recording import open_recording

SENTENCE = "Hello there. This is a small test of speech, which nobody needs to fear."


def says(text: str, voice: str) -> Any:
    """Return a voice that says a text, at 16 kHz."""
    made = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout", text], capture_output=True, check=True
    ).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(made[made.index(b"data") + 8 :], "<i2").astype(np.float32) / 32_768
    places = np.arange(0, len(samples) - 1, rate / 16_000)
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def quiet(seconds: float) -> Any:
    """Return silence."""
    return np.zeros(int(seconds * 16_000), np.float32)


def heard(sound: Any, transcriber: Any = None) -> SoundTranscript:
    """Return what comes of a sound in pieces of a tenth of a second."""
    pieces = [(at // 16, sound[at : at + 1_600]) for at in range(0, len(sound), 1_600)]
    return TranscriptExtractor(TranscriptConfig(use="transcript"), transcriber).hears(pieces)


@pytest.mark.parametrize("loud", [1.0, 0.01])
@pytest.mark.parametrize("voice", ["en-us", "en+f3", "en+whisper", "de", "fr-fr", "ru", "hi", "cmn", "ar"])
def test_a_voice_is_heard_in_any_language(voice: str, loud: float) -> None:
    """Loud and quiet; where it is, and not where it is not."""
    said = says(SENTENCE, voice)
    found = heard(np.concatenate([quiet(2), loud * said, quiet(2)]))
    length = len(said) // 16
    within = [(max(2_000, start), min(2_000 + length, end)) for start, end in found.stretches]
    assert sum(end - start for start, end in within) > 0.8 * length
    assert found.stretches[0][0] > 1_300
    assert found.stretches[-1][1] < 2_000 + length + 1_000
    assert [entry.kind for entry in found.unchecked] == ["audio"]


class Scripted:
    """A transcriber that knows a word by its length, and keeps what it gets."""

    concurrency = 4

    def __init__(self) -> None:
        self.pieces: list[Any] = []

    def start(self, piece: Any) -> Future[Transcript]:
        """Say what was said."""
        self.pieces.append(piece)
        done: Future[Transcript] = Future()
        done.set_result(Transcript(f"word {len(self.pieces)} is zqxbomb", (piece.start_ms, piece.end_ms)))
        return done


def test_a_file_is_heard() -> None:
    """As it comes out of the process that decodes it."""
    sound = np.concatenate([quiet(2), says(SENTENCE, "en-us"), quiet(2)])
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as file:
        track = file.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, 0
        file.mux(track.encode(frame))
        file.mux(track.encode(None))
    with open_recording(out.getvalue()) as recording, recording.sound() as pieces:
        found = TranscriptExtractor(TranscriptConfig(use="transcript"), None).hears(pieces)
        assert (pieces.stopped, pieces.corrupt) == (None, 0)
    (start, _), (_, end) = found.stretches[0], found.stretches[-1]
    assert 1_300 < start < 2_300
    assert len(sound) // 16 - 2_500 < end < len(sound) // 16 - 1_000


def test_spoken_words_become_a_text_with_times() -> None:
    """One of two pieces that lie far apart; each is sent with its own speech."""
    said = says("bomb", "en-us")
    sound = np.concatenate([quiet(1), said, quiet(6), said, quiet(1)])
    scripted = Scripted()
    found = heard(sound, scripted)
    assert found.text is not None
    assert found.text.text == "word 1 is zqxbomb word 2 is zqxbomb"
    at = found.text.text.rindex("zqxbomb")
    start, end = found.text.clip((at, at + 7)) or (0, 0)
    begins = 7_000 + len(said) // 16
    assert begins - 500 < start < begins + 300
    assert end <= begins + len(said) // 16 + 500
    for piece in scripted.pieces:
        assert np.array_equal(piece.samples, sound[piece.start_ms * 16 : piece.end_ms * 16])
