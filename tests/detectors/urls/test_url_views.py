"""Other readings of a text: what they show, and where each character of them stands."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.urls.url_views import find_hidden_views
from guardrails.text import normalize_text
from tests.cases import each_case


@each_case(
    ("text", "views"),
    [
        ("plain https://a.com text", []),
        ("\u00e9t\u00e9 sans lien. Fin", []),
        ("see \u0435vil.com now", ["evil.com"]),
        ("a\u2024com", ["a.com"]),
        ("java&#115;cript&colon;x", ["javascript:x"]),
        ("a&b;c &unknown; a?x=1&y=2", []),
        ("<a href='java\tscript:x'>", ["<a href='javascript:x'>"]),
        ("<a href='a&NewLine;b'>", ["<a href='ab'>"]),
        ("a = 1\nb = 2", []),
    ],
)
def test_what_is_read_otherwise(text: str, views: list[str]) -> None:
    """Only words that may hold a link and look otherwise, and what an HTML parser changes."""
    assert [view.text for view in find_hidden_views(text)] == views


def test_no_sign_hides_a_separator() -> None:
    """Every sign of the basic plane that reads as a dot, a colon or a slash makes a word suspect."""
    signs = [
        chr(code)
        for code in range(0x80, 0xFFFF)
        if unicodedata.category(chr(code)) not in {"Cs", "Co", "Cn", "Lo"}
    ]
    hiding = [sign for sign in signs if {*normalize_text(f"a{sign}a").text} & {*".:/\\"}]
    assert len(hiding) > 50
    assert [sign for sign in hiding if not [*find_hidden_views(f"see a{sign}a now")]] == []


@given(
    st.lists(
        st.sampled_from(["a", "bc", "&#115;", "&Tab;", "&colon;", " ", "=", "'", "href='x\ty'", "\n"]),
        max_size=12,
    )
)
def test_every_character_has_its_place(pieces: list[str]) -> None:
    """A character that is not decoded stands where it is read from; spans are in order and inside the text."""
    text = "".join(pieces)
    for view in find_hidden_views(text):
        places = [view.original(at, at + 1) for at in range(len(view.text))]
        assert places == sorted(places)
        assert all(0 <= start < end <= len(text) for start, end in places)
        assert all(
            end - start > 1 or text[start] == sign
            for (start, end), sign in zip(places, view.text, strict=True)
        )
        assert view.original(0, len(view.text))[1] <= len(text)
