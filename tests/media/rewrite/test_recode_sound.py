"""The line of samples: what is muted, what is cut, holes, overlaps, and pieces."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guardrails.media.rewrite.recode_sound import BESIDES, RAMP, SoundLine
from guardrails.media.rewrite.time_spans import Span
from tests.cases import each_case, scale

RATE = 8_000
PIECE = 160

Samples = NDArray[np.float32]


def through(line: SoundLine, sound: Samples, sizes: list[int], first: int = 0) -> tuple[int, Samples]:
    """Return what comes out of a line for a sound that goes in by parts, and where it begins; the last size is repeated."""
    pieces: list[tuple[int, Samples]] = []
    at, number = 0, 0
    while at < sound.shape[1]:
        size = sizes[min(number, len(sizes) - 1)]
        pieces += line.feed(sound[:, at : at + size], first + at)
        at, number = at + size, number + 1
    assert all(piece.shape[1] == PIECE for _, piece in pieces)
    pieces += line.rest()
    place = pieces[0][0]
    for at, piece in pieces:
        assert at == place
        place += piece.shape[1]
    return pieces[0][0], np.concatenate([piece for _, piece in pieces], axis=1)


def noise(seconds: float = 1.0) -> Samples:
    """Return a sound of two channels in which no sample is 0."""
    return np.random.default_rng(1).uniform(0.1, 0.9, (2, int(seconds * RATE))).astype(np.float32)


@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=20))
@settings(max_examples=scale(30))
def test_however_it_comes_the_same_goes_out(sizes: list[int]) -> None:
    """Parts of any size; muted and cut alike."""
    whole = through(SoundLine(RATE, PIECE, [(200_000, 300_000)], [(500_000, 600_000)]), noise(), [RATE])[1]
    parts = through(SoundLine(RATE, PIECE, [(200_000, 300_000)], [(500_000, 600_000)]), noise(), sizes)[1]
    assert np.array_equal(whole, parts)


def test_what_is_muted() -> None:
    """Nothing is left of the span and of some pieces around it, it fades, and all else is the same."""
    sound = noise()
    start, found = through(SoundLine(RATE, PIECE, [(500_000, 600_000)], []), sound, [333])
    first, last = RATE // 2 - BESIDES * PIECE, RATE * 6 // 10 + BESIDES * PIECE
    assert start == 0
    assert not found[:, first:last].any()
    assert np.all(np.abs(found[:, [first - 1, last]]) < 2 / RAMP)
    assert np.array_equal(found[:, : first - RAMP], sound[:, : first - RAMP])
    assert np.array_equal(found[:, last + RAMP :], sound[:, last + RAMP :])


@each_case("first", [0, 37, RATE])
def test_what_is_cut(first: int) -> None:
    """What follows comes so much earlier, wherever the sound begins, and nothing clicks."""
    sound = noise()
    cut = first + RATE // 4, first + RATE // 2
    spans: list[Span] = [(cut[0] * 125, cut[1] * 125)]
    start, found = through(SoundLine(RATE, PIECE, [], spans), sound, [100], first)
    assert start == first
    expected, joint = np.delete(sound, np.s_[RATE // 4 : RATE // 2], axis=1), RATE // 4
    assert found.shape == expected.shape
    assert np.all(np.abs(found[:, joint - 1 : joint + 1]) < 2 / RAMP)
    for at in (np.s_[: joint - RAMP], np.s_[joint + RAMP :]):
        assert np.array_equal(found[:, at], expected[:, at])


def test_a_beginning_that_is_cut() -> None:
    """The first sample that stays is where the cut was."""
    start, found = through(SoundLine(RATE, PIECE, [], [(0, 500_000)]), noise(), [100], 400)
    assert start == 0
    assert np.array_equal(found[:, RAMP:], noise()[:, RATE // 2 - 400 + RAMP :])


def test_a_hole_is_silence() -> None:
    """What follows keeps its time, also after more than a second."""
    line = SoundLine(RATE, PIECE, [], [])
    sound = noise(0.5)
    pieces = [*line.feed(sound, 0), *line.feed(sound, 3 * RATE), *line.rest()]
    found = np.concatenate([piece for _, piece in pieces], axis=1)
    assert np.array_equal(found[:, : RATE // 2], sound)
    assert not found[:, RATE // 2 : 3 * RATE].any()
    assert np.array_equal(found[:, 3 * RATE :], sound)


def test_what_overlaps_is_there_once() -> None:
    """The first one counts."""
    line = SoundLine(RATE, PIECE, [], [])
    sound = noise()
    pieces = [*line.feed(sound[:, :4_000], 0), *line.feed(sound[:, 2_000:], 2_000), *line.rest()]
    assert np.array_equal(np.concatenate([piece for _, piece in pieces], axis=1), sound)


def test_a_time_that_is_rounded_moves_nothing() -> None:
    """Containers give milliseconds; a sample more or less at each frame would be heard."""
    line = SoundLine(RATE, PIECE, [], [])
    sound = noise()
    pieces = [
        piece for at in range(0, RATE, 100) for piece in line.feed(sound[:, at : at + 100], at + at % 7 - 3)
    ]
    pieces += line.rest()
    assert np.array_equal(np.concatenate([piece for _, piece in pieces], axis=1), sound)


def test_no_sound_is_no_piece() -> None:
    """A track may be empty, or all of it be cut."""
    assert not [*SoundLine(RATE, PIECE, [], []).rest()]
    line = SoundLine(RATE, PIECE, [], [(0, 10_000_000)])
    assert not [*line.feed(noise(), 0), *line.rest()]
