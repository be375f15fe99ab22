"""Growing texts: cut where they may be cut, the readings of the parts are the readings of the whole."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails.text import deobfuscate_text, normalize_text
from guardrails.text.growing import LEAD, READINGS, find_cut, last_word_start, mark_part, read_part
from tests.cases import each_case, scale

PIECES = [
    "word ", "stop. ", "an idea, ", "12 ", "3.50 ", "b4d ", "h3llo ", "a b c d ", "a-b-c-d-e ", "x ", "&#97;", "&amp;#98; ", r"\u0063 ", "coool ", "aabbcc ",
    "e\u0301", "\u200b", "\ufb01", "ﬁne ", "日本、", "don't ", "(see) ", "a|b ", r"|\/|e ", "\n", "1 2 3 4 5 6 7 8 ", "key=" + "aB3x" * 12 + "\n",
    "x\x00y ", "re-do ", "mid", "wor", "d", "s", "<b>", "</span> ", '<i class="a b">', "<!-- a remark -->", "/* it */", "**", "~~", "__", "`",
    '"', '" + "', "'\n  '", "> ", "<", "/*",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def grown(text: str, *, letters: bool) -> list[tuple[str, list[tuple[int, int]]]]:
    """Return each reading of a text that comes character by character, and where its characters stand, put together of parts."""
    views = [("", list[tuple[int, int]]())] * (READINGS if letters else 1)
    done = lead = 0
    for length in range(1, len(text) + 2):
        rest = text[done - lead : length]
        cut = len(rest) if length > len(text) else find_cut(rest, 0, inside=not letters)
        if cut <= lead:
            continue
        part, at = rest[:cut], done - lead
        each = read_part(part, letters=letters) or (normalize_text(part),) * len(views)
        views = [
            (
                so_far + view.text[lead:],
                spans
                + [
                    (start + at, end + at)
                    for start, end in (view.original(i, i + 1) for i in range(lead, len(view.text)))
                ],
            )
            for (so_far, spans), view in zip(views, each, strict=True)
        ]
        done += cut - lead
        lead = LEAD if not letters and part[-LEAD:].isalpha() else 0
    return views


@pytest.mark.parametrize("letters", [True, False])
@given(text=texts)
@example(text="wor word a b c d e")
@example(text="no &#98;ad")
@settings(max_examples=scale(600))
def test_the_readings_of_parts_are_those_of_the_whole(letters: bool, text: str) -> None:
    """Each further reading of the text is one that was put together, character by character where it stands."""
    views = grown(text, letters=letters)
    whole = {
        view.text: [view.original(at, at + 1) for at in range(len(view.text))]
        for view in deobfuscate_text(text, letters=letters)
    }
    for reading, spans in whole.items():
        assert (reading, spans) in views
    plain = normalize_text(text)
    known = {plain.text, *whole}
    assert {reading for reading, _ in views} <= known


@each_case(
    ("text", "expected"),
    [
        ("some words come", 11), ("some ", 0), ("some  x", 6), ("stop. And", 6), ("some \u0301", 0), ("some &", 0), ("some \\", 0), ("a b c d", 0),
        ("12 x", 3), ("1 x", 0), ("b4d x", 0), ("&lt x", 0), ("&lt; x", 0), ("|word x", 0), ("re-do it", 6), (r"\u{ab} x", 0), ("日本、x", 3),
        ("aB3x" * 12 + "\nx", 49), ("a" * 40 + "1\nx", 0), ("\u1112\u1161\u11ab x", 0), ("don't x", 4), ("ab\x1fcd ", 0), ("", 0),
    ],
)  # fmt: skip
def test_where_a_text_may_be_cut(text: str, expected: int) -> None:
    """Behind a plain word and what ends it, once it is known that nothing there goes on."""
    assert find_cut(text, 0) == expected


@each_case(
    ("text", "expected"),
    [("word", 3), ("wo", 0), ("a word", 5), ("word\u0301", 0), ("wo&#98;", 0), ("b4dly", 0), ("word an", 5)],
)
def test_where_a_word_may_be_cut(text: str, expected: int) -> None:
    """Behind two letters, for codes and joined letters cannot begin or end there."""
    assert find_cut(text, 0, inside=True) == expected


@given(text=texts, start=st.integers(0, 40))
def test_what_was_searched_need_not_be_searched_again(text: str, start: int) -> None:
    """From where the last word begins on, the same cut is found as from the very beginning."""
    so_far = text[:start]
    if find_cut(so_far, 0) == 0:
        assert find_cut(text, 0) == max(find_cut(text, last_word_start(so_far)), 0) or find_cut(
            text, last_word_start(so_far)
        ) == last_word_start(so_far)


def test_marks_of_a_part() -> None:
    """All of its disguises, or none."""
    assert mark_part("a plain part") is None
    view = mark_part("b4d one")
    assert view is not None
    assert view.text != "b4d one"
