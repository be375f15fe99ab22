"""Tables of patterns: all are found, whichever engine runs them, and too much of anything is an error."""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from weakref import ref

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails.detectors.patterns import table
from guardrails.detectors.patterns.table import (
    CompiledRow,
    PatternError,
    PatternRow,
    PatternTable,
    compile_row,
)
from guardrails.detectors.pii.identifiers.validators import credit_card
from tests.cases import each_case, scale

POOL = [
    r"ab+", r"\bab\b", r"(?i)hi\d*", r"a(?=b)", r"(a|b)\1", r"[^\W\d]b", r"b$", r"(?a)\bb\b", r"\p{L}1", r"\s\S", r"\b1{2}-1",
    r"(?a)\d{2}-\d\b", r"(?i)hii?-\d",
]  # fmt: skip


def found(rows: list[PatternRow], text: str) -> list[tuple[str, int, int]]:
    """Return what a table of these rows finds."""
    return [(row.pattern, start, end) for row, start, end in PatternTable(rows).search(text)]


@pytest.mark.parametrize("many", [0, table.MANY])
@given(
    patterns=st.lists(st.sampled_from(POOL), max_size=6),
    text=st.text(alphabet="abHhIi1 -\n三é\u0130\u0663\v", max_size=20),
)
@settings(max_examples=scale(200), deadline=None)
def test_a_table_finds_what_each_pattern_finds(many: int, patterns: list[str], text: str) -> None:
    """Together or alone, by what rows need or by the set, by RE2 or `regex`: the same spans, for any text."""
    expected = {
        (pattern, *match.span())
        for pattern in patterns
        for match in regex.finditer(pattern, text)
        if match.start() < match.end()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "MANY", many)
        assert {*found([PatternRow(pattern, "custom.x") for pattern in patterns], text)} == expected


