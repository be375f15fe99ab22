"""Frames of a film: what detectors and readers say of them, put together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.images.text_layout import TextLine, place_lines
from guardrails.engine.media.film_findings import SegmentSettings
from guardrails.engine.media.frames import READ_MS, Frames
from guardrails.media.video.film_source import FrameSample
from guardrails.types import CLEAN, Detection, Finding, Image, Place, Unchecked
from tests.cases import each_case

HOW = SegmentSettings(hard=0.95, corroborate=2, of=3, enter=0.7, leave=0.5)


class Screen:
    """Stands where a film stands of which only the size matters."""

    width, height = 640, 480


def sample(start: int, shot: int = 0, track: int = 0, shade: int = 0) -> FrameSample:
    """Return a frame that is shown for a second."""
    pixels = np.full((48, 64, 3), shade, np.uint8)
    return FrameSample(
        start // 40, start, start + 1_000, pixels, "rate", shot, track, False, False, (pixels,)
    )


def bound(detector: Any, name: str = "own", **more: Any) -> BoundDetector:
    """Return a detector as a policy has it."""
    return BoundDetector(
        name,
        detector,
        frozenset({"custom.own"}),
        contents=frozenset({"image"}),
        pixels=True,
        digest=name,
        **more,
    )


def frames(*bounds: BoundDetector, readers: tuple[BoundDetector, ...] = ()) -> Frames:
    """Return what nothing was seen of yet."""
    return Frames(Screen(), Place(path="/x"), bounds, readers)  # type: ignore[arg-type]


class Shade:
    """Says how white a frame is, and that it did not look at some."""

    def detect(self, batch: Any) -> list[Detection]:
        """Look at pictures."""
        return [self.one(content) for content in batch]

    def one(self, content: Image) -> Detection:
        """Look at one."""
        picture = content.source
        assert (picture.width, picture.height, content.place.path) == (640, 480, "/x")
        level = float(picture.views[0].max()) / 255
        if level == 1:
            raise ValueError
        left = (Unchecked("part", "too dark"),) if level == 0 else ()
        return Detection((Finding("custom.own", level, "own"),) if level else (), unchecked=left)


def test_looks_of_each_track_are_put_together() -> None:
    """In the order of time, whatever order they come in; what was left out is said once."""
    shade = bound(Shade())
    seen = frames(shade)
    seen.add([sample(2_000, shade=204), sample(0), sample(1_000)])
    seen.add([sample(3_000, shade=204), sample(0, track=1, shade=230), sample(1_000, track=1, shade=230)])
    seen.add([])
    found = seen.detection(shade, HOW, closed=True)
    assert [(round(each.score, 1), each.clip) for each in found.findings] == [
        (0.8, (2_000, 4_000)),
        (0.9, (0, 2_000)),
    ]
    assert [each.reason for each in found.unchecked] == ["too dark"]
    assert (seen.count, seen.read, seen.texts()) == (6, 0, [])


@each_case(
    ("clip", "last", "found"),
    [
        ((0, 9_000), False, (5, 2)),
        ((0, 2_000), False, (2, 0)),
        ((2_000, 3_000), False, (1, 1)),
        ((1_000, 2_500), True, (4, 1)),
        ((9_000, 9_500), True, (0, 0)),
        ((-9_000.0, 0.0), False, (0, 0)),
    ],
)
def test_what_lies_in_a_clip_is_counted(
    clip: tuple[float, float], last: bool, found: tuple[int, int]
) -> None:
    """Frames that were looked at, and cuts: a shot that goes on there is none."""
    seen = frames(bound(Shade()))
    assert seen.within(clip, last=last) == (0, 0)
    seen.add([sample(0), sample(3_000, shot=1), sample(1_000), sample(2_000, shot=1), sample(4_000, shot=2)])
    assert seen.within(clip, last=last) == found


def test_a_detector_that_failed_once_has_failed() -> None:
    """It is not asked again, and others go on."""
    shade, other = bound(Shade()), bound(Shade(), "other")
    seen = frames(shade, other)
    seen.add([sample(0, shade=255)])
    seen.add([sample(1_000, shade=200)])
    for each in (shade, other):
        assert seen.detection(each, HOW, closed=True) == Detection(error="raised ValueError")
    assert len(seen.tracks[0].found["own"]) == 1


class Reader:
    """Reads what the test says, by time."""

    def __init__(self, written: dict[int, list[TextLine]]) -> None:
        self.written = written
        self.read: list[int] = []

    def detect(self, batch: Any) -> list[Detection]:
        """Nothing is found by it."""
        return [CLEAN] * len(batch)

    def extracts(self, batch: Any) -> list[Any]:
        """Read pictures."""
        at = [content.source.frames[0].start_ms for content in batch]
        self.read += at
        texts = [place_lines(self.written[each], "ocr") for each in at]
        return [() if text is None else (text,) for text in texts]


def read_by(reader: Reader, samples: list[FrameSample]) -> Frames:
    """Return what is read in frames."""
    seen = frames(readers=(bound(reader, extracts=reader.extracts),))
    seen.add(samples)
    return seen


def test_a_text_is_told_once_for_as_long_as_it_may_be_seen() -> None:
    """From the frame before in its shot until the one that does not have it; what moves has a box that holds all its places."""
    a, moved, b = TextLine("a", (0, 0, 9, 9)), TextLine("a", (20, 0, 9, 9)), TextLine("b", (5, 5, 9, 9))
    reader = Reader({0: [a], 6_000: [moved, b], 12_000: [b], 13_000: [a]})
    seen = read_by(reader, [sample(0), sample(1_000), sample(6_000), sample(12_000), sample(13_000, shot=1)])
    assert reader.read == [0, 6_000, 12_000, 13_000]
    (text,) = seen.texts()
    assert [(line.text, line.box, line.clip) for _, line in text.lines] == [
        ("a", (0, 0, 29, 9), (0, 13_000)),
        ("b", (5, 5, 9, 9), (0, 14_000)),
        ("a", (0, 0, 9, 9), (13_000, 14_000)),
    ]
    assert seen.read == 4


def test_what_appears_is_read_and_what_is_not_read_again_stays() -> None:
    """A text that comes in the middle of a shot and is gone before that is read again; one that stays does so to the end."""
    reader = Reader({0: [TextLine("a", (0, 0, 9, 9))], 1_500: [TextLine("b", (5, 5, 9, 9))]})
    seen = read_by(reader, [sample(0), sample(1_000), replace(sample(1_500), why="new"), sample(2_500)])
    assert reader.read == [0, 1_500]
    (text,) = seen.texts()
    assert [(line.text, line.clip) for _, line in text.lines] == [("a", (0, 2_500)), ("b", (0, 3_500))]


@each_case(("step", "count"), [(READ_MS // 2, 3), (READ_MS, 5)])
def test_a_shot_is_read_again_after_a_while(step: int, count: int) -> None:
    """Not every frame that is looked at."""
    reader = Reader({key: [] for key in range(0, 10 * READ_MS, step)})
    read_by(reader, [sample(at * step) for at in range(5)])
    assert len(reader.read) == count


def test_a_reader_that_fails_is_named() -> None:
    """What was read before stays."""
    seen = read_by(Reader({0: [TextLine("a", (0, 0, 9, 9))]}), [sample(0), sample(0, shot=1)])
    assert seen.unread is None
    reader = Reader({0: [TextLine("a", (0, 0, 9, 9))]})
    seen = read_by(reader, [sample(0), sample(9_000)])
    assert seen.unread == "what is written in it could not be read (KeyError)"
    assert [text.text for text in seen.texts()] == ["a"]
