# ruff: noqa: RUF001 - characters that look alike are what is tested
"""What `regex` finds, RE2 must find: on ASCII text the same spans, on any text at least a match."""

from __future__ import annotations

import re
import warnings

import re2
import regex
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from guardrails.detectors.patterns.dialect import translate
from guardrails.detectors.patterns.table import PatternError, PatternRow, compile_row
from tests.cases import each_case, scale

LITERALS = st.sampled_from([*"abiIkKsS109-_ .\n\t\v,:", "é", "ſ", "K", "ß", "三", "٣"])
ESCAPES = st.sampled_from(
    [
        r"\w",
        r"\W",
        r"\d",
        r"\D",
        r"\s",
        r"\S",
        r"\.",
        r"\_",
        r"\-",
        r"\n",
        r"\t",
        r"\x41",
        r"\u0041",
        r"\u00e9",
    ]
)
EDGES = st.sampled_from([r"\b", r"\B", "^", "$", r"\A", r"\Z"])
POSIX = st.sampled_from(["[:alpha:]", "[:digit:]", "[:space:]", "[:punct:]", "[:^alpha:]", "[:upper:]"])
RANGES = st.sampled_from(["a-c", "A-Z", "0-9", "!-/", "k-t", "À-ſ"])
MEMBERS = st.one_of(
    LITERALS, ESCAPES, POSIX, RANGES, st.sampled_from(["[", r"\]", r"\b", r"\p{L}", "^", "&&"])
)


def _class(parts: tuple[str, str, list[str], str]) -> str:
    negation, first, members, last = parts
    return f"[{negation}{first}{''.join(members)}{last}]"


CLASSES = st.tuples(
    st.sampled_from(["", "^"]),
    st.sampled_from(["", "]", "-"]),
    st.lists(MEMBERS, min_size=1, max_size=3),
    st.sampled_from(["", "-"]),
).map(_class)
PROPERTIES = st.sampled_from([r"\p{L}", r"\pN", r"\P{L}", r"\p{Greek}"])
ATOMS = st.one_of(LITERALS.map(regex.escape), ESCAPES, CLASSES, PROPERTIES, EDGES, st.just("."))


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantifiers = st.sampled_from(
        ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,2}", "{2,}", "{,2}?", "{e<=1}", "{a}", "{"]
    )
    groups = st.sampled_from(["({})", "(?:{})", "(?P<g>{})", "(?i:{})", "(?s:{})", "(?={})", "(?>{})"])
    return st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.tuples(inner, quantifiers).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        st.tuples(groups, inner).map(lambda pair: pair[0].replace("{}", pair[1])),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]}|{pair[1]}"),
    )


PATTERNS = st.tuples(
    st.sampled_from(["", "", "(?i)", "(?m)", "(?s)", "(?a)", "(?ai)", "(?im)"]),
    st.recursive(ATOMS, _grow, max_leaves=6),
).map("".join)
ASCII = st.text(alphabet="abikKsSIA109-_ .\n\t\v\x1c,:]{}^", max_size=12)
ANY = st.text(alphabet="abikKsSI19-_ .\n\véſKßıİ三٣\u0301\u2003\u00a0\x85]{}", max_size=12)


def compiled(pattern: str) -> regex.Pattern[str]:
    r"""Compile with `regex`; patterns that detectors refuse (wrong, or matching the empty text) are none of ours.

    Nor are classes of a set and its opposite, where `regex` itself is wrong: `[^\w\W]` finds everything.
    """
    assume("[:" not in pattern or not any(letter in pattern for letter in (r"\W", r"\D", r"\S")))
    assume(not any(one in pattern and other in pattern for one, other in OPPOSITES))
    try:
        return compile_row(PatternRow(pattern, "custom.x")).slow
    except PatternError:
        assume(False)
        raise


OPPOSITES = [*((f"\\{low}", f"\\{low.upper()}") for low in "wdsp"), ("[:alpha:]", "[:^alpha:]")]


