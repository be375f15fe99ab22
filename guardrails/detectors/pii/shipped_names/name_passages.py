"""Reads the passages of a text as the shipped model does: their word pieces, and the words that these make.

The model was made for short messages: in windows of 256 word pieces it misses three times as many of the places as in single
sentences. So a passage (`inference.safety.passages`) is read by itself, or with the ones behind it where it is too short or ends
with what may be an abbreviation, as in "Dr. Smith". Of a text that grows, all passages but the last stay as they are, and so does
what is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from guardrails.detectors.language.foreign_text import has_foreign_script
from guardrails.detectors.pii.names import EntityHit
from guardrails.detectors.pii.ner import merge_pieces
from guardrails.detectors.pii.shipped_names.known_names import find_known_names
from guardrails.inference.entities.entity_model import EntityModel
from guardrails.inference.safety.passages import LONGEST, is_cut_short
from guardrails.inference.safety.scores import Scores
from guardrails.text import TextView, normalize_text

FEWEST: Final = 8
"""Word pieces that are read together at least: a run of the network costs as much with fewer."""

OF_LINES: Final = 48
"""Word pieces of lines that are read together, if no more."""

BESIDE: Final = 16
"""Word pieces of what is beside a passage that are read with it where a sentence goes on."""

MOST: Final = 448
"""Word pieces of a row; with those beside it and the marks around there must not be more than 512."""

_ABBREVIATED: Final = re.compile(
    r"(?:^|[^\w.])(?:[^\W\d_a-z]|M(?:rs?|s|x|me|lle|lles|t)|Drs?|Dra|Profa?|S(?:te?|ra?|rta|ig|ra|q)|Jr|Rev|Hon|Gen|Col|Capt|Lt|Sgt|"
    r"Hr|Fr|Fam|Dott|Ing|Dhr|Mevr|Str|A(?:ve?|vda|pt)|Blvd|Rd|Nos?|Nr|Bldg|Ft|Pl)\.\s*\Z"
)
"""The end of a passage that is an initial, or an abbreviation that names go on behind."""
_LINE: Final = re.compile(r"[^\s.!?\u2026\u3002\uff01\uff1f][ \t]*\n\s*\Z")
_FOREIGN: Final = re.compile("[^\\W\\d_\u0000-\u024f\u1e00-\u1eff]")
_CODE_BEFORE: Final = frozenset("`_{<=/\\#$@|~")
_CODE_AFTER: Final = frozenset("`_}>=/\\|(")


class PassageWord(NamedTuple):
    """A word of a passage.

    Attributes:
        start: where it begins in the text.
        end: where it ends.
        first: its first word piece in the passage.
        last: the one after its last.
        near: whether only spaces are between it and the word before, none of them the end of a line.
        has_letters: whether it has any.
        is_code: whether it stands as names in programs do, and not as names of people.
    """

    start: int
    end: int
    first: int
    last: int
    near: bool
    has_letters: bool
    is_code: bool


class ReadWords(NamedTuple):
    """What is read of a part of a text.

    Attributes:
        ids: its word pieces; none where there is nothing for the model to read.
        words: what they make.
        ends_near: whether what is behind the last word leaves it next to what follows.
        known: the names in it that need no model, in the text.
    """

    ids: tuple[int, ...]
    words: tuple[PassageWord, ...]
    ends_near: bool
    known: tuple[EntityHit, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as it is read.

    Attributes:
        start: where it begins in the text.
        end: where it ends.
        read: what is read of it.
        goes_on: whether it may end in the middle of a sentence.
        is_abbreviated: whether it may end with an abbreviation.
        is_line: whether it is a line that is no sentence, as those of addresses and forms.
        is_foreign: whether it is in a script that the model does not read.
    """

    start: int
    end: int
    read: ReadWords
    goes_on: bool
    is_abbreviated: bool
    is_line: bool
    is_foreign: bool


def read_passage(model: EntityModel, raw: str, start: int) -> Passage:
    """Return a passage that begins at some place of a text; it must be encodable as UTF-8."""
    is_foreign = has_foreign_script(raw, model.languages)
    return Passage(
        start,
        start + len(raw),
        read_words(model, normalize_text(raw), start, raw if is_foreign else None),
        goes_on=is_cut_short(raw),
        is_abbreviated=_ABBREVIATED.search(raw) is not None,
        is_line=_LINE.search(raw) is not None,
        is_foreign=is_foreign,
    )


