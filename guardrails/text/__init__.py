"""Views of a text, with every offset mapped back to the original; standard library and RE2 only.

TextView            a text as it is read, and the map from its spans to spans of the original
normalize_text      makes the view with case: invisible characters out, NFKC, look-alikes as ASCII
normalize_scripts   makes the view with case in which words of Greek and Cyrillic stand as they are written
fold_text           makes the view that terms are matched on: normalized, without case and accents
deobfuscate_text         makes the further readings in which spelling tricks are undone; none for almost every text
is_clean               tells at a glance that a text has no such readings
mark_obfuscations      makes the one view in which what disguises a text is marked, for terms (`marks`, `spelling`)
has_deeper_escapes  tells whether codes of codes are nested deeper than is decoded
settled_length      tells how much of a growing text has a view that can no longer change
is_word             tells whether a character belongs to a word, for word boundaries
replace_surrogates  makes a text that can be encoded, offsets kept
"""

from __future__ import annotations

from guardrails.text.characters.words import is_word, replace_surrogates
from guardrails.text.deobfuscation import (
    deobfuscate_text,
    has_deeper_escapes,
    is_clean,
    mark_obfuscations,
)
from guardrails.text.views import TextView, fold_text, normalize_scripts, normalize_text, settled_length

__all__ = [
    "TextView",
    "deobfuscate_text",
    "fold_text",
    "has_deeper_escapes",
    "is_clean",
    "is_word",
    "mark_obfuscations",
    "normalize_scripts",
    "normalize_text",
    "replace_surrogates",
    "settled_length",
]
