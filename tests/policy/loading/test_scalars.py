"""The values of scalars by the core schema, and the source index of each of their characters."""

from __future__ import annotations

from itertools import pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guardrails.policy.loading.scalars import (
    FLOAT,
    INT,
    NULL,
    STR,
    ScalarProblem,
    content_start,
    convert,
    map_positions,
    quote_scalar,
    resolve,
)
from tests.cases import each_case

LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)]
UNUSUAL = "ab c\t\n'\"\\:#-é€😀\u2028\x85\xa0"
TEXTS = st.text(alphabet=UNUSUAL, max_size=60) | st.text(alphabet="ab \n", max_size=200)


@each_case(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("n", "n"),
        ("012", 12),
        ("-7", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("9223372036854775807", 2**63 - 1),
        ("1.10", 1.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("+1e3", 1000.0),
        (".", "."),
        ("1.2.3", "1.2.3"),
        ("1e", "1e"),
        ("2026-01-01", "2026-01-01"),
        ("٣", "٣"),
        ("1\n", "1\n"),
    ],
)
def test_plain_scalars_have_the_types_of_the_core_schema(text: str, value: object) -> None:
    """Only what YAML 1.2 lists is a number, a boolean or null; all else is a string."""
    assert (resolve(text), type(resolve(text))) == (value, type(value))


@each_case(
    "text", [".inf", "-.INF", ".nan", ".NaN", "1e999", "9223372036854775808", "1" * 5000, "0x" + "f" * 99]
)
def test_numbers_that_would_change_their_value_are_problems(text: str) -> None:
    """Infinities, not-a-number and integers beyond 64 bits are refused with their text."""
    with pytest.raises(ScalarProblem) as caught:
        resolve(text)
    assert (caught.value.code, quote_scalar(text) in str(caught.value)) == ("invalid_number", True)


def test_a_tag_decides_the_type() -> None:
    """A core tag turns a fitting text into its type."""
    values = [convert("1", STR), convert("1", FLOAT), convert("1", INT), convert("", NULL)]
    assert [(value, type(value)) for value in values] == [
        ("1", str),
        (1.0, float),
        (1, int),
        (None, type(None)),
    ]


@each_case(("text", "tag"), [("x", INT), ("1.5", INT), ("true", INT), ("true", FLOAT), ("0", NULL)])
def test_a_tag_that_does_not_fit_is_a_problem(text: str, tag: str) -> None:
    """A text that is not what its tag says is refused, not converted."""
    with pytest.raises(ScalarProblem, match=text) as caught:
        convert(text, tag)
    assert caught.value.code == "invalid_value"


def test_long_texts_are_cut_in_messages() -> None:
    """A message shows the start of a long text."""
    assert quote_scalar("x" * 1000) == repr("x" * 59 + "…")


@each_case(
    ("source", "start"),
    [("x", 0), ("&a x", 3), ("!!str &a 'x'", 9), ("&a # why\n  !t x", 14), ("&x?b", 2), ("# x", 0)],
)
def test_content_starts_behind_anchor_and_tag(source: str, start: int) -> None:
    """Anchor, tag and the comments between them are no content."""
    assert content_start(source, 0) == start


def locate(source: str, loader: type) -> tuple[str, list[int] | None]:
    """Return the only value of the mapping `source` and its positions."""
    node = yaml.compose(source, Loader=loader).value[0][1]
    span = node.start_mark.index, node.end_mark.index
    return node.value, map_positions(source, *span, node.style or "", node.value)


@each_case("loader", LOADERS)
@each_case("line_break", ["\n", "\r\n", "\r"])
@each_case(
    ("source", "text", "places"),
    [
        ("k: ab # c", "ab", "ab "),
        ("k: a\n  b\n\n  c", "a b\nc", "a\nb\nc$"),
        ("k: ''", "", "'"),
        ("k: 'a''b'", "a'b", "a'b'"),
        ("k: 'a \n\n  b'", "a\nb", "a\nb'"),
        (r'k: "\x41\u00e9\t\\"', "Aé\t\\", '\\\\\\\\"'),
        ('k: "a \\\n  b"', "a b", 'a b"'),
        ('k: "a\\\n\n  b"', "a\nb", 'a\nb"'),
        ("k: |\n  a\n   b\n\n", "a\n b\n", "a\n b\n\n"),
        ("k: |-\n  a\n\n", "a", "a\n"),
        ("k: |+ # c\n  a\n\nj: 1", "a\n\n", "a\n\nj"),
        ("k: |2\n    a\n", "  a\n", "  a\n$"),
        ("k: |1-\n   \n  a", "  \n a", "  \n a$"),
        ("k: |\n  a", "a", "a$"),
        ("k: |\nj: 1", "", "j"),
        ("k: >\n  a\n  b\n\n  c\n", "a b\nc\n", "a\nb\nc\n$"),
        ("k: >-\n\n  a\n   b\n  c", "\na\n b\nc", "\na\n b\nc$"),
        ("k: &x !!str\n  'a'", "a", "a'"),
        ("k: '\U0001f600é'", "\U0001f600é", "\U0001f600é'"),
    ],
)
def test_each_character_is_found_in_every_style(
    source: str, text: str, places: str, line_break: str, loader: type
) -> None:
    """The characters at the found places, and the one past the end ($: end of file), are the written ones."""
    source = source.replace("\n", line_break)
    value, found = locate(source, loader)
    assert value == text
    assert found is not None
    assert "".join((source + "$")[place] for place in found) == places.replace("\n", line_break[0])


def assert_followed(source: str, loader: type) -> None:
    """Check that every position shows the decoded character, or what stands for another one."""
    text, found = locate(source, loader)
    assert found is not None
    assert len(found) == len(text) + 1
    assert all(left < right for left, right in pairwise(found))
    for place, char in zip(found, text, strict=False):
        assert source[place] in (char, "\\") or (char in " \n" and source[place] in "\r\n\x85\u2028\u2029")


@given(
    text=TEXTS, style=st.sampled_from([None, "'", '"', "|", ">"]), width=st.integers(5, 90), data=st.data()
)
def test_dumped_texts_are_followed(text: str, style: str | None, width: int, data: st.DataObject) -> None:
    """Whatever PyYAML writes, in any style and width, with LF and CRLF, is followed by character."""
    unicode = data.draw(st.booleans())
    source = yaml.dump({"k": text}, default_style=style, width=width, allow_unicode=unicode)
    if data.draw(st.booleans()):
        source = source.replace("\n", "\r\n")
    assert_followed(source, data.draw(st.sampled_from(LOADERS)))


@given(
    lines=st.lists(st.text(alphabet="ab #\t", max_size=8), max_size=8),
    indent=st.integers(1, 9),
    style=st.sampled_from("|>"),
    chomp=st.sampled_from(["", "-", "+"]),
    loader=st.sampled_from(LOADERS),
)
def test_blocks_with_indicators_are_followed(
    lines: list[str], indent: int, style: str, chomp: str, loader: type
) -> None:
    """Blocks with an explicit indentation keep their leading blanks, and each of them is found."""
    body = "".join(f"{' ' * indent}{line}\n" for line in lines)
    assert_followed(f"k: {style}{indent}{chomp} # c\n{body}", loader)


def test_a_source_that_does_not_give_the_text_is_refused() -> None:
    """A walk that reads something else than the parser did gives no positions, rather than wrong ones."""
    assert map_positions("k: 'ab'", 3, 7, "'", "xy") is None
