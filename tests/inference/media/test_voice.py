"""Voice activity: the shipped model on voices, silence, noise and tones that the tests make."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.inference.media.voice import (
    BEFORE,
    FRAME,
    FRAME_MS,
    RATE,
    SHIPPED,
    Stretch,
    VoiceModel,
    VoiceThresholds,
    VoiceTracker,
    load_voice_model,
)
from guardrails.inference.safety.folder import ModelError
from tests.cases import each_case, scale

Spoken = Callable[..., Any]


def quiet(seconds: float) -> Any:
    """Return silence."""
    return np.zeros(int(seconds * RATE), np.float32)


def found(
    samples: Any, *, chunk: int = 4_000, start_ms: int = 0, listening: VoiceThresholds | None = None
) -> list[Stretch]:
    """Return the stretches of a sound that comes in chunks."""
    voice = VoiceTracker(load_voice_model(), listening)
    stretches: list[Stretch] = []
    for at in range(0, len(samples), chunk):
        stretches += voice.feed(start_ms + at * 1_000 // RATE, samples[at : at + chunk])
    return stretches + voice.flush()


def tone(frequency: float, shape: Callable[[Any], Any] = np.sin, seconds: float = 4.0) -> Any:
    """Return a tone."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.3 * shape(2 * np.pi * frequency * time)).astype(np.float32)


def noise(loud: float, seconds: float = 6.0) -> Any:
    """Return white noise."""
    return np.random.default_rng(5).normal(0, loud, int(seconds * RATE)).astype(np.float32)


@each_case(
    "sound",
    [
        quiet(5),
        noise(0.3),
        noise(0.03),
        noise(0.0003),
        tone(50),
        tone(440),
        tone(3_000),
        tone(440, lambda phase: np.sign(np.sin(phase))),
        tone(440) * tone(4),
        np.cumsum(noise(0.001)).astype(np.float32),
        np.zeros(0, np.float32),
        np.full(32_000, 0.7, np.float32),
    ],
    ids=[
        "silence",
        "noise",
        "less",
        "hiss",
        "hum",
        "tone",
        "high",
        "square",
        "beating",
        "rumble",
        "nothing",
        "offset",
    ],
)
def test_what_is_no_voice_is_none(sound: Any) -> None:
    """However loud."""
    assert found(sound) == []


def test_a_voice_is_found_where_it_is(spoken: Spoken) -> None:
    """With a little more on both sides; two with a pause between them are two."""
    sound = np.concatenate([quiet(1), spoken(2, 1), quiet(1.5), spoken(1, 2), quiet(0.7)])
    (first, second) = found(sound)
    assert 500 <= first[0] <= 1_000
    assert 3_000 <= first[1] <= 3_600
    assert 4_000 <= second[0] <= 4_500
    assert 5_500 <= second[1] <= 6_200


@each_case("loud", [1.0, 0.1, 0.01, 0.003])
def test_a_voice_is_found_however_quiet(spoken: Spoken, loud: float) -> None:
    """Who turns up the volume hears it, so it is made louder first."""
    sound = np.concatenate([quiet(1), loud * spoken(2, 1), quiet(1)])
    [(start, end)] = found(sound)
    assert start <= 1_100
    assert end >= 2_800


def test_a_voice_is_found_in_noise(spoken: Spoken) -> None:
    """Half as loud as itself."""
    voice = spoken(3, 4)
    sound = np.concatenate([quiet(1), voice, quiet(1)])
    sound = sound + np.random.default_rng(1).normal(0, voice.std() / 2, len(sound)).astype(np.float32)
    assert sum(end - start for start, end in found(sound)) > 2_000


