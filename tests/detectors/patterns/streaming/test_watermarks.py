"""Watermarks of a table: what is found before one is what the buffered search finds, however the text is cut."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from guardrails.detectors.patterns.streaming import watermarks
from guardrails.detectors.patterns.streaming.incremental_match import NOTHING
from guardrails.detectors.patterns.streaming.open_prefixes import _Writer
from guardrails.detectors.patterns.streaming.stream_rows import StreamRows
from guardrails.detectors.patterns.streaming.watermarks import WatermarkTrack
from guardrails.detectors.patterns.syntax_tree import Lookaround
from guardrails.detectors.patterns.table import CompiledRow, PatternError, PatternRow, PatternTable
from guardrails.detectors.pii.identifiers.validators import credit_card
from tests.cases import each_case, scale

ALPHABET = 'aab1- \n"'
ODD = "ai1k- \u0130\u0131\u017f\u212a\u00df\u0085\u2028\u0663e\u0301\u200d"
Hit = tuple[int, int, int]


def disagreements(rows: Sequence[CompiledRow], text: str, ways: Iterable[Sequence[str]]) -> list[str]:
    """Return where a text does not give the same in each way to cut it; other examples where `regex` takes too long, or RE2
    has no room.
    """
    # Rows that are the same would be one to the buffered search.
    rows = [replace(row, row=replace(row.row, category=f"custom.x{at}")) for at, row in enumerate(rows)]
    try:
        table = PatternTable(rows)
        stream, expected = StreamRows(table), buffered(table, text)
        return [wrong for parts in ways if (wrong := disagreement(stream, expected, parts))]
    except (PatternError, TimeoutError):
        reject()


def buffered(table: PatternTable, text: str) -> set[Hit]:
    """Return what the buffered search finds, by the row's place."""
    places = {id(entry.row): place for place, entry in enumerate(table.entries)}
    return {(places[id(row)], start, end) for row, start, end in table.search(text)}


def streamed(rows: StreamRows, parts: Sequence[str]) -> Iterator[tuple[int, int, set[Hit]]]:
    """Yield how much has come, how far it is settled, and all that was found so far, after each part and at the end."""
    track, found = WatermarkTrack(rows), set[Hit]()
    for part in [*parts, None]:
        hits = track.feed(part or "", last=part is None)
        assert found.isdisjoint(hits)
        found.update(hits)
        yield track.length, track.settled, found


def disagreement(rows: StreamRows, expected: set[Hit], parts: Sequence[str]) -> str:
    """Return what is wrong with a stream, nothing if all is right: what is found before each watermark is what is there."""
    last = 0
    for length, settled, found in streamed(rows, parts):
        if not last <= settled <= length:
            return f"settled {settled} after {last} of {length}"
        if {hit for hit in found if hit[1] < settled} != {hit for hit in expected if hit[1] < settled}:
            return f"at {settled}: {found} for {expected}"
        last = settled
    return "" if found == expected and last == length else f"in the end: {found} for {expected}"


TRAPS: list[tuple[list[PatternRow], str]] = [
    # Rejected candidates take up their text; what they hide may reach behind them.
    ([PatternRow("(?a).{4}", "custom.x", validate=lambda text: text == "bbaa")], "aabbaabb"),
    (
        [PatternRow(r"(?a)\b(?:\d[ ]?){12,18}\d\b", "custom.x", validate=credit_card)],
        "2024 4111 1111 1111 1111 77 1 x",
    ),
    (
        [
            PatternRow("(.{4})", "custom.x", 1.0, 1, lambda text: text == "bbaa"),
            PatternRow("b[^x]*x", "custom.y"),
        ],
        "aabbaabbx",
    ),
    # A match that is complete may still grow.
    ([PatternRow("(?:ab)+", "custom.x")], "ababab"),
    ([PatternRow("(?:a{1,2}?)+", "custom.x")], "aaaa"),
    ([PatternRow("abcd|ab", "custom.x")], "abcdab"),
    ([PatternRow("abcd|b", "custom.x")], "abcabcd"),
    ([PatternRow("(?:ba)??a", "custom.x")], "baa"),
    # What it looks at may come yet.
    ([PatternRow("foo(?!bar)", "custom.x")], "foobarfoo"),
    ([PatternRow(r"foo\b", "custom.x")], "foofoo"),
    ([PatternRow("foo$", "custom.x")], "foo\nfoo\n"),
    # A text that was cut has no beginning there.
    ([PatternRow(r"\bcat", "custom.x"), PatternRow("con", "custom.y")], "concat"),
    ([PatternRow("^secret", "custom.x"), PatternRow("a b ", "custom.y")], "a b secret"),
    ([PatternRow("(?<=ab)c", "custom.x")], "abcc"),
    # The span is a part of the match.
    ([PatternRow("x+(a)b", "custom.x", group=1), PatternRow("xx", "custom.y")], "xxabxab"),
    # Words of context, which may become others.
    ([PatternRow(r"(?a)\d{3,4}", "custom.x", context=("zip code", "zip"))], "zip code1234 zip 12345"),
    ([PatternRow("[a-z]{4}", "custom.x", context=("zip code", "zip"))], "zip codes"),
    ([PatternRow(r"(?a)\d{4}\b", "custom.x", context=("id",))], f"id{' ' * 37}1234 12345"),
]


