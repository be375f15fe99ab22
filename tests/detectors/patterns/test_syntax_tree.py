"""Trees of patterns: what is read, and what is not and why."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.patterns.streaming.open_prefixes import character_class, compile_re2
from guardrails.detectors.patterns.syntax_tree import (
    CharacterClass,
    Concatenation,
    Group,
    Repetition,
    UnsupportedPattern,
    parse_tree,
)
from tests.cases import each_case

ODD = "aAbk1 .-_\n\u0130\u0131\u017f\u212a\u00df\u1e9e\u00e9e\u0301\u0085\u2028\u0663\u4e09\U0001d7d9"
CLASSES = [
    "a", "k", "s", "i", ".", r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", "[a-k]", "[^a-k]", r"[^\W\d]", "[é]", "[^é]", r"[\d.-]", "[^i]",
    "[:#]", "[^:=]", "[\u0100-\u0200]", r"[^\S\n]", "[A-Z_]", "ß",
]  # fmt: skip


@each_case(
    ("pattern", "reason"),
    [
        (r"\p{L}+", "syntax that only the `regex` package has"),
        ("[[:alpha:]]", "POSIX classes"),
        (r"(?:cat){e<=1}", "what `regex` may take for fuzzy matching"),
        (r"(?:cat)\\{i}", "what `regex` may take for fuzzy matching"),
        (r"(?:cat){ }", "what `regex` may take for fuzzy matching"),
        (r"a(?R)?b", "syntax that only the `regex` package has"),
        (r"a(?1)?(b)", "syntax that only the `regex` package has"),
        (r"a\Kb", "syntax that only the `regex` package has"),
        (r"\Gab", "syntax that only the `regex` package has"),
        (r"(?r)ab", "syntax that only the `regex` package has"),
        (r"(?V1)[a--b]", "syntax that only the `regex` package has"),
        (r"(?|(a)|(b))c", "syntax that only the `regex` package has"),
        (r"(?<=a+)b", "looking behind at more than one width"),
        (r"(?f)(?i)ss", "syntax that only the `regex` package has"),
        (r"(?<=a\b)-", r"`\b` or `$` inside of looking behind"),
        (r"(?<=(?=a))a", "looking around inside of looking behind"),
        (r"(?<=(?<!b)a)c", "looking around inside of looking behind"),
    ],
)
def test_what_is_not_known_is_named(pattern: str, reason: str) -> None:
    """Each construct that cannot be streamed says so, and nothing unknown is taken for something else."""
    with pytest.raises(UnsupportedPattern) as error:
        parse_tree(pattern)
    assert str(error.value) == reason


@each_case(
    ("pattern", "behind", "endless", "refined"),
    [
        (r"(?a)\bab{2,3}\b", 0, False, False),
        (r"\bab", 0, False, True),
        ("a+", 0, True, False),
        (r"a{2}b{2,}\{e\}", 0, True, False),
        ("(?<=abc)d(?<!xd)", 3, False, True),
        (r"(a)\1", 0, False, True),
        ("(?>ab)c", 0, False, True),
        ("a++b", 0, True, True),
        ("a(?=b)", 0, False, True),
        ("(a)?(?(1)b|c)d", 0, False, True),
    ],
)
def test_what_a_pattern_asks_for(pattern: str, behind: int, endless: bool, refined: bool) -> None:
    """How far it looks back, whether it may be of any length, and whether RE2 can run it."""
    tree = parse_tree(pattern)
    assert (tree.behind, tree.endless, tree.refined) == (behind, endless, refined)


def test_the_tree_of_a_pattern() -> None:
    """Groups and repetitions are nodes, characters one each."""
    root = parse_tree("a(b){2,}").root
    assert isinstance(root, Concatenation)
    first, second = root.parts
    assert isinstance(first, CharacterClass)
    assert first.ascii == "a"
    assert isinstance(second, Repetition)
    assert (second.low, second.high, second.kind, second.may_be_empty) == (2, None, "greedy", False)
    assert isinstance(second.body, Group)


@pytest.mark.parametrize("flags", ["", "(?i)", "(?a)", "(?ai)", "(?s)"])
@pytest.mark.parametrize("pattern", CLASSES)
@given(char=st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]))
def test_a_character_is_what_regex_says(flags: str, pattern: str, char: str) -> None:
    """The node accepts what `regex` matches, and its RE2 class at least that, in odd scripts too."""
    node = parse_tree(flags + pattern).root
    assert isinstance(node, CharacterClass)
    expected = regex.fullmatch(flags + pattern, char) is not None
    assert node.accepts[char] == expected
    if expected or char.isascii():
        assert (compile_re2(character_class(node)).fullmatch(char) is not None) == expected