def re2_or_none(pattern: str) -> object:
    """Compile with RE2, or return None where it refuses."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


def spans(engine: object, text: str) -> list[tuple[int, int]]:
    """Return the spans of the matches that are not empty."""
    return [match.span() for match in engine.finditer(text) if match.start() < match.end()]


def undisputed(pattern: str, found: list[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Return what `regex` found; leave out its own slips, such as `(?i:b)|b|[^a]` on `A`, where `re` disagrees."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = spans(re.compile(pattern), text)
    except re.error:  # syntax of `regex` alone
        return found
    assume(expected == found)
    return found


@given(PATTERNS, ASCII)
@example("a\\sb", "a\vb")
@example("[\\S]b", "\vb")
@example("[a\\s-z]b", "-b")
@example("[]-a]b", "^b")
@example("[--a]b", "5b")
@example("(?:abc){e<=1}", "abd")
@example("ab{,2}c", "abbc")
@example("a$\\n", "a\n")
@example("(?i)[À-ſ]x", "ix")
@example("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10", "abcdefghijj")
@example("[[:a]x", ":x")
@example("[\\b]x", "\bx")
@settings(max_examples=scale(1000), deadline=None)
def test_the_exact_form_agrees_on_ascii(pattern: str, text: str) -> None:
    """On ASCII text the exact form matches whenever `regex` does, and where promised with the same spans."""
    original = compiled(pattern)
    forms = translate(pattern)
    engine = forms and re2_or_none(forms.exact)
    if forms is None or engine is None:
        return
    expected = undisputed(pattern, spans(original, text), text)
    if forms.ascii_spans:
        assert spans(engine, text) == expected
    elif expected:
        assert engine.search(text)


@given(PATTERNS, ANY)
@example("(?i)ignore", "\u0130gnore")
@example("(?i)IX", "\u0131x")
@example("\\bx", "\u4e09x")
@example("[^\\W]x", "\u4e09x")
@example("[^\\p{L}]x", "\u4e09x")
@example("[^[:^alpha:]]x", "\u00e9x")
@example("[^\\s\\W]", "\u4e09")
@example("(?i)[^i]", "\u0130")
@settings(max_examples=scale(1000), deadline=None)
def test_the_superset_form_misses_nothing(pattern: str, text: str) -> None:
    """On any text the superset form matches whenever `regex` does, and where promised with the same spans."""
    original = compiled(pattern)
    forms = translate(pattern)
    engine = forms and re2_or_none(forms.superset)
    if forms is None or engine is None:
        return
    expected = undisputed(pattern, spans(original, text), text)
    if forms.wide_spans:
        assert spans(engine, text) == expected
    elif expected:
        assert engine.search(text)


@given(ASCII.filter(str.strip), ASCII)
@settings(max_examples=scale(300), deadline=None)
def test_any_text_that_is_a_pattern_agrees(pattern: str, text: str) -> None:
    """Texts that nobody meant as patterns are read alike, or left to `regex`."""
    original = compiled(pattern)
    forms = translate(pattern)
    engine = forms and re2_or_none(forms.exact)
    if forms is not None and engine is not None and spans(original, text):
        assert engine.search(text)


@each_case(
    "pattern",
    [
        r"(?:abc){e<=1}",
        r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10",
        r"(?i)\p{Lu}x",
        r"(a)\1",
        "(?i)[À-ſ]",
        r"(?ai)\W",
        "(?ai)[^k]",
        "(?i:b)|b|[^a]",
        r"\X",
        r"a\Kb",
    ],
)
def test_what_re2_would_read_otherwise_has_no_forms(pattern: str) -> None:
    """A pattern whose RE2 reading differs silently is left to `regex`."""
    assert regex.compile(pattern)
    assert translate(pattern) is None


@each_case(
    ("pattern", "ascii_spans", "wide_spans"),
    [
        ("abc", True, True),
        (r"(?a)\bab\d+\b", True, True),
        (r"\bab\d+\b", True, False),
        ("(?i)abc", True, True),
        (r"(?ai)\bignore\s+all\b", True, False),
        ("(?i)hi", True, False),
        ("abc$", False, False),
        ("[^a]b", True, True),
        (r"[\w-]+@x", True, False),
        (r"\p{L}x", True, False),
    ],
)
def test_what_re2_may_answer_alone(pattern: str, ascii_spans: bool, wide_spans: bool) -> None:
    """RE2 gives the spans wherever both engines mean the same characters; that is what makes clean text cheap."""
    forms = translate(pattern)
    assert forms is not None
    assert (forms.ascii_spans, forms.wide_spans) == (ascii_spans, wide_spans)
    assert re2_or_none(forms.exact)
    assert re2_or_none(forms.superset)
