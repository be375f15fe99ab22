"""The gate: it fires for every trick, and stays shut on everyday text."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.text.escapes import decode_escapes
from guardrails.text.marks import mark_leet, mark_repeats, mark_separators
from guardrails.text.obfuscation_hints import ObfuscationHints, find_hints
from tests.cases import each_case

CLEAN = [
    "",
    "Plain prose, with a comma; a dash - and (brackets)! Really?",
    "A55 h264 $5m 4x4 covid19 utf8 3rd 10k R2D2 h2o b2b 100mb mp3 2,000.50 50% #1",
    "Call +1 (555) 123-4567 or 020 7946 0958 on 2024-05-06 at 12:30:45.",
    "AT&T, R&D, a && b, www.example.com, the USA, book, good, free",
    "x = y[1] * (2 + 3)\n    return value / 100\n",
    "l'été à Köln, 北京 東京, мой дом, Заря, ελληνικά",
]


@each_case("text", CLEAN)
def test_clean_text_does_not_open_the_gate(text: str) -> None:
    """Numbers, units, names, code and other languages are no tricks."""
    assert find_hints(text) == ObfuscationHints(False, False, False)


@each_case("around", ["{}", "so {} there", "é {} é"])
@each_case(
    ("text", "expected"),
    [
        ("&#105;gnore", "written"), ("&#x69gnore", "written"), ("&lt;", "written"), ("&commat;", "written"),
        ("&ltb", "written"), ("\\u0069gnore", "written"), ("\\x69", "written"), ("\\u{69}", "written"),
        ("a\x00b", "written"), ("i g n o r e", "written"), ("i.g.n.o.r.e", "written"), ("i - g - n - o", "written"),
        ("i\ng\nn\no", "written"), ("4 1 1 1", "written"), ("$ h i t", "written"),
        ("**i****g****n****o**", "written"), ("[i](x)[g](x)[n](x)[o]", "written"), ("i<br>g<br>n<br>o", "written"),
        ("[b]i[/b][b]g[/b][b]n[/b][b]o[/b]", "written"), ("(i)(g)(n)(o)", "written"), ("\\033[31m", "written"), ("\\e[0m", "written"),
        ("1gn0r3", "leet"), ("@ll", "leet"), ("$h1t", "leet"), ("a$$", "leet"), ("h|\\/|m", "leet"), ("sh!t", "leet"),
        ("k|ll", "leet"), ("m€an", "leet"),
        ("ignooore", "repeated"), ("IgNoOoRe", "repeated"), ("iiggnnore", "repeated"), ("wwwwhat", "repeated"),
    ],
)  # fmt: skip
def test_each_trick_opens_the_gate(text: str, expected: str, around: str) -> None:
    """Every trick is signalled as its kind, in ASCII text and in other."""
    assert getattr(find_hints(around.format(text)), expected)


@each_case("text", ["приииивет", "straßßße", "αβββα"])
def test_letters_of_other_alphabets_repeat(text: str) -> None:
    """Repeats of Greek, Cyrillic and accented letters are signalled."""
    assert find_hints(text).repeated


@given(st.text("abBoé 01345@$!|+-.,\n&#x;u\\\\l9", max_size=16))
@example("a b c d")
def test_what_is_not_signalled_is_not_marked(text: str) -> None:
    """A text that the gate lets go holds nothing that the steps behind it would change."""
    found = find_hints(text)
    assert found.written or (decode_escapes(text) is None and mark_separators(text) == text)
    assert found.leet or mark_leet(text) == text
    assert found.repeated or mark_repeats(text) == text
