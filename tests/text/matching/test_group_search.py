"""Few among many texts: joined texts are tested in their place, and none is lost by it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.detectors.encodings.extractors import holds_nothing
from guardrails.detectors.patterns.table import PatternRow, PatternTable
from guardrails.detectors.terms.term_matcher import TermMatcher
from guardrails.text import is_clean
from guardrails.text.matching.group_search import BETWEEN, SHORT, find_open_texts
from tests.cases import each_case

TERMS = TermMatcher(["zqx bomb", "badword"], words=True, fold=True)
SHAPES = [
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"^\d{16}$",
    r"(?<!\w)AKIA[0-9A-Z]{16}(?!\w)",
    r"[\w.]+@[\w.]+\.com",
    r"secret \d+",
    *(rf"\b\d{{4}}-{number:02}-\d{{5}}\b" for number in range(40)),
]
ROWS = PatternTable.get(PatternRow(shape, f"custom.c{at}", 1.0) for at, shape in enumerate(SHAPES))
"""Enough rows to be looked up by what they need."""
FRAGMENTS = [
    *("a", "b", "i", "1", "0", "4", "$", "@", "!", ".", "-", "_", ",", ";", ":", "=", "/", "\\", "|", "'", '"', "<", ">", "~"),
    *(" ", "  ", "\n", "\r\n", "\t", "\x00", "\x1e", "&#105;", "&amp", "\\u0041", "\\x41", "0x41", "%41", "=41=42", "\\"),
    *("zqx", "bomb", "badword", "b4dw0rd", "gur", "dniheb", "whiskey", "alpha", "isExplainHowToMakeThis", "101 102 103"),
    *("219-45-6789", "4111111111111111", "AKIAIOSFODNN7EXAMPLE", "jo@example.com", "secret 7", "password", "1234-07-12345"),
    *(base64.b64encode(b"a badword here, ok").decode(), b"a badword here".hex(), "01100001 01100010 01100011 01100100"),
    *(base64.b85encode(b"a badword in here, and more").decode(), "MFRGG2DFNRWG6IDXN5ZGYZA=", ".- -... -.-. -.. . ..-."),
]  # fmt: skip
TEXTS = st.lists(st.lists(st.sampled_from(FRAGMENTS), max_size=6).map("".join), min_size=4, max_size=12)
TESTS: list[Callable[[str], bool]] = [is_clean, holds_nothing, TERMS._is_clear, ROWS._is_clear]


def count(texts: Sequence[str], is_clear: Callable[[str], bool]) -> tuple[list[int], int]:
    """Return what is found, and how often was asked."""
    asked: list[str] = []

    def ask(text: str) -> bool:
        asked.append(text)
        return is_clear(text)

    return sorted(find_open_texts(texts, ask)), len(asked)


@pytest.mark.parametrize("is_clear", TESTS)
@given(texts=TEXTS)
def test_what_is_cleared_joined_is_clear_alone(is_clear: Callable[[str], bool], texts: list[str]) -> None:
    """Each test that is put to joined texts keeps what `find_open_texts` asks of it."""
    assert set(find_open_texts(texts, is_clear)) >= {
        at for at, text in enumerate(texts) if not is_clear(text)
    }
    if is_clear(BETWEEN.join(texts)):
        assert all(map(is_clear, texts))


@each_case("is_clear", TESTS)
def test_ordinary_texts_are_cleared_together(is_clear: Callable[[str], bool]) -> None:
    """Names, places, sentences and small numbers: nothing is asked of each."""
    texts = ["Jo Smith", "Berlin", "ordered a book about gardening", "1007", "3.5"] * 9
    assert count(texts, is_clear) == ([], 1)


@given(TEXTS)
def test_categories_of_several_texts_are_those_of_each(texts: list[str]) -> None:
    """However many are asked of at once."""
    each = frozenset().union(*(ROWS.categories(text) for text in texts))
    assert ROWS.categories_of(texts) == each


@each_case(
    ("texts", "found", "asked"),
    [
        ([], [], 0),
        (["x", "b"], [0], 2),
        (["a"] * 64, [], 1),
        (["a"] * 640, [], 10),
        ([*["a"] * 100, "x", *["a"] * 27], [100], 2 + 8 + 8),
        (["x"] * 5, [0, 1, 2, 3, 4], 1 + 1 + 5),
        (["a" * (SHORT + 1)] * 4, [], 4),
        (["\u00e9"] * 4, [], 4),
        (["a", "a", "a", "x" * (SHORT + 1)], [3], 2),
    ],
)
def test_how_often_is_asked(texts: list[str], found: list[int], asked: int) -> None:
    """Once for sixty-four texts that are clear; long texts and those beyond ASCII by themselves, and so are very few."""
    assert count(texts, lambda text: "x" not in text) == (found, asked)


ROW = {"id": 7, "name": "Jo Smith", "city": "Berlin", "note": "ordered a book about gardening"}


@each_case("key", [*ROW])
@each_case("value", ["219-45-6789", "b a d w o r d", base64.b64encode(b"a badword here, ok").decode()])
def test_one_bad_cell_of_a_table_is_found(guard_of: Callable[..., Guard], key: str, value: str) -> None:
    """A table of many rows in which a single value is bad is judged as that value is."""
    guard = guard_of(
        "detectors: {w: {use: terms, terms: [badword], category: custom.w}, p: {use: pii, entities: [us_ssn]}}\n"
        "rules: [{id: w, on: input, when: custom.w > 0, then: block},\n"
        "  {id: p, on: input, when: pii.us_ssn > 0, then: block}]\n"
    )
    rows = [{**ROW, "id": number} for number in range(40)]
    assert not guard.check(rows).blocked
    rows[23][key] = f"ssn {value}"
    assert guard.check(rows).blocked
