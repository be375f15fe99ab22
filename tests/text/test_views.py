"""Views of texts: what is read, and where each character of it stands in the raw text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.text import TextView, fold_text, normalize_scripts, normalize_text, settled_length
from guardrails.text.segments import CAP, joiner_pattern
from guardrails.text.views import replace_stretches
from tests.cases import each_case

Viewer = Callable[[str], TextView]

both = pytest.mark.parametrize("view", [normalize_text, fold_text])
every = pytest.mark.parametrize("view", [normalize_text, fold_text, normalize_scripts])

# Letters and marks that interact: they combine, expand, vanish, reorder or change case.
_HOSTILE = (
    "aAeEoszIx1 =-'\n\x00"
    "\u00e9\u00df\u1e9e\u0130\u0131\u017f\u00f8\u0153\u00bd\u00a8\u00b4\u2026\u2126\u212b"
    "\u0300\u0301\u0308\u0316\u0327\u0338\u0344\u0345\u034f\u20dd\u20e3\u0483\u0489"
    "\u0430\u0432\u0412\u0435\u0438\u0439\u0443\u045e\u0451\u0437\u0417\u03b7\u0397\u03c2\u03a3\u03ac\u1fb3\u1fbc"
    "\u200b\u200c\u200d\u202e\u2066\u00ad\ufeff\ufe0f\U000e0041\U000e0101\u180e\u0085\u0080"
    "\u1100\u1161\u11a8\uac00\u3131\u314f\u3164\uffa1\uffc2\u3260"
    "\u304b\u30ab\uff76\u3099\uff9e\uff9f\u309b"
    "\u0627\u0653\u0654\u064b\u0640\ufe77\ufcf2\ufdfa\u05e9\u05c1\u05bc\ufb2c"
    "\u09c7\u09be\u09d7\u0915\u093c\u094d\u0958\u0f71\u0f72\u0f73\u1025\u102e"
    "\ufb01\uff41\uff21\U0001d41b\u24d0\U0001f170\U0001f1e9\U0001d15e\U000110ba\U00011099\U00011131\U00011127"
    "\u13aa\uab7a\U00010400\U0001f600\U0001f1e6\u4e2d\uf900\U0002f800\ud800\udfff"
)
hostile = st.text(st.sampled_from(_HOSTILE), max_size=24)
# Long runs of what joins a segment, so that the cap is met.
runs = st.builds(
    lambda parts: "".join(char * count for char, count in parts),
    st.lists(
        st.tuples(st.sampled_from(_HOSTILE), st.sampled_from([1, 1, 2, 29, 30, 31, 32, 33])), max_size=6
    ),
)
texts = st.one_of(hostile, runs, st.text(st.characters(codec=None)))


@each_case(
    ("raw", "read"),
    [
        ("fo\u200brbidden", "forbidden"),
        ("fo\u00adrbid\u2060den\ufeff", "forbidden"),
        ("\u202eforbidden\u202c", "forbidden"),
        ("f\ufe0fo\U000e0041\U000e0101rbidden", "forbidden"),
        ("fo\u0080rbidden", "forbidden"),
        ("f\u043erbidd\u0435n", "forbidden"),
        ("\uff46\uff4frbidden", "forbidden"),
        ("\U0001d41f\U0001d428\U0001d42b\U0001d41b\U0001d422dden", "forbidden"),
        ("\u24d5\u24de\u24e1bidden", "forbidden"),
        ("\U0001f175\U0001f17e\U0001f1f7bidden", "FORbidden"),
        ("\U0001f155\u20ddorbidden", "Forbidden"),
        ("\ufb01ne", "fine"),
        ("\u249c\U0001f111\u24f5\u15e9", "aB1A"),
        ("cafe\u0301", "caf\u00e9"),
        ("cafe\u200b\u0301", "caf\u00e9"),
        ("\u0391\u0392\u0395", "ABE"),
        ("\u03ac", "\u00e1"),
        ("\u0401", "\u00cb"),
        ("\u0438\u0306", "\u0439"),
        ("\u13aa\u0578\u0261", "Ang"),
        ("l\u2019\u00e9t\u00e9 \u2014 oui", "l'\u00e9t\u00e9 - oui"),
        ("\u00aboui\u00bb \u201eja\u201c", '"oui" "ja"'),
        ("a\u00a0b\u2003c\u3000d\u2028e", "a b c d\ne"),
        ("\u00bd\u2026", "1/2..."),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\u3160\uff76\uff9e", "\u3160\u30ac"),
        ("\u0301a", "a"),
        ("", ""),
    ],
)
def test_normalized_reads(raw: str, read: str) -> None:
    """The normalized view is what a reader sees, in composed characters, with case."""
    assert normalize_text(raw).text == read


@each_case(
    ("raw", "read"),
    [
        ("Stra\u00dfe", "strasse"),
        ("STRA\u1e9eE", "strasse"),
        ("\u00c9COLE", "ecole"),
        ("e\u0301cole", "ecole"),
        ("z\u0335\u0321\u0489a\u0338\u0301\u0316l\u0337go", "zalgo"),
        ("z" + "\u0301" * 100 + "algo", "zalgo"),
        ("\u0130I\u0131", "iii"),
        ("Sm\u00f8rrebr\u00f8d \u0141\u00f3d\u017a \u00c6on", "smorrebrod lodz aeon"),
        ("\uff26\u041e\u200br\U0001d401\u0456\u0323DDEN", "forbidden"),
        ("\u0432\u043e\u0434\u043a\u0430", "bo\u0434ka"),
        ("\u0412\u041e\u0414\u041a\u0410", "bo\u0434ka"),
        ("\u043c\u043e\u0439", "mo\u0438"),
        ("\u03bf\u03b4\u03cc\u03c2", "o\u03b4oo"),
        ("\u039f\u0394\u039f\u03a3", "o\u03b4oo"),
        ("\u0645\u064f\u062d\u0640\u0645", "\u0645\u062d\u0645"),
        ("\u304b\u3099", "\u304c"),
        ("A\x00B", "a\x00b"),
    ],
)
def test_folded_reads(raw: str, read: str) -> None:
    """The folded view has neither case nor accents nor strokes, and no ornament of any script."""
    assert fold_text(raw).text == read


@each_case(
    ("raw", "read"),
    [
        ("Привет, как дела?", "Привет, как дела?"),
        ("Καλημέρα σας", "Καλημέρα σας"),
        ("мои\u0306", "мой"),
        ("он и p\u0430ypal", "он и paypal"),
        ("\u0440\u0430\u0443 me", "pay me"),
        ("\u0440\u0430\u0443 мне", "\u0440\u0430\u0443 мне"),
        ("игра \ufb01ne \uff21", "игра fine A"),
        ("Überfälle, naïve", "Überfälle, naïve"),
        ("ign\u043ere всё", "ignore всё"),
    ],
)
def test_scripts_are_kept(raw: str, read: str) -> None:
    """Words of Greek and Cyrillic stand as they are written; what mixes scripts, or has nothing but look-alikes, is Latin."""
    assert normalize_scripts(raw).text == read


@each_case(
    ("view", "raw", "span", "original"),
    [
        (normalize_text, "a\u200bb", (0, 2), (0, 3)),
        (normalize_text, "a\u200bb", (0, 1), (0, 1)),
        (normalize_text, "a\u200bb", (1, 2), (2, 3)),
        (normalize_text, "\u200b\u200ba\u200b", (0, 1), (2, 3)),
        (normalize_text, "x\ufb01y", (1, 3), (1, 2)),
        (normalize_text, "x\ufb01y", (2, 3), (1, 2)),
        (normalize_text, "x\ufb01y", (2, 4), (1, 3)),
        (normalize_text, "xe\u200b\u0301\u200by", (1, 2), (1, 4)),
        (normalize_text, "xe\u200b\u0301\u200by", (1, 3), (1, 6)),
        (fold_text, "Stra\u00dfe", (4, 6), (4, 5)),
        (fold_text, "Stra\u00dfe", (6, 7), (5, 6)),
        (fold_text, "z\u0301\u0301a", (0, 1), (0, 3)),
        (fold_text, "z\u0301\u0301a", (1, 2), (3, 4)),
        (normalize_text, "a\u200bb", (0, 0), (0, 0)),
        (normalize_text, "a\u200bb\u200b", (2, 2), (4, 4)),
        (normalize_text, "plain", (1, 3), (1, 3)),
    ],
)
def test_original_span(view: Viewer, raw: str, span: tuple[int, int], original: tuple[int, int]) -> None:
    """A span maps to the raw segments its characters come from, without invisible neighbours."""
    assert view(raw).original(*span) == original


@each_case("span", [(-1, 0), (2, 1), (0, 3), (3, 3)])
@each_case("raw", ["ab", "a\u200bb"])
def test_original_refuses_foreign_spans(raw: str, span: tuple[int, int]) -> None:
    """A span outside the view is an error, not a guess."""
    with pytest.raises(ValueError, match="no span"):
        normalize_text(raw).original(*span)


@every
@each_case("raw", ["", "plain\x00\x1f ascii", "\u4e2d\u6587", "\ud55c\uae00", "\u0434\u0436\U0001f600"])
def test_same_object(view: Viewer, raw: str) -> None:
    """A text that reads as it stands is not copied and has the identity map."""
    seen = view(raw)

    assert seen.text is raw
    assert seen.identity


@each_case(("raw", "identity"), [("\u043e\u00e9A", True), ("\u200b", False), ("\ufb01", False)])
def test_identity_is_about_offsets(raw: str, identity: bool) -> None:
    """Letters changed one for one keep the identity map; a change of length does not."""
    assert fold_text(raw).identity is identity


@each_case("count", [40, 41, 60])
def test_many_different_letters(count: int) -> None:
    """However many different letters change, each is respelled once."""
    raw = "".join(chr(0x1D400 + index % 52) for index in range(count)) + "\u00e9"

    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert normalize_text(raw).text == "".join(letters[index % 52] for index in range(count)) + "\u00e9"


def test_what_is_not_looked_up_reads_as_it_stands() -> None:
    """A tenth of the code points that no table holds, alone and beside others; the signs on both sides of them are looked up."""
    for first, last in ((0x20000, 0x2F7FF), (0x2FA20, 0xDFFFF), (0xE1000, 0x10FFFF)):
        unread = "".join(map(chr, (*range(first, last, 10), last)))
        assert normalize_text(unread).text == fold_text(unread).text == unread
        assert normalize_text(unread + "\uff21").text == unread + "A"
    assert normalize_text("\U0002f800\U0002fa1d\U000e0041x").text == "\u4e3d\U0002a600x"


@each_case("raw", ["\ud800Stra\u00dfE", "A\u200b\udfff"])
def test_lone_surrogates_stay(raw: str) -> None:
    """A lone surrogate neither fails nor stops the rest from being read."""
    assert fold_text(raw).text == raw.replace("\u200b", "").replace("\u00df", "ss").lower()


@each_case(
    ("changes", "read", "span", "original"),
    [
        ([], "abcdef", (1, 3), (1, 3)),
        ([(1, 3, "X")], "aXdef", (1, 2), (1, 3)),
        ([(1, 3, "XYZ")], "aXYZdef", (2, 3), (1, 3)),
        ([(1, 3, "")], "adef", (0, 2), (0, 4)),
        ([(1, 3, ""), (3, 4, "X")], "aXef", (1, 2), (3, 4)),
        ([(5, 6, "")], "abcde", (4, 5), (4, 5)),
    ],
)
def test_replaced(
    changes: list[tuple[int, int, str]], read: str, span: tuple[int, int], original: tuple[int, int]
) -> None:
    """Stretches read what is said, and all of what they read maps to the whole stretch."""
    view = replace_stretches("abcdef", changes)

    assert view.text == read
    assert view.original(*span) == original
    assert view.identity is (not changes)


def test_a_view_over_a_view_maps_to_the_first_text() -> None:
    """Spans go back through every view."""
    under = normalize_text("a\u200b\ufb01e")
    over = replace_stretches(under.text, [(1, 3, "F")]).over(under)

    assert over.text == "aFe"
    assert over.original(1, 2) == (2, 3)
    assert over.original(0, 3) == (0, 4)
    assert not over.identity
    assert TextView("A").over(TextView("a")).identity


@given(texts)
@example("\u09c7\u0640\u09be")
@example("\u304b" + "\u0301" * 31 + "\u3099")
@example("\u1100" + "\u200b" * 31 + "\u1161")
@example("\ufb2c" + "\u05bc" * 31)
def test_folding_twice_changes_nothing(raw: str) -> None:
    """A folded text folds to itself, so terms and texts folded once or twice meet."""
    once = fold_text(raw).text

    assert fold_text(once).text == once


@given(texts)
def test_normalizing_twice_changes_nothing(raw: str) -> None:
    """A normalized text is its own view."""
    once = normalize_text(raw).text

    assert normalize_text(once).text == once


@every
@given(raw=hostile)
@example(raw="\u1fed")
@example(raw="\u1fb3\u1161")
@example(raw="\u04391")
def test_canonical_forms_read_alike(view: Viewer, raw: str) -> None:
    """Composed and decomposed spellings of a text read the same."""
    apart = unicodedata.normalize("NFD", raw)

    assert view(apart).text == view(unicodedata.normalize("NFC", raw)).text


@given(texts)
def test_folding_ignores_case(raw: str) -> None:
    """A text in capitals folds as it does in small letters."""
    pairs = "".join(c.upper() if len(c.upper()) == 1 and c.upper().casefold() == c else c for c in raw)

    assert fold_text(pairs).text == fold_text(raw).text


@every
@given(raw=texts)
def test_map_covers_the_raw_text_in_order(view: Viewer, raw: str) -> None:
    """Every character maps to a raw span that is not empty; spans follow each other or are the same."""
    seen = view(raw)
    spans = [seen.original(index, index + 1) for index in range(len(seen.text))]

    assert all(0 <= start < end <= len(raw) for start, end in spans)
    assert all(left == right or left[1] <= right[0] for left, right in pairwise(spans))


@every
@given(raw=texts, data=st.data())
def test_span_is_first_start_to_last_end(view: Viewer, raw: str, data: st.DataObject) -> None:
    """A span's original reaches from its first character's start to its last character's end."""
    seen = view(raw + "x")
    start = data.draw(st.integers(0, len(seen.text) - 1))
    end = data.draw(st.integers(start + 1, len(seen.text)))

    expected = seen.original(start, start + 1)[0], seen.original(end - 1, end)[1]
    assert seen.original(start, end) == expected


