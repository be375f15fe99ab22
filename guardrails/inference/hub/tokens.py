"""Tokenizes texts by a `tokenizer.json` into windows and rows with the special tokens that it asks for.

Where the special tokens stand, around one text and around two, is learnt from the tokenizer's own post-processor, so that a
row is what the model was trained on. A text that fits one window is cut into tokens as a whole, and so is each window
of a longer one, since tokenizers write a word in a sentence otherwise than at its head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.safety.windows import TokenRow, TokenWindow, WindowCutter

LONGEST_TOKEN: Final = 4
"""Characters for each token of a window up to which a text is tried as a whole first: most texts that are longer do not
fit. One that does all the same has the same tokens, by way of its passages."""

PROBES: Final = ("a", "1", ".", "the", "\u4f60")
"""Texts of which one at least is a token in any vocabulary."""

UNKNOWN: Final = ("[UNK]", "<unk>", "[unk]", "<UNK>")
"""What a vocabulary calls the token of what it does not know."""

Part = tuple[int | None, int, int]
"""A special token (or None: a text stands here), the text's number, and the type of both."""


class ModelTokenizer(WindowCutter):
    """A tokenizer and the form of its rows; safe to share by threads.

    `pad` fills rows of a batch; `types` says whether the model tells two texts apart by types.

    Raises `ModelError` when it is none.
    """

    def __init__(self, data: bytes, *, pad: int = 0, types: bool = True) -> None:
        super().__init__(data)
        self.pad = pad
        self._types = types
        self._unknown = next((at for at in map(self._tokenizer.token_to_id, UNKNOWN) if at is not None), None)
        added = self._tokenizer.get_added_tokens_decoder()
        self._special = frozenset(at for at, token in added.items() if token.special) - {self._unknown}
        self._single = self._form(1)
        self._double = self._form(2)

    @property
    def single(self) -> int:
        """How many special tokens stand around one text."""
        return sum(mark is not None for mark, _, _ in self._single)

    @property
    def double(self) -> int:
        """How many stand around and between two."""
        return sum(mark is not None for mark, _, _ in self._double)

    def _form(self, texts: int) -> tuple[Part, ...]:
        """Return what a row of one text, or of two, is made of."""
        for probe in PROBES:
            try:
                encoding = self._tokenizer.encode(probe, probe if texts == 2 else None)
            except Exception as error:
                raise ModelError(f"tokenizer.json: {first_line(error)}") from error
            whose = encoding.sequence_ids
            if {each for each in whose if each is not None} == {*range(texts)}:
                break
        else:
            raise ModelError("tokenizer.json makes no tokens of any text")
        parts: list[Part] = []
        for token, of, kind in zip(encoding.ids, whose, encoding.type_ids, strict=True):
            if of is None:
                parts.append((token, 0, kind))
            elif not parts or parts[-1][0] is not None or parts[-1][1] != of:
                parts.append((None, of, kind))
        return tuple(parts)

    def _plain(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Return tokens without special ones, unknown in their place: a vocabulary of SentencePiece has them as pieces."""
        if self._special.isdisjoint(ids):
            return ids
        stead = self._unknown if self._unknown is not None else self.pad
        return tuple(stead if each in self._special else each for each in ids)

    def row(self, ids: tuple[int, ...]) -> TokenRow:
        """Return the input for one text."""
        return self._fill_row(self._single, (ids,))

    def pair(self, first: tuple[int, ...], second: tuple[int, ...]) -> TokenRow:
        """Return the input for two texts, such as a premise and a hypothesis."""
        return self._fill_row(self._double, (first, second))

    def _fill_row(self, form: Sequence[Part], texts: Sequence[tuple[int, ...]]) -> TokenRow:
        ids: list[int] = []
        types: list[int] = []
        for mark, of, kind in form:
            part = texts[of] if mark is None else (mark,)
            ids += part
            types += [kind if self._types else 0] * len(part)
        return TokenRow(tuple(ids), tuple(types))

    def windows(self, text: str, room: int) -> Iterator[TokenWindow]:
        """Yield the windows of a text, in order, of at most `room` tokens; their spans touch, and cover the text."""
        if text and len(text) <= LONGEST_TOKEN * room:
            ids = self.ids(text)
            if len(ids) <= room:
                yield TokenWindow(0, len(text), ids)
                return
        for window in super().windows(text, room):
            own = self.ids(text[window.start : window.end])
            if len(own) > room:  # rare: passages alone made fewer
                yield window
                continue
            context = min(window.context, room - len(own))
            before = window.ids[window.context - context : window.context]
            yield TokenWindow(window.start, window.end, (*before, *own), context)
