"""A detector for the tests: finds large fields of pure green in pictures, each with its box.

What a rule does to a picture is tried with it, without any picture that nobody wants to see; `tests/conftest.py` registers it as
`use: green_square`. A field counts where its pixels are nearly (0, 255, 0), as JPEG leaves them; the score is how much of its box is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from guardrails.detectors import ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.images.view_boxes import scale_box
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import category_problem
from guardrails.media.images.picture import Picture
from guardrails.types import CLEAN, Content, Detection, Finding, Image

if TYPE_CHECKING:
    from guardrails.media.images.picture import PictureFrame, Pixels

NEAR: Final = 60
"""How far from pure green each channel may be."""

GAP: Final = 2
"""Rows or columns without green that part two fields."""


class GreenSquareConfig(Config):
    """Green squares in pictures, for trying rules."""

    use: Literal["green_square"]
    """The kind of detector."""
    category: str = "custom.green_square"
    """What a green square is."""
    least: int = Field(default=8, ge=1, le=4096)
    """The fewest pixels of each side of a square."""


class GreenSquare:
    """The detector: fields of green, by rows and columns in turn."""

    inline = False
    pixels = True

    def __init__(self, name: str, config: GreenSquareConfig) -> None:
        self._name = name
        self._category = config.category
        self._least = config.least

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [self._one(content.source) if isinstance(content, Image) else CLEAN for content in batch]

    def _one(self, picture: Picture) -> Detection:
        found: dict[tuple[int, int, int, int], Finding] = {}
        for frame in picture.frames:
            for finding in self._framed(picture, frame):
                assert finding.box is not None
                known = found.get(finding.box)
                if known is None or known.score < finding.score:
                    found[finding.box] = finding
        return Detection(tuple(found.values())) if found else CLEAN

    def _framed(self, picture: Picture, frame: PictureFrame) -> Iterator[Finding]:
        clip = (frame.start_ms, frame.end_ms) if picture.animated else None
        for view in frame.views:
            for box, score in self._fields(view):
                yield Finding(self._category, score, self._name, box=scale_box(box, view, picture), clip=clip)

    def _fields(self, view: Pixels) -> Iterator[tuple[tuple[int, int, int, int], float]]:
        import numpy as np

        red, green, blue = (view[:, :, at].astype(np.int16) for at in range(3))
        seen = (red <= NEAR) & (green >= 255 - NEAR) & (blue <= NEAR)
        for left, top, part in _parts(seen, self._least):
            yield (left, top, part.shape[1], part.shape[0]), round(float(part.mean()), 3)


def _parts(seen: Any, least: int, left: int = 0, top: int = 0) -> Iterator[tuple[int, int, Any]]:
    """Yield the parts that rows or columns without green divide from one another, however they stand, and where each begins."""
    for above, below in _runs(seen.any(axis=1).tolist()):
        rows = seen[above:below]
        for before, behind in _runs(rows.any(axis=0).tolist()):
            part = rows[:, before:behind]
            if min(part.shape) < least:
                continue
            if part.shape == seen.shape:
                yield left, top, part
            else:
                yield from _parts(part, least, left + before, top + above)


def _runs(seen: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield where each run of true values begins and ends; gaps below `GAP` do not end one."""
    begin, last = None, -1
    for at, each in enumerate(seen):
        if not each:
            continue
        if begin is not None and at - last > GAP:
            yield begin, last + 1
            begin = None
        begin, last = at if begin is None else begin, at
    if begin is not None:
        yield begin, last + 1


def _build(name: str, config: GreenSquareConfig, files: PolicyFiles) -> GreenSquare:
    if problem := category_problem(config.category, ("category",)):
        raise ConfigProblems([problem])
    return GreenSquare(name, config)


KIND = Kind(
    name="green_square",
    doc="Green squares in pictures: for trying and testing what rules do to pictures.",
    config=GreenSquareConfig,
    categories=lambda _name, config: frozenset({config.category}),
    build=_build,
    tier=1,
    contents=frozenset({"image"}),
)
