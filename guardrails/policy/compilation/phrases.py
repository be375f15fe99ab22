"""Phrases of exceptions, and where they stand in a text: folded alike, as whole words, any white space a space.

An exception is read plainly: unlike terms of a list, its phrases are not looked for in disguise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guardrails.detectors.terms.term_matcher import close_gaps, form, join_words, needs_boundary
from guardrails.text import fold_text, replace_surrogates

NEAR = 80
"""Characters before and behind a finding within which a phrase is near it."""

Stretch = tuple[int, int]


class Phrases:
    """Some phrases; equal where they are compared alike. `longest` is the length of the longest as it is written."""

    def __init__(self, texts: Iterable[str]) -> None:
        written = [*texts]
        plain = [each for text in written if (each := form(text, fold=True))]
        self.forms = frozenset((*plain, *(joined for each in plain for joined in join_words(each))))
        self.longest = max(map(len, written), default=0)

    def __le__(self, other: Phrases) -> bool:
        return self.forms <= other.forms

    def is_one(self, text: str) -> bool:
        """Tell whether a text is one of the phrases."""
        return form(text, fold=True) in self.forms

    def find(self, text: str) -> list[Stretch]:
        """Return where the phrases stand in a text, in order; stretches may overlap."""
        view = close_gaps(fold_text(replace_surrogates(text)))
        return sorted(
            view.original(*each) for phrase in self.forms for each in _find_words(view.text, phrase)
        )

    def find_around(self, text: str, span: Stretch, reach: int) -> Iterator[Stretch]:
        """Yield where the phrases stand in a text, no further than `reach` characters from a stretch of it: a function of what
        stands there alone, however much of the text is known.
        """
        # One character more on each side tells whether a word ends there.
        low, high = max(0, span[0] - reach - 1), span[1] + reach + 1
        for start, end in ((low + start, low + end) for start, end in self.find(text[low:high])):
            if span[0] - reach <= start and end <= span[1] + reach:
                yield start, end


def _find_words(hay: str, phrase: str) -> Iterator[Stretch]:
    left, right = needs_boundary(phrase[0]), needs_boundary(phrase[-1])
    start = hay.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        begins = not left or start == 0 or not needs_boundary(hay[start - 1])
        if begins and (not right or end == len(hay) or not needs_boundary(hay[end])):
            yield start, end
        start = hay.find(phrase, start + 1)


def leave_out(text: str, stretches: Iterable[Stretch]) -> str:
    """Return a text without some stretches of it, in the place of each a space."""
    parts: list[str] = []
    at = 0
    for start, end in sorted(stretches):
        parts.append(text[at : max(at, start)])
        at = max(at, end)
    parts.append(text[at:])
    return " ".join(part for part in parts if part)
