"""Green squares: where they are, and where none is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard, PolicyErrors
from guardrails.media.images.picture import open_picture
from guardrails.types import CLEAN, Finding, Image, Text
from tests.cases import each_case
from tests.green_square import GreenSquare, GreenSquareConfig

CONFIG = GreenSquareConfig(use="green_square", least=4)


def found(pixels: object, config: GreenSquareConfig = CONFIG) -> list[Finding]:
    """Return what is found in an array."""
    [detection] = GreenSquare("g", config).detect([Image(source=open_picture(pixels))])
    return list(detection.findings)


def painted(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """Return a grey picture with green boxes."""
    pixels = np.full((size[1], size[0], 3), 120, dtype=np.uint8)
    for x, y, width, height in boxes:
        pixels[y : y + height, x : x + width] = (0, 255, 0)
    return pixels


@given(st.integers(0, 40), st.integers(0, 30), st.integers(4, 20), st.integers(4, 16))
def test_a_square_is_found_where_it_is(x: int, y: int, width: int, height: int) -> None:
    """Wherever it stands and whatever its size, down to the least."""
    [finding] = found(painted((x, y, width, height)))
    assert (finding.category, finding.score, finding.detector) == ("custom.green_square", 1.0, "g")
    assert finding.box == (x, y, width, height)


@each_case(
    "boxes",
    [
        ((2, 2, 9, 9), (40, 2, 9, 9)),
        ((2, 2, 9, 9), (2, 30, 9, 9)),
        ((2, 2, 9, 9), (20, 7, 9, 9), (38, 12, 9, 9), (50, 18, 9, 9)),
        ((2, 2, 9, 9), (20, 4, 20, 40), (2, 30, 9, 9), (48, 20, 9, 9)),
    ],
)
def test_several_squares_are_several_findings(boxes: tuple[tuple[int, int, int, int], ...]) -> None:
    """Beside one another, below, and in steps."""
    assert {finding.box for finding in found(painted(*boxes))} == {*boxes}


@each_case("pixels", [painted(), painted((3, 3, 3, 20)), np.full((9, 9), 255, dtype=np.uint8)])
def test_what_is_no_square_is_clean(pixels: np.ndarray) -> None:
    """Grey, white, and too narrow."""
    assert found(pixels) == []


def test_a_text_is_none_of_its_business() -> None:
    """It is clean, whatever it says."""
    assert GreenSquare("g", CONFIG).detect([Text("green square")]) == [CLEAN]


def test_it_can_stand_for_any_category(guard_of: Callable[..., Guard]) -> None:
    """So that the rules of a policy can be tried; one that is none is an error at load."""
    policy = "detectors:\n  g: {use: green_square, category: %s}\nrules:\n  - {id: r, on: output, when: sexual > 0.5, then: block}"
    assert guard_of(policy % "sexual").check(painted((5, 5, 20, 20)), "output").blocked
    with pytest.raises(PolicyErrors, match="sexual"):
        guard_of(policy % "violent")
