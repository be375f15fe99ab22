"""Splits a sound into pieces of half a minute with speech in them.

Stretches of speech that are near one another go together: a transcriber hears whole sentences, and is asked less often. What is
kept of the sound is no longer than two pieces.
"""

from __future__ import annotations

import io
import wave
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from guardrails.inference.media.voice import MOST_GAIN, RATE

if TYPE_CHECKING:
    from guardrails.inference.media.voice import Samples, Stretch, VoiceTracker

LONGEST_MS: Final = 30_000
"""What a transcriber hears at a time: Whisper's window."""

NEAR_MS: Final = 2_000
"""Pauses within a piece."""

LEAST: Final = RATE // 2
"""Samples that a transcriber gets at least."""

LOUD: Final = 0.5
"""The highest value of a piece is made as large as that, as far as `MOST_GAIN` goes: 16 bits leave little of what is quiet."""


@dataclass(frozen=True, slots=True)
class SpeechPiece:
    """A piece of a sound, and when it is."""

    start_ms: int
    end_ms: int
    samples: Samples

    @property
    def louder_samples(self) -> Samples:
        """Its samples, made as loud as speech is, with silence behind what is very short: transcribers refuse that."""
        peak = float(np.abs(self.samples).max(initial=0.0))
        gain = min(MOST_GAIN, max(1.0, LOUD / max(peak, 1e-9)))
        return np.pad(self.samples * np.float32(gain), (0, max(0, LEAST - len(self.samples))))

    def wav(self) -> bytes:
        """Return it as a file: 16 kHz, one channel, 16 bits."""
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(np.round(self.louder_samples * 32_767).astype("<i2").tobytes())
        return out.getvalue()


class SpeechSplitter:
    """The pieces of one sound."""

    def __init__(self, voice: VoiceTracker) -> None:
        """Take what finds the stretches."""
        self.stretches: list[Stretch] = []
        self._voice = voice
        self._open: Stretch | None = None
        self._kept: deque[tuple[int, Samples]] = deque()  # by the number of the first sample
        self._start_ms = self._taken = 0

    def feed(self, start_ms: int, samples: Samples) -> list[SpeechPiece]:
        """Take the next samples, which begin at that time; return the pieces that are whole."""
        if not len(samples):
            return []
        found = self.flush() if self._voice.breaks(start_ms) else []
        if not self._taken:
            self._start_ms = start_ms
        values = np.clip(np.nan_to_num(np.asarray(samples, np.float32), posinf=1.0, neginf=-1.0), -1.0, 1.0)
        self._kept.append((self._taken, values))
        self._taken += len(values)
        found += self._append(self._voice.feed(start_ms, values))
        if self._open is not None and self._voice.settled_ms - self._open[1] > NEAR_MS:
            found.append(self._close(self._open))
        self._forget(self._voice.settled_ms if self._open is None else self._open[0])
        return found

    def flush(self) -> list[SpeechPiece]:
        """Take the end; return the rest."""
        found = self._append(self._voice.flush())
        if self._open is not None:
            found.append(self._close(self._open))
        self._kept.clear()
        self._taken = 0
        return found

    def _append(self, stretches: list[Stretch]) -> list[SpeechPiece]:
        """Put stretches together; return the pieces that are whole by that."""
        found = []
        for start, end in stretches:
            open_ = self._open
            if open_ is not None and (start - open_[1] > NEAR_MS or end - open_[0] > LONGEST_MS):
                found.append(self._close(open_))
                open_ = None
            self._open = (start if open_ is None else open_[0], end)
        self.stretches += stretches
        return found

    def _close(self, of: Stretch) -> SpeechPiece:
        self._open = None
        first, last = ((each - self._start_ms) * RATE // 1_000 for each in of)
        cut = [
            samples[max(0, first - at) : max(0, last - at)]
            for at, samples in self._kept
            if at < last and first < at + len(samples)
        ]
        return SpeechPiece(*of, np.concatenate(cut) if cut else np.zeros(0, np.float32))

    def _forget(self, before_ms: int) -> None:
        before = (before_ms - self._start_ms) * RATE // 1_000
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= before:
            self._kept.popleft()
