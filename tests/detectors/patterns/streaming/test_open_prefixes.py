"""Open prefixes: a text is one as long as what follows may matter, and no longer than that where this can be told."""

from __future__ import annotations

import pytest
import regex
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from guardrails.detectors.patterns.streaming import open_prefixes
from guardrails.detectors.patterns.streaming.open_prefixes import compile_re2, find_open_prefixes
from guardrails.detectors.patterns.table import PROBES
from guardrails.detectors.pii import entities
from guardrails.detectors.secrets import secrets_detector
from tests.cases import each_case, scale

ALPHABET = 'aab1- \n"\u00e9'


def is_open(form: str, text: str, at: int = 0) -> bool:
    """Say whether the rest of a text from a place on is an open prefix, seen with the character in front."""
    engine = compile_re2(rf"(?s)\A.{{{at}}}(?:{form})\z")
    return engine is not None and engine.search(text) is not None


@each_case(
    ("pattern", "text", "expected"),
    [
        (r"\d{4}", "123", True),
        (r"\d{4}", "1234", False),
        (r"(?a)\d{4}\b", "1234", True),
        (r"(?a)\d{4}\b", "12345", False),
        (r"\d+", "12", True),
        ("a{2,3}", "aa", True),
        ("a{2,3}", "aaa", False),
        ("foo(?!bar)", "foob", True),
        ("foo(?!bar)", "foox", False),
        ("foo$", "foo", True),
        ("foo$", "foo\n", True),
        ("foo$", "foo\na", False),
        (r"foo\Z", "foo", True),
        ("(?m)foo$", "foo", True),
        ("(?m)foo$", "foo\n", False),
        ("abcd|ab", "abc", True),
        ("ab|abcd", "abc", True),
        (r"(a|b)\1", "a", True),
        (r"(a|b)\1", "aa", False),
        ('"[^"]*"', '"abc', True),
        ('"[^"]*"', '"abc"', False),
        ('".*?"', '"abc" and', True),
        ("(?<=x)ab", "a", True),
        ("(?i)kelvin", "\u212a", True),
        ("(?:ab){2}c", "abab", True),
    ],
)
def test_what_is_open(pattern: str, text: str, expected: bool) -> None:
    """One example for each way to look at the end of a text."""
    found = find_open_prefixes(pattern)
    assert is_open(found.exact, text) is expected
    assert is_open(found.loose, text) or not expected


@each_case(
    ("pattern", "kind", "endless"),
    [
        (r"(?a)\b\d{4}\b", "static", False),
        (r"[ab]{2,30}", "static", False),
        ("a+b", "static", True),
        (r"\bab", "refined", False),
        ("(?<=a)b(?=c)", "refined", False),
        (r"(a)\1", "refined", False),
        ("(?>a+)b", "refined", True),
        ("(a)?b(?(1)c|d)", "refined", False),
        (r"\p{L}b", "whole", False),
        (r"\Gb", "whole", False),
        (r"(?<=\b)b", "whole", False),
        (r"(a\1?)b", "whole", False),
    ],
)
def test_each_pattern_has_its_class(pattern: str, kind: str, endless: bool) -> None:
    """Static, refined, or held whole with a reason; what may be of any length says so."""
    found = find_open_prefixes(pattern)
    assert (found.kind, found.endless) == (kind, endless)
    assert bool(found.reason) == (kind == "whole" or endless)
    assert bool(found.exact) == (kind != "whole")


def test_what_is_too_large_is_held_longer_or_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern whose counted open prefixes RE2 refuses has the loose ones, and if it refuses these none at all."""
    pattern = "(?:[ab]{9}[bc]{8}){7}"
    monkeypatch.setattr(open_prefixes, "MEMORY", 2_000)
    counted = find_open_prefixes(pattern)
    assert (counted.kind, counted.exact == counted.loose) == ("static", True)
    monkeypatch.setattr(open_prefixes, "MEMORY", 300)
    large = find_open_prefixes(pattern)
    assert (large.kind, large.reason) == ("whole", "larger than RE2 takes")


@each_case("row", [*entities.TABLE, *secrets_detector.TABLE], ids=lambda row: row.category)
def test_every_shipped_row_streams(row: object) -> None:
    """No row of the tables of personal data and credentials is held to the end."""
    assert find_open_prefixes(row.pattern).kind != "whole"  # type: ignore[attr-defined]


@given(data=st.data(), text=st.text(ALPHABET, max_size=7), more=st.text(ALPHABET, max_size=4))
@settings(max_examples=scale(1500))
def test_what_is_not_open_cannot_change(
    data: st.DataObject, text: str, more: str, request: pytest.FixtureRequest
) -> None:
    """Where the outcome at a place depends on what follows, the rest of the text is an open prefix, in both forms."""
    pattern = data.draw(request.getfixturevalue("pattern"))
    try:
        engine = regex.compile(pattern)
    except regex.error:
        assume(False)
    found = find_open_prefixes(pattern)
    assume(
        found.kind != "whole"
        and not any(match.end() == match.start() for probe in PROBES for match in engine.finditer(probe))
    )
    for at in range(len(text) + 1):
        now, then = engine.match(text, at), engine.match(text + more, at)
        if (now and now.span()) != (then and then.span()):
            assert is_open(found.exact, text, at), (pattern, at)
            assert is_open(found.loose, text, at), (pattern, at)