def read_words(model: EntityModel, view: TextView, start: int, foreign: str | None = None) -> ReadWords:
    """Return what is read of a view, with its places in the text.

    Args:
        model: cuts it into pieces.
        view: of a part of the text.
        start: where that begins.
        foreign: the part itself, where words in other scripts are left out.
    """
    text = view.text
    if foreign is not None and not _has_latin(foreign):
        return ReadWords((), (), is_near(text))
    pieces = model.pieces(text)
    words: list[PassageWord] = []
    before = 0
    for first, last, (begin, end) in merge_pieces(text, pieces.spans):
        own_start, own_end = view.original(begin, end)
        if foreign is not None and _FOREIGN.search(foreign, own_start, own_end):
            continue
        near, letters = is_near(text[before:begin]), any(map(str.isalpha, text[begin:end]))
        code = is_code(text, begin, end)
        words.append(PassageWord(start + own_start, start + own_end, first, last, near, letters, code))
        before = end
    return ReadWords(
        pieces.ids,
        tuple(words),
        is_near(text[before:]),
        tuple(_move(hit, view, start) for hit in find_known_names(text)),
    )


def _move(hit: EntityHit, view: TextView, start: int) -> EntityHit:
    """Return a hit in a view as one in the text, in which the part that is viewed begins somewhere."""
    own_start, own_end = view.original(hit.start, hit.end)
    return hit._replace(start=start + own_start, end=start + own_end)


def _has_latin(text: str) -> bool:
    return any(char.isalpha() and not _FOREIGN.match(char) for char in text)


def is_near(gap: str) -> bool:
    """Tell whether what is between two words leaves them one name: spaces in a line, or nothing."""
    return not gap or (gap.isspace() and "\n" not in gap)


def is_code(text: str, start: int, end: int) -> bool:
    """Tell whether a word begins with a small letter and stands as names in programs do: `run(`, `data.key`, `userName`."""
    word = text[start:end]
    if not word[:1].islower():
        return False
    before, after = text[start - 1 : start], text[end : end + 1]
    return (
        word != word.lower()
        or before in _CODE_BEFORE
        or after in _CODE_AFTER
        or (before == "." and start > 1 and not text[start - 2].isspace())
        or (after == "." and text[end + 1 : end + 2].isalnum())
    )


class Stretch:
    """Passages that are read together, with some of the word pieces beside them where a sentence goes on.

    Args:
        first: the first of them.
        before: the stretch before.
    """

    def __init__(self, first: Passage, before: Stretch | None) -> None:
        self.passages = [first]
        self._left = before.ids[-BESIDE:] if before is not None and before.goes_on else ()
        self._right: tuple[int, ...] = ()
        self._pieces = len(first.read.ids)

    @property
    def ids(self) -> tuple[int, ...]:
        """The word pieces of its passages."""
        return tuple(piece for passage in self.passages for piece in passage.read.ids)

    @property
    def goes_on(self) -> bool:
        """Whether it may end in the middle of a sentence."""
        return self.passages[-1].goes_on

    @property
    def is_complete(self) -> bool:
        """Whether nothing that follows is read with it."""
        last = self.passages[-1]
        wants_more = (
            self._pieces < FEWEST or last.is_abbreviated or (last.is_line and self._pieces < OF_LINES)
        )
        return not last.goes_on and not wants_more

    def takes(self, passage: Passage) -> bool:
        """Take the passage that follows, if it is read together with these; tell whether it is."""
        if self.goes_on:
            self._right = passage.read.ids[:BESIDE]
            return False
        if self.is_complete or passage.end - self.passages[0].start > LONGEST:
            return False
        self.passages.append(passage)
        self._pieces += len(passage.read.ids)
        return True

    @property
    def rows(self) -> list[tuple[int, ...]]:
        """What the model is given: one row, but for texts that make many word pieces of a character."""
        ids = self.ids if any(word.has_letters for each in self.passages for word in each.read.words) else ()
        cuts = [ids[at : at + MOST] for at in range(0, len(ids), MOST)]
        if cuts:
            cuts[0] = (*self._left, *cuts[0])
            cuts[-1] = (*cuts[-1], *self._right)
        return cuts

    def own(self, rows: Sequence[Scores]) -> Scores:
        """Return what the model says of the word pieces of its passages, of what it says of the rows."""
        together = np.concatenate(rows)
        return together[len(self._left) : len(together) - len(self._right)]
