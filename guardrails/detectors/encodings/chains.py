r"""How payloads are laid out in a text: in pieces of one alphabet with joints between, over lines, quotes and string literals.

A row of pieces is a chain (`Layout.chain`), and a chain is cut into blocks that may be one payload each: pieces of lines are of
one width but for the last, those of string literals of any. A block that reads as nothing ends after some length, so that tables
of numbers, lists of digests and certificates are no endless payloads: streams hold no more of them. How a chain is cut at a piece
depends on what stands before it and on the piece behind it, so that a stream knows which blocks are final.
"""

from __future__ import annotations

import codecs
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from guardrails.detectors.encodings.payloads import Payload
from guardrails.text.matching import linear_patterns as re2

Stretch = tuple[int, int]
Read = Callable[[Sequence[str]], str]
"""Pieces → the text that they say, "" if they say nothing."""

_QUOTING: Final = r"[ \t]*(?:(?:>|#|//|\||\*|-{1,2}|;|%)[ \t]*){0,4}"
"""What stands before a line that is quoted, commented out or part of a list or a table."""
LINE: Final = rf"(?:[ \t]{{0,2}}\||\\)?\r?\n{_QUOTING}"
_QUOTE: Final = "[\"'`]"
_BREAK: Final = r"[ \t]*(?:\r?\n[ \t]*)?"
LITERAL: Final = rf"{_QUOTE}[ \t]*[+.&\\]?{_BREAK}[+.&]?[ \t]*{_QUOTE}"
"""Between the string literals of a concatenation."""
LIST: Final = rf"{_QUOTE}[ \t]*,{_BREAK}{_QUOTE}"
MARK: Final = r"(?:\\[xX]|0[xX])?"
"""What may stand before hexadecimal digits."""
_BEGUN: Final = (
    r"[|\\]?\r?|(?:[ \t]{0,2}\||\\)?\r?\n[ \t]*(?:(?:>|#|/{1,2}|\||\*|-{1,2}|;|%)[ \t]*){0,4}"
    rf"|{_QUOTE}[ \t]*[+.&\\,]?[ \t]*(?:\r\n?|\n)?[ \t]*[+.&]?[ \t]*{_QUOTE}?"
)
"""What a joint may begin with, at the end of a text."""

WIDE: Final = 40
"""Characters from which lines belong together, whatever their widths."""
NARROW: Final = 4
"""Characters of the shortest lines of Base64 that belong together."""
MEMORY: Final = 32 << 20
"""Upper bound in bytes for the states of a pattern."""
CELL: Final = 8
"""Characters of the narrowest cells of a table that belong together: the blank behind them is held in streams."""
CHECKED: Final = 160
"""Characters after which a block ends that reads as nothing so far."""