@each_case(
    ("pattern", "group", "message", "offset", "field"),
    [
        ("ab(c", 0, "missing )", 4, "pattern"),
        ("a**", 0, "multiple repeat", 2, "pattern"),
        ("a*", 0, "can match the empty text", None, "pattern"),
        (r"\b", 0, "can match the empty text", None, "pattern"),
        ("a|", 0, "can match the empty text", None, "pattern"),
        ("abc", 1, "the pattern has no group 1 (it has: none)", None, "group"),
        ("(?P<n>a)(b)", "m", "the pattern has no group 'm' (it has: n, 1, 2)", None, "group"),
        ("(" * 500 + "a" + ")" * 500, 0, "nests too deep", None, "pattern"),
        ("a" * (table.LONGEST + 1), 0, "longer than 20,000 characters", None, "pattern"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(
    pattern: str, group: int | str, message: str, offset: int | None, field: str
) -> None:
    """What is wrong, where in the pattern, and in which field of the row."""
    with pytest.raises(PatternError) as caught:
        compile_row(PatternRow(pattern, "custom.x", group=group))
    assert str(caught.value).startswith(message)
    assert (caught.value.offset, caught.value.field) == (offset, field)


@given(st.text(alphabet=r"ab1\()[]{}*+?|^$.,-:<>=!PnKLNpuUxg&#i", max_size=12))
@settings(max_examples=scale(500), deadline=None)
def test_any_text_is_a_pattern_or_a_pattern_error(pattern: str) -> None:
    """No text makes compiling raise anything else, and what compiles can be searched."""
    try:
        entry = compile_row(PatternRow(pattern, "custom.x"))
    except PatternError as error:
        entry, reason = None, str(error)
        assert reason
    assert entry is None or isinstance(PatternTable([entry]).search("ab1 ab"), list)


def test_a_group_is_the_span() -> None:
    """A capture group, by number or name, gives the span; a group that took no part gives none."""
    text = "card 4111, card -"
    assert found([PatternRow(r"card (\d+)", "custom.x", group=1)], text) == [(r"card (\d+)", 5, 9)]
    assert found([PatternRow(r"card (?P<no>\d+)", "custom.x", group="no")], text) == [
        (r"card (?P<no>\d+)", 5, 9)
    ]
    assert found([PatternRow(r"card (\d+)?", "custom.x", group=1)], text) == [(r"card (\d+)?", 5, 9)]


@each_case(
    ("text", "spans"),
    [
        ("4111 1111 1111 1111", [(0, 19)]),
        ("4111 1111 1111 1112", []),
        ("2024 4111 1111 1111 1111", [(5, 24)]),
        ("12 4111 1111 1111 1111", [(3, 22)]),
        ("4111 1111 1111 1111 27", [(0, 19)]),
        ("7 4111 1111 1111 1111 2", [(2, 21)]),
        ("4111111111111111 5500005555555559", [(0, 16), (17, 33)]),
        ("x4111111111111111", []),
        ("2024 4111 1111 1111 1111x", []),
        ("2024 4111 1111 1111 1111 and 4111 1111 1111 1111", [(5, 24), (29, 48)]),
        ("1 4111111111111111 2", [(2, 18)]),
    ],
)
def test_a_valid_match_is_found_inside_an_invalid_one(text: str, spans: list[tuple[int, int]]) -> None:
    """Numbers around a card number do not hide it, though together they match and fail the check."""
    row = PatternRow(r"\b(?:\d[ \-.]?){12,18}\d\b", "pii.credit_card", validate=credit_card)
    assert [span[1:] for span in found([row], text)] == spans


def test_many_invalid_matches_take_linear_time() -> None:
    """A text of nothing but numbers is searched in time that grows with its length, not its square."""
    rows = PatternTable([PatternRow(r"\b(?:\d[ \-.]?){12,18}\d\b", "pii.credit_card", validate=credit_card)])
    begun = time.process_time()
    rows.search("1234 5678 9012 3456 " * 5_000)
    assert time.process_time() - begun < 20


def test_a_pattern_that_takes_too_long_is_an_error_that_names_it() -> None:
    """A time-out is never 'nothing found'."""
    rows = PatternTable([PatternRow(r"(?:a|aa)+(?=b)c", "custom.x")])
    assert not rows.linear
    with pytest.raises(TimeoutError, match=r"pattern '\(\?:a\|aa\)\+\(\?=b\)c' took longer than 0.25 s"):
        rows.search("a" * 5_000)


@pytest.fixture(scope="module")
def many_rows() -> list[CompiledRow]:
    """Two thousand patterns."""
    return [
        compile_row(PatternRow(rf"\bword{at}\s+[a-z]{{3,8}}\d{{2,4}}\b", "custom.x")) for at in range(2000)
    ]


@each_case("memory", [1 << 10, 1 << 21, 3 << 20])
def test_patterns_too_large_together_are_an_error(
    memory: int, many_rows: list[CompiledRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set that RE2 has no memory for is refused at load; it would find nothing, and say so of everything."""
    monkeypatch.setattr(table, "MEMORY", memory)
    with pytest.raises(PatternError, match="too large together"):
        PatternTable(many_rows)


def test_the_same_table_is_compiled_once() -> None:
    """While somebody holds it; one of other rows, or of other tables, is another, and what cannot be compiled is none."""
    rows = [PatternRow("ab+", "custom.x"), PatternRow("cd", "custom.y")]
    both, one, two = PatternTable.get(rows), PatternTable.get(rows[:1]), PatternTable.get(rows[1:])
    together = PatternTable.union([one, two])
    assert PatternTable.get([replace(row) for row in rows]) is both
    assert PatternTable.union(each for each in (one, two)) is together
    assert len({id(each) for each in (both, one, two, together, PatternTable.union([one]))}) == 5
    assert together.search("abb cd") == both.search("abb cd")

    was = ref(together)
    del together
    gc.collect()
    assert was() is None
    with pytest.raises(PatternError):
        PatternTable.get([PatternRow("(", "custom.x")])


def test_a_table_without_rows_finds_nothing() -> None:
    """No rows, no findings; the text that tests the sets at load is no finding either."""
    assert PatternTable([]).search(f"a {table.CANARY} b") == []
    assert found([PatternRow("canary", "custom.x")], table.CANARY) == [("canary", 1, 7)]


def test_a_pattern_that_would_be_costly_to_build_is_left_to_regex() -> None:
    r"""`\pL{1000}` takes RE2 seconds and hundreds of megabytes; here it loads at once and still finds."""
    begun = time.process_time()
    rows = PatternTable([PatternRow(r"\pL{1000}", "custom.x")])
    assert time.process_time() - begun < 10
    assert not rows.linear
    assert len(rows.search("é" * 1000)) == 1


def test_a_thousand_patterns_build_fast() -> None:
    """A thousand patterns take a fraction of a second."""
    begun = time.process_time()
    rows = PatternTable([PatternRow(rf"\bword{at}\s+[a-z]{{3,8}}\d+\b", "custom.x") for at in range(1000)])
    assert time.process_time() - begun < 15
    assert [row.pattern for row, _, _ in rows.search("word77 abc1")] == [r"\bword77\s+[a-z]{3,8}\d+\b"]


@each_case(
    ("text", "spans"),
    [
        ("SSN: 123456789", [(5, 14)]),
        ("my_ssn=123456789", [(7, 16)]),
        ("123456789 is the ssn", []),
        ("ssn" + " " * 37 + "123456789", [(40, 49)]),
        ("ssn" + " " * 38 + "123456789", []),
        ("lessns 123456789", []),
        ("\u7535\u8bdd123456789", [(2, 11)]),
        ("ssn 123456780 ssn 123456789 123456789", [(18, 27), (28, 37)]),
        ("ssn 1234567890", []),
    ],
)
def test_a_row_with_context_needs_one_of_its_words_before(text: str, spans: list[tuple[int, int]]) -> None:
    """A whole word, in any case, that begins at most 40 characters before the match; the check still counts."""
    words = ("ssn", "\u7535\u8bdd")
    row = PatternRow(r"(?a)\b\d{9}\b", "custom.x", validate=lambda text: text.endswith("9"), context=words)
    assert [span[1:] for span in found([row], text)] == spans
    assert PatternTable([row]).categories("nothing 123456789 here") == set()
    slow = PatternRow(r"(?a)\b\d{9}\b(?!x)", "custom.x", validate=row.validate, context=words)
    assert [span[1:] for span in found([slow], text)] == spans


def test_many_words_of_context_take_linear_time() -> None:
    """A text of nothing but context and numbers is searched in time that grows with its length."""
    rows = PatternTable([PatternRow(r"(?a)\b\d{9}\b", "custom.x", context=("ssn",))])
    begun = time.process_time()
    assert len(rows.search(("ssn 123456789 " + "x" * 50 + " ") * 3_000 + "\u00e9")) == 3_000
    assert time.process_time() - begun < 20


def test_a_large_table_finds_each_of_its_rows_in_a_text_of_all() -> None:
    """Few rows are searched one by one, many by the set: what is found is the same, whatever else is in the text."""
    numbers = [
        rf"(?a)\bword{chr(97 + at // 26)}{chr(97 + at % 26)}: \d{{9}}\b" for at in range(table.FEW * 4)
    ]
    rows = [PatternRow(pattern, "custom.x") for pattern in numbers]
    texts = [f"word{chr(97 + at // 26)}{chr(97 + at % 26)}: 12345678{at % 10}" for at in range(len(rows))]
    together = PatternTable(rows)
    for text in ("; ".join(texts), "\u00e9 " + "; ".join(texts), *texts):
        assert [row.pattern for row, _, _ in together.search(text)] == [
            row.pattern for row, one in zip(rows, texts, strict=True) if one in text
        ]
        assert together.categories(text) == {"custom.x"}


def test_a_row_given_twice_is_searched_once() -> None:
    """Two rows that are one and the same in ASCII texts give each finding once; others are told apart by their score."""
    rows = [
        PatternRow(flags + r"\b\d{9}\b", "custom.x", score)
        for flags, score in (("", 1.0), ("(?a)", 1.0), ("", 0.5))
    ]
    assert [row.score for row, _, _ in PatternTable(rows).search("a 123456789")] == [1.0, 0.5]
    assert len(PatternTable(rows).search("\u00e9 123456789")) == 3


NEEDY = [PatternRow(rf"(?a)\bk{at}-\d{{3,}}\b", f"custom.k{at}") for at in range(50)]
FREE = [PatternRow(rf"[{chr(97 + at % 26)}]{{2}}[aeiou{at // 26}]", f"custom.f{at}") for at in range(30)]
MIXED = PatternTable([*NEEDY, *FREE])


@given(st.text(st.sampled_from("abcdefgk0123456789- e\u00e9"), max_size=40))
@example("k7-123 and aae, bbi")
@example("k49-0000")
def test_rows_that_need_nothing_are_found_beside_those_that_need_something(text: str) -> None:
    """A large table of both kinds finds what each row finds alone, in the order of the rows."""
    found = [(row.category, start, end) for row, start, end in MIXED.search(text)]
    alone = [
        (row.category, *match.span())
        for row in (*NEEDY, *FREE)
        for match in regex.finditer(row.pattern, text)
    ]
    assert found == alone


@each_case("unit", ["1.1.1.1 ", "4-1-1-1-", "4111.1111 ", "41 11 11 ", "1234 5678 ", "4111 1111 1111 1112 "])
def test_looking_inside_invalid_matches_costs_the_same_for_each_character(unit: str) -> None:
    """A text of digits and dots is checked a few times a character, however long it is; a card in it is found."""
    asked: list[str] = []

    def validate(text: str) -> bool:
        asked.append(text)
        return text == "4111 1111 1111 1111"

    searched = PatternTable([PatternRow(r"\b(?:\d[ \-.]?){12,18}\d\b", "pii.credit_card", validate=validate)])
    costs = []
    for size in (2_000, 20_000):
        text = unit * (size // len(unit)) + " 4111 1111 1111 1111"
        asked.clear()
        assert [(start, end) for _, start, end in searched.search(text)] == [(len(text) - 19, len(text))]
        costs.append(len(asked) / len(text))
    assert costs[1] < 8
    assert costs[1] < 1.2 * costs[0] + 0.1
