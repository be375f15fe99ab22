"""Decodes what is encoded in a text, also several times over, into derived texts with a map back.

What is decoded stands in the table (`decoders`). All payloads of one encoding in a text make up one derived text, a line each,
so that a list of a thousand small payloads costs one search. What an encoding hides may be encoded again: `extract` goes down to
a depth, a number of payloads and a number of characters, and says what it left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from guardrails.detectors.encodings.decoders import CIPHERED, UNSEEN, Decoder, find_encodings
from guardrails.detectors.encodings.payloads import Payload
from guardrails.detectors.encodings.readers import TOO_LONG
from guardrails.detectors.encodings.unseen import has_unseen
from guardrails.text import TextView, has_deeper_escapes, is_clean, normalize_text, replace_surrogates

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PayloadPiece:
    """A payload within a derived text: it begins at `start` there and stands at `begin` to `end` in its source.

    `starts` has the place in the source of each character, and of the end; None where only the whole payload can be
    pointed at.
    """

    start: int
    begin: int
    end: int
    starts: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class DerivedText:
    """A text that stood encoded in another one: `origin` names the encodings from the outside in, as `base64>hex`.

    `source` is the derived text that it stood in, None where that is the text itself.
    """

    text: str
    origin: str
    pieces: tuple[PayloadPiece, ...]
    source: DerivedText | None = None

    def hides(self, span: Span) -> bool:
        """Tell whether any of a span stood encoded: percent escapes are read with what stands around them as it is."""
        if not self.origin.endswith("percent"):
            return True
        start, end = span
        for at in range(bisect_right(self.pieces, start, key=attrgetter("start")) - 1, len(self.pieces)):
            piece = self.pieces[at]
            if piece.start >= end or piece.starts is None:
                break
            first, stop = max(start - piece.start, 0), min(end - piece.start, len(piece.starts) - 1)
            if piece.starts[stop] - piece.starts[first] != stop - first:
                return True
        return False

    def originals(self, span: Span) -> list[Span]:
        """Return the stretches of the text itself that a span of this text stands for, one for each payload touched."""
        start, end = span
        found: list[Span] = []
        for at in range(bisect_right(self.pieces, start, key=attrgetter("start")) - 1, len(self.pieces)):
            piece = self.pieces[at]
            if piece.start >= end:
                break
            if piece.starts is None:
                found.append((piece.begin, piece.end))
                continue
            last = len(piece.starts) - 1
            first, stop = (
                min(max(start - piece.start, 0), last - 1),
                min(max(end - piece.start, 1), last),
            )
            found.append((piece.starts[first], piece.starts[stop]))
        if self.source is None:
            return found
        return [each for stretch in found for each in self.source.originals(stretch)]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was decoded from a text, sources before what stood in them, and why some of it was not."""

    derived: tuple[DerivedText, ...] = ()
    left: tuple[str, ...] = ()


NOTHING_EXTRACTED = Extraction()

DEEPER_ESCAPES = "escapes nested deeper than is decoded"
"""What is left of codes of codes of codes."""


class DecodingBudget:
    """What may still be decoded of one text, and what was left for that."""

    def __init__(self, count: int, characters: int) -> None:
        self._count = count
        self._characters = characters
        self.left: dict[str, None] = {}

    def spend(self, hidden: Iterable[Payload]) -> list[Payload]:
        """Return the payloads that may be decoded, in order."""
        kept: list[Payload] = []
        for payload in hidden:
            if self._count < 1:
                self.left["more encoded payloads than are decoded"] = None
                break
            if payload.text is TOO_LONG or len(payload.text) > self._characters:
                self.left["encoded payloads longer than is decoded"] = None
                continue
            self._count -= 1
            self._characters -= len(payload.text)
            kept.append(payload)
        return kept


@lru_cache(maxsize=16)
def extract(text: str, depth: int, count: int, characters: int) -> Extraction:
    """Return what stands encoded in a text.

    Args:
        text: any text; lone surrogates are skipped.
        depth: encodings within encodings, 1 for the outermost alone; 0 decodes nothing.
        count: payloads in all.
        characters: characters of all derived texts together.
    """
    if depth < 1:
        return NOTHING_EXTRACTED
    budget = DecodingBudget(count, characters)
    found = decode_nested(_payloads(replace_surrogates(text), None), depth, budget)
    if has_deeper_escapes(text):
        budget.left[DEEPER_ESCAPES] = None
    return Extraction(tuple(found), tuple(budget.left)) if found or budget.left else NOTHING_EXTRACTED


def holds_nothing(text: str) -> bool:
    """Tell at a glance that nothing stands encoded in a text. If the text is of ASCII, nothing does in any of those that it was
    joined of by empty lines either (`group_search`).
    """
    if not is_clean(text):
        return False
    if text.isascii():
        return not find_encodings(text)
    text = replace_surrogates(text)
    return not has_unseen(text) and not find_encodings(normalize_text(text).text)


def decode_nested(
    outermost: Iterable[tuple[Decoder, list[Payload]]], depth: int, budget: DecodingBudget
) -> list[DerivedText]:
    """Return the derived texts of payloads of a text and of what stands in them, down to a depth."""
    found: list[DerivedText] = []
    sources: list[tuple[DerivedText | None, Iterable[tuple[Decoder, list[Payload]]]]] = [(None, outermost)]
    for _ in range(depth):
        following = [
            _join_payloads(decoder.name, kept, parent)
            for parent, payloads_of_each in sources
            for decoder, hidden in payloads_of_each
            if (kept := budget.spend(hidden))
        ]
        found += following
        sources = [(derived, _payloads(derived.text, derived)) for derived in following]
    for _, payloads_of_each in sources:
        for decoder, _ in payloads_of_each:
            budget.left[f"{decoder.name} nested deeper than {depth} levels"] = None
    return found


def _payloads(text: str, parent: DerivedText | None) -> list[tuple[Decoder, list[Payload]]]:
    plain = text.isascii()
    view = TextView(text) if plain else normalize_text(text)
    deciphered = parent is not None and any(name in CIPHERED for name in parent.origin.split(">"))
    found: list[tuple[Decoder, list[Payload]]] = []
    for decoder in find_encodings(view.text):
        if not (decoder.cipher and deciphered):
            hidden = decoder.find(view.text)
            found.append((decoder, [each if plain else each.shift(view.original) for each in hidden]))
    unseen = () if plain or not has_unseen(text) else UNSEEN
    found += [(decoder, list(decoder.find(text))) for decoder in unseen]
    return [(decoder, hidden) for decoder, hidden in found if hidden]


def _join_payloads(name: str, hidden: Sequence[Payload], source: DerivedText | None) -> DerivedText:
    pieces: list[PayloadPiece] = []
    start = 0
    for payload in hidden:
        pieces.append(PayloadPiece(start, payload.begin, payload.end, payload.starts))
        start += len(payload.text) + 1
    origin = name if source is None else f"{source.origin}>{name}"
    return DerivedText("\n".join(payload.text for payload in hidden), origin, tuple(pieces), source)
