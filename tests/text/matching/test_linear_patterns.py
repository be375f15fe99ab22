"""RE2 as it is, but for forks that wait for searches (`tests/test_fork_safety.py`)."""

from __future__ import annotations

import re

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from guardrails.text.matching import linear_patterns

PATTERNS = [r"[a-c]+(\d*)", r"(?i)x?y", r"^a|b$", r"\bab\b"]


@given(st.text("abcxyY0 \n", max_size=40), st.sampled_from(PATTERNS))
def test_patterns_find_what_those_of_re2_find(text: str, pattern: str) -> None:
    """By each method, with places and groups."""
    ours, theirs = linear_patterns.compile(pattern), re.compile(pattern)
    assert [found.span(0) for found in ours.finditer(text)] == [
        found.span(0) for found in theirs.finditer(text)
    ]
    assert (ours.search(text) is None) == (theirs.search(text) is None)
    assert (ours.fullmatch(text) is None) == (theirs.fullmatch(text) is None)
    assert ours.groups == theirs.groups


def test_the_same_pattern_is_the_same_object() -> None:
    """As of re2, which remembers them; it is made ready once."""
    assert linear_patterns.compile("abc") is linear_patterns.compile("abc")
    assert linear_patterns.compile("abc").search("xabc").span() == (1, 4)
    assert re2.compile("abc").search("xabc").span() == (1, 4)


def test_a_set_tells_which_patterns_occur() -> None:
    """In one pass."""
    found = linear_patterns.Set.SearchSet(linear_patterns.Options())
    for pattern in ("a+b", "x", "b$"):
        found.Add(pattern)
    found.Compile()
    assert sorted(found.Match("aab")) == [0, 2]
    assert found.Match("c") is None


def test_what_re2_cannot_compile_is_its_error() -> None:
    """A back reference, for one."""
    options = linear_patterns.Options()
    options.log_errors = False
    with pytest.raises(linear_patterns.error):
        linear_patterns.compile(r"(a)\1", options)
