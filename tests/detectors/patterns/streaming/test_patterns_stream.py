"""Patterns in streams: in each view what is found before a watermark is what the detector finds in the whole text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from guardrails.detectors.patterns.patterns_detector import PatternsDetector
from guardrails.detectors.patterns.streaming import patterns_stream
from guardrails.detectors.patterns.streaming.patterns_stream import PatternStream
from guardrails.detectors.patterns.streaming.stream_rows import StreamRows
from guardrails.detectors.patterns.streaming.watermarks import OFTEN
from guardrails.detectors.patterns.table import CompiledRow, PatternError, PatternRow, PatternTable
from guardrails.detectors.pii import pii_detector
from guardrails.detectors.secrets import secrets_detector
from guardrails.types import Finding, Text
from tests.cases import each_case, scale

VIEWS: list[Any] = ["plain", "normalized", "both", "codes", "all"]
PLAIN = ["a", "a", "b", "1", "-", " ", "\n", ".", "é", "e\u0301", "\u200b", "\ufb01", "\uff21", "\uff11", "\u0130", "ß", "\ud800", "ab ", "no ", "stop. ", "word ", "12 "]  # fmt: skip
TRICKS = ["&#97;", r"\u0062", "a b a b ", "1-1-1-1 ", "&amp;#97; ", "ba\x00b ", "b4b ", "b3ab ", "baaab "]
FILLER = [
    "Yesterday",
    "we",
    "went",
    "to",
    "the",
    "market,",
    "bought",
    "bread",
    "and",
    "fruit",
    "and",
    "walked",
    "back",
    "home",
    "with",
    "12",
    "friends",
    "at",
    "10:30",
    "am.",
    "The",
    "password",
    "was",
    "changed",
    "by",
    "the",
    "user",
    "and",
    "they",
    "said",
    "so;",
    "version",
    "1.2.3.4",
    "of",
    "2024-10-12,",
    "item",
    "no.",
    "4711-0815.",
    "Vi",
    "går",
    "hem",
    "nu,",
    "昨日は市場へ行って。",
    "x1",
    "=",
    "y2",
    "+",
    "z3;",
    "return",
    "foo(bar)\n\n-",
    "list",
    "item",
    "one\n-",
    "two",
    "a",
    "b",
    "c",
    "d",
    "e",
    "&amp;",
    "so",
    "on",
    "&#65;\n",
]
PERSONAL = [
    "mail jo@example.com", "card 4111 1111 1111 1111", "2024 4111 1111 1111 1111", "card 4111-1111-1111-1112", "ssn 078-05-1120", "call +44 20 7946 0958",
    "IBAN GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432", "born 12.10.1980", "passport number C01X00T47", "zip code 90210", "host 10.20.30.40",
    "00:1A:2B:3C:4D:5E", "j o @ e x a m p l e . c o m", "jo&#64;example.com", "\uff14111111111111111", "tel 555 0123 99",
]  # fmt: skip
KEYS = [
    "AKIAIOSFODNN7EXAMPLQ", "password = 'hT7xQ2mN9pLw4RzK'", "AIza" + "aB3xY9kLm2" * 3 + "aB3xY", "postgres://joe:s3cretPw!@db.example.com/x",
    "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0\n" * 4 + "-----END RSA PRIVATE KEY-----", "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK",
    "-----BEGIN RSA PRIVATE KEY-----\nMII", "sk-ant-" + "aB3xY9kLm2" * 4, "api_key: 0123456789abcdef0123456789abcdef",
]  # fmt: skip


def disagreement(
    detector: PatternsDetector, rows: StreamRows, view: Any, text: str, parts: Sequence[str]
) -> str:
    """Return what is wrong with a stream; nothing if all is right."""
    whole = detector.detect([Text(text)])[0]
    if whole.error is not None:
        raise TimeoutError(whole.error)  # of the whole text; its parts may take less
    expected = {*whole.findings}
    stream, found, last, length = PatternStream("patterns", rows, view), set[Finding](), 0, 0
    for part in [*parts, None]:
        detection = stream.flush() if part is None else stream.feed(part)
        assert detection.error is None
        assert found.isdisjoint(detection.findings)
        found |= {*detection.findings}
        settled, length = detection.settled or 0, length + len(part or "")
        before = {each for each in expected if each.span is not None and each.span[0] < settled}
        over = any(each.span is None or each.span[1] > settled for each in found)
        if not last <= settled <= length or found != before or over:
            return f"at {settled} of {length}: {found} for {before}"
        last = settled
    return "" if last == len(text) else f"{last} of {len(text)} settled"


def streams(rows: Sequence[PatternRow | CompiledRow], view: Any) -> tuple[PatternsDetector, StreamRows]:
    """Return a detector and what its streams share."""
    table = PatternTable(rows)
    return PatternsDetector("patterns", table, view=view), StreamRows(table)


@pytest.mark.parametrize("view", VIEWS)
@given(data=st.data())
@settings(max_examples=scale(400))
def test_streams_find_what_the_detector_finds(
    view: Any, data: st.DataObject, request: pytest.FixtureRequest
) -> None:
    """Random rows, texts with odd letters and spelling tricks, random cuts and each character alone."""
    rows = data.draw(request.getfixturevalue("rows"))
    pieces = PLAIN + (TRICKS if view in ("codes", "all") else [])
    text = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=14)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    try:
        detector, shared = streams(request.getfixturevalue("compile_all")(rows), view)
        assert not disagreement(detector, shared, view, text, parts)
        assert not disagreement(detector, shared, view, text, list(text))
    except (PatternError, TimeoutError):
        assume(False)


@each_case("view", VIEWS)
@each_case("text", ["ab ﬁ a1", "e\u0301e 1b", "a\u200bb1 ab", "ab. 1b a", "&#97;b 1"])
def test_all_cuts_of_short_texts(
    view: Any, text: str, every_cut: Callable[[str], Iterator[list[str]]]
) -> None:
    """Each of the 2^(n-1) ways to cut it, in each view."""
    detector, rows = streams(
        [
            PatternRow("(?a)[ab1]+1?", "custom.x"),
            PatternRow("f|i ", "custom.y"),
            PatternRow(r"\be", "custom.z"),
        ],
        view,
    )
    assert [parts for parts in every_cut(text) if disagreement(detector, rows, view, text, parts)] == []


@pytest.fixture(scope="module", params=[pii_detector.CHOICE, secrets_detector.CHOICE], ids=["pii", "secrets"])
def shipped(request: pytest.FixtureRequest) -> tuple[PatternsDetector, StreamRows]:
    """Return a shipped table, whole, and what its streams share."""
    detector = request.param.build("patterns", None)
    rows = StreamRows(detector.table)
    assert rows.whole == {}
    return detector, rows


@given(
    words=st.lists(
        st.sampled_from(PERSONAL + KEYS) | st.lists(st.sampled_from(FILLER), max_size=5).map(" ".join),
        max_size=8,
    ),
    between=st.sampled_from([" ", "  ", "\n", ", ", ""]),
    chunk=st.integers(1, 30),
)
@settings(max_examples=scale(150))
def test_the_shipped_tables(
    shipped: tuple[PatternsDetector, StreamRows], words: list[str], between: str, chunk: int
) -> None:
    """Personal data and credentials among everyday text, whole or broken off, in chunks of any size."""
    text = between.join(words)
    detector, rows = shipped
    parts = [text[start : start + chunk] for start in range(0, len(text), chunk)]
    assert disagreement(detector, rows, "codes", text, parts) == ""


def test_views_that_differ_go_apart_and_come_together() -> None:
    """A trick makes tracks of its own, which are given up when it lies behind."""
    _, rows = streams([PatternRow("bad", "custom.x")], "all")
    stream = PatternStream("patterns", rows, "all")
    tracks = []
    for part in ["a plain text ", "with b4d words ", "and then ", "some more ", "of it. "]:
        stream.feed(part)
        tracks.append(sum(own is not None for own in stream._own))
    assert tracks[0] == 1
    assert max(tracks) > 1
    assert tracks[-1] == 1


def test_a_group_of_overlapping_findings_is_held_together() -> None:
    """The watermark never lies within a finding, whichever row is open behind its beginning."""
    _, rows = streams([PatternRow("abbb", "custom.x"), PatternRow("bb-*x", "custom.y")], "plain")
    stream = PatternStream("patterns", rows, "plain")
    detection = stream.feed("--abbb--")
    assert (detection.findings, detection.settled) == ((), 2)


def test_the_better_score_of_one_span_is_the_detector_s() -> None:
    """Where two rows of a category find the same, the last one counts, as in the buffered search."""
    rows = [PatternRow("ab", "custom.x", 0.3), PatternRow("[ab]{2}", "custom.x", 0.7)]
    detector, shared = streams(rows, "both")
    assert disagreement(detector, shared, "both", "ab é ab", list("ab é ab")) == ""


def test_a_pattern_that_takes_too_long_is_an_error() -> None:
    """It is never nothing found, and the stream says so to its end."""
    _, rows = streams([PatternRow(r"(?:a|aa)+(?=b)c", "custom.x")], "plain")
    stream = PatternStream("patterns", rows, "plain")
    for detection in (stream.feed("a" * 5_000), stream.feed("b"), stream.flush()):
        assert detection.settled == 0
        assert "took longer than 0.25 s" in (detection.error or "")


def test_a_stream_that_has_ended_takes_nothing_more() -> None:
    """A caller that goes on has made a mistake."""
    _, rows = streams([PatternRow("ab", "custom.x")], "both")
    stream = PatternStream("patterns", rows, "both")
    stream.flush()
    for call in (stream.flush, lambda: stream.feed("a")):
        with pytest.raises(ValueError, match="the stream has ended"):
            call()


def _uncut(self: PatternStream) -> int:
    return len(self._rest)


def _no_group(self: PatternStream, *, last: bool) -> Any:
    known, self._known = self._known, {}
    self.settled = max(
        self.settled, min(own.settled_length(self._taken) for own in self._own if own is not None)
    )
    return [Finding(key[0], 1.0, "patterns", key[1:]) for key in known]


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "views are cut anywhere": (PatternStream, "_cut", _uncut),
    "overlapping findings are cut": (PatternStream, "_final", _no_group),
    "a part is read without the letters before it": (patterns_stream, "LEAD", 0),
    "what a view holds is let go": (patterns_stream._Reading, "settled_length", lambda self, raw: raw),
}


@each_case("mutant", MUTANTS)
def test_the_tests_catch_each_mistake(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An implementation with one of the known mistakes fails for some text."""
    monkeypatch.setattr(*MUTANTS[mutant])
    patterns = [
        PatternRow("(?a)abcd", "custom.x"),
        PatternRow("abb", "custom.y"),
        PatternRow("bb-*x", "custom.z"),
        PatternRow("dabcd", "custom.u"),
    ]
    texts = [
        "a b c d e ab&#99;d end",
        "-abb--",
        "word a b c d",
        "é abcd",
        "bad a b c d abc&#100; bb--x",
        "is ab&#99;d abb---x here",
    ]
    wrong = []
    for view in ("both", "codes"):
        detector, rows = streams(patterns, view)
        wrong += [text for text in texts if disagreement(detector, rows, view, text, list(text))]
    assert wrong


