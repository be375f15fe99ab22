"""Terms in streams: what is found before a watermark is what the detector finds in the whole text, however it is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.terms.inflections import inflect_term
from guardrails.detectors.terms.terms_detector import TermsDetector
from guardrails.detectors.terms.terms_prefixes import TermPrefixes
from guardrails.detectors.terms.terms_stream import OFTEN, TermStream
from guardrails.types import Text
from tests.cases import each_case, scale

PIECES = [
    "bad ", "b4d ", "baaad ", "b-a-a-b ", "b a a b ", "&#98;ad ", "ab ", "abb4 ", "no ", "stop. ", "a", "b", "1", "-", ".", "é", "e\u0301", "ß", "A", " ", "\n",
    "\ud800", "坏", "word ", "ba\u200bd ",
]  # fmt: skip
terms = st.lists(
    st.sampled_from(["a", "bad", "ab abba", "baab", "bab aab", "é", ".a", "b.", "坏", "bb", "d no"]),
    min_size=1,
    max_size=5,
)
texts = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)


def disagreement(detector: TermsDetector, text: str, parts: Sequence[str]) -> str:
    """Return what is wrong with a stream; nothing if all is right."""
    expected = {finding.span for finding in detector.detect([Text(text)])[0].findings}
    stream, found, last, length = detector.stream(None), set[tuple[int, int] | None](), 0, 0
    for part in [*parts, None]:
        detection = stream.flush() if part is None else stream.feed(part)
        found |= {finding.span for finding in detection.findings}
        settled, length = detection.settled or 0, length + len(part or "")
        before = {span for span in expected if span is not None and span[0] < settled}
        if (
            not last <= settled <= length
            or found != before
            or any(span is None or span[1] > settled for span in found)
        ):
            return f"at {settled} of {length}: {found} for {before}"
        last = settled
    return "" if last == len(text) else f"{last} of {len(text)} settled"


def terms_of(words: Sequence[str], *, whole: bool = True, fold: bool = True) -> TermsDetector:
    """Return a detector of some terms."""
    return TermsDetector("terms", words, "custom.terms", score=1.0, words=whole, fold=fold)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("fold", [True, False])
@given(data=st.data(), words=terms, text=texts)
@settings(max_examples=scale(150))
def test_streams_find_what_the_detector_finds(
    fold: bool, whole: bool, data: st.DataObject, words: list[str], text: str
) -> None:
    """Words or parts of words, as they are or however they are dressed, for random cuts and for each character alone."""
    detector = terms_of(words, whole=whole, fold=fold)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert disagreement(detector, text, parts) == ""
    assert disagreement(detector, text, list(text)) == ""


@pytest.mark.parametrize("text", ["a bad one", "b4d. bad", "bad word", "xbad baa", "no bad é"])
def test_all_cuts_of_short_texts(text: str, every_cut: Callable[[str], Iterator[list[str]]]) -> None:
    """Each of the 2^(n-1) ways to cut it."""
    detector = terms_of(["bad", "bad word"])
    assert [parts for parts in every_cut(text) if disagreement(detector, text, parts)] == []


@each_case(
    ("text", "held"),
    [
        ("some words", 1), ("some words ", 1), ("some words a", 1), ("it is ba", 2), ("it is bad", 3), ("it is bad x", 5), ("it is bad w", 5), ("it is 3", 1),
        ("", 0), ("it is bat", 3), ("it is bats", 1), ("it is proj", 4), ("my project is", 10), ("my project is on", 2),
    ],
)  # fmt: skip
def test_how_much_is_held(text: str, held: int) -> None:
    """The word that may be or begin a term; of others the last letter, and what follows while it is no word yet."""
    stream = terms_of(["bad", "bad word", "project x"]).stream(None)
    for char in text:
        stream.feed(char)
    assert len(text) - stream.settled == held


def test_exact_terms_hold_their_beginnings_alone() -> None:
    """Text that is compared as it is needs no accent or sign that may follow."""
    stream = terms_of(["bad", "bad word"], fold=False).stream(None)
    assert [len("it is bat"[:at]) - stream.feed(char).settled for at, char in enumerate("it is bat", 1)] == [
        0
    ] * 6 + [1, 2, 0]


@each_case(
    "text",
    ["c" * 6_000, "a" * 6_000, "b4" * 3_000, "1 " * 3_000, "bad " * 1_500, "a.b." * 1_500],
    ids=lambda text: text[:4],
)
def test_the_work_is_linear(text: str) -> None:
    """Characters that are looked at are a bounded multiple of those that come, where all of them are held too."""
    stream = terms_of(["bad", "bad word", "aaaa b"]).stream(None)
    for at in range(0, len(text), 4):
        stream.feed(text[at : at + 4])
    stream.flush()
    assert stream.settled == len(text)
    assert stream.scanned <= (24 + OFTEN / 4) * len(text)


def test_a_stream_that_has_ended_takes_nothing_more() -> None:
    """A caller that goes on has made a mistake."""
    stream = terms_of(["bad"]).stream(None)
    stream.flush()
    for call in (stream.flush, lambda: stream.feed("a")):
        with pytest.raises(ValueError, match="the stream has ended"):
            call()


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "text is cut anywhere": (TermStream, "_cut", lambda self, length: length),
    "what may begin a term is let go": (TermPrefixes, "may_begin", lambda self, text: False),
    "so is what may become one": (TermPrefixes, "may_be_disguised", lambda self, text: False),
}


@each_case("mutant", MUTANTS)
def test_the_tests_catch_each_mistake(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An implementation with one of the known mistakes fails for some text."""
    monkeypatch.setattr(*MUTANTS[mutant])
    detector = terms_of(["bad", "bad word"])
    texts = ["it is b4d", "it is bad word", "xx baaad.", "a b a d d", "ba\u0301d one"]
    assert [text for text in texts if disagreement(detector, text, list(text))]


@given(data=st.data())
@settings(max_examples=scale(60))
def test_streams_find_inflected_forms(data: st.DataObject) -> None:
    """Forms are terms, so that a stream waits for the longest of them."""
    words = ["bad", *inflect_term("bad"), *inflect_term("shooting star")]
    pieces = ["bads ", "bad", "ding ", "s", "shooting ", "star", "red ", "st4rs ", " ", "."]
    text = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=8)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    parts = [text[low:high] for low, high in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert disagreement(terms_of(words), text, parts) == ""


@pytest.mark.parametrize("fold", [True, False])
@given(data=st.data())
@settings(max_examples=scale(100))
def test_streams_find_words_however_far_apart(fold: bool, data: st.DataObject) -> None:
    """A gap is one space however it is cut; one that is too wide ends a phrase."""
    pieces = ["bad", "moon", "rise", " ", "  ", "\n", "       ", "-", "_", "\u3000", ".", "b4d"]
    text = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=10)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    parts = [text[low:high] for low, high in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert disagreement(terms_of(["bad moon", "bad-moon rise", "moon"], fold=fold), text, parts) == ""
