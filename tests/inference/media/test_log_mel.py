"""What Whisper reads of a sound: bands of pitch, as OpenAI's code makes them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guardrails.inference.media.log_mel import FRAMES, HOP, RATE, log_mel, mel_filters
from tests.cases import each_case


@each_case(
    ("bands", "band", "pitch", "value"),
    [
        (80, 0, 1, 0.02486259),
        (80, 40, 43, 0.01473557),
        (80, 79, 192, 0.00316471),
        (128, 0, 1, 0.01237399),
        (128, 127, 195, 0.00504160),
        (80, 40, 10, 0.0),
    ],
)
def test_filters_are_those_that_the_model_learned_with(
    bands: int, band: int, pitch: int, value: float
) -> None:
    """Numbers of the table that OpenAI's package has."""
    assert mel_filters(bands).shape == (bands, 201)
    assert abs(float(mel_filters(bands)[band, pitch]) - value) < 1e-7


@given(st.integers(0, FRAMES * HOP + 5_000), st.sampled_from([80, 128]))
def test_a_sound_of_any_length_has_half_a_minute(length: int, bands: int) -> None:
    """Behind its end there is silence, the quietest that counts."""
    sound = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    found = log_mel(sound, bands)
    assert (found.shape, found.dtype) == ((bands, FRAMES), np.float32)
    assert np.isfinite(found).all()
    assert found.max() - found.min() <= 2.0 + 1e-5  # eight decades, a quarter of that
    if length < (FRAMES - 10) * HOP:
        assert np.all(found[:, length // HOP + 4 :] <= found.min() + 1e-5)


def test_a_tone_is_in_its_band() -> None:
    """Where the filter of its pitch is highest, from its first to its last spectrum."""
    when = np.arange(RATE) / RATE
    found = log_mel((0.3 * np.sin(2 * np.pi * 1_000 * when)).astype(np.float32), 80)
    band = int(mel_filters(80)[:, 25].argmax())  # 40 hertz from one pitch to the next
    assert set(found[:, 2:98].argmax(axis=0).tolist()) == {band}


def test_a_louder_sound_has_the_same_form() -> None:
    """Each tenfold power adds a quarter to all that is not silence."""
    sound = np.random.default_rng(0).normal(0, 0.01, 30 * RATE).astype(np.float32)
    assert np.allclose(log_mel(10 * sound, 80), log_mel(sound, 80) + 0.5, atol=1e-4)
