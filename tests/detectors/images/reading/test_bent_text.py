"""Bands of letters on circles and waves are straightened, and what is read there is placed where it stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.images.reading.bent_text import HIGH, LONGEST, MOST, straighten_bent
from guardrails.detectors.images.reading.ocr_lines import Corners, OcrLine
from guardrails.detectors.images.reading.reading_passes import read_in_passes
from tests.cases import each_case

Middle = Callable[[float], tuple[float, float, float]]
"""Share of a band → x, y and the direction of its upper side."""

BREADTH = 16.0


def on_arc(begin: float, sweep: float, radius: float = 150, *, smiles: bool = False) -> Middle:
    """Return the middle of a band on a circle around (250, 250), from its left end."""

    def at(share: float) -> tuple[float, float, float]:
        turn = math.radians(begin + sweep * (1 - share if smiles else share))
        up = turn + math.pi if smiles else turn
        return 250 + radius * math.cos(turn), 250 + radius * math.sin(turn), up

    return at


def on_wave(share: float) -> tuple[float, float, float]:
    """Return the middle of a band of two swings."""
    return 50 + 400 * share, 250 + 40 * math.sin(4 * math.pi * share), -math.pi / 2


BANDS: dict[str, Middle] = {
    "over a circle": on_arc(210, 120),
    "under a circle": on_arc(30, 120, smiles=True),
    "three quarters of a circle": on_arc(135, 270),
    "a wave": on_wave,
}


def outline_of(middle: Middle) -> Corners:
    """Return the outline of a band."""
    found = []
    for side, shares in ((1, np.linspace(0, 1, 60)), (-1, np.linspace(1, 0, 60))):
        for x, y, up in map(middle, shares.tolist()):
            away = side * BREADTH / 2
            found.append((x + away * math.cos(up), y + away * math.sin(up)))
    return found


def painted(middle: Middle) -> Any:
    """Return a view with ten marks along a band, each brighter than the one before."""
    ys, xs = np.mgrid[0:500, 0:500]
    view = np.zeros((500, 500, 3), np.uint8)
    for number in range(10):
        x, y, _ = middle((number + 0.5) / 10)
        view[np.hypot(xs - x, ys - y) < 5] = 100 + 15 * number
    return view


@each_case("name", [*BANDS])
def test_a_band_is_straight_and_runs_from_left_to_right(name: str) -> None:
    """All marks are on one level, in their order."""
    middle = BANDS[name]
    strip, _ = next(iter(straighten_bent(painted(middle), [("", 0.0, outline_of(middle))])))
    assert HIGH <= strip.shape[0] < 2 * HIGH
    places = []
    for number in range(10):
        rows, columns = np.nonzero(np.abs(strip[:, :, 0].astype(int) - 100 - 15 * number) <= 2)
        places.append((float(columns.mean()), float(np.median(rows))))
    across, down = zip(*places, strict=True)
    assert [*across] == sorted(across)
    assert max(abs(y - strip.shape[0] / 2) for y in down) <= strip.shape[0] / 6


@each_case("name", [*BANDS])
def test_what_is_read_is_placed_in_the_picture(name: str) -> None:
    """Around the middle of the band, by an outline; a part of the strip is a part of the band."""
    middle = BANDS[name]
    strip, place = next(iter(straighten_bent(painted(middle), [("", 0.0, outline_of(middle))])))
    high, wide = strip.shape[:2]
    for share in (0.25, 0.5, 0.75):
        left, right = (wide * share - 4, wide * share + 4)
        corners = place([(left, 0.0), (right, 0.0), (right, float(high)), (left, float(high))])
        assert len(corners) > 4
        x, y = (sum(corner[axis] for corner in corners) / len(corners) for axis in (0, 1))
        inside = min(math.hypot(x - mx, y - my) for mx, my, _ in map(middle, np.linspace(0, 1, 400).tolist()))
        assert inside <= 6


def test_bands_are_read_until_one_look_is_certain() -> None:
    """A circle, then its middle with letters square to it, then with upright ones; the text stands where the band does."""
    looks: list[Any] = []
    outline = outline_of(BANDS["over a circle"])

    def reader(certain: int) -> Callable[[Any], list[OcrLine]]:
        def read(look: Any) -> list[OcrLine]:
            looks.append(look)
            if len(looks) == 1:
                return [("", 0.0, outline)]
            high, wide = (float(of) for of in look.shape[:2])
            score = 0.99 if len(looks) - 1 == certain else 0.5
            return [("bent", score, [(0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high)])]

        return read

    view = np.random.default_rng(0).integers(0, 255, (500, 500, 3), dtype=np.uint8)
    for certain, count in ((1, 2), (2, 3), (3, 4), (9, 4)):
        looks.clear()
        found = read_in_passes(reader(certain), 640)(view)
        assert len(looks) == count
        xs, ys = zip(*found[-1][2], strict=True)
        assert min(xs) < 130 < 370 < max(xs)
        assert min(ys) < 110 < 180 < max(ys)


def test_few_bands_are_straightened() -> None:
    """Those with most; none that was read, none without a breadth."""
    view = painted(on_wave)
    outline = outline_of(on_wave)
    known: OcrLine = ("read", 0.95, [(0.0, 0.0), (500.0, 0.0), (500.0, 500.0), (0.0, 500.0)])
    assert len([*straighten_bent(view, [("", 0.0, outline)] * 9)]) <= 3 * MOST
    assert [*straighten_bent(view, [("", 0.0, outline), known])] == []
    assert [*straighten_bent(view, [("", 0.0, [(9.0, 9.0)] * 5)])] == []
    assert [*straighten_bent(view, [("", 0.0, outline[:4])])] == []


@given(st.lists(st.tuples(st.floats(-20, 520), st.floats(-20, 520)), min_size=5, max_size=40))
def test_any_outline_makes_bounded_strips(outline: list[tuple[float, float]]) -> None:
    """Whatever was found: pixels of the view, not too many, and places that are numbers."""
    view = np.zeros((500, 500, 3), np.uint8)
    for strip, place in straighten_bent(view, [("", 0.0, outline)]):
        assert strip.shape[1] <= LONGEST + 1
        assert strip.size
        assert np.isfinite(place([(0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0)])).all()
