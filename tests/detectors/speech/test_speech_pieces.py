"""Pieces of sound: what goes together, what is kept, and the file that is made of one."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from typing import Any

import numpy as np

from guardrails.detectors.speech.speech_pieces import LONGEST_MS, NEAR_MS, SpeechPiece, SpeechSplitter
from guardrails.inference.media.voice import VoiceTracker, load_voice_model
from tests.cases import each_case

Spoken = Callable[..., Any]


def quiet(seconds: float) -> Any:
    """Return silence."""
    return np.zeros(int(seconds * 16_000), np.float32)


def pieces_of(
    samples: Any, *, chunk: int = 1_600, start_ms: int = 0
) -> tuple[list[SpeechPiece], SpeechSplitter]:
    """Return the pieces of a sound that comes in chunks."""
    pieces, made = SpeechSplitter(VoiceTracker(load_voice_model())), []
    for at in range(0, len(samples), chunk):
        made += pieces.feed(start_ms + at // 16, samples[at : at + chunk])
    return made + pieces.flush(), pieces


def test_what_is_near_goes_together(spoken: Spoken) -> None:
    """Sentences with short pauses are one piece; behind a long one there is another."""
    sound = np.concatenate(
        [quiet(1), spoken(2, 1), quiet(1.5), spoken(2, 3), quiet(5), spoken(2, 4), quiet(1)]
    )
    (first, second), pieces = pieces_of(sound)
    assert len(pieces.stretches) == 3
    assert (first.start_ms, first.end_ms) == (pieces.stretches[0][0], pieces.stretches[1][1])
    assert (second.start_ms, second.end_ms) == pieces.stretches[2]
    assert second.start_ms - first.end_ms > NEAR_MS


@each_case("start_ms", [0, 1_234_567])
def test_a_piece_holds_the_samples_of_its_time(spoken: Spoken, start_ms: int) -> None:
    """To the sample, wherever the sound begins, however it comes."""
    sound = np.concatenate([quiet(3), spoken(2, 1), quiet(4), spoken(40, 2), quiet(4)])
    for chunk in (1_000, 7_777, len(sound)):
        made, _ = pieces_of(sound, chunk=chunk, start_ms=start_ms)
        assert len(made) == 3
        for piece in made:
            first, last = ((each - start_ms) * 16 for each in (piece.start_ms, piece.end_ms))
            assert piece.end_ms - piece.start_ms <= LONGEST_MS
            assert np.array_equal(piece.samples, sound[first:last])


def test_pieces_come_while_the_sound_does(spoken: Spoken) -> None:
    """And what is kept of it does not grow with it."""
    pieces, made, most = SpeechSplitter(VoiceTracker(load_voice_model())), 0, 0
    sound = np.concatenate([spoken(20, 1), quiet(2.5)] * 4)
    for at in range(0, len(sound), 1_600):
        made += len(pieces.feed(at // 16, sound[at : at + 1_600]))
        most = max(most, sum(len(samples) for _, samples in pieces._kept))
    assert made >= 3
    assert most < 62 * 16_000


def test_a_gap_ends_a_piece(spoken: Spoken) -> None:
    """Of what was lost nobody knows what was said there."""
    pieces = SpeechSplitter(VoiceTracker(load_voice_model()))
    assert pieces.feed(0, spoken(2, 1)) == []
    [before] = pieces.feed(9_000, spoken(2, 3))
    [after] = pieces.flush()
    assert before.end_ms <= 2_000
    assert (after.start_ms >= 9_000, after.end_ms) == (True, 11_000)
    assert len(after.samples) == (after.end_ms - after.start_ms) * 16
    assert len(pieces.stretches) == 2


def read(piece: SpeechPiece) -> tuple[tuple[int, int, int], Any]:
    """Return channels, bytes of a sample and rate of a piece's file, and its samples."""
    with wave.open(io.BytesIO(piece.wav())) as file:
        form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        return form, np.frombuffer(file.readframes(file.getnframes()), "<i2")


@each_case(("peak", "expected"), [(1.0, 32_767), (0.7, 22_937), (0.01, 16_384), (1e-4, 983), (0.0, 0)])
def test_a_piece_is_a_file(peak: float, expected: int) -> None:
    """Of 16 kHz, one channel and 16 bits; what is quiet is made louder."""
    form, samples = read(SpeechPiece(0, 1, np.array([0, peak, -peak, 0], np.float32)))
    assert form == (1, 2, 16_000)
    assert samples[:4].tolist() == [0, expected, -expected, 0]
    assert (len(samples), samples[4:].any()) == (8_000, False)  # shorter ones are refused


def test_silence_has_no_pieces() -> None:
    """Nor has nothing."""
    assert pieces_of(quiet(5))[0] == []
    assert pieces_of(quiet(0))[0] == []
