"""How words of context are spelled in prose, and in the names that programs give."""

from __future__ import annotations

import re2

from guardrails.detectors.patterns.context_words import context_pattern
from tests.cases import each_case

WORDS = ("ssn", "passport number", "\u7535\u8bdd")


@each_case(
    ("text", "found"),
    [
        ("my SSN is", True),
        ("user_ssn=", True),
        ("customerSSN: ", True),
        ("SSNField", True),
        ("lessns", False),
        ("passport-number", True),
        ("user.passportNumber", True),
        ("passport  number", False),
        ("passportnumbers", False),
        ("\u6211\u7684\u7535\u8bdd\u662f", True),
    ],
)
def test_a_word_is_found_whole_and_in_names(text: str, found: bool) -> None:
    """In any case, with any one sign between its parts, in camel case; a script without spaces may touch its neighbours."""
    assert (re2.search(context_pattern(WORDS), text) is not None) is found
