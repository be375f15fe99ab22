"""Channels that hold what their mix has lost: told of, and heard by themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from guardrails.media.audio.audio_channels import MOST, ChannelDifference, pick_channel
from guardrails.media.audio.recording import open_recording
from tests import films
from tests.cases import each_case

Tape = Callable[..., bytes]


tone = partial(films.tone, rate=16_000)
LOW, HIGH, QUIET = tone(3, 300), tone(3, 1_000), tone(3, 1_000, loud=0.03)


def apart(*channels: Any) -> list[int]:
    """Return which channels hold something that the mean of all does not."""
    given = np.stack(channels)
    found = ChannelDifference()
    for at in range(0, given.shape[1], 1_024):
        part = given[:, at : at + 1_024]
        found.add(part, part.mean(axis=0, dtype=np.float32))
    return found.take()


@each_case(
    ("channels", "found"),
    [
        ((LOW,), []),
        ((LOW, LOW), []),
        ((LOW, 0.2 * LOW), []),
        ((LOW, 0 * LOW), []),
        ((LOW + QUIET, LOW - QUIET), []),
        ((LOW + HIGH, LOW - HIGH), [0, 1]),
        ((LOW, HIGH), [0, 1]),
        ((LOW, LOW, HIGH), [0, 1, 2]),
        ((0 * LOW, 0 * LOW), []),
        ((1e-6 * LOW, 1e-6 * HIGH), []),
        ((*[LOW] * (MOST + 2),), []),
    ],
    ids=[
        "one",
        "both",
        "louder",
        "one side",
        "a little",
        "turned over",
        "two",
        "three",
        "silence",
        "hiss",
        "many",
    ],
)
def test_what_a_mix_lacks_is_told(channels: tuple[Any, ...], found: list[int]) -> None:
    """Not what is louder on one side, nor what is far below the rest."""
    assert apart(*channels) == found


def test_each_question_is_of_what_came_since() -> None:
    """What was told of once is not told of again."""
    found = ChannelDifference()
    found.add(np.stack([LOW, HIGH]), (LOW + HIGH) / 2)
    assert found.take() == [0, 1]
    assert found.take() == []


def test_a_channel_that_is_not_there_is_silent() -> None:
    """A track may change how many it has."""
    given = np.stack([LOW, HIGH])
    assert np.array_equal(pick_channel(given, 1), HIGH)
    assert pick_channel(given, 2).tolist() == [0.0] * len(LOW)


def listened(data: bytes, channel: int | None = None) -> tuple[Any, frozenset[int]]:
    """Return the samples of a sound, and which channels are to be heard by themselves."""
    with open_recording(data) as recording, recording.sound(channel=channel) as sound:
        return np.concatenate([samples for _, samples in sound]), sound.apart


def power(samples: Any, frequency: float) -> float:
    """Return how loud a tone is in a sound."""
    when = np.arange(len(samples)) / 16_000
    return 2 * abs(np.mean(samples * np.exp(-2j * np.pi * frequency * when)))


def test_a_voice_behind_another_is_heard(tape: Tape) -> None:
    """In the mix it is not; by the channel it is."""
    data = tape(np.stack([LOW + HIGH, LOW - HIGH]))
    mix, found = listened(data)
    assert found == {0, 1}
    assert power(mix, 1_000) < 0.01
    assert power(listened(data, 0)[0], 1_000) == pytest.approx(0.3, abs=0.01)
    assert power(listened(data, 1)[0], 1_000) == pytest.approx(0.3, abs=0.01)


def test_a_channel_is_silent_where_the_mix_has_what_it_has(tape: Tape) -> None:
    """So that nothing is transcribed twice for a second in which the sides differ."""
    after = tone(4, 500)
    data = tape(np.concatenate([np.stack([LOW + HIGH, LOW - HIGH]), np.stack([after, after])], axis=1))
    samples, _ = listened(data, 0)
    assert len(samples) == 7 * 16_000
    assert power(samples[: 2 * 16_000], 1_000) > 0.2
    assert np.abs(samples[-2 * 16_000 :]).max() == 0.0


def test_what_is_the_same_on_both_sides_is_heard_once(tape: Tape) -> None:
    """As nearly all that people say."""
    assert listened(tape(np.stack([LOW, LOW])))[1] == frozenset()
    assert listened(tape(LOW))[1] == frozenset()
