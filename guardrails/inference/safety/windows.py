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

    def _plain(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Return the tokens of a text with none that a text may not have; here the tokenizer itself sees to that."""
        return ids

    def windows(self, text: str, room: int) -> Iterator[TokenWindow]:
        """Yield the windows of a text, in order, of at most `room` tokens; their spans touch, and cover the text."""
        context = room // CONTEXT
        before: tuple[int, ...] = ()
        open_: list[int] = []
        start = end = 0
        for ids, until in self._units(text, room, room - context):
            if open_ and len(open_) + len(ids) > (room - context if before else room):
                yield _window(start, end, before, open_, room)
                before = (*before, *open_)[-context:]
                start, open_ = end, []
            open_ += ids
            end = until
        if end > start:
            yield _window(start, end, before, open_, room)

    def _units(self, text: str, room: int, part: int) -> Iterator[tuple[tuple[int, ...], int]]:
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


def _window(start: int, end: int, before: tuple[int, ...], ids: list[int], room: int) -> TokenWindow:
    """Return a window, with as much of the context as it has room for."""
    context = min(len(before), room - len(ids))
    return TokenWindow(start, end, (*before[len(before) - context :], *ids), context)
