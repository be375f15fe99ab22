"""Views of a text, with every offset mapped back to the original; standard library and RE2 only.

TextView            a text as it is read, and the map from its spans to spans of the original
normalize_text      makes the view with case: invisible characters out, NFKC, look-alikes as ASCII
fold_text           makes the view that terms are matched on: normalized, without case and accents
undo_tricks         makes the further readings in which spelling tricks are undone; none for almost every text
mark_disguises      makes the one view in which what disguises a text is marked, for terms (`marks`, `spelling`)
settled_length      tells how much of a growing text has a view that can no longer change
is_word             tells whether a character belongs to a word, for word boundaries
replace_surrogates  makes a text that can be encoded, offsets kept
"""

from __future__ import annotations

from guardrails.text.readings import mark_disguises, undo_tricks
from guardrails.text.views import TextView, fold_text, normalize_text, settled_length
from guardrails.text.words import is_word, replace_surrogates

__all__ = [
    "TextView",
    "fold_text",
    "is_word",
    "mark_disguises",
    "normalize_text",
    "replace_surrogates",
    "settled_length",
    "undo_tricks",
]