@dataclass(frozen=True)
class Layout:
    """How payloads of an encoding are written.

    Attributes:
        piece: RE2 of a piece.
        joint: RE2 of what may stand between two pieces; "" if a piece is a payload alone.
        gate: RE2 of what every payload holds.
        read: decodes pieces.
        alone: characters from which one piece can be a payload.
        begun_joint: RE2 of the beginnings of a joint, at the end of a text.
        begun_piece: likewise of a piece.
        same_width: whether pieces of lines must be of one width.
        part: what of a piece that says nothing may be a payload: it is glued to a path or a name by a sign of the alphabet.
        whole: RE2 of a piece that can be a payload alone; "" if any can.
        longest: characters up to which a piece can be a payload alone: minified code is one word without end.
        fewest: pieces of the shortest chain where no piece can be a payload alone: what the gate asks for, of each chain.
    """

    piece: str
    joint: str
    gate: str
    read: Read
    alone: int
    begun_joint: str = ""
    begun_piece: str = ""
    same_width: bool = False
    part: re.Pattern[str] | None = None
    whole: str = ""
    longest: int = sys.maxsize
    fewest: int = 1

    @cached_property
    def chain(self) -> Any:
        """RE2 of pieces in a row, or of one that can be a payload alone."""
        if not self.joint:
            return compile_pattern(self.piece)
        first = f"(?:{self.piece})(?:{self.joint})(?:{self.piece})|{self.whole}" if self.whole else self.piece
        return compile_pattern(rf"(?:{first})(?:(?:{self.joint})(?:{self.piece})){{{self.fewest - 1},}}")

    @cached_property
    def pieces(self) -> re.Pattern[str]:
        """A piece, its first group, with the joint behind it: a joint may have letters of the alphabet."""
        return re.compile(rf"({self.piece})(?:{self.joint})?")

    @cached_property
    def open(self) -> str:
        """RE2 of what may go on, up to the end of a text."""
        if not self.joint:
            return f"(?:{self.begun_piece})"
        whole, behind = (
            rf"(?:(?:{self.piece})(?:{self.joint}))*",
            rf"(?:(?:{self.piece})(?:{self.begun_joint}))?",
        )
        return rf"{whole}{behind}(?:{self.begun_piece})"

    def find(self, text: str) -> Iterator[Payload]:
        """Yield the payloads of a text, in order."""
        hay = to_ascii(text)
        for start, end in self._find_chains(hay):
            pieces = self._find_pieces(hay, start, end)
            if len(pieces) == 1:  # nearly every word of a text in which nothing is encoded
                yield from self._decode_piece(text, *pieces[0])
                continue
            for block in self._split(hay, pieces):
                yield from self._decode(text, block)

    def blocks(self, hay: str) -> Iterator[Stretch]:
        """Yield the stretches of an ASCII text that must not be cut: the blocks that say something, and that before a single last
        piece with it, which may be one in a chain alone (`0x64 0x7441Z`).
        """
        for start, end in self._find_chains(hay):
            before = None
            for block in self._split(hay, self._find_pieces(hay, start, end)):
                if self._readable(hay, block):
                    yield block[0][0], block[-1][1]
                    if before is not None and len(block) == 1 and block[0][1] == end:
                        yield before, end
                before = block[0][0]

    def _find_chains(self, hay: str) -> Iterator[Stretch]:
        """Yield where the chains of an ASCII text stand that are long enough for a payload."""
        longest = sys.maxsize if self.joint else self.longest
        for match in self.chain.finditer(hay.encode()):  # RE2 counts bytes: here they are characters
            start, end = match.span()
            if self.alone <= end - start <= longest:
                yield start, end

    def open_block(self, hay: str, start: int) -> int:
        """Return where the block begins that may go on at the end of a text, of an open chain that begins at `start`."""
        if not self.joint:
            return start if len(hay) - start <= self.longest else len(hay)
        pieces = self._find_pieces(hay, start, len(hay))
        if len(pieces) < 4:
            return start
        last = pieces[-3][0]  # how the chain is cut there depends on the piece behind it, which has ended
        return max(block[0][0] for block in self._split(hay, pieces) if block[0][0] <= last)

    def _find_pieces(self, hay: str, start: int, end: int) -> list[Stretch]:
        if not self.joint:
            return [(start, end)]
        return [
            (start + a, start + b) for a, b in (each.span(1) for each in self.pieces.finditer(hay[start:end]))
        ]

    def _split(self, hay: str, chain: Sequence[Stretch]) -> Iterator[list[Stretch]]:
        block: list[Stretch] = []
        size, due = 0, CHECKED
        for at, piece in enumerate(chain):
            if block and self.same_width and not self._joins(hay, block, piece, chain[at + 1 : at + 2]):
                yield block
                block, size, due = [], 0, CHECKED
            block.append(piece)
            size += piece[1] - piece[0]
            if size >= due and len(block) > 1:
                if not self._readable(hay, block):
                    yield block
                    block, size, due = [], 0, CHECKED
                due = max(due, 2 * size)
        if block:
            yield block

    def _joins(
        self, hay: str, block: Sequence[Stretch], piece: Stretch, following: Sequence[Stretch]
    ) -> bool:
        """Tell whether a piece goes on with a block: as a line of the same width, or the last one, which is shorter."""
        if hay[block[-1][1] - 1] == "=":
            return False
        gap = hay[block[-1][1] : piece[0]]
        if gap[0] in "\"'`" and "," not in gap:
            return True
        first, last, width = _width(block[0]), _width(block[-1]), _width(piece)
        if gap[0] in " \t" and "|" in gap and last < CELL:
            return False
        if last >= WIDE:
            return True
        if last != first or width > first:
            return False
        return width == first or not following or _width(following[0]) != width

    def _readable(self, hay: str, block: Sequence[Stretch]) -> bool:
        return any(True for _ in self._decode(hay, block, whole=True))

    def _decode(self, text: str, block: Sequence[Stretch], *, whole: bool = False) -> Iterator[Payload]:
        """Yield what a block says: all of it, or all but the last or first piece, or each piece that can stand alone."""
        if len(block) == 1 and not whole:
            yield from self._decode_piece(text, *block[0])
            return
        pieces = [text[start:end] for start, end in block]
        for first, last in (
            ((0, len(block)), (0, len(block) - 1), (1, len(block))) if len(block) > 1 else ((0, 1),)
        ):
            if sum(map(len, pieces[first:last])) >= self.alone and (said := self.read(pieces[first:last])):
                yield Payload(said, block[first][0], block[last - 1][1])
                return
        for start, end in block if not whole else ():
            yield from self._decode_piece(text, start, end)

    def _decode_piece(self, text: str, start: int, end: int) -> Iterator[Payload]:
        """Yield what a piece says alone, or else the parts of it that may be glued to a path or a name."""
        piece = text[start:end]
        if len(piece) >= self.alone and (said := self.read([piece])):
            yield Payload(said, start, end)
            return
        for part in self.part.finditer(piece) if self.part is not None else ():
            if part[0] != piece and (said := self.read([part[0]])):
                yield Payload(said, start + part.start(), start + part.end())


