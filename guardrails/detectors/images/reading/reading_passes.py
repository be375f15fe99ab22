"""Wraps a reader of letters so that it also finds what one look at the whole picture would miss.

A reader sees a picture at some hundred pixels. A page that was scrolled, or a strip, is read in pieces. Whatever a first look
shows signs of and does not read is looked at once more, in the ways of the modules beside this one: bent, faint, turned, small.
Ordinary pictures show none, and are looked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from guardrails.detectors.images.reading.bent_text import straighten_bent
from guardrails.detectors.images.reading.faint_text import enhance_faint
from guardrails.detectors.images.reading.ocr_lines import (
    Corners,
    OcrLine,
    OcrReader,
    is_known,
    is_told,
    move_corners,
)
from guardrails.detectors.images.reading.small_text import find_small
from guardrails.detectors.images.reading.turned_text import TURNS, turn_doubtful
from guardrails.detectors.images.reading.view_parts import cut_tiles

if TYPE_CHECKING:
    from guardrails.media.images.picture import Pixels

    Look = tuple[Pixels, Callable[[Corners], Corners]]

WIDE: Final = 4
"""How many times as long as the side at which letters are looked for a picture may be that is read in one piece."""


def read_in_passes(read: OcrReader, side: int) -> OcrReader:
    """Return a reader that gives what its own one reads, which looks for letters at so many pixels, in pieces that are not much
    larger, and what stands in them bent, faint, turned or small.
    """

    def all_of(view: Pixels) -> list[OcrLine]:
        found: list[OcrLine] = []
        for left, top, piece in cut_tiles(view, WIDE * side):
            lines = [*read(piece)]
            for look, place in _further_looks(piece, lines, side):
                new = [(text, score, place(corners)) for text, score, corners in read(look)]
                lines += [each for each in new if not is_known(each, lines)]
            placed = [
                (text, score, move_corners(left, top, corners)) for text, score, corners in lines if text
            ]
            found += [each for each in placed if not is_told(each, found)]  # pieces overlap
        return found

    return all_of


def _further_looks(piece: Pixels, lines: Sequence[OcrLine], side: int) -> Iterator[Look]:
    """Yield what of a piece is looked at once more, each with what says where corners in it are in the piece; `lines` are those
    that were read by then.
    """
    yield from straighten_bent(piece, lines)
    faint = enhance_faint(piece)
    if faint is not None:
        yield faint, lambda corners: corners
    for across, down in TURNS:
        turned = turn_doubtful(piece, lines, across, down)
        if turned is not None:
            yield turned
    for left, top, part in find_small(piece, lines, side):
        yield part, partial(move_corners, left, top)
