"""Which lines are the same, which are long."""

from __future__ import annotations

from guardrails.detectors.images.reading.ocr_lines import (
    Corners,
    OcrLine,
    is_known,
    is_long,
    is_told,
    move_corners,
)
from tests.cases import each_case

ROW: Corners = [(0.0, 0.0), (60.0, 0.0), (60.0, 10.0), (0.0, 10.0)]
BELOW: Corners = move_corners(0, 20, ROW)
READ: OcrLine = ("read", 0.8, ROW)


@each_case(
    ("found", "known", "told"),
    [
        (("read", 0.7, ROW), True, True),
        (("read", 0.9, ROW), True, True),
        (("else", 0.7, ROW), True, False),
        (("else", 0.9, ROW), False, False),
        (("read", 0.7, BELOW), False, False),
        (("unsure", 0.9, ROW), False, False),
    ],
)
def test_a_line_is_known_where_it_was_read(found: OcrLine, known: bool, told: bool) -> None:
    """Or something as sure there; told already is the same text alone."""
    assert (is_known(found, [READ]), is_told(found, [READ])) == (known, told)


@each_case(
    ("corners", "long"),
    [
        (ROW, True),
        ([(y, x) for x, y in ROW], True),
        ([(0.0, 0.0), (12.0, 0.0), (12.0, 10.0), (0.0, 10.0)], False),
        ([(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)], False),
    ],
)
def test_letters_in_a_row_are_long(corners: Corners, long: bool) -> None:
    """Whichever way they run."""
    assert is_long(corners) is long