@each_case("trap", range(len(TRAPS)))
def test_each_trap_is_avoided_however_the_text_is_cut(
    trap: int, every_cut: Callable[[str], Iterator[list[str]]]
) -> None:
    """The smallest example of each mistake, for all ways to cut it in two, and for all ways if they are few."""
    rows, text = TRAPS[trap]
    table = PatternTable(rows)
    stream, expected = StreamRows(table), buffered(table, text)
    cuts = every_cut(text) if len(text) <= 10 else ([text[:at], text[at:]] for at in range(len(text)))
    for parts in [*cuts, list(text)]:
        assert disagreement(stream, expected, parts) == ""


def _no_look_ahead(self: Any, node: Any, original: Any = _Writer.open) -> str | None:
    return None if isinstance(node, Lookaround) else original(self, node)


def _ends_where_it_ends(tree: Any, text: str, at: int, *, begins: bool) -> int:
    """Take a complete match for one that cannot grow."""
    import regex

    match = regex.compile("(?:ab)+|(?:a{1,2}?)+|abcd|ab|(?:ba)??a").match(text, at)
    return NOTHING if match is None else int(match.end())


MUTANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "rejected matches are forgotten": lambda patch: patch.setattr(WatermarkTrack, "_start", lambda self, row, begun: begun),
    "what they hide is not waited for": lambda patch: patch.setattr(
        WatermarkTrack, "_hits", lambda self, row, match, last, original=WatermarkTrack._hits: original(self, row, match, last=True)
    ),
    "a complete match is final": lambda patch: patch.setattr(watermarks, "find_match_end", _ends_where_it_ends),
    "looking ahead is forgotten": lambda patch: patch.setattr(_Writer, "open", _no_look_ahead),
    "no character is kept in front": lambda patch: patch.setattr(
        WatermarkTrack, "_cut", lambda self, limit: self.__dict__.update(
            settled=self._base + limit, _base=self._base + limit, _text=self._text[limit:]
        )
    ),
}  # fmt: skip


@each_case("mutant", MUTANTS)
def test_the_traps_catch_whoever_falls_into_them(
    mutant: str, monkeypatch: pytest.MonkeyPatch, every_cut: Callable[[str], Iterator[list[str]]]
) -> None:
    """An implementation with one of the known mistakes does not pass the traps."""
    expected = [(rows, text, buffered(PatternTable(rows), text)) for rows, text in TRAPS]
    MUTANTS[mutant](monkeypatch)
    wrong = 0
    for rows, text, found in expected:
        stream = StreamRows(PatternTable(rows))
        cuts = every_cut(text) if len(text) <= 8 else ([text[:at], text[at:]] for at in range(len(text)))
        wrong += any(disagreement(stream, found, parts) for parts in [*cuts, list(text)])
    assert wrong


@given(data=st.data(), text=st.text(ALPHABET, max_size=9))
@settings(max_examples=scale(150))
def test_all_cuts_of_short_texts(
    data: st.DataObject,
    text: str,
    request: pytest.FixtureRequest,
    every_cut: Callable[[str], Iterator[list[str]]],
) -> None:
    """For each of the 2^(n-1) ways to cut it, a text gives what it gives in one piece."""
    rows = request.getfixturevalue("compile_all")(data.draw(request.getfixturevalue("rows")))
    assert disagreements(rows, text, every_cut(text)) == []


