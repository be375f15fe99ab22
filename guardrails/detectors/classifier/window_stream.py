"""Judges a text that grows in the windows in which the whole text would be judged.

What was judged before is not judged again: a window that is full stays as it is whatever follows, and the last window is read
again only with what it has become. The check of the whole text then finds the model's answers for all windows remembered.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from guardrails.detectors.classifier.classifier_windows import (
    FOREIGN_REASON,
    VIEWS,
    TierWindows,
    blank_signs,
    cut_disguised_windows,
    cut_prompt,
)
from guardrails.detectors.language.foreign_text import is_foreign
from guardrails.inference.safety.model import SafetyModel
from guardrails.text import fold_text, replace_surrogates
from guardrails.types import CLEAN, Content, Detection, Text, Unchecked

DISGUISE_CONTEXT: Final = 120
"""Characters before the last window in which a disguise that goes on in it may begin."""

TOKENS_READ: Final = 1.8
"""Tokens that the encoder may read for each of a text, before more of it is judged at a time: with as many the half of all
characters of prose wait behind fewer than 60 others; 1.4 make that 100, and to judge each sentence by itself takes 3."""

TOKENS_AT_FIRST: Final = 64
"""Tokens that it may read besides, so that a text begins to be shown at once."""

CHARACTERS_OF_TOKEN: Final = 4
"""About as many characters of prose are a token."""

LONGEST_WAIT: Final = 320
"""Characters that are judged whatever that costs."""

Found = tuple[tuple[int, int], str, tuple[int, ...]]
"""A window: where in what follows it stands, what it reads, its tokens."""


class WindowStream:
    """One growing text, as a detector of what follows in it.

    A full-width mark that ends a sentence does so in the text and not in what a model reads of it: behind one, windows may be
    cut otherwise than those of the whole, which costs their being judged twice.

    Args:
        model: of the windows.
        prompt: that the text replies to; "" where it is not known, None where it is no reply.
        most: windows up to which a text is judged.
        judge: tells what the model says of windows, and how many tokens its encoder is asked for.
    """

    def __init__(
        self,
        model: SafetyModel,
        prompt: str | None,
        most: int,
        judge: Callable[[TierWindows], tuple[Detection, int]],
    ) -> None:
        self._model, self._judge, self._most = model, judge, most
        self._prompt = None if prompt is None else cut_prompt(prompt, model)
        self._growing = model.growing_windows(self._prompt or ())
        self._text = self._view = ""
        """What there is since some time before the last window began, and what the model reads of it from there on."""
        self._start = 0
        """Where in that text the last window begins."""
        self._tokens_read = 0

    def fork(self) -> WindowStream:
        """Return a stream that goes on from here apart from this one, so that a judgement which fails changes nothing."""
        other = copy.copy(self)
        other._growing = copy.copy(self._growing)
        return other

    def is_due(self, characters: int, *, busy: bool) -> bool:
        """Tell whether so much that follows is to be judged now: the last window is read again for it.

        What the fast tier settles costs nothing, so that each passage of such a text is due; where the encoder is asked, there
        must be enough new text for what it reads again. Where others wait, it is read as seldom as can be.
        """
        if characters >= LONGEST_WAIT or busy:
            return characters >= LONGEST_WAIT
        new = characters // CHARACTERS_OF_TOKEN
        room = TOKENS_READ * (self._growing.tokens + new) + TOKENS_AT_FIRST - self._tokens_read
        return self._growing.size_with(new) <= room

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge passages that follow, each content as one; spans are those in it."""
        return [self._follow(content.text) if isinstance(content, Text) else CLEAN for content in batch]

    def _follow(self, text: str) -> Detection:
        safe = blank_signs(replace_surrogates(text))
        unchecked: list[Unchecked] = []
        found: list[Found] = []
        before, self._text = len(self._text), self._text + safe
        full = self._growing.full
        for at, start, end, read, ids in self._windows(safe, before):
            span = (max(0, start - before), end - before)
            if full + at >= self._most:
                unchecked.append(Unchecked("limit", "text past the policy's limits.windows", span=span))
                break
            found.append((span, read, ids))
            if is_foreign(self._text[start:end], self._model.languages):
                unchecked.append(Unchecked("language", FOREIGN_REASON, span=span))
        found += self._disguised(before)
        self._forget()
        if not found:
            return Detection(unchecked=tuple(unchecked)) if unchecked else CLEAN
        spans, reads, ids_of = zip(*found, strict=True)
        folded = tuple(fold_text(read).text for read in reads)
        windows = TierWindows(spans, folded, tuple(unchecked), self._prompt, ids_of, self._model.tokens)
        detection, tokens = self._judge(windows)
        self._tokens_read += tokens
        return detection

    def _windows(self, safe: str, before: int) -> Iterator[tuple[int, int, int, str, tuple[int, ...]]]:
        """Yield the windows that are new, or read otherwise, with what follows: which of those that were not full yet, where in
        the text they begin and end, what they read, and their tokens.
        """
        view = VIEWS[self._model.view](safe)
        known = self._growing.end
        base = known - len(self._view)
        self._view += view.text
        windows = [*self._growing.add(view.text)]
        if (last := self._growing.last) is not None:
            windows.append(last)
        for at, window in enumerate(windows):
            start, end = self._start, before
            if window.end > known:
                until = window.end - known
                end = len(self._text) if until == len(view.text) else before + view.original(0, until)[1]
                if window.ids:
                    yield at, start, end, self._view[window.start - base : window.end - base], window.ids
            if window is not last:
                self._start = end
        self._view = "" if last is None else self._view[last.start - base :]

    def _disguised(self, before: int) -> Iterator[Found]:
        """Yield the windows of what follows, with some of what stands before it, in which spelling tricks are undone."""
        for (start, end), read, ids in cut_disguised_windows(
            self._text,
            VIEWS[self._model.view],
            lambda text: self._model.windows(text, self._prompt or ()),
        ):
            if end > before:
                yield (max(0, start - before), end - before), read, ids

    def _forget(self) -> None:
        """Keep the last window of the text, and what stands before it as far as a disguise reaches."""
        gone = max(0, self._start - DISGUISE_CONTEXT)
        self._text, self._start = self._text[gone:], self._start - gone
