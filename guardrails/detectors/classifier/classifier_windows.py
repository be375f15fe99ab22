"""Cuts a text into the windows that a classifier judges, with their spans and what was left out.

The plain reading comes first, which of a structured text is what its values say (`value_reading.py`); of the readings in which
spelling tricks are undone only the windows that read otherwise. Windows past the limit and windows in a language that the model
was not validated on are unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from guardrails.cancellation import check
from guardrails.detectors.classifier.passages import past_windows
from guardrails.detectors.classifier.value_reading import ValueReading, read_values
from guardrails.detectors.language.foreign_text import has_foreign_script, is_foreign
from guardrails.inference.safety.model import SafetyModel
from guardrails.inference.safety.windows import BertTokenizer, TokenRow, TokenWindow
from guardrails.text import (
    TextView,
    deobfuscate_text,
    fold_text,
    normalize_scripts,
    normalize_text,
    replace_surrogates,
)
from guardrails.types import Unchecked

MIN_SCRIPT_LETTERS: Final = 6
"""Letters of scripts that no validated language uses by which a row of keys and short values is foreign, if most are: less is a
name."""

WINDOW_TOKENS: Final = 128
"""Tokens of sentences of a structured text that count as a window: a sentence fills a tenth of one. There may be as many windows
of them as of what is read in rows, so that no number of sentences leaves one unread."""

_PICTOGRAPHS: Final = re.compile(
    "[\u20e3\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f10f\U0001f18a-\U0001f1e5\U0001f200-\U0001faff]"
    "|(?<![\U0001f1e6-\U0001f1ff])[\U0001f1e6-\U0001f1ff]{2}(?![\U0001f1e6-\U0001f1ff])"
)
"""Emoji, arrows, flags and the like, but no letters in squares. What is invisible between them is left to the views."""

VIEWS: Final = {"folded": fold_text, "normalized": normalize_text, "scripts": normalize_scripts}
"""What models read of a text."""

FOREIGN_REASON: Final = "in a language that the model was not validated on"

Span = tuple[int, int]

Windows = Callable[[str], Iterator[TokenWindow]]
"""What cuts a reading of a text into the windows of a model."""


@dataclass(frozen=True, slots=True)
class ModelWindows:
    """The windows of all readings of a text: their `spans` in it, what each reads, its tokens, and what was left out."""

    spans: tuple[Span, ...]
    read: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]
    unchecked: tuple[Unchecked, ...]


@dataclass(frozen=True, slots=True)
class TierWindows:
    """The windows of a text: their `spans` in it, what the fast tier reads (`folded`) and what the encoder reads.

    `prompt` are the tokens of the prompt that the text replies to: none where it is not known, None where it is no reply.
    """

    spans: tuple[Span, ...]
    folded: tuple[str, ...]
    unchecked: tuple[Unchecked, ...]
    prompt: tuple[int, ...] | None
    _ids: tuple[tuple[int, ...], ...]
    _tokens: BertTokenizer

    def row(self, index: int) -> TokenRow:
        """Return the encoder's row of a window."""
        return self._tokens.row(self._ids[index])

    def pair(self, index: int) -> TokenRow:
        """Return the encoder's row of a window beside the prompt."""
        return self._tokens.pair(self.prompt or (), self._ids[index])


def cut_tier_windows(text: str, prompt: str | None, model: SafetyModel, most: int) -> TierWindows:
    """Cut a text into windows, at most `most` of all its readings together."""
    beside = None if prompt is None else cut_prompt(prompt, model)
    found = cut_model_windows(
        text,
        VIEWS[model.view],
        lambda read: model.windows(read, beside or ()),
        model.languages,
        most,
        blank=blank_signs,
    )
    return TierWindows(
        found.spans,
        tuple(fold_text(read).text for read in found.read),
        found.unchecked,
        beside,
        found.ids,
        model.tokens,
    )


def cut_prompt(prompt: str, model: SafetyModel) -> tuple[int, ...]:
    """Return the tokens of a prompt that are read beside its reply."""
    return model.prompt(VIEWS[model.view](blank_signs(replace_surrogates(prompt))).text)


def blank_signs(text: str) -> str:
    """Return a text of the same length with blanks for emoji and underscores. To the model's tokens one emoji is like any other,
    and it has met most of them in abuse, so that it would take a smile for that; and words in the spelling of programs
    (`how_do_i`) are none that it knows.
    """
    if not text.isascii():
        text = _PICTOGRAPHS.sub(lambda found: " " * len(found[0]), text)
    return text.replace("_", " ")


