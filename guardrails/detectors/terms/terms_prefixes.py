"""Finds the first place of a text from which on it may be the beginning of a term.

A sorted list of the forms and a bisection for each place tell it, in the memory that the forms take anyway; plain text
needs one or two of them. Where a text is marked (`text.marks`), its skeleton is compared with the terms' skeletons.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final

from guardrails.text.spelling import is_marked, last_mark, term_skeleton

BEGUN: Final = 16
"""Characters in disguise that are enough to tell most texts from the beginning of a term."""


class TermPrefixes:
    """The beginnings of some terms.

    Args:
        forms: the terms as they are compared.
        waits: for each whether it takes the character behind to know that it is one: where its end is the end of a word.
        disguised: whether marked text is compared too.
    """

    def __init__(self, forms: Sequence[str], waits: Sequence[bool], *, disguised: bool) -> None:
        order = sorted(range(len(forms)), key=forms.__getitem__)
        self._forms = [forms[at] for at in order]
        self._waits = [waits[at] for at in order]
        self._skeletons = sorted({term_skeleton(form) for form in forms}) if disguised else []
        self._longest = max(map(len, forms), default=0)

    def may_begin(self, text: str) -> bool:
        """Say whether a text is the beginning of a term, or one that is not known to be whole."""
        if self._skeletons and is_marked(text):
            return self.may_be_disguised(text)
        if len(text) > self._longest:
            return False
        at = bisect_left(self._forms, text)
        while at < len(self._forms) and self._forms[at] == text:
            if self._waits[at]:
                return True
            at += 1
        return at < len(self._forms) and self._forms[at].startswith(text)

    def may_be_disguised(self, text: str) -> bool:
        """Say whether a folded or marked text may be the beginning of a term in disguise, or all of it."""
        letters = term_skeleton(text)
        at = bisect_left(self._skeletons, letters)
        return at < len(self._skeletons) and self._skeletons[at].startswith(letters)

    def open_from(self, text: str, first: int, stands: Callable[[int], bool]) -> int:
        """Return the first place from `first` on, of those at which a term may stand, from which on the text may begin one; its
        end if there is none. Linear in the text.
        """
        marks = last_mark(text) if self._skeletons else 0
        # Behind the last mark nothing is disguised, so that no term goes on over more than its own length.
        for at in range(first if first < marks else max(first, len(text) - self._longest), len(text)):
            begun = text[at : at + BEGUN]
            far = len(text) - at > self._longest
            if at < marks and not self.may_be_disguised(begun) and (far or is_marked(text[at:])):
                continue
            if stands(at) and self.may_begin(text[at:]):
                return at
        return len(text)
