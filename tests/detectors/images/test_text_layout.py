"""Texts in pictures: lines become one text, and stretches of it boxes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.images.text_layout import TextLine, bounding_box, locate_span, place_lines
from tests.cases import each_case

LINES = (
    TextLine("0123456789", (100, 10, 200, 20)),
    TextLine("abcde", (50, 40, 100, 20)),
    TextLine("code", (0, 90, 40, 40), whole=True),
)


def test_lines_are_one_text() -> None:
    """With a line break between them, and the way back for each stretch."""
    text = place_lines(LINES, "ocr")
    assert text is not None
    assert (text.text, text.origin) == ("0123456789\nabcde\ncode", "ocr")
    assert text.hides((0, 1))
    assert place_lines((), "ocr") is None
    assert place_lines((TextLine("", (0, 0, 1, 1)),), "ocr") is None


@each_case(
    ("span", "box"),
    [
        ((0, 10), (100, 10, 200, 20)),
        ((3, 5), (140, 10, 80, 20)),
        ((0, 1), (100, 10, 40, 20)),
        ((11, 16), (50, 40, 100, 20)),
        ((8, 13), (50, 10, 250, 50)),
        ((18, 19), (0, 90, 40, 40)),
    ],
    ids=["a line", "a part", "its beginning", "another line", "over two lines", "of a code"],
)
def test_a_stretch_has_the_box_that_holds_it(span: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    """With a character more on each side, as letters are not all as wide; of a code all of it."""
    text = place_lines(LINES, "ocr")
    assert text is not None
    assert text.box(span) == box


def test_several_texts_of_a_picture_are_told_apart() -> None:
    """By where they begin in all that is written there."""
    from dataclasses import replace

    first, second = place_lines(LINES[:1], "ocr"), place_lines(LINES[1:2], "code")
    assert first is not None
    assert second is not None
    second = replace(second, begin=11)
    assert second.originals((0, 5)) == [(11, 16)]
    assert locate_span([first, second], (0, 10)) == (LINES[0].box, None)
    assert locate_span([first, second], (11, 16)) == (LINES[1].box, None)
    assert locate_span([first, second], (40, 41)) == (None, None)


@given(st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=5), st.data())
def test_every_stretch_lies_within_the_lines(texts: list[str], data: st.DataObject) -> None:
    """Whatever is found in it."""
    lines = [TextLine(text, (10 * at, 30 * at, 100, 20)) for at, text in enumerate(texts)]
    made = place_lines(lines, "ocr")
    assert made is not None
    start = data.draw(st.integers(0, len(made.text) - 1))
    end = data.draw(st.integers(start + 1, len(made.text)))
    if made.text[start:end].strip("\n"):
        x, y, width, height = made.box((start, end))
        assert 0 <= x < x + width <= 10 * len(lines) + 100
        assert 0 <= y < y + height <= 30 * len(lines)


def test_a_line_from_top_to_bottom_is_taken_whole() -> None:
    """Where its characters stand is not known."""
    text = place_lines((TextLine("abcdef", (5, 5, 20, 200)),), "ocr")
    assert text is not None
    assert text.box((2, 3)) == (5, 5, 20, 200)


def test_a_hull_holds_all_boxes() -> None:
    """And no more; that of one is itself."""
    assert bounding_box([(0, 0, 1, 1), (5, 2, 1, 1)]) == (0, 0, 6, 3)
    assert bounding_box([(4, 3, 2, 1)]) == (4, 3, 2, 1)


def test_what_is_said_has_a_time_and_no_place() -> None:
    """A stretch of what is said over time is from its first word to its last; with a word of no time it has none."""
    said = place_lines(
        [
            TextLine("one", None, clip=(0, 100)),
            TextLine("two", None, clip=(300, 400)),
            TextLine("title", None),
        ],
        "transcript",
    )
    assert said is not None
    assert (said.box((0, 7)), said.clip((1, 2)), said.clip((0, 7)), said.clip((0, 9))) == (
        None,
        (0, 100),
        (0, 400),
        None,
    )
    burnt = place_lines(
        [TextLine("one", (0, 0, 30, 10), clip=(0, 100)), TextLine("two", None, clip=(0, 50))], "ocr"
    )
    assert burnt is not None
    assert (burnt.box((0, 3)), burnt.box((0, 7)), burnt.clip((0, 7))) == ((0, 0, 30, 10), None, (0, 100))
