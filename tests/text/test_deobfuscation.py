"""Readings: tricks undone, spans of the raw text, and nothing for clean text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.text import TextView, deobfuscate_text, has_deeper_escapes, mark_obfuscations, normalize_text
from tests.cases import each_case

hostile = st.text(
    st.sampled_from("aAbBilofgz 01345@$!|+\\/.-_\n\t&#x;u69é\u200b\u0301\uff41\ud800\x00\x01{}"), max_size=40
)
pieces = st.lists(
    st.sampled_from(
        [
            "&#105;",
            "&lt",
            "\\u0069",
            "\\x69",
            "i g n o r e",
            "a-l-l",
            "   ",
            "1gn0r3",
            "|\\/|",
            "feeel",
            "&amp;#1",
            "05;",
            "\x00",
        ]
    ),
    max_size=6,
).map("".join)
texts = st.one_of(hostile, pieces)


def reads(text: str, *, letters: bool = True) -> list[str]:
    """Return the texts of the readings."""
    return [view.text for view in deobfuscate_text(text, letters=letters)]


@each_case(
    ("raw", "readings"),
    [
        ("1gn0r3 it", ["ignore it", "lgnore it"]),
        ("h4ck", ["hack"]),
        ("feeel", ["fel", "feel"]),
        ("f1111lee", ["fiiiilee", "flllllee"]),
        ("&#x69;gnore", ["ignore"]),
        ("&amp;#105;gnore", ["ignore"]),
        ("&#8203;&#65313;b", ["Ab"]),
        ("\uff06#105;gnore", ["ignore"]),
        ("\\u0069gn0re", ["ign0re", "ignore"]),
        ("i g n o r e   a l l", ["ignore all"]),
        ("1 g n 0 r e", ["1gn0re", "ignore", "lgnore"]),
        ("\uff49.\u200bg.n.o.r.e", ["ignore"]),
        ("ig\x00nore", ["ignore"]),
        ("4 1 1 1 1 1 1", ["4111111"]),
        ("b1toool", ["bitol", "bltol", "bitool", "bltool"]),
    ],
)
def test_readings(raw: str, readings: list[str]) -> None:
    """Codes first, then joined letters, then signs and repeats, each way there is."""
    assert reads(raw) == readings


@each_case(
    ("raw", "readings"),
    [
        ("4111 1111 h4ck feeel", []),
        ("&#52;111", ["4111"]),
        ("4.1.1.1.1.1.1 h4ck", ["4111111 h4ck"]),
        ("s e c r 3 t", ["secr3t"]),
    ],
)
def test_digits_stay_digits_where_they_are_the_content(raw: str, readings: list[str]) -> None:
    """Without letters, codes are read and single characters joined, and nothing else changes."""
    assert reads(raw, letters=False) == readings


@each_case(
    "raw",
    [
        "",
        "Clean prose with numbers, 3 of them: A55, covid19 and 4x4.",
        "éèê 北京 Привет \U0001f600 \u200b",
        "tabs\tand\r\nline ends",
        "www.example.com jo@example.com",
        "\ud800 lone",
    ],
)
def test_clean_text_has_no_readings(raw: str) -> None:
    """Where there is nothing to undo, nothing comes back."""
    assert deobfuscate_text(raw) == deobfuscate_text(raw, letters=False) == ()
    assert mark_obfuscations(raw) is None


@each_case(
    ("raw", "word", "span"),
    [
        ("so &#105;gn0re!", "ignore", "&#105;gn0re"),
        ("- i.g.n.o.r.e -", "ignore", "i.g.n.o.r.e"),
        ("iiiignooore it", "ignore", "iiiignooore"),
        ("x |\\/|ake y", "make", "|\\/|ake"),
        ("an h|\\/|", "hm", "h|\\/|"),
        ("\u200bi\u200b g n o\u200b", "igno", "i\u200b g n o"),
        ("\uff49 g n \\u006f r e.", "ignore", "\uff49 g n \\u006f r e"),
        ("a l l   &lt;", "all <", None),
    ],
)
def test_spans_are_the_disguise_and_no_more(raw: str, word: str, span: str | None) -> None:
    """What spells a word is its span: separators, codes and repeats inside it, nothing around it."""
    found = {
        raw[slice(*view.original(at, at + len(word)))]
        for view in deobfuscate_text(raw)
        if (at := view.text.find(word)) >= 0
    }
    assert found == ({span} if span is not None else set())


def _in_order(view: TextView, raw: str) -> bool:
    spans = [view.original(index, index + 1) for index in range(len(view.text))]
    inside = all(0 <= start < end <= len(raw) for start, end in spans)
    return inside and all(left == right or left[1] <= right[0] for left, right in pairwise(spans))


@given(texts)
@example("&#105;&#105;&#105;g")
def test_maps_are_in_order(raw: str) -> None:
    """Every character of every reading maps to raw characters; spans follow each other or are the same."""
    views = [*deobfuscate_text(raw), *deobfuscate_text(raw, letters=False)]
    marks = mark_obfuscations(raw)

    assert all(_in_order(view, raw) for view in views)
    assert marks is None or _in_order(marks, raw)
    assert len({view.text for view in deobfuscate_text(raw)}) == len(deobfuscate_text(raw)) <= 7


@given(texts, st.data())
def test_spans_compose(raw: str, data: st.DataObject) -> None:
    """A span reaches from its first character's start to its last character's end."""
    for view in deobfuscate_text(raw):
        if view.text:
            start = data.draw(st.integers(0, len(view.text) - 1))
            end = data.draw(st.integers(start + 1, len(view.text)))
            assert view.original(start, end) == (
                view.original(start, start + 1)[0],
                view.original(end - 1, end)[1],
            )


@given(texts)
def test_readings_differ_from_the_normalized_view(raw: str) -> None:
    """What the normalized view shows is not searched twice."""
    assert normalize_text(raw.replace("\ud800", "\ufffd")).text not in reads(raw)


@each_case(("times", "deeper"), [(0, False), (1, False), (3, False), (4, True)])
def test_codes_of_codes_beyond_the_bound_are_told(times: int, deeper: bool) -> None:
    """Each level is decoded up to the bound, and what lies deeper has a name; entities of ampersands are one level."""
    text = "ok"
    for _ in range(times):
        text = "".join(rf"\u{ord(char):04x}" for char in text)
    assert has_deeper_escapes(f"so {text}") == deeper
    assert not has_deeper_escapes("&" + "amp;" * 50 + "#105;")
