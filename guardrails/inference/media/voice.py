"""Detects voice activity: the stretches of a sound in which somebody speaks, in milliseconds.

    voice = VoiceTracker(load_voice_model())
    for start_ms, samples in chunks:                    # 16 kHz, one channel, floats in -1..1
        stretches += voice.feed(start_ms, samples)
    stretches += voice.flush()

The model (Silero VAD, `guardrails/models/silero_vad`) says of each 32 ms how likely a voice is there, and remembers what it heard
before. What is quiet is made louder first: who turns up the volume hears it too. A block is made louder and judged as a whole, so
that what is found does not depend on how the sound is cut into chunks. Where chunks leave a time out, the voice ends there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.denormals import flush_denormals
from guardrails.inference.media.picture_model import verify_folder
from guardrails.inference.onnx import open_session
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.shared_models import SharedModels

Samples = NDArray[np.float32]
"""One channel at `RATE`."""

RATE: Final = 16_000

FRAME: Final = 512
"""Samples that are judged at a time."""

FRAME_MS: Final = FRAME * 1_000 // RATE

BEFORE: Final = 64
"""Samples of the frame before that the model sees with each one."""

BLOCK: Final = 32
"""Frames that are judged in one run of the model: a second. Longer blocks save a tenth of the time."""

LOUD: Final = 0.05
"""How loud (root mean square) a block is made that is quieter: about as speech is."""

MOST_GAIN: Final = 300.0
"""How many times louder at most: what is quieter still is the noise of 16 bits."""

SHIPPED: Final = Path(__file__).parents[2] / "models" / "silero_vad"

Stretch = tuple[int, int]
"""From when to when, in milliseconds."""


@dataclass(frozen=True, slots=True)
class VoiceThresholds:
    """When a voice is believed.

    It `begins` at a frame so likely, and ends with `pause_ms` of frames less likely than `ends`; what is shorter than `least_ms`
    is none. A stretch has `pad_ms` more on both sides, as a voice is believed late. One of `longest_ms` is cut where a voice is
    least likely in its second half; if there is one there too, `overlap_ms` are in both parts, so that no word is heard in halves
    alone. Chunks whose time is off by more than `lost_ms` do not go together.
    """

    begins: float = 0.4
    ends: float = 0.25
    least_ms: int = 96
    pause_ms: int = 480
    pad_ms: int = 400
    longest_ms: int = 28_000
    overlap_ms: int = 512
    lost_ms: int = 100


class VoiceModel:
    """The model, on one thread; several threads may run it at once. `run` takes frames and what it remembers."""

    def __init__(self, folder: Path, _: None) -> None:
        """Load the model in a folder; raises `ModelError`."""
        verify_folder(folder)
        self._session = open_session(folder / "model.onnx")
        try:
            self.run(np.zeros((1, BEFORE + FRAME), np.float32), self.start())
        except Exception as error:
            raise ModelError(f"model.onnx is none of voices: {first_line(error)}") from error

    @staticmethod
    def start() -> tuple[Samples, Samples]:
        """Return what the model remembers before it has heard anything."""
        return np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32)

    def run(
        self, frames: Samples, memory: tuple[Samples, Samples]
    ) -> tuple[Samples, tuple[Samples, Samples]]:
        """Return how likely a voice is in each frame, and what the model remembers then."""
        with flush_denormals():
            found, *after = self._session.run(None, {"input": frames, "h": memory[0], "c": memory[1]})
        likely = np.asarray(found, np.float32).reshape(-1)
        if likely.shape != (len(frames),) or not np.isfinite(likely).all():
            raise ArithmeticError("the model of voices gave no numbers")
        return likely, (after[0], after[1])


class VoiceTracker:
    """What is said in one sound; not to be shared by threads."""

    _start_ms: int  # of the first sample of what goes together
    _ended: int  # of the last stretch, in milliseconds; none begins before
    _taken: int  # samples
    _at: int  # the next frame
    _left: Samples  # behind the last whole block
    _tail: Samples  # of the last frame, seen again with the next
    _gain: float | None  # of the last block
    _memory: tuple[Samples, Samples]
    _begun: int | None  # the first frame of the stretch that is open
    _silent: int | None  # the first frame of the pause in it
    _seen: list[float]  # how likely a voice is in each frame of it

    def __init__(self, model: VoiceModel, listening: VoiceThresholds | None = None) -> None:
        self._model, self._listening = model, listening or VoiceThresholds()
        self._restart(0)

    @property
    def settled_ms(self) -> int:
        """The time before which all is decided: no further stretch begins there."""
        if self._begun is not None:
            return self._begins(self._begun)
        return max(self._ended, self._time(self._at) - self._listening.pad_ms)

    def breaks(self, start_ms: int) -> bool:
        """Tell whether samples that begin at that time do not go on where the last ones ended."""
        expected = self._start_ms + self._taken * 1_000 / RATE
        return bool(self._taken) and abs(start_ms - expected) > self._listening.lost_ms

    def feed(self, start_ms: int, samples: Samples) -> list[Stretch]:
        """Take the next samples, which begin at that time; return the stretches that have ended."""
        found = self.flush() if self.breaks(start_ms) else []
        if not self._taken:
            self._restart(start_ms)
        values = np.nan_to_num(np.asarray(samples, np.float32).reshape(-1), posinf=1.0, neginf=-1.0)
        self._taken += len(values)
        self._left = np.concatenate([self._left, np.clip(values, -1.0, 1.0)])
        size = BLOCK * FRAME
        whole = len(self._left) // size * size
        for at in range(0, whole, size):
            found += self._judge_block(self._left[at : at + size])
        self._left = self._left[whole:]
        return found

    def flush(self) -> list[Stretch]:
        """Take the end; return the stretches that it ends."""
        found = self._judge_block(self._left) if len(self._left) else []
        self._left = self._left[:0]
        if self._begun is not None:
            found += self._close(self._at if self._silent is None else self._silent)
        self._taken = 0
        return found

    def _restart(self, start_ms: int) -> None:
        """Begin anew at a time."""
        self._start_ms = self._ended = start_ms
        self._taken = self._at = 0
        self._left, self._tail = np.zeros(0, np.float32), np.zeros(BEFORE, np.float32)
        self._memory, self._gain = self._model.start(), None
        self._begun, self._silent, self._seen = None, None, []

    def _judge_block(self, block: Samples) -> list[Stretch]:
        """Judge a block, of which only the last one of a sound is short."""
        frames = -(-len(block) // FRAME)
        values = np.zeros(frames * FRAME, np.float32)
        values[: len(block)] = self._louder(block)
        rows = np.empty((frames, BEFORE + FRAME), np.float32)
        rows[:, BEFORE:] = values.reshape(frames, FRAME)
        rows[0, :BEFORE] = self._tail
        rows[1:, :BEFORE] = rows[:-1, -BEFORE:]
        self._tail = rows[-1, -BEFORE:].copy()
        likely, self._memory = self._model.run(rows, self._memory)
        return [stretch for each in likely.tolist() for stretch in self._step(each)]

    def _louder(self, block: Samples) -> Samples:
        """Return a block as loud as speech, louder or less loud by degrees."""
        loud = float(np.sqrt(np.mean(np.square(block, dtype=np.float64))))
        gain = min(MOST_GAIN, max(1.0, LOUD / max(loud, 1e-9)))
        ramp = np.linspace(gain if self._gain is None else self._gain, gain, len(block), dtype=np.float32)
        self._gain = gain
        louder: Samples = np.clip(block * ramp, -1.0, 1.0)
        return louder

    def _step(self, likely: float) -> Iterator[Stretch]:
        """Take how likely a voice is in the next frame."""
        of, at = self._listening, self._at
        self._at += 1
        if self._begun is None:
            if likely < of.begins:
                return
            self._begun, self._silent, self._seen = at, None, []
        self._seen.append(likely)
        if likely >= of.ends:
            self._silent = None
        elif self._silent is None:
            self._silent = at
        is_long = self._time(self._at) + of.pad_ms - self._begins(self._begun) >= of.longest_ms
        pause = 0 if self._silent is None else (self._at - self._silent) * FRAME_MS
        if self._silent is not None and (is_long or pause >= of.pause_ms):
            yield from self._close(self._silent)
        elif is_long:
            yield self._cut(self._begun)

    def _cut(self, begun: int) -> Stretch:
        """End a stretch that is as long as may be, and begin the next one with what is behind the cut."""
        of, seen = self._listening, self._seen
        half = len(seen) // 2
        cut = min(range(half, len(seen)), key=lambda at: (seen[at], -at))
        again = cut if seen[cut] < of.ends else max(half, cut - of.overlap_ms // FRAME_MS)
        stretch = (self._begins(begun), self._time(begun + cut + 1))
        self._begun, self._seen = begun + again, seen[again:]
        self._ended = self._time(self._begun)
        return stretch

    def _close(self, end: int) -> list[Stretch]:
        """End a stretch before a frame."""
        begun, of = self._begun, self._listening
        self._begun = None
        if begun is None or (end - begun) * FRAME_MS < of.least_ms:
            return []
        last = min(self._time(end) + of.pad_ms, self._start_ms + self._taken * 1_000 // RATE)
        stretch = (self._begins(begun), max(last, self._begins(begun) + 1))
        self._ended = stretch[1]
        return [stretch]

    def _begins(self, frame: int) -> int:
        return max(self._time(frame) - self._listening.pad_ms, self._ended)

    def _time(self, frame: int) -> int:
        return self._start_ms + frame * FRAME_MS


_SHARED = SharedModels(VoiceModel)


def load_voice_model(folder: Path = SHIPPED) -> VoiceModel:
    """Return the model, the same for all who ask while somebody holds it; raises `ModelError`."""
    return _SHARED.get(folder, None)
