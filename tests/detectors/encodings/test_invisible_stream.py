"""Invisible characters in streams: what is found before a watermark is what the detector finds, however the text is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.encodings import invisible_stream
from guardrails.detectors.encodings.hidden_characters import DEFAULT
from guardrails.detectors.encodings.invisible import InvisibleDetector
from guardrails.types import Text
from tests.cases import each_case, scale

FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
PIECES = [
    "a", "b ", "hello ", "\n", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202e", "\u2764", "\ufe0f", "\ufe01", "\U0001f469", "\U0001f4bb", "\u0627", "ن", "ש",
    "\u0915", "\ufeff", "\u180e", "\u1820", "\u115f", "\u1160", "\u1101", "\ue000", "\uf8ff", "\x00", "\x1b", "\x85", "\U0001f3f4", "\U000e0067", "\U000e007f",
    FLAG, "\U000e0041", "\U000e0100", "葛", "7", "x" * 62, "\ud800",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
SOME: list[Any] = [list(DEFAULT), ["bidi"], ["tags"], ["zero_width", "private"], ["variation", "control"]]


def detector_of(kinds: Sequence[Any] = DEFAULT, least: int = 1) -> InvisibleDetector:
    """Return a detector of some kinds of characters."""
    return InvisibleDetector("i", kinds, "custom.invisible", least=least)


def disagreement(detector: InvisibleDetector, text: str, parts: Sequence[str]) -> str:
    """Return what is wrong with a stream; nothing if all is right."""
    expected = {*detector.detect([Text(text)])[0].findings}
    stream, found, last, length = detector.stream(None), set[Any](), 0, 0
    for part in [*parts, None]:
        detection = stream.flush() if part is None else stream.feed(part)
        assert found.isdisjoint(detection.findings)
        assert detection.settled == stream.settled
        found |= {*detection.findings}
        settled, length = stream.settled, length + len(part or "")
        before = {each for each in expected if each.span is not None and each.span[0] < settled}
        over = any(each.span[1] > settled for each in found)
        if not last <= settled <= length or found != before or over:
            return f"at {settled} of {length}: {found} for {before}"
        last = settled
    return "" if last == len(text) else f"{last} of {len(text)} settled"


@pytest.mark.parametrize("kinds", SOME, ids="-".join)
@given(data=st.data(), text=texts, least=st.sampled_from([1, 1, 2, 5]))
@settings(max_examples=scale(200))
def test_streams_find_what_the_detector_finds(
    kinds: list[Any], data: st.DataObject, text: str, least: int
) -> None:
    """Runs, neighbours, flags and direction marks, for random cuts and for each character alone."""
    detector = detector_of(kinds, least)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert disagreement(detector, text, parts) == ""
    assert disagreement(detector, text, list(text)) == ""


@each_case(
    "text",
    [
        "\u2764\ufe0f\u200d\U0001f525\ufe0f\u200b", FLAG + "\U000e0041a", "a\u200f\u200fש", "\ue000a\ue000\uf8ff\u200b", "\ufeffa\ufeff", "\u115f\u1101\u1160a\u115f",
        "", "\U0001f3f4\U000e0067\U000e0062",
    ],
)  # fmt: skip
@each_case("least", [1, 3])
def test_all_cuts_of_short_texts(
    text: str, least: int, every_cut: Callable[[str], Iterator[list[str]]]
) -> None:
    """Each of the 2^(n-1) ways to cut it."""
    detector = detector_of(least=least)
    assert [parts for parts in every_cut(text) if disagreement(detector, text, parts)] == []


@each_case(
    ("text", "least", "held"),
    [
        ("plain prose, 1 + 2;\n", 1, 0), ("sch\u00f6n \u4f60\u597d", 1, 0), ("x\u2764\ufe0f", 1, 0), ("x\u2764\u200d", 1, 1), ("x\u2764\u200dx", 1, 0),
        ("a\u200b", 1, 1), ("a\u200b\u200c", 1, 2), ("a\u200bb", 1, 0), ("a\u200e", 1, 1), ("a\u200e" + "b" * 62, 1, 63), ("a\u200e" + "b" * 63, 1, 0),
        ("a\u200f ש", 1, 0), ("a\ue000", 1, 1), ("a\ue000b", 1, 0), (FLAG[:-1], 1, 5), (FLAG, 1, 0), ("a\u200bb some words", 2, 13),
        ("a\u200bb some\u200b words", 2, 0),
    ],
)  # fmt: skip
def test_how_much_is_held(text: str, least: int, held: int) -> None:
    """A run that may go on, or what its neighbours will tell; with a minimum, all until it is reached."""
    stream = detector_of(least=least).stream({"system": "any"})
    for char in text:
        stream.feed(char)
    assert len(text) - stream.settled == held


@each_case("piece", ["prose ", "\u200b", "\u200e", "\ue000", "\u200bb", "\U0001f3f4\U000e0067"])
@each_case("least", [1, 1_000_000])
def test_the_work_is_linear(piece: str, least: int) -> None:
    """Characters that are looked at are a bounded multiple of those that come, however many are held."""
    text = piece * 3_000
    stream = detector_of(least=least).stream(None)
    for at in range(0, len(text), 4):
        stream.feed(text[at : at + 4])
    stream.flush()
    assert stream.settled == len(text)
    assert stream.scanned <= 4 * len(text)
    assert len(stream._text) <= 300


def test_a_stream_that_has_ended_takes_nothing_more() -> None:
    """A caller that goes on has made a mistake."""
    stream = detector_of().stream(None)
    stream.flush()
    for call in (stream.flush, lambda: stream.feed("a")):
        with pytest.raises(ValueError, match="the stream has ended"):
            call()


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "no neighbour is waited for": (invisible_stream, "AHEAD", {}),
    "a flag is not waited for": (invisible_stream, "FLAG_LENGTH", 0),
    "too little is kept": (invisible_stream, "NEAR", 8),
}


@each_case("mutant", MUTANTS)
def test_the_tests_catch_each_mistake(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An implementation with one of the known mistakes fails for some text."""
    monkeypatch.setattr(*MUTANTS[mutant])
    texts = ["\u2764\u200d\U0001f525", FLAG, "a\u200e" + "b" * 40 + "ש", "ש" + "b" * 40 + "\u200e."]
    assert [text for text in texts if disagreement(detector_of(), text, list(text))]
