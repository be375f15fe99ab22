"""HTML of reports."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.markup import (
    PALETTES,
    PIECE,
    STYLE,
    Html,
    cover_text,
    join_markup,
    make_page,
    make_table,
    mark_text,
    show_invisible,
    tag,
)
from tests.cases import each_case

ANY = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    [
        "<script>x</script>",
        '"><img src=//x>',
        "</div>",
        "<!--",
        "]]>",
        "&lt;",
        "' onload='x",
        "</style>",
        "\x00",
    ]
)


class Read(HTMLParser):
    """What a reader makes of markup: its elements with their attributes, and the texts."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.others: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


@given(ANY, ANY)
def test_no_text_breaks_out(text: str, attribute: str) -> None:
    """Whatever stands in an element or an attribute is read as that text again, and as nothing else."""
    read = Read(tag("p", text, tag("b", text), title=attribute))
    assert read.elements == [("p", [("title", show_invisible(attribute))]), ("b", [])]
    assert read.text == show_invisible(text) * 2
    assert not read.others


@given(ANY, st.lists(st.tuples(st.integers(-3, 50), st.integers(-3, 50), st.integers(1, 9)), max_size=5))
def test_marks_leave_the_text_as_it_is(text: str, marks: list[tuple[int, int, int]]) -> None:
    """Overlapping, empty and misplaced spans too: what is read without the numbers is the text, and only marks are added."""
    text = text.replace("\r", "")
    markup = mark_text(text, marks)
    numbers = [part.partition("</sup>")[0] for part in markup.split("<sup>")[1:]]
    for number in numbers:
        markup = Html(markup.replace(f"<sup>{number}</sup>", "", 1))
    read = Read(markup)
    assert read.text == show_invisible(text)
    assert {name for name, _ in read.elements} <= {"mark"}
    seen = sorted(number for start, end, number in marks if max(0, start) < min(end, len(text)))
    assert sorted(int(number) for part in numbers for number in part.split()) == seen


def test_each_mark_has_its_number() -> None:
    """Behind its end, inside of what is marked."""
    assert mark_text("ab<cd", [(1, 3, 1), (2, 4, 2)]) == (
        "a<mark>b</mark><mark>&lt;<sup>1</sup></mark><mark>c<sup>2</sup></mark>d"
    )


@each_case(
    ("text", "seen"),
    [
        ("a\nb\tc", "a\nb\tc"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("user\u202egnp.exe", "user⟨U+202E⟩gnp.exe"),
        ("\x00\x1b[31m", "⟨U+0000⟩⟨U+001B⟩[31m"),
        ("\ud800", "⟨U+D800⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("a\u200db", "a\u200db"),
    ],
)
def test_what_is_invisible_is_made_visible(text: str, seen: str) -> None:
    """What turns the direction of writing, hides a message, or cannot be written at all."""
    assert show_invisible(text) == seen
    assert join_markup([text]).encode()


def test_long_texts_are_cut_in_the_middle() -> None:
    """Their beginning and end are shown, with how much is not."""
    read = Read(mark_text("a" * PIECE * 2 + "found" + "b" * 9, [(PIECE * 2, PIECE * 2 + 5, 1)]))
    assert read.text.count("a") < PIECE + 40
    assert f"{PIECE:,} characters are not shown" in read.text
    assert read.text.endswith("found1" + "b" * 9)


def luminance(colour: str) -> float:
    """Return how bright a colour is, by WCAG."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@each_case("scheme", PALETTES)
def test_colours_are_readable(scheme: str) -> None:
    """In the light and in the dark, all texts have the contrast to their ground that WCAG AA asks for: 4.5."""
    colours = PALETTES[scheme]
    pairs = [(ink, ground) for ink in ("text", "dim", "redact") for ground in ("page", "card")]
    pairs += [(ink, ground) for ink in ("allow", "flag", "block") for ground in ("page", "card")]
    for ink, ground in [*pairs, ("text", "mark")]:
        low, high = sorted([luminance(colours[ink]), luminance(colours[ground])])
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_a_page_needs_nothing_else() -> None:
    """It forbids scripts and everything that is elsewhere, and says its language and its title; it has no script without a table."""
    read = Read(make_page("<title>", [tag("p", "x")]))
    names = [name for name, _ in read.elements]
    assert names == ["html", "head", *["meta"] * 4, "title", "style", "body", "main", "p"]
    assert read.elements[0] == ("html", [("lang", "en")])
    policy = dict(read.elements[3][1])
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert str(policy["content"]).startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in str(policy["content"])
    assert "script-src" not in str(policy["content"])


def test_only_the_script_of_tables_may_run() -> None:
    """It is there once, its hash is what the page allows, and it reaches for nothing outside of the page."""
    page = make_page("t", [make_table(("a",), [("<script>alert(1)</script>",)])])
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    (policy,) = (
        dict(found)["content"]
        for name, found in Read(page).elements
        if ("http-equiv", "Content-Security-Policy") in found
    )
    assert str(policy).endswith(f"; script-src 'sha256-{digest}'")
    assert not re.search(
        r"fetch|XMLHttp|WebSocket|import|eval|innerHTML|storage|cookie|location|https?:",
        script,
        re.IGNORECASE,
    )


def test_cells_name_their_columns() -> None:
    """Each value can stand behind the name of its column, escaped; a column without a value is left out."""
    read = Read(make_table(("n", "no", 'a"<b>'), [("x", "", "<y>"), ("z", "", "")]))
    own = [[("data-label", "n")], [("data-label", 'a"<b>')]]
    assert [found for name, found in read.elements if name == "td"] == own * 2
    assert [name for name, _ in Read(make_table(("a", "b"), [])).elements].count("th") == 2


@each_case(
    ("columns", "width"),
    [(1, "slim"), (4, "slim"), (5, "narrow"), (6, "middle"), (8, "middle"), (10, "wide")],
)
def test_tables_with_more_columns_are_cards_on_wider_pages(columns: int, width: str) -> None:
    """So that no column is cut off, and a table with few stays one on a small screen."""
    table = make_table([str(at) for at in range(columns)], [["x"] * columns])
    assert f'<table class="{width}">' in table
    assert f"table.{width} thead" in STYLE


def test_a_covered_text_is_closed() -> None:
    """It opens by a click, without a script, and it is text."""
    read = Read(cover_text("<b>x</b>" + "y" * 2 * PIECE))
    assert [name for name, _ in read.elements][:3] == ["details", "summary", "div"]
    assert read.elements[0] == ("details", [])
    assert "<b>x</b>" in read.text
    assert "characters are not shown" in read.text