@both
@given(raw=texts, data=st.data())
def test_original_reads_as_the_span(view: Viewer, raw: str, data: st.DataObject) -> None:
    """The raw text of whole segments reads as their span; without it, all else reads as before."""
    raw += "x"
    seen = view(raw)
    start = data.draw(st.integers(0, len(seen.text) - 1))
    end = data.draw(st.integers(start + 1, len(seen.text)))
    first, last = seen.original(start, end)

    joins = joiner_pattern().match
    while start and (joins(raw, first) or seen.original(start - 1, start)[1] > first):
        start -= 1
        first = seen.original(start, end)[0]
    while end < len(seen.text) and (joins(raw, last) or seen.original(end, end + 1)[0] < last):
        end += 1
        last = seen.original(start, end)[1]
    assert view(raw[first:last]).text == seen.text[start:end]
    assert view(raw[:first]).text == seen.text[:start]
    assert view(raw[last:]).text == seen.text[end:]


@both
@given(before=texts, after=texts)
def test_views_join_at_settled_ends(view: Viewer, before: str, after: str) -> None:
    """What is settled reads the same whatever follows: the view of the whole is the views of both parts."""
    whole = before + after
    cut = settled_length(before)
    left, right, seen = view(whole[:cut]), view(whole[cut:]), view(whole)

    assert seen.text == left.text + right.text
    for index in range(len(right.text)):
        start, end = right.original(index, index + 1)
        at = len(left.text) + index
        assert seen.original(at, at + 1) == (cut + start, cut + end)


@each_case(
    ("raw", "count"),
    [
        ("", 0),
        ("ab", 1),
        ("ab\u0301", 1),
        ("ab\u200b", 1),
        ("a" + "\u0301" * (CAP - 2), 0),
        ("a" + "\u0301" * (CAP - 1), CAP),
        ("a" + "\u0301" * 100, 101),
        ("\u0301", 1),
    ],
)
def test_settled(raw: str, count: int) -> None:
    """Only the last segment is open, and none is open for more than the cap."""
    assert settled_length(raw) == count
