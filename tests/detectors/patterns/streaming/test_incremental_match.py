"""Touch: an answer stands whatever follows, and where it may not stand there is none."""

from __future__ import annotations

import pytest
import regex
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from guardrails.detectors.patterns.streaming import incremental_match as module
from guardrails.detectors.patterns.streaming.incremental_match import NOTHING, OPEN, find_match_end
from guardrails.detectors.patterns.syntax_tree import UnsupportedPattern, parse_tree
from tests.cases import each_case, scale

ALPHABET = 'aab1- \n"\u00e9'


@each_case(
    ("pattern", "text", "expected"),
    [
        ('".*?"', '"abc" and', 5),
        ('".*"', '"abc" and', OPEN),
        ("ab|abcd", "abc", 2),
        ("abcd|ab", "abc", OPEN),
        ("abcd|ab", "abx", 2),
        ("(?:ab)+", "abab", OPEN),
        ("(?:ab)+", "ababx", 4),
        ("(?:a{1,2}?)+", "aa", OPEN),
        ("(?:ab)+?", "abab", 2),
        ("(?:ab){2}", "abab", 4),
        ("(?:ab){1,2}", "abab", 4),
        ("(?>a|ab)c", "abc", NOTHING),
        ("(?:a|ab)c", "abc", 3),
        ("a++a", "aaab", NOTHING),
        ("(?:ab)?+ab", "abx", NOTHING),
        ("a(?=b)", "ab", 1),
        ("a(?!b)", "ab", NOTHING),
        ("a(?!b)", "a", OPEN),
        (r"a\b", "a", OPEN),
        (r"a\b", "a-", 1),
        (r"a\b", "ab", NOTHING),
        (r"a\B", "ab", 1),
        ("a$", "a\n", OPEN),
        ("a$", "a\nb", NOTHING),
        ("(?m)a$", "a\n", 1),
        (r"a\Z", "a", OPEN),
        (r"a\Z", "ab", NOTHING),
        (r"(\w)\1", "aab", 2),
        (r"(\w)\1", "a", OPEN),
        (r"(\w)\1", "ab", NOTHING),
        (r"(?i)(\w)\1", "aAb", OPEN),
        ("(a)?b(?(1)c|d)", "abc", 3),
        ("(a)?b(?(1)c|d)", "bd", 2),
        ("(?!(a))b(?(1)c|d)", "bd", 2),
        ("(?:a?)*b", "aab", OPEN),
        (r"\Aab", "ab", 2),
        ("(?m)^ab", "ab", 2),
        ("(?!)a|ab", "ab", 2),
    ],
)
def test_what_is_known_from_the_beginning_on(pattern: str, text: str, expected: int) -> None:
    """One example for each construct: an end, nothing, or open."""
    assert find_match_end(parse_tree(pattern), text, 0, begins=True) == expected


def test_what_stands_in_front_counts() -> None:
    """Looking behind sees it, and a text that was cut has no beginning."""
    assert find_match_end(parse_tree("(?<=a)b"), "ab", 1, begins=True) == 2
    assert find_match_end(parse_tree("(?<!a)b"), "ab", 1, begins=True) == NOTHING
    assert find_match_end(parse_tree("(?<=aa)b"), "ab", 1, begins=True) == NOTHING
    assert find_match_end(parse_tree(r"\Ab"), "b", 0, begins=False) == NOTHING
    assert find_match_end(parse_tree(r"(?m)^b"), "\nb", 1, begins=False) == 2


def test_too_much_work_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps, and calls inside of calls, are bounded; a long repetition of one character is neither."""
    assert find_match_end(parse_tree("(?:a|a)+b"), "a" * 40 + "cc", 0, begins=True) == OPEN
    assert find_match_end(parse_tree("(?:ab)+c"), "ab" * 5000 + "dd", 0, begins=True) == OPEN
    assert find_match_end(parse_tree("-[^-]*?-"), f"-{'a' * 10_000}-x", 0, begins=True) == 10_002
    monkeypatch.setattr(module, "STEPS", 50)
    assert find_match_end(parse_tree("-[^-]*?-"), f"-{'a' * 100}-x", 0, begins=True) == OPEN


@given(data=st.data(), text=st.text(ALPHABET, min_size=1, max_size=8), more=st.text(ALPHABET, max_size=4))
@example(data=None, text="abab", more="ab")
@settings(max_examples=scale(2000))
def test_an_answer_is_that_of_the_engine_whatever_follows(
    data: st.DataObject | None, text: str, more: str, request: pytest.FixtureRequest
) -> None:
    """An end or nothing is what `regex` finds at that place, in the text as it is and in any longer one."""
    pattern = "(?:ab)+|a" if data is None else data.draw(request.getfixturevalue("pattern"))
    try:
        engine, tree = regex.compile(pattern), parse_tree(pattern)
    except (regex.error, UnsupportedPattern):
        assume(False)
    for at in range(len(text)):
        answer = find_match_end(tree, text, at, begins=True)
        for longer in (text, text + more):
            match = engine.match(longer, at)
            assert answer in (OPEN, NOTHING if match is None else match.end()), (pattern, at)
