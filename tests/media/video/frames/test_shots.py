"""Shots: which frames are looked at more closely, from small grey pictures alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guardrails.media.video.film_parts import Sampling
from guardrails.media.video.frames.shots import COLUMNS, ROWS, ShotDetector
from tests.cases import each_case


def flat(bright: float, red: float = 128, blue: float = 128) -> Any:
    """Return a small picture of one colour."""
    small = np.empty((3, ROWS, COLUMNS), np.int16)
    small[0], small[1], small[2] = bright, blue, red
    return small


def patched(small: Any, rows: int, columns: int, bright: int, left: int = 0) -> Any:
    """Return a picture with a part that is as bright as that."""
    made = small.copy()
    made[0, :rows, left : left + columns] = bright
    return made


def decided(smalls: Iterable[Any], sampling: Sampling | None = None, fps: int = 30) -> list[tuple[int, str]]:
    """Return which frames are handed out, and why, as who holds each frame until the next one does."""
    shots, found = ShotDetector(sampling or Sampling()), {}
    for number, small in enumerate(smalls):
        why, flash = shots.feed(small, number / fps)
        if flash:
            found.setdefault(number - 1, "flash")
        if why is not None:
            found[number] = why
    return sorted(found.items())


def test_a_cut_is_a_frame_unlike_the_one_before() -> None:
    """And so is the frame after an odd one."""
    smalls = [flat(100)] * 20
    smalls[7] = flat(113)
    assert decided(smalls) == [(0, "first"), (7, "cut"), (8, "cut")]
    smalls[7] = flat(111)
    assert decided(smalls) == [(0, "first")]


def test_a_change_of_colour_alone_is_a_cut() -> None:
    """As bright as what is around it, and red."""
    smalls = [flat(100)] * 20
    smalls[7] = flat(100, red=190)
    assert decided(smalls) == [(0, "first"), (7, "cut"), (8, "cut")]


def test_what_comes_slowly_is_a_cut_in_time() -> None:
    """Each frame is like the one before; fifteen of them make another picture, which is gone before the next is due."""
    up = [flat(60 + 8 * number) for number in range(10)]
    found = decided([flat(60), flat(60), *up, *up[::-1], flat(60)])
    assert [why for _, why in found] == ["first", "cut", "cut"]
    assert 6 <= found[1][0] <= 14


@each_case("length", [1, 2, 3])
def test_a_flash_in_a_part_of_the_picture_is_found(length: int) -> None:
    """Too small to be a cut, and gone after some frames: when it comes, and once more when it goes, as it may have changed."""
    smalls = [flat(100)] * 25
    smalls[9 : 9 + length] = [patched(flat(100), 6, 8, 220)] * length
    assert decided(smalls) == [
        *{0: "first", 9: "new", 9 + length - 1: "flash" if length > 1 else "new"}.items()
    ]


@each_case("length", [4, 9, 25])
@each_case(("rows", "columns"), [(6, 8), (2, 2)])
@each_case("speed", [0, 1])
def test_what_appears_in_a_part_of_the_picture_is_found(
    length: int, rows: int, columns: int, speed: int
) -> None:
    """Longer than a flash and gone before the next frame is due, small, and in a picture that moves, too."""
    ground = np.random.default_rng(1).integers(90, 110, (ROWS, COLUMNS)).astype(np.int16)
    smalls = [flat(100) for _ in range(60)]
    for number, small in enumerate(smalls):
        small[0] = np.roll(ground, speed * number, 1)
    smalls[32 : 32 + length] = [patched(small, rows, columns, 220) for small in smalls[32 : 32 + length]]
    assert (32, "new") in decided(smalls)


def test_what_appears_when_a_frame_is_due_anyway_is_known_to() -> None:
    """What is written there is to be read; the base rate goes on from there."""
    smalls = (
        [flat(100)] * 30
        + [patched(flat(100), 6, 8, 220)] * 10
        + [flat(50 + 2 * number) for number in range(30)]
    )
    assert decided(smalls)[:3] == [(0, "first"), (30, "new"), (40, "cut")]


def test_what_fades_in_and_out_is_found() -> None:
    """Each frame is like the one before, and like the last sample but for a part; it is looked at when there is more of it."""
    strength = [max(0, 12 - abs(number - 45)) for number in range(60)]
    found = decided(patched(flat(100), 6, 8, 100 + 10 * each) for each in strength)
    assert max(strength[number] for number, _ in found) > 7


def test_there_is_an_end_to_what_appears() -> None:
    """Where there is something new in each frame some are looked at, and then one in two seconds more than the base rate."""
    smalls = [
        patched(flat(100), 3, 4, 50 + 50 * (number % 4), left=4 * (number % 15)) for number in range(600)
    ]
    assert len([why for _, why in decided(smalls) if why != "flash"]) <= 1 + 20 + 4 + 10


def test_a_flash_that_comes_again_is_looked_at_once_in_each_state() -> None:
    """A lamp that flickers is no reason to look at every frame."""
    smalls = [patched(flat(100), 6, 8, 220) if number % 2 else flat(100) for number in range(29)]
    assert decided(smalls) == [(0, "first"), (1, "new"), (2, "flash")]


def test_what_moves_is_no_flash() -> None:
    """It leaves one place for another, even if it is fast."""
    smalls = [patched(flat(100), 6, 6, 220, left=6 * (number % 9)) for number in range(25)]
    assert [why for _, why in decided(smalls)] == ["first", *["new"] * 4]


def test_the_base_rate_is_kept_where_something_changes() -> None:
    """Once a second, or as often as it is said."""
    smalls = [flat(100 + 3 * (number // 10)) for number in range(75)]
    assert decided(smalls) == [(0, "first"), (30, "rate"), (60, "rate")]
    assert [number for number, _ in decided(smalls, Sampling(fps=3))] == [0, 10, 20, 30, 40, 50, 60, 70]


def test_what_stands_still_is_looked_at_again_in_time() -> None:
    """It was compared all the while."""
    assert decided([flat(100)] * 70, Sampling(again=2.0), fps=10) == [
        (0, "first"),
        (20, "rate"),
        (40, "rate"),
        (60, "rate"),
    ]


def test_a_small_strong_change_is_not_still() -> None:
    """Its mean over the picture is next to nothing."""
    smalls = [flat(100)] * 5 + [patched(flat(100), 1, 2, 160)] * 40
    assert decided(smalls) == [(0, "first"), (30, "rate")]


def test_a_time_that_goes_back_is_looked_at() -> None:
    """No clock is trusted for what was not looked at since."""
    shots = ShotDetector(Sampling())
    assert [shots.feed(flat(100), at)[0] for at in (5.0, 5.1, 1.0, 1.1)] == ["first", None, "rate", None]


def test_a_frame_of_another_size_begins_a_shot() -> None:
    """However alike."""
    shots = ShotDetector(Sampling())
    assert shots.feed(flat(100), 0.0)[0] == "first"
    assert shots.feed(flat(100), 0.1, resized=True)[0] == "cut"
    assert shots.feed(np.full((4, ROWS, COLUMNS), 100, np.int16), 0.2, resized=True)[0] == "cut"
    assert (shots.shot, shots.cuts) == (2, 2)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=60))
def test_nothing_goes_far_from_what_was_looked_at(values: list[int]) -> None:
    """Whatever the film: a frame differs from the last that was handed out by less than thrice a cut, or is handed out, or
    comes within a fifth of a second of that one by small steps.
    """
    shots, sampled, at = ShotDetector(Sampling()), 0, 0.0
    for number, value in enumerate(values):
        why, _ = shots.feed(flat(value), number / 30)
        if why is not None:
            sampled, at = value, number / 30
        assert abs(value - sampled) <= 36 or number / 30 - at < 0.2
