"""CEL's messages in words for policy editors."""

from __future__ import annotations

import pytest

from guardrails.policy.cel import wording
from guardrails.policy.cel.cel import CelError, check, parse
from tests.cases import each_case

TYPES = {"hate": "double", "n": "int", "s": "string", "m": "map", "f": "dyn"}


@each_case(
    ("text", "message", "hint"),
    [
        (
            "hate >",
            "the condition ends where more must follow",
            "write a value after the last operator: hate >= 0.8",
        ),
        ("hate > 0.5 and n > 1", "unexpected 'and'", "write && for 'and'"),
        ("hate > 0.5 or n > 1", "unexpected 'or'", "write || for 'or'"),
        (
            "not hate > 0.5",
            "unexpected 'hate'",
            "write ! for 'not', with the condition in brackets: !(hate > 0.5)",
        ),
        ("hate = 0.5", "unexpected '='", "write == to compare"),
        ("hate > 0.5 & n > 1", "unexpected '&'", "write && for 'and'"),
        ("hate > 0.5 | n > 1", "unexpected '|'", "write || for 'or'"),
        ("hate > 85%", "the condition ends where more must follow", "write 0.85 for 85 %"),
        ("s == 'x", "a text in quotes does not end", "close the quote"),
        ("`hate` > 0.5", "unexpected '`hate`'", "write names of categories without quotes"),
        ("(hate > 0.5", "the condition lacks a ')' here", "close the bracket"),
        ("hate > 0.5)", "unexpected ')'", ""),
        ("hate > #", "unexpected '#'", ""),
        ("hate >\u00a00.5", "unexpected character that looks like a space", "write a plain space"),
        ("hate >\x1c 0.5", "unexpected character that looks like a space", "write a plain space"),
        (
            "s == “x”",
            "unexpected '“'",
            'write straight quotes, and only around texts: "staff"',
        ),
        ("(" * 90 + "hate" + ")" * 90, *wording.DEEP),
    ],
)
def test_syntax(text: str, message: str, hint: str) -> None:
    """Words of other languages and half-written conditions are named, with what to write instead."""
    with pytest.raises(CelError) as caught:
        parse(text)
    at, said = caught.value.problems[0]
    assert wording.explain_syntax_error(said, text[:at]) == (message, hint)


@each_case(
    ("text", "message", "hint"),
    [
        ("hate > s", "'>' cannot take a number such as a score and a text", "compare a score with a number, without quotes: hate >= 0.8"),
        ("n > 0.5", "'>' cannot take a whole number and a number such as a score", "write a whole number: count() and lengths have no fractions"),
        ("s == 5", "'==' cannot take a text and a whole number", "put both in quotes, or neither; categories stand without: hate > 0"),
        ("hate && n > 1", "'&&' cannot take a number such as a score and true or false", "compare each part: hate > 0.5"),
        ("!hate", "'!' cannot take a number such as a score", "compare each part: hate > 0.5"),
        ("m > 1", "'>' cannot take a mapping and a whole number", ""),
        ("[1] > 1", "'>' cannot take a list and a whole number", ""),
        ("max(hate, n) > 1", "'max' is not a function that conditions know", "join with ||: hate > 0.5 || toxic > 0.5"),
        ("f(hate) > 1", "'f' is not a function that conditions know", ""),
    ],
)  # fmt: skip
def test_types(text: str, message: str, hint: str) -> None:
    """Operators and types are named as people call them."""
    with pytest.raises(CelError) as caught:
        check(text, TYPES)
    assert wording.explain_type_error(caught.value.problems[0][1]) == (message, hint)


def test_a_message_that_nobody_foresaw_is_passed_on() -> None:
    """Other messages stay as they are, without the runtime's own place in them."""
    assert wording.explain_type_error("INVALID_ARGUMENT: ERROR: <input>:1:9: Odd thing") == ("Odd thing", "")
    assert wording.explain_syntax_error("Syntax error: odd thing", "") == ("odd thing", "")
