"""Cuts a text into windows of a model's tokens that cover all of it, each with its span in the text.

A window takes passages for as long as they fit, and some of the tokens before them as context, which its span leaves
out: what stands on both sides of a border is read together once. All windows but the last are the same whatever passages
follow, because each is cut into tokens by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from tokenizers import Tokenizer

from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.safety.passages import split_passages

CONTEXT: Final = 4
"""A window begins with a quarter of its room of what stands before it."""

REMEMBERED: Final = 2_048
"""Passages whose tokens are kept: a conversation that comes again is the same ones, but for its last turn."""

MARKS: Final = ("[PAD]", "[CLS]", "[SEP]")
"""The special tokens that rows are made with."""


@dataclass(frozen=True, slots=True)
class TokenWindow:
    """Text `start` to `end` as the model reads it: `ids` are its tokens, without special ones; the first `context` of them
    stand before it.
    """

    start: int
    end: int
    ids: tuple[int, ...]
    context: int = 0


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One input of an encoder: tokens, and which of two texts each belongs to."""

    ids: tuple[int, ...]
    types: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextPieces:
    """The tokens of a text, without special ones, and where each stands in its characters."""

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


def load_tokenizer(data: bytes) -> Tokenizer:
    """Return the tokenizer of a `tokenizer.json`; raises `ModelError`."""
    try:
        return Tokenizer.from_buffer(data)
    except Exception as error:
        raise ModelError(f"tokenizer.json: {first_line(error)}") from error


def _encode(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    """Return the tokens of a text; it must be encodable as UTF-8."""
    return tuple(tokenizer.encode(text, add_special_tokens=False).ids)


class WindowCutter:
    """A tokenizer without any special tokens: those that stand in a text are text. Safe to share by threads.

    Raises `ModelError` when it is none.
    """

    def __init__(self, data: bytes) -> None:
        self._tokenizer = load_tokenizer(data)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._tokenizer.encode_special_tokens = True
        self._encode_passage = lru_cache(REMEMBERED)(partial(_encode, self._tokenizer))

    def ids(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a text; it must be encodable as UTF-8."""
        return self._plain(_encode(self._tokenizer, text))

    def pieces(self, text: str) -> TextPieces:
        """Return the tokens of a text with their places; it must be encodable as UTF-8."""
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return TextPieces(tuple(found.ids), tuple(found.offsets))

    def _plain(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Return the tokens of a text with none that a text may not have; here the tokenizer itself sees to that."""
        return ids

    def windows(self, text: str, room: int) -> Iterator[TokenWindow]:
        """Yield the windows of a text, in order, of at most `room` tokens; their spans touch, and cover the text."""
        growing = GrowingWindows(self, room)
        yield from growing.add(text)
        if (last := growing.last) is not None:
            yield last

    def units(self, text: str, room: int, part: int) -> Iterator[tuple[tuple[int, ...], int]]:
        """Yield what windows are made of, tokens and where in the text they end: passages, and parts of such as do not
        fit.
        """
        for start, end in split_passages(text):
            ids = self._plain(self._encode_passage(text[start:end]))
            if len(ids) <= room:
                yield ids, end
                continue
            offsets = self._tokenizer.encode(text[start:end], add_special_tokens=False).offsets
            for at in range(0, len(ids), part):
                last = at + part >= len(ids)
                yield ids[at : at + part], end if last else start + offsets[at + part][0]


class GrowingWindows:
    """The windows of a text that grows by whole passages: those that are full, which no later text changes, and the last one.

    Args:
        tokens: cuts passages into tokens.
        room: of a window, in tokens; also an attribute.

    Attributes:
        end: how much of the text there is.
        full: how many windows are full.
        tokens: how many tokens the text has.
    """

    def __init__(self, tokens: WindowCutter, room: int) -> None:
        self._cutter, self.room, self._context = tokens, room, room // CONTEXT
        self._before: tuple[int, ...] = ()
        self._ids: tuple[int, ...] = ()
        self._start = self.end = self.full = self.tokens = 0

    def add(self, text: str) -> Iterator[TokenWindow]:
        """Take passages that follow; yields the windows that they fill."""
        begin = self.end
        for ids, until in self._cutter.units(text, self.room, self.room - self._context):
            room = self.room - self._context if self._before else self.room
            if self._ids and len(self._ids) + len(ids) > room:
                yield self._window()
                self._before = (*self._before, *self._ids)[-self._context :]
                self._start, self._ids = self.end, ()
                self.full += 1
            self._ids = (*self._ids, *ids)
            self.end = begin + until
            self.tokens += len(ids)

    @property
    def last(self) -> TokenWindow | None:
        """The window that is not full yet; None where nothing is in it."""
        return self._window() if self.end > self._start else None

    def size_with(self, more: int) -> int:
        """Return the tokens that are read when so many follow: those of the last window, and where that is full those of the next
        one, with its context.
        """
        size = len(self._before) + len(self._ids) + more
        return size if size <= self.room else size + self._context

    def _window(self) -> TokenWindow:
        """Return the last window, with as much of the context as it has room for."""
        context = min(len(self._before), self.room - len(self._ids))
        ids = (*self._before[len(self._before) - context :], *self._ids)
        return TokenWindow(self._start, self.end, ids, context)


class BertTokenizer(WindowCutter):
    """A tokenizer with the marks of BERT, and rows between them.

    Raises `ModelError` when it is none, or has not these marks.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.pad, self._begin, self._end = map(self._mark, MARKS)

    def _mark(self, mark: str) -> int:
        found = self._tokenizer.token_to_id(mark)
        if found is None:
            raise ModelError(f"tokenizer.json has no {mark}")
        return found

    def row(self, ids: tuple[int, ...]) -> TokenRow:
        """Return the input for one text."""
        return TokenRow((self._begin, *ids, self._end), (0,) * (len(ids) + 2))

    def pair(self, first: tuple[int, ...], second: tuple[int, ...]) -> TokenRow:
        """Return the input for two texts, the second of which is judged."""
        ids = (self._begin, *first, self._end, *second, self._end)
        return TokenRow(ids, (0,) * (len(first) + 2) + (1,) * (len(second) + 1))