@each_case("view", VIEWS)
def test_little_and_nothing(view: Any) -> None:
    """Empty parts settle nothing, and an empty text is settled at once."""
    _, rows = streams([PatternRow("ab", "custom.x")], view)
    stream = PatternStream("patterns", rows, view)
    assert (stream.feed("").settled, stream.flush().settled) == (0, 0)
    stream = PatternStream("patterns", rows, view)
    assert (stream.feed("a").findings, stream.feed("").findings) == ((), ())
    assert [finding.span for finding in (*stream.feed("b").findings, *stream.flush().findings)] == [(0, 2)]


@each_case("view", VIEWS)
@each_case(
    "text",
    ["a" * 5_000, "1 " * 2_500, "e\u0301" * 2_500, "b4" * 2_500, "&#97;" * 1_000, '"' * 5_000],
    ids=lambda text: text[:4],
)
def test_the_work_is_linear(view: Any, text: str) -> None:
    """Characters that are searched are a bounded multiple of those that come, in all views together."""
    _, rows = streams([PatternRow('"[^"]*a', "custom.x"), PatternRow("(?a)[a-z]{2,30}@", "custom.y")], view)
    stream = PatternStream("patterns", rows, view)
    for at in range(0, len(text), 4):
        stream.feed(text[at : at + 4])
    stream.flush()
    assert stream.settled == len(text)
    assert stream.scanned <= (20 + OFTEN / 4) * 2 * len(text)