def cut_model_windows(
    text: str,
    viewed: Callable[[str], TextView],
    windows: Windows,
    languages: frozenset[str],
    most: int,
    undisguised: Callable[[str], str | None] = lambda _: None,
    blank: Callable[[str], str] = str,
) -> ModelWindows:
    """Cut a text, as the model views it, into windows, at most `most` of all its readings together.

    Args:
        text: the text.
        viewed: how the model reads texts.
        windows: what cuts a reading.
        languages: those that the model was validated on; none: all.
        most: windows of all readings together.
        undisguised: may give another reading of a plain window, which is then judged too.
        blank: blanks what the model does not read; the text stays as long as it is.
    """
    spans: list[Span] = []
    found: list[tuple[str, tuple[int, ...]]] = []
    foreign: list[Span] = []
    unchecked: list[Unchecked] = []
    rest, rest_alone = most, most * WINDOW_TOKENS
    for view, kind in read_values(text) or [ValueReading(TextView(text), "prose")]:
        plain = blank(replace_surrogates(view.text))
        for is_plain, own, read, ids in _readings(plain, viewed, windows, undisguised):
            span = own if view.identity else view.original(*own)
            if kind == "sentence":
                rest_alone -= len(ids)
            else:
                rest -= 1
            if rest < 0 or rest_alone < 0:
                unchecked.append(past_windows(most, (span[0], len(text))))
                break
            spans.append(span)
            found.append((read, ids))
            judged = plain[slice(*own)]  # a view has other letters
            if is_plain and _is_foreign_reading(judged, kind, languages):
                foreign.append(span)
        if unchecked:
            break
    unchecked += (Unchecked("language", FOREIGN_REASON, span=span) for span in merge_spans(sorted(foreign)))
    return ModelWindows(
        tuple(spans), tuple(read for read, _ in found), tuple(ids for _, ids in found), tuple(unchecked)
    )


def _is_foreign_reading(text: str, kind: str, languages: frozenset[str]) -> bool:
    """Tell whether a window is for certain in a language that is not validated; of a row of values only its script tells."""
    if kind == "row":
        return has_foreign_script(text, languages, MIN_SCRIPT_LETTERS)
    return is_foreign(text, languages)


def _readings(
    text: str, viewed: Callable[[str], TextView], windows: Windows, undisguised: Callable[[str], str | None]
) -> Iterator[tuple[bool, Span, str, tuple[int, ...]]]:
    """Yield the windows of all readings: whether it is the plain one, where in the text, what they read, the tokens."""
    for span, read, ids in _windows(viewed(text), len(text), windows):
        yield True, span, read, ids
        if other := undisguised(read):
            for window in windows(other):
                yield False, span, other[window.start : window.end], window.ids
    for span, read, ids in cut_disguised_windows(text, viewed, windows):
        yield False, span, read, ids


def cut_disguised_windows(
    text: str, viewed: Callable[[str], TextView], windows: Windows
) -> Iterator[tuple[Span, str, tuple[int, ...]]]:
    """Yield the windows of the readings in which spelling tricks are undone that read otherwise than the text: where in the
    text, what they read, and the tokens.
    """
    found: set[tuple[Span, str]] = set()  # what two readings say alike is one window
    for reading in deobfuscate_text(text):
        view = viewed(reading.text).over(reading)
        for span, read, ids in _windows(view, len(text), windows):
            if (span, read) not in found and viewed(text[slice(*span)]).text != read:
                found.add((span, read))
                yield span, read, ids


def _windows(view: TextView, length: int, windows: Windows) -> Iterator[tuple[Span, str, tuple[int, ...]]]:
    """Yield the windows of a view that hold anything: where in the text, which is `length` long, what they read, and the
    tokens.
    """
    end = 0
    for window in windows(view.text):
        check()
        start, until = view.original(window.start, window.end)
        # What is invisible between two windows belongs to the later one, so that spans leave nothing out.
        start, end = min(end, start), length if window.end == len(view.text) else until
        if window.ids:
            yield (start, end), view.text[window.start : window.end], window.ids


def merge_spans(spans: list[Span]) -> Iterator[Span]:
    """Yield spans, those that touch as one."""
    open_: Span | None = None
    for span in spans:
        if open_ is not None and span[0] <= open_[1]:
            open_ = (open_[0], span[1])
            continue
        if open_ is not None:
            yield open_
        open_ = span
    if open_ is not None:
        yield open_