@given(data=st.data(), text=st.text(ALPHABET, max_size=40) | st.text(ODD, max_size=12))
@settings(max_examples=scale(1500))
def test_random_cuts(data: st.DataObject, text: str, request: pytest.FixtureRequest) -> None:
    """The same for longer texts, and for letters that fold or count in odd ways."""
    rows = data.draw(request.getfixturevalue("rows"))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert disagreements(request.getfixturevalue("compile_all")(rows), text, [parts]) == []


def best_cut(table: PatternTable, text: str) -> int:
    """Return the largest place before which no continuation of up to three characters changes anything, nor reaches over it."""
    others = [text]
    for _ in range(3):
        others += [other + char for other in others[-(4**3) :] for char in "ab1-"]
    results = [buffered(table, other) for other in {*others}]
    for at in range(len(text), -1, -1):
        before = [{hit for hit in found if hit[1] < at} for found in results]
        if all(some == before[0] for some in before) and all(hit[2] <= at for hit in before[0]):
            return at
    return 0


def test_the_watermark_is_nearly_always_as_far_as_it_can_be() -> None:
    """Against brute force over what may follow it is never too far, and in nine of ten cases as far as possible."""
    rng = random.Random(3)
    patterns = [
        r"(?a)\b1a?\b",
        "ab+",
        "a(?!b)",
        "a-|-b",
        '".*?"',
        r"(a|b)\1",
        "[ab]{2,3}1",
        "ab|abab",
        "(?>a+)-",
        "1$",
        r"a\Z|b",
    ]
    best = total = 0
    for _ in range(300):
        text = "".join(rng.choice("aab1-") for _ in range(rng.randint(1, 6)))
        table = PatternTable([PatternRow(rng.choice(patterns), "custom.x")])
        track = WatermarkTrack(StreamRows(table))
        reach = max((end for _, start, end in track.feed(text) if start < track.settled < end), default=0)
        most = best_cut(table, text)
        assert track.settled <= most or reach
        best += track.settled >= most
        total += 1
    assert best / total >= 0.9


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN KEY-----" + "MIIEvQIBADANBgkqhkiG\n" * 400,
        "a" * 8_000,
        "1" * 8_000,
        '"' + "some words " * 700,
        "1 " * 4_000,
        "a." * 4_000,
    ],
    ids=lambda text: text[:8].strip(),
)
@pytest.mark.parametrize("chunk", [64])
def test_the_work_is_linear_even_where_all_is_held(text: str, chunk: int) -> None:
    """Characters that are searched are a bounded multiple of those that come: an unclosed key, one letter, digits, quotes."""
    rows = [
        PatternRow(r"-----BEGIN KEY-----[^-]*?-----END", "custom.x"), PatternRow(r"(?a)\b[a-z]{1,64}@[a-z]+", "custom.x"),
        PatternRow(r"(?a)\b(?:\d ?){13,16}\b", "custom.x", validate=credit_card), PatternRow('"[^"]*"', "custom.x"),
    ]  # fmt: skip
    track = WatermarkTrack(StreamRows(PatternTable(rows)))
    for start in range(0, len(text), chunk):
        track.feed(text[start : start + chunk])
    track.feed("", last=True)
    assert track.settled == len(text)
    assert track.scanned <= (20 + watermarks.OFTEN / chunk) * len(text)


def test_a_table_with_a_row_that_cannot_be_bounded_is_held_to_the_end() -> None:
    """Nothing is settled before the end, and then all is found that the buffered search finds."""
    table = PatternTable([PatternRow(r"\p{L}{2}1", "custom.x"), PatternRow("ab", "custom.y")])
    states = [*streamed(StreamRows(table), list("ab1 ab"))]
    assert [settled for _, settled, _ in states] == [0] * 6 + [6]
    assert states[-1][2] == buffered(table, "ab1 ab")


def test_tracks_that_go_on_apart_do_not_share_anything() -> None:
    """A copy is in the same state, and what one is fed the other does not see."""
    one = WatermarkTrack(StreamRows(PatternTable([PatternRow("ab+", "custom.x")])))
    one.feed("ab")
    other = one.copy()
    assert one.same(other)
    assert (one.feed("b", last=True), other.feed("x", last=True)) == ([(0, 0, 3)], [(0, 0, 2)])
    assert not one.same(other)
