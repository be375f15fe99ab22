"""Spellings: a term's pattern finds its disguises in marked text, and its skeleton is theirs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.text import fold_text, mark_obfuscations
from guardrails.text.marks import CODES, JOINT, REPEAT, REST
from guardrails.text.spelling import (
    is_marked,
    marked_windows,
    skeleton_places,
    spelling_pattern,
    term_skeleton,
)
from tests.cases import each_case


def marks(text: str) -> str:
    """Return a text as terms are searched in it."""
    view = mark_obfuscations(text)
    return fold_text(text if view is None else view.text).text


@each_case(
    ("term", "text", "found"),
    [
        ("ignore", "1gn0r3", True),
        ("illicit", "1111c1t", True),
        ("kill", "k1llll", True),
        ("feel", "feeel", True),
        ("fel", "feeel", True),
        ("feel", "fellll", False),
        ("kill", "k1l", False),
        ("hello", "hhheeellllooo", True),
        ("ignore all", "i g n o r e a l l", True),
        ("ignore all", "i g n o r e   a l l", True),
        ("ignoreall", "i g n o r e   a l l", False),
        ("ignore all", "1gn0re4ll", False),
        ("4chan", "4 c h a n", True),
        ("achan", "4 c h a n", True),
        ("bchan", "4 c h a n", False),
        ("xxx", "xx x1xx", False),
        ("c++", "c++ h4ck", True),
    ],
)
def test_spelling_decides(term: str, text: str, found: bool) -> None:
    """Each letter is there as itself or as its sign, as often as the term has it at least, in order."""
    assert bool(spelling_pattern(term).search(marks(text))) is found
    assert not found or term_skeleton(term) in term_skeleton(marks(text))


def test_skeleton_keeps_what_disguises_share() -> None:
    """No marks and spaces, one letter for those that share a sign, no repeats."""
    text = f"i{JOINT}g{REPEAT} {CODES['1']}l{CODES['0']}{REST}oo!"
    assert term_skeleton(text) == "ibioi"
    assert skeleton_places(text) == ([0, 2, 5, 7, 11], [1, 4, 7, 11, 12])


@given(st.text(f"ailog01 !{JOINT}{REPEAT}{REST}{CODES['1']}{CODES['4']}", max_size=20))
def test_places_are_those_of_the_skeleton(text: str) -> None:
    """Each character of the skeleton has its stretch; stretches do not overlap and spell it."""
    starts, ends = skeleton_places(text)
    bones = term_skeleton(text)
    assert len(starts) == len(ends) == len(bones)
    assert all(
        term_skeleton(text[low:high]) == bone for low, high, bone in zip(starts, ends, bones, strict=True)
    )
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


@each_case(
    ("text", "reach", "expected"),
    [
        ("plain", 3, []),
        (f"{REPEAT}", 3, [(0, 4)]),
        (f"abcdef{REPEAT}ghijkl", 2, [(4, 9)]),
        (f"ab{REPEAT}abc{REPEAT}{JOINT}x", 2, [(0, 10)]),
        (f"ab{REPEAT}abcdefg{REPEAT}", 2, [(0, 5), (8, 13)]),
    ],
)
def test_windows_surround_marks(text: str, reach: int, expected: list[tuple[int, int]]) -> None:
    """All within reach of a mark is in a window; windows that touch are one."""
    assert list(marked_windows(text, reach)) == expected
    assert is_marked(text) is bool(expected)
