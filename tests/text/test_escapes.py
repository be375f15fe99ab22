"""Characters written as codes: what they read, and where they stand."""

from __future__ import annotations

import html
import json

from hypothesis import given
from hypothesis import strategies as st

from guardrails.text.escapes import decode_escapes
from tests.cases import each_case


def read(text: str) -> str:
    """Return what a text reads, decoded."""
    view = decode_escapes(text)
    return text if view is None else view.text


@each_case(
    ("raw", "expected"),
    [
        ("&#105;gnore", "ignore"),
        ("&#105gnore", "ignore"),
        ("&#x69;&#X6A", "ij"),
        ("&lt;b&gt;", "<b>"),
        ("&commat;all", "@all"),
        ("&ltfoo", "<foo"),
        ("&notit;", "\u00acit;"),
        ("&amp;#105;", "i"),
        ("&amp;amp;amp;amp;#105;", "i"),
        ("&#38;#x26;amp;#x69;", "i"),
        ("&amp;amp;", "&"),
        ("&amp; x", "& x"),
        ("&nosuch; & &x AT&T", None),
        ("\\u0069gnore \\x69 \\u{69} \\U00000069", "ignore i i i"),
        ("\\ud83d\\ude00!", "\U0001f600!"),
        ("\\ud800 \\u{110000} \\UFFFFFFFF", None),
        ("\\u12 \\xg1", None),
        ("a\x00b\x7f\x1bc", "abc"),
        ("ig\x1b[31mnore\x1b[1;38;5;9m it\x1b[0m", "ignore it"),
        ("ig\\x1b[31mnore \\033[0mit \\u001b[2Jis \\e[0m", "ignore it is "),
        ("\\033 \\e x\\x1b\x1b", "\\033 \\e x\x1b"),
        ("a\tb\r\nc", None),
        ("&#0;&#xD800;", "\ufffd\ufffd"),
    ],
)
def test_codes_read_as_browsers_and_javascript_read_them(raw: str, expected: str | None) -> None:
    """Entities with and without semicolon, escapes and pairs; what is none stays, and None says that all does."""
    view = decode_escapes(raw)
    assert (None if view is None else view.text) == expected


@each_case(
    ("raw", "span", "original"),
    [
        ("x &#105;gnore", (2, 8), (2, 13)),
        ("x &#105;gnore", (2, 3), (2, 8)),
        ("&ltb", (0, 1), (0, 3)),
        ("&ltb", (1, 2), (3, 4)),
        ("a\x00\x00b", (0, 2), (0, 4)),
        ("a\x00\x00b", (1, 2), (3, 4)),
    ],
)
def test_spans_cover_the_codes(raw: str, span: tuple[int, int], original: tuple[int, int]) -> None:
    """A character maps to the whole code that writes it, and to nothing beside it."""
    view = decode_escapes(raw)
    assert view is not None
    assert view.original(*span) == original


@given(
    st.text(st.characters(min_codepoint=32, exclude_characters="\x7f&\\", exclude_categories=["Cs", "Cc"]))
)
def test_every_character_can_be_written_as_a_code(text: str) -> None:
    """What JSON, HTML and numeric entities write reads as what was written."""
    assert read(json.dumps(text)[1:-1].replace('\\"', '"')) == text
    assert read(html.escape(text)) == text
    assert read("".join(f"&#{ord(char)};" for char in text)) == html.unescape(
        "".join(f"&#{ord(char)};" for char in text)
    )
