"""Letters in pictures: what RapidOCR gives and how it is asked. What it reads is tested with the real one in `tests/system`."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.images.reading.ocr import (
    FAINT,
    FoundPlaces,
    LetterReader,
    load_reader,
    stretch_contrast,
)
from guardrails.inference.denormals import LIBC

CORNERS = [(1.0, 2.0), (31.0, 2.0), (31.0, 6.0), (1.0, 6.0)]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[Any]]:
    """A package of another version than the known ones; the settings that it was made with, and the pixels that it got."""
    made: list[Any] = []
    seen: list[Any] = []

    class Reader:
        def __init__(self, params: dict[str, Any]) -> None:
            made.append(params)

        def __call__(self, pixels: Any) -> Any:
            tiny = float((pixels.astype(np.float32) * np.float32(1e-30) * np.float32(1e-12)).max())
            assert tiny == 0.0 or LIBC is None
            seen.append(pixels)
            if not pixels[0, 0].any():
                return None
            return types.SimpleNamespace(boxes=np.array([CORNERS]), txts=("hello",), scores=(0.5,))

    monkeypatch.setitem(sys.modules, "rapidocr", types.SimpleNamespace(RapidOCR=Reader))
    return made, seen


def test_it_is_loaded_with_the_first_picture_and_sees_blue_first(asked: tuple[list[Any], list[Any]]) -> None:
    """Numbers next to zero are zero for it; a version that takes no session of ours runs as it comes."""
    made, seen = asked
    reader = load_reader(800)
    assert made == []
    view = np.full((5, 5, 3), (1, 2, 3), dtype=np.uint8)
    view[4, 4] = 255
    for _ in range(2):
        assert reader(view) == [("hello", 0.5, CORNERS)]
    assert tuple(seen[0][0, 0]) == (3, 2, 1)
    assert made[0] == made[-1]
    assert made[0]["Det.limit_side_len"] == 800


def test_it_may_find_nothing(asked: tuple[list[Any], list[Any]]) -> None:
    """And a picture of one colour is not shown to it."""
    made, seen = asked
    view = np.zeros((5, 5, 3), dtype=np.uint8)
    assert load_reader(800)(view) == []
    assert (made, seen) == ([], [])
    view[3, 3] = 255
    assert load_reader(800)(view) == []
    assert len(seen) == 1


def test_little_contrast_is_made_all_of_it() -> None:
    """On whichever ground, and of colours that only one channel tells apart."""
    for ground, ink in (((255,) * 3, (250,) * 3), ((200, 30, 30), (205, 30, 30)), ((0,) * 3, (FAINT,) * 3)):
        view = np.full((40, 60, 3), ground, np.uint8)
        view[7, 9] = ink
        seen: Any = stretch_contrast(view)
        assert np.abs(seen[7, 9].astype(int) - seen[0, 0]).max() >= 254
        assert (view[7, 9] == ink).all()


@given(ground=st.integers(0, 255), ink=st.integers(0, 255), y=st.integers(0, 49), x=st.integers(0, 49))
def test_one_pixel_is_never_lost(ground: int, ink: int, y: int, x: int) -> None:
    """Where it is of another colour, there is something to look at; with enough contrast nothing is changed."""
    view = np.full((50, 50, 3), ground, np.uint8)
    view[y, x] = ink
    seen = stretch_contrast(view)
    assert (seen is None) is (ground == ink)
    if abs(ground - ink) > FAINT:
        assert seen is view
    elif seen is not None:
        assert (seen[y, x] != seen[(y + 1) % 50, x]).all()


def test_a_child_process_loads_models_of_its_own(asked: tuple[list[Any], list[Any]]) -> None:
    """The threads of those that the parent loaded are not there."""
    made, _ = asked
    reader = load_reader(800)
    view = np.full((5, 5, 3), (1, 2, 3), dtype=np.uint8)
    view[4, 4] = 255
    assert reader(view) == [("hello", 0.5, CORNERS)]
    before = len(made)
    assert isinstance(reader, LetterReader)
    reader.reset_in_child()
    assert reader(view) == [("hello", 0.5, CORNERS)]
    assert len(made) == 2 * before


def test_places_that_are_not_read_are_told_without_a_text(asked: tuple[list[Any], list[Any]]) -> None:
    """As far as what finds letters says so."""
    reader = load_reader(800)
    assert isinstance(reader, LetterReader)
    view = np.full((5, 5, 3), (1, 2, 3), dtype=np.uint8)
    view[4, 4] = 255
    reader(view)
    finder = FoundPlaces(lambda _: types.SimpleNamespace(boxes=np.array([CORNERS, CORNERS])))
    finder(np.zeros((10, 10, 3), np.uint8))
    reader._loaded.text_det = finder
    half = [(x / 2, y / 2) for x, y in CORNERS]  # as it was shown at twice the size
    assert reader(view) == [("hello", 0.5, CORNERS), ("", 0.0, half), ("", 0.0, half)]
    assert FoundPlaces(types.SimpleNamespace(kept=3)).kept == 3
    nothing = FoundPlaces(lambda _: types.SimpleNamespace(boxes=None))
    nothing(view)
    assert nothing.last == []
