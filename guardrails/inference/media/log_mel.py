"""Makes of a sound what Whisper reads: how loud each of some bands of pitch is (log-mel), every 10 ms of half a minute.

    features = log_mel(samples, 80)                     # [bands, FRAMES], whatever the length of the sound

As OpenAI's code makes it: windows of 25 ms, bands on Slaney's scale, logarithms of which the highest eight decades count.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE: Final = 16_000

WINDOW: Final = 400
"""Samples that one spectrum is made of."""

HOP: Final = 160
"""Samples from one spectrum to the next."""

FRAMES: Final = 3_000
"""Spectra of half a minute, which the model reads however short the sound is."""

LOWEST: Final = 1e-10
RANGE: Final = 8.0
"""Decades below the loudest band; what is quieter counts as that."""


def log_mel(samples: Samples, bands: int) -> Samples:
    """Return what is read of at most half a minute of sound; more of it is left out.

    Args:
        samples: one channel at `RATE`.
        bands: how many the model knows: 80, or 128 of the latest ones.
    """
    given = samples[: FRAMES * HOP].astype(np.float32, copy=False)
    half = WINDOW // 2
    mirrored = given[1 : half + 1][::-1]
    padded = np.concatenate([np.zeros(half - len(mirrored), np.float32), mirrored, given])
    count = min(FRAMES, -(-len(given) // HOP) + 2)  # behind these there is silence alone
    whole = np.zeros(max(len(padded), (count - 1) * HOP + WINDOW), np.float32)
    whole[: len(padded)] = padded
    frames = np.lib.stride_tricks.sliding_window_view(whole, WINDOW)[::HOP][:count]
    power = np.square(np.abs(np.fft.rfft(frames * _hann(), axis=1))).astype(np.float32)
    found = np.full((bands, FRAMES), np.log10(LOWEST), np.float32)
    found[:, :count] = np.log10(np.maximum(mel_filters(bands) @ power.T, LOWEST))
    scaled: Samples = (np.maximum(found, found.max() - RANGE) + 4.0) / 4.0
    return np.ascontiguousarray(scaled, np.float32)


@cache
def _hann() -> Samples:
    """Return the window of one spectrum, whose first value would come again behind its last one."""
    turns = 2 * np.pi * np.arange(WINDOW) / WINDOW
    return (0.5 - 0.5 * np.cos(turns)).astype(np.float32)


@cache
def mel_filters(bands: int) -> Samples:
    """Return how much of each pitch [bands, pitches] is in each band: triangles that overlap by half, of one area."""
    pitches = np.fft.rfftfreq(WINDOW, 1 / RATE)
    edges = _to_hertz(np.linspace(0.0, _to_mel(RATE / 2), bands + 2))
    rising = (pitches[None] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - pitches[None]) / np.diff(edges)[1:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters.astype(np.float32)


LINEAR: Final = 1_000.0
"""Hertz up to which Slaney's scale has equal steps, of 200/3 hertz; above, each step is 27 parts of a factor of 6.4."""

STEP: Final = 200.0 / 3
FACTOR: Final = float(np.log(6.4) / 27.0)


def _to_mel(hertz: float) -> float:
    return LINEAR / STEP + float(np.log(hertz / LINEAR)) / FACTOR


def _to_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = LINEAR * np.exp(FACTOR * np.maximum(0.0, mels - LINEAR / STEP))
    return np.where(mels < LINEAR / STEP, STEP * mels, above)
