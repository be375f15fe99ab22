r"""Decodes what is encoded in a streamed text as soon as each payload has ended.

A stretch is cut off where no payload is open, at its end or over it, and what it hides is decoded as in `extractors`. Held is
the current word (it may become Base64), what may go on as hexadecimal or as codes, and a run of tags or selectors. Two
encodings reach further: percent escapes are read with 120 characters on either side, so that the text is frozen from the first
one on until 240 went by without any; and from where a text may be ROT13 it is frozen to its end. What went before is judged at
the end alone, as are payloads that only make sense together. Work: each stretch is searched once, what is held when a
sixteenth has come in addition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import re2

from guardrails.detectors.encodings import payloads
from guardrails.detectors.encodings.extractors import (
    INVISIBLE,
    READABLE,
    DecodingBudget,
    DerivedText,
    decode_nested,
)
from guardrails.detectors.encodings.payloads import AROUND, Payload
from guardrails.detectors.patterns.streaming.watermarks import OFTEN
from guardrails.text import TextView, normalize_text, replace_surrogates, settled_length
from guardrails.text.obfuscation_hints import ENCODINGS, find_hints

LONGEST: Final = 4 * AROUND
"""Characters kept in front of an escape: enough for those that are read with it, invisible ones among them."""

# Words and lines of Base64, and escapes; each is cut off whole, with what follows it at once.
_UNITS: Final = re.compile(r"(?:[A-Za-z0-9+/_=%\-]{40,}\r?\n[ \t]*)*[A-Za-z0-9+/_=%\-]+")
_HEX, _SEPARATOR = "[0-9A-Fa-f]", r"[ \t\r\n:,;\-]"
# What may go on, up to the end of the text: Base64 and its next line, bytes with and without a mark, bits and numbers, escapes.
_OPEN: Any = re2.compile(
    rf"(?:(?:[A-Za-z0-9+/_=\-]{{40,}}\r?\n[ \t]*)*(?:[A-Za-z0-9+/_=\-]+\r?)?"
    rf"|(?:(?:\\x|0x){_HEX}{{2}}{_SEPARATOR}{{0,2}})*(?:\\x?|0x?|(?:\\x|0x){_HEX}{{1,2}})?"
    rf"|(?:{_HEX}{{2}}{_SEPARATOR}{{1,2}})*{_HEX}{{0,2}}"
    r"|(?:[01]{8}[ ,]{0,2})*[01]{0,8}|(?:[0-9]{2,3}[ ,]{1,2})*[0-9]{0,3}"
    r"|%[0-9A-Fa-f]{0,2})\z"
)
_UNSEEN: Final = re.compile("(?:[\U000e0020-\U000e007e]+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]+)\\Z")
_ESCAPES: Any = re2.compile(ENCODINGS["percent"])
_RUNS: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ROTATED: Any = re2.compile(ENCODINGS["rot13"])
_BEHIND: Final = 160
"""Characters in front of a stretch that are looked at with it for words of ROT13."""
_LEAST: Final = 10
"""Characters of the shortest payload that ASCII may be, escapes apart."""
_FAR: Final = {extractor.name: extractor for extractor in READABLE if extractor.name in ("percent", "rot13")}
_NEAR: Final = tuple(extractor for extractor in READABLE if extractor.name not in _FAR)


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
        self._escapes = EscapeStream()
        self._behind = ""
        self._rotated: tuple[int, list[str]] | None = None
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
            found += self._ends()
        else:
            self._escapes.freeze(self._text[: settled_length(self._text)], self._base, mark)
            length = len(self._text)
            self._due = length + length // 16 if length > OFTEN else 0
        frozen = [self._base, *self._escapes.frozen]
        if self._rotated is not None and not last:
            frozen.append(self._rotated[0])
        self.settled = min(frozen)
        return found

    def _end(self) -> int:
        """Return the place in what is held from which on a payload may be open."""
        cut = settled_length(self._text)
        view = _view(self._text[:cut])
        self.scanned += cut
        at = _open_from(view.text)
        end = cut if at == len(view.text) else view.original(at, at + 1)[0]
        if not self._text.isascii() and (unseen := _UNSEEN.search(self._text)):
            end = min(end, unseen.start())
        return end

    def _decode_stretch(self, end: int, mark: int) -> list[DerivedText]:
        """Cut a stretch off; return what is hidden in it."""
        part, base = self._text[:end], self._base
        view = _view(part)
        self._text = self._text[end:]
        self._base += end
        self.scanned += end
        names = find_hints(view.text).encodings if len(view.text) > _LEAST else ()
        hidden = [
            (each, [_shift_payload(payload, view, base) for payload in each.find(view.text)])
            for each in _NEAR
            if each.name in names
        ]
        if not part.isascii():
            hidden += [
                (each, [_shift_payload(payload, TextView(part), base) for payload in each.find(part)])
                for each in INVISIBLE
            ]
        hidden.append((_FAR["percent"], self._escapes.take(part, view, base, mark)))
        self._look_for_rot13(part, view.text, base)
        return decode_nested([each for each in hidden if each[1]], self._depth, self._budget)

    def _look_for_rot13(self, part: str, text: str, base: int) -> None:
        if self._rotated is None:
            near = self._behind + text
            if _ROTATED.search(near) is None:
                self._behind = near[-_BEHIND:]
                return
            self._rotated = (base, [])
        self._rotated[1].append(part)

    def _ends(self) -> list[DerivedText]:
        hidden = [(_FAR["percent"], self._escapes.close())]
        if self._rotated is not None:
            base, parts = self._rotated
            view = _view("".join(parts))
            rotated = [_shift_payload(payload, view, base) for payload in payloads.find_rot13(view.text)]
            hidden.append((_FAR["rot13"], rotated))
        return decode_nested([each for each in hidden if each[1]], self._depth, self._budget)


class EscapeStream:
    """Percent escapes, and what stands around them."""

    def __init__(self) -> None:
        self._near: list[str] = []
        self._end = 0
        self._since: int | None = None
        """Characters behind the last escape; None if there is none."""
        self.frozen: list[int] = []
        """Where the text is frozen, if it is."""

    def freeze(self, text: str, base: int, mark: int) -> None:
        """Freeze the text if an escape stands in what is held of it."""
        if self.frozen or ("%" not in text and text.isascii()):
            return
        view = _view(text)
        if "%" in view.text and (escape := _ESCAPES.search(view.text)):
            self.frozen = [min(mark, base + view.original(*escape.span())[0])]

    def take(self, part: str, view: TextView, base: int, mark: int) -> list[Payload]:
        """Take a stretch with all of its escapes; return what those read that no other can follow."""
        self._near.append(part)
        self._end = base + len(part)
        runs = list(_RUNS.finditer(view.text)) if "%" in view.text else []
        if runs:
            self.freeze(part, base, mark)
            self._since = len(view.text) - runs[-1].end()
        elif self._since is not None:
            self._since += len(view.text)
        if self._since is None:
            self._near = ["".join(self._near)[-LONGEST:]]
        return self.close() if self._since is not None and self._since > 2 * AROUND else []

    def close(self) -> list[Payload]:
        """Return what the escapes so far read with what stands around them."""
        if self._since is None:
            return []
        text = "".join(self._near)
        view, base = _view(text), self._end - len(text)
        stop = [run.end() for run in _RUNS.finditer(view.text)][-1]
        found = [_shift_payload(payload, view, base) for payload in payloads.find_percent_escapes(view.text)]
        self._near = [text[view.original(stop - 1, stop)[1] :]]
        self._since = None
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
    hay = text if text.isascii() else text.encode("ascii", "replace").decode("ascii")
    match = _OPEN.search(hay)
    assert match is not None  # at the end, if nowhere else
    at: int = match.start()
    for start, end in sorted(_find_closed_stretches(hay), reverse=True) if at > 0 else ():
        if start < at < end:
            at = start
    return at


def _find_closed_stretches(hay: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches that must not be cut."""
    yield from ((match.start(), match.end() + 1) for match in _UNITS.finditer(hay))
    if len(hay) > _LEAST:
        for pattern in (payloads._HEX, payloads._CODES):
            yield from (match.span() for match in pattern.finditer(hay))
