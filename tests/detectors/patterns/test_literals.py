"""What a pattern needs: no text in which it matches lacks that, and common patterns need something rare."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.patterns.folding import DIGIT, EDGE, LETTER, RUNS
from guardrails.detectors.patterns.literals import (
    drop_implied,
    find_needs,
    find_word_needs,
    literal_chance,
    pick_rarest,
)
from guardrails.detectors.patterns.prefilter import Prefilter
from guardrails.detectors.patterns.table import PatternError, PatternRow, compile_row
from guardrails.detectors.pii.entities import TABLE as PII
from guardrails.detectors.secrets.secrets_detector import TABLE as SECRETS
from tests.cases import each_case, scale

# Parts of patterns, each with texts that it matches, under some flag or other.
PARTS = {
    "a": "aA", "k": "kK\u212a", "S": "sS\u017f", "i": "iI\u0130\u0131", "id": ["id", "ID"], "7": "7", "-": "-", r"\.": ".", " ": " ",
    "_": "_", "@": "@", "://": ["://"], "\u00e9": "\u00e9\u00c9", "\u041a": "\u041a\u043a", "[a-c]": "abC",
    "[kK1]": "kK1", "[^a]": "b \u00e9\u212a", "[0-9A-F]": "09AFf", r"[\w-]": "a0_-\u00e9\u0663", r"[\d.]": "0.\u0663", r"[^\W_]": "ak0\u0663",
    r"\d": "07\u0663\U0001d7ce", r"\w": "ak0_\u212a\u00e9\u0663", r"\s": " \n\xa0", r"\D": "a-\u00e9", ".": "a1 \u00e9", r"\b": [""],
    r"\B": [""], "^": [""], "$": [""], r"\Z": [""], "[0-9]{4}": ["2024"], r"\d{3}-\d{4}": ["555-0123"], "[a-z]{3}": ["abc", "kSi"],
    r"[A-Za-z0-9]{17}": ["abcdefgh012345678"], r"(?:\d[ -]?){9}": ["12 345-6789", "123456789"],
}  # fmt: skip
ODD = "aAkKsSiI17-. _+@\u00e9\u212a\u017f\u0130\u0131\u0663\U0001d7ce\n\u041a\u96fb"
Piece = tuple[str, str]
"""A pattern, and a text that it may match."""


def joined(pieces: list[Piece]) -> Piece:
    """Return what stands side by side."""
    return "".join(pattern for pattern, _ in pieces), "".join(text for _, text in pieces)


def larger(inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    """Return groups, alternatives and repetitions of smaller patterns."""
    ways = st.lists(st.lists(inner, min_size=1, max_size=3).map(joined), min_size=1, max_size=3)
    forms = [("(?:{})", 1), ("({})", 1), ("(?:{})?", 0), ("(?:{})?", 1), ("(?:{})+", 2), ("({})*", 3), ("(?:{}){{2}}", 2),
             ("(?:{}){{1,3}}", 2), ("(?:{}){{3,}}", 4)]  # fmt: skip
    return st.builds(
        lambda ways, form: (form[0].format("|".join(way[0] for way in ways)), ways[-1][1] * form[1]),
        ways,
        st.sampled_from(forms),
    )


PATTERNS = st.lists(
    st.recursive(
        st.sampled_from([(part, text) for part, texts in PARTS.items() for text in texts]),
        larger,
        max_leaves=6,
    ),
    min_size=1,
    max_size=5,
).map(joined)


@given(
    st.sampled_from(["", "(?a)", "(?i)", "(?ai)", "(?s)"]),
    PATTERNS,
    st.integers(0, 1),
    st.text(ODD, max_size=4),
    st.text(ODD, max_size=4),
)
@settings(max_examples=scale(300), deadline=None)
def test_whatever_matches_is_found(flags: str, piece: Piece, group: int, front: str, behind: str) -> None:
    """Where the pattern's own engine finds something, the text has what the pattern needs; here texts that may match."""
    try:
        entry = compile_row(PatternRow(flags + piece[0], "custom.x", group=group))
    except PatternError:
        return
    text = front + piece[1] + behind
    wide = not text.isascii()
    form = entry.wide if wide else entry.ascii
    if form is not None and form.engine.search(text):
        spans = [match.span(group) for match in (form.engine if form.spans else entry.slow).finditer(text)]
        due = Prefilter([(form.needs, frozenset())], wide=wide).candidates(text)
        assert due == [0] or not any(start < end for start, end in spans)


S = EDGE + DIGIT * 3 + EDGE + DIGIT * 4 + EDGE


