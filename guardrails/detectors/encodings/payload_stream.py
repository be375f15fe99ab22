r"""Decodes what is encoded in a streamed text as soon as each payload has ended.

A stretch is cut off where no payload is open, at its end or over it, and what it hides is decoded as in `extractors`. Held is
what a row of the table says that may go on (`Layout.open`), the current word, and a run of unseen characters. Escapes and
ciphers reach further: they are read with 120 characters on either side, so that the text is frozen from their first mark on until
240 went by without any. What went before is judged at the end alone, as are payloads that only make sense together. Work: each
stretch is searched once, what is held when a sixteenth has come in addition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from guardrails.detectors.encodings.chains import CHECKED, Stretch, compile_pattern, to_ascii
from guardrails.detectors.encodings.contexts import AROUND, PERCENT
from guardrails.detectors.encodings.decoders import NEAR, UNSEEN, Decoder, find_encodings
from guardrails.detectors.encodings.extractors import (
    DEEPER_ESCAPES,
    DecodingBudget,
    DerivedText,
    decode_nested,
)
from guardrails.detectors.encodings.payloads import Payload
from guardrails.detectors.encodings.unseen import OPEN_OVERRIDE, find_open_run
from guardrails.detectors.patterns.streaming.watermarks import OFTEN
from guardrails.text import TextView, has_deeper_escapes, normalize_text, replace_surrogates, settled_length

LONGEST: Final = 4 * AROUND
"""Characters kept in front of a mark: enough for those that are read with it, invisible ones among them."""

# Words with the signs of Base64 and of escapes; each is cut off whole, with what follows it at once. A dash at the beginning of a
# line may be the sign of a list, which the text before it tells: where a block begins behind it, it stays there.
_UNITS: Final = re.compile(r"(?:(?<=\n)-)?([A-Za-z0-9+/_=%\-]+(?:[.@][A-Za-z0-9+/_=%\-]+)*)")
_LEAST: Final = 10
"""Characters of the shortest payload that ASCII may be, escapes apart."""
_LAYOUTS: Final = tuple(row.layout for row in NEAR if row.layout is not None)


_UNIT_OPEN: Final = r"(?:[A-Za-z0-9+/_=%\-]+[.@])*[A-Za-z0-9+/_=%\-]*\r?"


@cache
def _open_pattern() -> Any:
    """Return RE2 of what may go on at the end of a text, in any row."""
    return compile_pattern("(?:" + "|".join((_UNIT_OPEN, *(layout.open for layout in _LAYOUTS))) + r")\z")


@cache
def _open_patterns() -> tuple[Any, ...]:
    """Return RE2 of what may go on at the end of a text, for words and for each row of pieces."""
    return tuple(
        compile_pattern(rf"(?:{each})\z") for each in (_UNIT_OPEN, *(layout.open for layout in _LAYOUTS))
    )


class PayloadStream:
    """The state of one stream. Budgets are as in `extract`, spent in the order of the text.

    Attributes:
        settled: the offset before which nothing more will be decoded; what was given must be judged before that counts.
        left: why some of it was not decoded.
        scanned: characters looked at, all together.
    """

    def __init__(self, depth: int, count: int, characters: int) -> None:
        self._depth = depth
        self._budget = DecodingBudget(count, characters)
        self._text = ""
        self._base = 0
        self._due = 0
        self._contexts = ContextStream()
        self._ended = False
        self.settled = 0
        self.scanned = 0

    @property
    def left(self) -> tuple[str, ...]:
        """Reasons for what was not decoded, as `extract` gives them."""
        return tuple(self._budget.left)

    def feed(self, delta: str, mark: int) -> list[DerivedText]:
        """Take a part; return what was hidden in what has ended with it.

        Args:
            delta: the part.
            mark: the lowest offset that something else holds the text at.

        Raises:
            ValueError: after `flush`.
        """
        return self._take(delta, mark, last=False)

    def flush(self, mark: int) -> list[DerivedText]:
        """Return the rest: the text ends here."""
        return self._take("", mark, last=True)

    def _take(self, delta: str, mark: int, *, last: bool) -> list[DerivedText]:
        if self._ended:
            raise ValueError("the stream has ended")
        self._ended = last
        if self._depth < 1:
            self.settled += len(delta)
            return []
        self._text += replace_surrogates(delta)
        length = len(self._text)
        if not last and length < self._due:
            return []
        end = length if last else self._end()
        found = self._decode_stretch(end, mark) if end else []
        if last:
            found += decode_nested(self._contexts.close(), self._depth, self._budget)
        else:
            self._contexts.freeze(self._text[: settled_length(self._text)], self._base, mark)
            length = len(self._text)
            self._due = length + length // 16 if length > OFTEN else 0
        self.settled = min([self._base, *self._contexts.frozen])
        return found

    def _end(self) -> int:
        """Return the place in what is held from which on a payload may be open."""
        cut = settled_length(self._text)
        view = _view(self._text[:cut])
        self.scanned += cut
        at = _open_from(view.text)
        end = cut if at == len(view.text) else view.original(at, at + 1)[0]
        if not self._text.isascii():
            end = min(end, find_open_run(self._text))
        if "\u202e" in self._text and (override := OPEN_OVERRIDE.search(self._text[:end])):
            end = override.start()
        return end

    def _decode_stretch(self, end: int, mark: int) -> list[DerivedText]:
        """Cut a stretch off; return what is hidden in it."""
        part, base = self._text[:end], self._base
        view = _view(part)
        self._text = self._text[end:]
        self._base += end
        self.scanned += end
        if has_deeper_escapes(part):
            self._budget.left[DEEPER_ESCAPES] = None
        gated = find_encodings(view.text)
        hidden = [
            (each, [_shift_payload(payload, view, base) for payload in each.find(view.text)])
            for each in gated
            if each.layout is not None
        ]
        if not part.isascii():
            hidden += [
                (each, [_shift_payload(payload, TextView(part), base) for payload in each.find(part)])
                for each in UNSEEN
            ]
        hidden += self._contexts.take(
            part, view, base, [row for row in gated if row.context is not None], mark
        )
        return decode_nested([each for each in hidden if each[1]], self._depth, self._budget)


class ContextStream:
    """Marks of escapes and ciphers, and what stands around them; all of it is read when none came for a while."""

    def __init__(self) -> None:
        self._near: list[str] = []
        self._tail = ""
        self._end = 0
        self._since = 0
        """Characters behind the last mark."""
        self._marked: dict[Decoder, None] = {}
        """The rows with marks in what is kept."""
        self._stop = 0
        """Where the last mark ends."""
        self.frozen: list[int] = []
        """Where the text is frozen, if it is."""

    def freeze(self, text: str, base: int, mark: int) -> None:
        """Freeze the text if an escape stands in what is held of it."""
        if self.frozen or ("%" not in text and text.isascii()):
            return
        view = _view(text)
        if "%" in view.text and (marks := PERCENT.find_marks(view.text)):
            self.frozen = [min(mark, base + view.original(*marks[0])[0])]

    def take(
        self, part: str, view: TextView, base: int, rows: Sequence[Decoder], mark: int
    ) -> list[tuple[Decoder, list[Payload]]]:
        """Take a stretch, of which some rows may have marks; return what those read that no other can follow."""
        before = self._tail if rows else ""
        self._near.append(part)
        self._tail = (self._tail + part)[-LONGEST:]
        self._end = base + len(part)
        self._since += len(view.text)
        near = view if not before else _view(before + part)
        for row in rows:
            self._take_marks(row, near, base - len(before), base, mark)
        if not self._marked:
            self._near = [self._tail]
        return self.close() if self._marked and self._since > 2 * AROUND else []

    def _take_marks(self, row: Decoder, view: TextView, origin: int, base: int, mark: int) -> None:
        marks = row.context.find_marks(view.text) if row.context is not None else []
        if not marks or origin + view.original(*marks[-1])[1] <= base:
            return
        self._since = (
            len(view.text) - marks[-1][1]
            if not self._marked
            else min(self._since, len(view.text) - marks[-1][1])
        )
        self._stop = max(self._stop, origin + view.original(*marks[-1])[1])
        self._marked[row] = None
        if not self.frozen:
            self.frozen = [min(mark, max(base, origin + view.original(*marks[0])[0]))]

    def close(self) -> list[tuple[Decoder, list[Payload]]]:
        """Return what the rows with marks so far read with what stands around them."""
        if not self._marked:
            return []
        text = "".join(self._near)
        view, base = _view(text), self._end - len(text)
        found = [
            (row, [_shift_payload(payload, view, base) for payload in row.find(view.text)])
            for row in self._marked
        ]
        self._tail = text[self._stop - base :]
        self._near = [self._tail]
        self._marked = {}
        self.frozen = []
        return found


def _view(text: str) -> TextView:
    return TextView(text) if text.isascii() else normalize_text(text)


def _shift_payload(payload: Payload, view: TextView, base: int) -> Payload:
    """Return a payload of a view of a stretch in the coordinates of the whole text."""

    def original(start: int, end: int) -> tuple[int, int]:
        first, last = view.original(start, end)
        return first + base, last + base

    return payload.shift(original)


def _open_from(text: str) -> int:
    """Return where the first payload begins that may go on behind the end, or one that the end would be cut out of."""
    hay = to_ascii(text)
    at: int = _open_pattern().search(hay).start()
    if len(hay) - at > CHECKED:
        at = _open_block_from(hay)
    for start, end in sorted(_find_closed_stretches(hay), reverse=True) if at > 0 else ():
        if start < at < end:
            at = start
    return at


def _open_block_from(hay: str) -> int:
    """Return where the first block begins that may go on: of a long chain it is the last one."""
    unit, *patterns = _open_patterns()
    at: int = unit.search(hay).start()
    for layout, pattern in zip(_LAYOUTS, patterns, strict=True):
        start = pattern.search(hay).start()
        at = min(at, layout.open_block(hay, start) if start < len(hay) else start)
    return at


def _find_closed_stretches(hay: str) -> Iterator[Stretch]:
    """Yield the stretches that must not be cut."""
    yield from ((match.start(1), match.end() + 1) for match in _UNITS.finditer(hay))
    if len(hay) > _LEAST:
        for row in find_encodings(hay):
            if row.layout is not None:
                yield from row.layout.blocks(hay)
