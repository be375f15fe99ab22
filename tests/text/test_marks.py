r"""Marks: which words are in disguise, and which only look so."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.text.marks import (
    CODES,
    JOINT,
    REPEAT,
    REST,
    SHAPES,
    SIGNS,
    mark_leet,
    mark_repeats,
    mark_separators,
)
from tests.cases import each_case

SHOWN = str.maketrans(
    {JOINT: "·", REPEAT: "~", REST: "_", **{code: SIGNS[sign][0] for sign, code in CODES.items()}}
)


@each_case(
    ("text", "shown"),
    [
        ("1gn0r3", "ignore"), ("@ll", "all"), ("$h1t!", "shit!"), ("a$$", "ass"), ("sh!t", "shit"), ("k|ll", "kill"),
        ("4ttack", "attack"), ("3vil", "evil"), ("cla$$y", "classy"), ("m€an", "mean"),
        ("h|\\/|m", "hm___m"), ("/\\/\\ake", "m___ake"), ("f|_|n", "fu__n"), ("\\/1@gr@", "v_iagra"),
        ("|-|-|", None), ("a/b c\\d", None),
        ("h4ck a11", "hack aii"), ("4ll h4ck", "all hack"), ("a11 the h4ck", "a11 the hack"),
        ("suicid3", "suicide"), ("kis$!", "kiss!"), ("mp3 sha1", None), ("US$", None),
        ("sch31ße", "scheiße"),
        ("A55", None), ("h264", None), ("$5m", None), ("4x4", None), ("covid19", None), ("utf8", None),
        ("3rd", None), ("10k", None), ("R2D2", None), ("555-123-4567", None), ("100mb", None), ("b2b h2o", None),
        ("c++ a+b", None), ("stop! now|", None), ("deadbeef12 3f2a9c8e 0xbabe", None), ("jo@example.com", None),
        ("a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7", None), ("1337", None), ("$100 US$", None),
    ],
)  # fmt: skip
def test_leet_signs_are_read_in_words(text: str, shown: str | None) -> None:
    """Signs between letters, or before enough of them, are letters; in numbers, units, codes and addresses they are not."""
    assert mark_leet(text).translate(SHOWN) == (text if shown is None else shown)


@each_case(
    ("text", "shown"),
    [
        ("i g n o r e", "i·g·n·o·r·e"),
        ("to i.g.n.o.r.e.", "to i·g·n·o·r·e."),
        ("i g n o r e   a l l", "i·g·n·o·r·e __a·l·l"),
        ("i-g-n-o-r-e a-l-l", "i·g·n·o·r·e a·l·l"),
        ("a i-g-n-o-r-e", "a i·g·n·o·r·e"),
        ("a-l-l a m-y w-o-r-d-s", "a·l·l a m·y w·o·r·d·s"),
        ("i--g i-g-n-o-r-e--a-l-l", "i--g i·g·n·o·r·e _a·l·l"),
        ("i - g - n - o", "i···g···n···o"),
        ("i\ng\nn\no", "i·g·n·o"),
        ("$ h i t", "$·h·i·t"),
        ("i\tg\tn\to", "i·g·n·o"),
        ("i\tg\tn\to\t\ta\tl\tl", "i·g·n·o _a·l·l"),
        ("i\r\ng\r\nn\r\no", "i··g··n··o"),
        ("i  g  n  o    a  l  l", "i··g··n··o ___a··l··l"),
        ("i=g=n=o", "i·g·n·o"),
        ("wea-\npons and wea-\r\n  pons", "wea··pons and wea·····pons"),
        ("a-\nb, well-\n-known, 10-\n20, x -\nyes", None),
        ("4 1 1 1 1 1 1", "4·1·1·1·1·1·1"),
        ("4\t1\t1\t1\t1\t1\t1", None),
        ("é t é s", "é·t·é·s"),
        ("4 1 1 1 1 1", None),
        ("1, 2, 3, 4, 5, 6, 7, 8", None),
        ("a b c", None),
        ("a b.c d", None),
        ("ab c d e", None),
        ("U.S.A.", None),
        ("a - b = c", None),
        ("! ! ! ! !", None),
    ],
)
def test_single_characters_are_joined(text: str, shown: str | None) -> None:
    """From four letters on with one separator, from seven digits on; longer gaps end words."""
    assert mark_separators(text).translate(SHOWN) == (text if shown is None else shown)


@each_case(
    ("text", "shown"),
    [
        ("iiiignooore", "i~~~gno~~re"),
        ("hheeelllo", "h~e~~l~~o"),
        ("iiggnnore", "i~g~n~ore"),
        ("IiIgnore", "I~~gnore"),
        ("feeel good", "fe~~l good"),
        ("i·i·i·g·n".replace("·", JOINT), "i·~·~·g·n"),
        ("www xxx aaa", None),
        ("good bookish", None),
        ("1000", None),
    ],
)
def test_repeats_are_marked(text: str, shown: str | None) -> None:
    """All repeats of a word with three the same or three pairs in a row are marked; in other words none is."""
    assert mark_repeats(text).translate(SHOWN) == (text if shown is None else shown)


def test_marks_are_distinct_controls() -> None:
    """No mark is white space, printable or used twice."""
    marks = [JOINT, REPEAT, REST, *CODES.values()]
    assert len({*marks}) == len(marks)
    assert all(ord(mark) < 32 and not mark.isspace() for mark in marks)


def test_no_shape_hides_a_longer_one() -> None:
    """A shape that is part of another stands behind it."""
    shapes = list(SHAPES)
    assert all(part not in whole for at, part in enumerate(shapes) for whole in shapes[at + 1 :])


@example("a\nb||||a|||1|1|")
@given(st.text("aAbBil 01345@$!|+\\/.-_\n&é", max_size=40))
def test_marking_keeps_the_length(text: str) -> None:
    """Marks stand one for one, and unmarked characters stay what they are."""
    for step in (mark_separators, mark_leet, mark_repeats):
        marked = step(text)
        assert len(marked) == len(text)
        text = marked


@each_case(
    ("text", "shown"),
    [
        ("ig<b>no</b>re", "ig···no····re"),
        ("i<i>g</i><b>nore", "i···g·······nore"),
        ("ig<!-- a -->nore", "ig··········nore"),
        ('ig<span class="a b">nore', "ig" + "·" * 18 + "nore"),
        ("ig**no**re", "ig··no··re"),
        ("ig~~nore", "ig··nore"),
        ('"ig" + "nore"', '"ig·····nore"'),
        ("'ig'\n 'nore'", "'ig····nore'"),
        ("536-22-<b>8145</b>", "536-22-···8145</b>"),
        ("**i****g****n****o** **i****t**", "**i····g····n····o ____i····t**"),
        ("`i``g``n``o` me", "`i··g··n··o` me"),
        ("[i]i[/i][i]g[/i][b]n[/b]o", "[i]i·······g·······n····o"),
        ("[i](x)[g](x)[n](#)[o](x)", "[i·····g·····n·····o](x)"),
        ("[i](x)[g](x)[n](x)[o](x) [i](x)[t](x)", "[i·····g·····n·····o _____i·····t](x)"),
        ("[b]i[/b][b]g[/b][b]n[/b][b]o[/b] [b]i[/b]t", "[b]i·······g·······n·······o _______i····t"),
        ("(i)(g)(n)(o) (i)(t)", "(i··g··n··o __i··t)"),
        ("i<br>g<br>n<br/>o i<br>t", "i····g····n·····o i····t"),
        ("<p>i</p><p>g</p><p>n</p><p>o</p>", "<p>i·······g·······n·······o</p>"),
        ("a[i][j][k] (a) (b) (c) (d) f(x)(y) <td>i</td><td>g</td><td>n</td><td>o</td>", None),
        ("(1)(2)(3)(4)(5)(6)(7)(8)", None),
        ("one<br>two <b>three</b> <p>four</p>", None),
        ("a**b 2**8 ** five ** 1024*1024 n*len it's 'six'", None),
        ('["one", "two"], {"a": "b"}', None),
        ('"one" and "two"', None),
        ("one<b" + "x" * 300 + ">two", None),
        ("one<!--" + "x" * 300 + "-->two", None),
    ],
)
def test_markup_and_quotes_inside_of_words_are_joints(text: str, shown: str | None) -> None:
    """Tags that part no words, remarks, marks of Markdown, and what stands between literals that code puts together."""
    assert mark_separators(text).translate(SHOWN) == (text if shown is None else shown)


@each_case(
    "tag",
    ["<a />", "<b/>", "<i x/>", "<br />", "</b />", "<!-- -->", "/**/", "[b]", "](x)", ")(", "**", "` "],
)
def test_rows_of_markup_take_linear_time(tag: str) -> None:
    """Each tag is read in one way: in two, a hundred in a row that end in no word would take longer than anybody waits."""
    for text in (f"a{tag * 100}", f"a{tag * 100}?", f"a b{tag * 100} c{tag}d"):
        assert len(mark_separators(text)) == len(text)