@settings(max_examples=scale(12))
@given(cuts=st.lists(st.integers(1, 30_000), min_size=1, max_size=12), start_ms=st.integers(-500, 10**8))
def test_cuts_do_not_matter(spoken: Spoken, cuts: list[int], start_ms: int) -> None:
    """However a sound is cut, the same is found in it, moved by when it begins."""
    sound = np.concatenate([quiet(0.5), spoken(1.5, 1), quiet(1), spoken(1, 3)])
    voice, at, stretches = VoiceTracker(load_voice_model()), 0, []
    while at < len(sound):
        size = cuts[at % len(cuts)]
        stretches += voice.feed(start_ms + at * 1_000 // RATE, sound[at : at + size])
        at += size
    stretches += voice.flush()
    assert stretches == [(start + start_ms, end + start_ms) for start, end in found(sound)]


def test_what_is_settled_stays(spoken: Spoken) -> None:
    """No stretch begins before the time that was said to be settled."""
    sound = np.concatenate([quiet(1), spoken(2, 1), quiet(3), spoken(2, 2)])
    voice, settled = VoiceTracker(load_voice_model()), 0
    for at in range(0, len(sound), 1_600):
        assert all(start >= settled for start, _ in voice.feed(at // 16, sound[at : at + 1_600]))
        assert voice.settled_ms >= settled
        settled = voice.settled_ms
    assert all(start >= settled for start, _ in voice.flush())
    assert settled > 3_000


def test_long_talk_is_cut_and_nothing_of_it_lost(spoken: Spoken) -> None:
    """No stretch is longer than it may be; the parts of what has no pause overlap."""
    listening = VoiceThresholds(longest_ms=4_000)
    stretches = found(spoken(15, 3), listening=listening)
    assert len(stretches) >= 4
    assert all(end - start <= 4_000 for start, end in stretches)
    assert stretches[0][0] == 0
    assert stretches[-1][1] == 15_000
    assert all(later[0] < earlier[1] for earlier, later in pairwise(stretches))


class Scripted(VoiceModel):
    """A model that says what a test wrote down."""

    def __init__(self, *likely: tuple[int, float]) -> None:
        self.left = [value for count, value in likely for _ in range(count)]

    def run(self, frames: Any, memory: Any) -> Any:
        """Return the next values."""
        now, self.left = self.left[: len(frames)], self.left[len(frames) :]
        return np.array(now, np.float32), memory


def scripted(*likely: tuple[int, float], **fields: Any) -> list[tuple[int, int]]:
    """Return the stretches in frames that a script makes, without what is added on both sides."""
    listening = VoiceThresholds(**{"pad_ms": 0, "overlap_ms": 64, **fields})
    voice = VoiceTracker(Scripted(*likely), listening)
    count = sum(count for count, _ in likely)
    made = voice.feed(0, np.zeros(count * FRAME, np.float32)) + voice.flush()
    return [(start // FRAME_MS, end // FRAME_MS) for start, end in made]


@each_case(
    ("likely", "stretches"),
    [
        ([(5, 0.1), (5, 0.9), (20, 0.1)], [(5, 10)]),
        ([(5, 0.39), (5, 0.4), (20, 0.1)], [(5, 10)]),
        ([(5, 0.9), (10, 0.26), (5, 0.9), (20, 0.1)], [(0, 20)]),
        ([(5, 0.9), (14, 0.1), (5, 0.9), (20, 0.1)], [(0, 24)]),
        ([(5, 0.9), (15, 0.1), (5, 0.9), (20, 0.1)], [(0, 5), (20, 25)]),
        ([(5, 0.1), (2, 0.9), (20, 0.1)], []),
        ([(5, 0.1), (3, 0.9), (20, 0.1)], [(5, 8)]),
        ([(5, 0.1), (5, 0.9)], [(5, 10)]),
        ([(5, 0.9), (5, 0.1)], [(0, 5)]),
    ],
    ids=[
        "one",
        "at the limit",
        "hesitation",
        "short pause",
        "pause",
        "a click",
        "a word",
        "to the end",
        "at the end",
    ],
)
def test_hysteresis(likely: list[tuple[int, float]], stretches: list[tuple[int, int]]) -> None:
    """A stretch begins at one likelihood, goes on above a lower one, and ends with a pause."""
    assert scripted(*likely) == stretches


def test_a_cut_is_made_in_the_pause() -> None:
    """Of the second half; with none there the parts overlap, by two frames here."""
    talk = [(12, 0.9), (2, 0.1), (40, 0.9)]
    assert scripted(*talk, longest_ms=20 * FRAME_MS)[:2] == [(0, 14), (13, 33)]
    assert scripted((40, 0.9), longest_ms=20 * FRAME_MS)[:2] == [(0, 20), (17, 37)]


def test_what_is_long_ends_with_a_pause_however_short() -> None:
    """The next part begins behind it, and is none if nothing follows."""
    talk = [(15, 0.9), (30, 0.1)]
    assert scripted(*talk, longest_ms=16 * FRAME_MS, pause_ms=640) == [(0, 15)]
    assert scripted(*talk, (5, 0.9), longest_ms=16 * FRAME_MS, pause_ms=640) == [(0, 15), (45, 50)]


def test_a_time_that_is_left_out_ends_a_stretch(spoken: Spoken) -> None:
    """What comes later is another one, at its own time; times that are rounded are no gap."""
    voice, sound = VoiceTracker(load_voice_model()), spoken(2, 1)
    assert not voice.breaks(70_000)
    assert voice.feed(0, sound) == []
    assert not voice.breaks(2_080)
    assert voice.breaks(2_200)
    [(start, end)] = voice.feed(60_000, sound)
    assert (start < 200, end) == (True, 2_000)
    [(start, end)] = voice.flush()
    assert (60_000 <= start < 60_200, end) == (True, 62_000)


def test_what_is_no_number_is_silence(spoken: Spoken) -> None:
    """A decoder may give anything."""
    sound = np.concatenate([quiet(1), spoken(1, 1), quiet(1)])
    wanted = found(sound)
    sound[8_000:8_004] = np.nan
    assert found(sound) == wanted
    assert found(np.full(16_000, np.inf, np.float32)) == []


def test_the_model_is_the_one_that_its_card_names(spoken: Spoken, tmp_path: Path) -> None:
    """Sure of a voice and of silence, and one whose file is another is not loaded."""
    model = load_voice_model()
    assert load_voice_model() is model
    sound = np.concatenate([quiet(1), spoken(2, 1)])[: 90 * FRAME]
    rows = np.pad(sound, (BEFORE, 0))[np.arange(90)[:, None] * FRAME + np.arange(BEFORE + FRAME)]
    likely, memory = model.run(rows, model.start())
    assert likely[:30].max() < 0.05
    assert likely[45:].min() > 0.9
    assert [each.shape for each in memory] == [(1, 1, 128)] * 2
    folder = tmp_path / "voice"
    shutil.copytree(SHIPPED, folder)
    (folder / "model.onnx").write_bytes(b"zqx")
    with pytest.raises(ModelError, match=r"not the file that manifest\.json names"):
        load_voice_model(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: "):
        load_voice_model(folder)
    shutil.copy(SHIPPED.parent / "centerface" / "model.onnx", folder)
    with pytest.raises(ModelError, match="none of voices"):
        load_voice_model(folder)
    assert "MIT License" in (SHIPPED / "LICENSE").read_text()