@each_case(
    ("pattern", "literals"),
    [
        (r"(?a)\bghp_[A-Za-z0-9]{36}\b", {b"ghp_"}),
        (r"(?i)\bhello\s+world", {b"hello ", b" world"}),
        (r"(?:foo|ba[rz])_key", {b"foo_key", b"bar_key", b"baz_key"}),
        (r"colou?rless", {b"colorless", b"colourless"}),
        (r"\b\d{3}-\d{4}\b", {S}),
        (r"AT(?:CTT\w{9}|BB\w)", {b"atctt", b"atbb"}),
        (r"[A-Z]\w+ -----BEGIN", {b" -----begin"}),
        ("geb\u00fchr", {"geb\u00fchr".encode()}),
        (r"\w+", set()),
        (r"(?:abcd)?e", set()),
        (r"(?:xyz|\w)-?", set()),
        (r"(a|b)\1", set()),
        ("[[:alpha:]]xyz", set()),
        ("wxyz[:#]", {b"wxyz:", b"wxyz#"}),
        (r"\p{L}xyz", set()),
    ],
)
def test_a_pattern_needs_the_literal_that_is_rarest(pattern: str, literals: set[bytes]) -> None:
    """One of some literals, without case, where the pattern has any on every way through; else nothing."""
    assert {each for one in find_needs(pattern, 0, wide=False).literals for each in one} == literals


def test_only_ways_that_give_the_group_count() -> None:
    """What another alternative takes up gives no finding."""
    [literals] = find_needs(r"version|(\bwxyz\b)", 1, wide=False).literals
    assert literals == {b"wxyz"}
    assert {b"version", b"wxyz"} == {
        each for one in find_needs(r"version|(\bwxyz\b)", 0, wide=False).literals for each in one
    }


def test_long_runs_are_needed_by_their_length() -> None:
    """Characters of keys, letters and digits, and digits between separators, each from some length on."""
    assert find_needs(r"(?a)\b[A-Za-z0-9]{40}\b", 0, wide=False).runs == (40, 40, 0, 0)
    assert find_needs(r"(?a)\b[\w-]{20,99}\b", 0, wide=False).runs == (20, 0, 0, 0)
    assert find_needs(r"(?a)\b(?:\d[ -]?){12,18}\d\b", 0, wide=False).runs[-1] == 13
    assert find_needs(r"(?a)\b\w{5}\b", 0, wide=False).runs == (0,) * len(RUNS)


def test_other_scripts_ask_for_less() -> None:
    r"""Digits beyond ASCII are of no shape, and without case a letter may be one that only looks like it."""
    assert find_needs(r"\b\d{3}-\d{4}\b", 0, wide=True).others
    assert not find_needs(r"(?a)\b\d{3}-\d{4}\b", 0, wide=True).others
    assert find_needs(r"(?i)[^\x00-\x7f]\u00e9", 0, wide=True).literals == ()
    assert find_needs(r"(?i)sk", 0, wide=True).literals == ({b"sk"},)


@each_case(
    "pattern",
    ["(" * 60 + "a" + "[ab])+" * 60, "|".join(f"word{at}x" for at in range(2_000)), r"(?:\d?[a-c]?){50}x"],
)
def test_what_a_pattern_needs_is_found_in_bounded_time(pattern: str) -> None:
    """Nesting and alternatives do not multiply; all of these need something or nothing, at once."""
    assert isinstance(find_needs(pattern, 0, wide=False).literals, tuple)


def test_nearly_all_rows_of_the_shipped_tables_need_something() -> None:
    """A row that needs nothing is searched for in every text; those without literal or run have words of context."""
    for row in (*PII, *SECRETS):
        for wide in (False, True):
            found = find_needs(row.pattern, row.group if isinstance(row.group, int) else 0, wide=wide)
            assert found or row.context or found.others, row.pattern


@each_case(
    ("words", "wide", "literals"),
    [
        (("ssn", "Tax ID"), False, {b"\x01ssn\x01", b"\x01tax\x01id\x01"}),
        (("t\u00e9l\u00e9phone",), False, set()),
        (("t\u00e9l\u00e9phone",), True, {b"\x01phone\x01"}),
        (("\u7535\u8bdd", "tel"), True, {"\u7535\u8bdd".encode(), b"\x01tel\x01"}),
        (("\u0442\u0435\u043b", "tel"), True, set()),
    ],
)
def test_words_of_context_are_needed_whole(words: tuple[str, ...], wide: bool, literals: set[bytes]) -> None:
    """Without case and between edges; a word that could be written by other letters makes all of them uncertain."""
    assert find_word_needs(words, wide=wide) == literals


def test_sets_are_chosen_by_how_rare_they_are() -> None:
    """What is in every text is not chosen; a second set only where the first is not rare; doubles are left out."""
    common, rare, rarer = frozenset({b"e"}), frozenset({b"qx7"}), frozenset({b"qx7kz"})
    assert pick_rarest([common]) == ()
    assert pick_rarest([common, rare, rarer]) == (rarer,)
    assert pick_rarest([rare, frozenset({b"k@"})]) == (rare, frozenset({b"k@"}))
    assert literal_chance(b"qx") < literal_chance(b"q")
    assert literal_chance(LETTER) > literal_chance(DIGIT)
    assert drop_implied(frozenset({b"ab", b"xaby", b"c"})) == {b"ab", b"c"}