def compile_pattern(pattern: str) -> Any:
    """Return an RE2 pattern with room for the states of long repetitions."""
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)


def _width(piece: Stretch) -> int:
    return piece[1] - piece[0]


def to_ascii(text: str) -> str:
    """Return a text of the same length in which what is no ASCII is DEL, which is in no alphabet and no blank."""
    return text if text.isascii() else text.encode("ascii", _FOREIGN).decode("ascii")


def _replace_foreign(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "\x7f" * (error.end - error.start), error.end


_FOREIGN: Final = "guardrails_foreign"
codecs.register_error(_FOREIGN, _replace_foreign)


def words(
    letter: str,
    read: Read,
    *,
    least: int,
    alone: int = 0,
    padded: str = "",
    whole: str = "",
    piece: str = "",
    joints: str = "",
    begun_joint: str = "",
    marked: bool = False,
    part: re.Pattern[str] | None = None,
    narrow: int = NARROW,
) -> Layout:
    """Return the layout of an encoding into letters that are read as they come.

    Args:
        letter: RE2 class of the alphabet.
        read: decodes pieces.
        least: letters of the shortest payload.
        alone: characters of the shortest payload that `whole` finds.
        padded: RE2 of the padding.
        whole: RE2 of a shorter payload of one piece that shows what it is.
        piece: RE2 of a piece, where it is more than letters and padding.
        joints: RE2 of joints beside lines, literals and lists.
        begun_joint: RE2 of the beginnings of these.
        marked: whether `MARK` may stand before letters.
        part: as in `Layout`.
        narrow: letters of the shortest piece, but for the last.
    """
    piece = piece or rf"{letter}{{2,}}{padded}"
    joint = "|".join(filter(None, (joints, LINE, LITERAL, LIST)))
    mark = MARK if marked else ""
    begun = r"(?:\\[xX]?|0[xX]?)?" if marked else ""
    gates, adjacent = [f"{letter}{{{least}}}", *([whole] if whole else [])], ""
    if marked:
        adjacent = rf"(?:(?:\\[xX]|0[xX]){letter}{{2}}){{{least // 2},}}"
        gates.append(adjacent)
    for count in range(2, math.ceil(least / narrow) + 1):
        wide = max(narrow, math.ceil(least / count))
        gates.append(rf"(?:{mark}{letter}{{{wide},}}{padded}(?:{joint})){{{count - 1}}}{mark}{letter}{{2}}")
    gates.append(rf"{letter}{{2,}}{padded}{LITERAL}{mark}{letter}{{2}}")
    return Layout(
        piece,
        joint,
        "|".join(gates),
        read,
        alone or least,
        "|".join(filter(None, (_BEGUN, begun_joint))),
        rf"(?:{begun}{letter}?|{letter}{{{CELL},}}{padded}[ \t]{{1,2}}\|?\r?)",
        same_width=True,
        part=part,
        whole="|".join(filter(None, (f"{letter}{{{least},}}{padded}", whole, adjacent))),
    )


def codes(
    piece: str,
    joint: str,
    read: Read,
    *,
    fewest: int,
    begun_joint: str = "",
    begun_piece: str = "",
    gate: str = "",
    whole: str = "",
    alone: int = 0,
    longest: int = sys.maxsize,
) -> Layout:
    """Return the layout of an encoding into one piece a character.

    Args:
        piece: RE2 of the code of a character.
        joint: RE2 of what stands between two codes.
        read: decodes pieces.
        fewest: codes of the shortest payload.
        begun_joint: RE2 of the beginnings of a joint.
        begun_piece: likewise of a code.
        gate: RE2 of what every payload holds, where it is not so many codes with joints.
        whole: RE2 of one piece that can be a payload; "" if any can.
        alone: characters of the shortest payload.
        longest: as in `Layout`.
    """
    return Layout(
        piece,
        joint,
        gate or rf"(?:(?:{piece})(?:{joint})){{{fewest - 1}}}(?:{piece})",
        read,
        alone or 2 * fewest,
        begun_joint,
        begun_piece,
        whole=whole,
        longest=longest,
        fewest=1 if whole or gate else fewest,
    )
