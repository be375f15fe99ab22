"""Traces where text comes from: finds of which sources a text repeats something.

Held is a run of letters and digits, whatever stands between them and however they are written (case, accents, look-alikes,
invisible characters), or a whole value: an e-mail address, a link or one below it, a number, a token of letters and digits. Both
sides are read as they stand and as what stands encoded in them. A run of `CERTAIN` letters and digits is always seen, one of
fewer than `LEAST` never. A run may be cut over several texts, in any order and with others in between: texts of `SHORTEST_PIECE`
letters and more that stand one behind the other in a source are one run. Text that says the same in other words is not seen, nor
is a shorter piece that is no such value.

Work: linear in the texts. Every `STEP`-th window of a source is kept, so that a source takes about a dozen bytes a character,
up to `MOST` characters of all; every window of the other text is looked up. All pieces of a call are looked up in one pass
over the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick

from guardrails import cancellation
from guardrails.detectors.encodings.extractors import extract
from guardrails.text import fold_text, replace_surrogates
from guardrails.text.escapes import decode_escapes
from guardrails.text.matching import linear_patterns as re2

LEAST: Final = 24
STEP: Final = 8
CERTAIN: Final = LEAST + STEP - 1
MOST: Final = 4_000_000
"""Letters and digits of sources, and of a text that is looked up: beyond that nobody can tell any more."""

SHORTEST_PIECE: Final = 4
"""Letters and digits from which a text may be a piece of a run."""
LONGEST_PIECE: Final = 200
"""Characters of a text that may be such a piece, however they are spaced."""
FEW_PIECES: Final = 64
SEARCHED_AT_ONCE: Final = 100_000
"""Letters and digits of a source that are searched for pieces at once."""

MOST_SOURCES: Final = 256
MOST_STEPS: Final = 16
"""Folders of a link that are looked up: the link itself and those above it."""

Decoding = tuple[int, int, int]
"""How deep encodings are followed, how many payloads and how many characters."""

_ESCAPES: Final = re.compile(r'\\[nrtbf"\\/]')
_BETWEEN: Final = re.compile(r"[\W_]+")
_EMAIL: Final = re2.compile(r"[a-z0-9._%+\-]+@[a-z0-9\-]+(?:\.[a-z0-9\-]+)+")
_LINK: Final = re2.compile(r"(?:[a-z][a-z0-9+.\-]*://|www\.)[^\s\"'<>\\)\]}|^`]+")
_PLACE: Final = re2.compile(r"[a-z0-9\-]+(?:\.[a-z0-9\-]+)+(?::[0-9]+)?(?:[/?#][^\s\"'<>\\)\]}|^`]*)?")
_NUMBER: Final = re2.compile(r"[0-9]{6,}|[0-9](?:[ .,()/\-]{0,2}[0-9]){5,}")
_DIGITS: Final = re2.compile(r"[0-9]{6,}")
_TOKEN: Final = re2.compile(r"[a-z0-9][a-z0-9_\-]{6,}[a-z0-9]")
_DATE: Final = re.compile(r"(?:19|20)[0-9]{2}[ ./-]?(?:0[1-9]|1[0-2])[ ./-]?(?:0[1-9]|[12][0-9]|3[01])")
DIGITS_OF_TOKEN: Final = 4


def readings(text: str, decoding: Decoding) -> Iterator[str]:
    """Yield a text without case and disguises, and what stands encoded in it likewise."""
    for each in (text, *(derived.text for derived in extract(text, *decoding).derived)):
        plain = replace_surrogates(each)
        shown = decode_escapes(plain)
        yield fold_text(_ESCAPES.sub(" ", plain if shown is None else shown.text)).text


def letters(reading: str) -> str:
    """Return the letters and digits of a text."""
    return _BETWEEN.sub("", reading)


def values(reading: str, *, source: bool) -> Iterator[str]:
    """Yield the whole values in a text, each in one form; a link of a text that is no `source` also as what stands above it."""
    for found in _EMAIL.finditer(reading):
        yield f"@{found[0]}"
    for found in (_LINK if source else _PLACE).finditer(reading):
        yield from _link(found[0], above=not source)
    for found in _NUMBER.finditer(reading):
        if not _DATE.match(found[0]):
            yield f"#{''.join(filter(str.isdigit, found[0]))}"
            yield from (f"#{run[0]}" for run in _DIGITS.finditer(found[0]))
    for found in _TOKEN.finditer(reading):
        word = found[0]
        digits = sum(map(str.isdigit, word))
        if digits >= DIGITS_OF_TOKEN and not word.isdigit() and not _DATE.match(word):
            yield f"={word}"


def _link(link: str, *, above: bool) -> Iterator[str]:
    """Yield a link without what does not change where it leads, whole and without what is asked there."""
    bare = link.split("://", 1)[-1].removeprefix("www.").rstrip(".,;:!?")
    place = re.split(r"[?#]", bare, maxsplit=1)[0].rstrip("/")
    for form in dict.fromkeys((bare.rstrip("/"), place)):
        yield f"/{form}"
    for _ in range(MOST_STEPS if above else 0):
        place, slash, _rest = place.rpartition("/")
        if not slash:
            break
        yield f"/{place}"


def has_chain(pieces: Sequence[str], run: str) -> bool:
    """Tell whether pieces stand one behind the other in a run, at least two of them, of `LEAST` letters and digits together; of
    many pieces, some of which do so by chance, `CERTAIN`.
    """
    least = LEAST if len(pieces) <= FEW_PIECES else CERTAIN
    automaton = AhoCorasick(pieces)
    longest: dict[int, int] = {}  # by where they end, what stands in a row there
    for begin in range(0, len(run), SEARCHED_AT_ONCE):
        cancellation.check()
        part = run[begin : begin + SEARCHED_AT_ONCE + CERTAIN]
        ends: dict[int, int] = {}
        # In the order in which they end, so that what stands before a piece is known.
        for _, start, end in automaton.find_matches_as_indexes(part, overlapping=True):
            before = longest.get(begin + start, ends.get(begin + start, 0))
            length = end - start + before
            if before and length >= least:
                return True
            ends[begin + end] = max(ends.get(begin + end, 0), length)
        longest = {end: length for end, length in ends.items() if end > begin + SEARCHED_AT_ONCE - CERTAIN}
    return False


class TaintTraces:
    """What sources hold.

    Attributes:
        work: how many windows and values were kept or looked up by now.
    """

    def __init__(self, decoding: Decoding) -> None:
        self._decoding = decoding
        self._held: dict[int, tuple[int, ...]] = {}
        self._sources: dict[str, int] = {}
        self._runs: list[tuple[str, list[int]]] = []
        self._characters = 0
        self.work = 0

    @property
    def is_full(self) -> bool:
        """Whether there was more than can be kept."""
        return self._characters > MOST or len(self._sources) > MOST_SOURCES

    def add(self, text: str, sources: Iterable[str]) -> None:
        """Keep what a text holds, which came from one of these sources."""
        names = [self._sources.setdefault(name, len(self._sources)) for name in sources]
        for reading in readings(text, self._decoding):
            run = letters(reading)
            self._characters += len(run)
            if self.is_full:
                return
            self._runs.append((run, names))
            for at in (*range(0, len(run) - LEAST, STEP), len(run) - LEAST):
                if at >= 0:
                    self._keep(run[at : at + LEAST], names)
            for value in values(reading, source=True):
                self._keep(value, names)

    def _keep(self, key: str, names: list[int]) -> None:
        self.work += 1
        known = self._held.get(hash(key), ())
        new = tuple(name for name in names if name not in known)
        if new:
            self._held[hash(key)] = known + new

    def found(self, texts: Iterable[str], values_alone: Iterable[str] = ()) -> list[str] | None:
        """Return the sources that texts hold something of; None where nobody can tell.

        Args:
            texts: what a call says, each read by itself, one behind the other, and as pieces in any order.
            values_alone: those of the texts that are no keys, read one behind the other.
        """
        if self.is_full:
            return None
        found: set[int] = set()
        several = [*texts]
        joined = dict.fromkeys((" ".join(several), " ".join(values_alone))) if len(several) > 1 else ()
        for text in (*several, *joined):
            for reading in readings(text, self._decoding):
                run = letters(reading)
                if len(run) > MOST:
                    return None
                for at in range(len(run) - LEAST + 1):
                    self._look(run[at : at + LEAST], found)
                for value in values(reading, source=False):
                    self._look(value, found)
        self._look_for_pieces(several, found)
        return [name for name, number in self._sources.items() if number in found]

    def _look_for_pieces(self, texts: Iterable[str], found: set[int]) -> None:
        """Add the sources in which some of the texts stand one behind the other."""
        shown = (
            letters(fold_text(replace_surrogates(text)).text) for text in texts if len(text) <= LONGEST_PIECE
        )
        pieces = [*dict.fromkeys(run for run in shown if SHORTEST_PIECE <= len(run) < CERTAIN)]
        for run, names in self._runs if len(pieces) > 1 else ():
            if not found.issuperset(names):
                self.work += len(run)
                if has_chain(pieces, run):
                    found.update(names)

    def _look(self, key: str, found: set[int]) -> None:
        self.work += 1
        known = self._held.get(hash(key))
        if known:
            found.update(known)
