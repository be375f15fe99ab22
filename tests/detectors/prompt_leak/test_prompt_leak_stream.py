"""Leaks in streams: what is found before a watermark is what the detector finds in the whole text, however it is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.patterns.streaming.watermarks import OFTEN
from guardrails.detectors.prompt_leak.prompt_leak_detector import PromptLeakDetector, make_canary
from guardrails.detectors.prompt_leak.prompt_leak_stream import NgramTracker, PromptNgrams, PromptOverlaps
from guardrails.types import Finding, Text
from tests.cases import each_case, scale

SYSTEM = "we sell a big red car, and a big red car sells. never b4d words e\u0301 here 坏车好 end"
PIECES = [
    "we ", "sell ", "a ", "big ", "red ", "car ", "car, and ", "a big red car ", "red car sells. ", "never b4d words ", "bad ", "words ", "b1g ", "r3d ", "c4r ",
    "w e s e l l ", "biiig ", "&#97; ", "b", "ig", "_", "-", " ", "\n", ". ", "é ", "here ", "坏车", "好 ", "坏", "A BIG ", "no ", "zx1 ", "zx-1 ", "r\u0435d ", "\u200b", "\ud800",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def detector_of(words: int = 4, **fields: Any) -> PromptLeakDetector:
    """Return a detector that compares runs of so many words."""
    options: dict[str, Any] = {"min_share": 0.0, "canaries": (), "plant": False}
    return PromptLeakDetector("p", "prompt_leak", words=words, **options | fields)


def disagreement(detector: PromptLeakDetector, text: str, parts: Sequence[str], system: str = SYSTEM) -> str:
    """Return what is wrong with a stream; nothing if all is right."""
    context = {"system": system}
    whole = detector.detect([Text(text, context=context)])[0].findings
    expected = {finding.span: finding.score for finding in whole}
    stream, found, last, length = detector.stream(context), list[Finding](), 0, 0
    assert stream is not None
    for part in [*parts, None]:
        detection = stream.flush() if part is None else stream.feed(part)
        found += detection.findings
        settled, length = stream.settled, length + len(part or "")
        spans = {each.span for each in found}
        before = {span for span in expected if span is not None and span[0] < settled}
        if not last <= settled <= length or spans != before or any(span[1] > settled for span in before):
            return f"at {settled} of {length}: {spans} for {before}"
        if any(each.score > expected[each.span] + 1e-9 for each in found):
            return f"scores of {found} for {expected}"
        last = settled
    highest = max((each.score for each in found), default=0), max(expected.values(), default=0)
    if highest[0] != highest[1]:
        return f"highest scores {highest}"
    return "" if last == len(text) else f"{last} of {len(text)} settled"


@pytest.mark.parametrize("words", [4, 5, 64])
@given(data=st.data(), text=texts)
@settings(max_examples=scale(400))
def test_streams_find_what_the_detector_finds(words: int, data: st.DataObject, text: str) -> None:
    """Stretches in any dress and canaries, for random cuts and for each character alone."""
    detector = detector_of(words, canaries=["zx1"])
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert disagreement(detector, text, parts) == ""
    assert disagreement(detector, text, list(text)) == ""


SHORT = ("坏车好end", "a_big red.", "we sell a big", "a big red car", "w e s e l l a b", "é b4d words e")


@pytest.mark.parametrize("text", SHORT[:2])
def test_all_cuts_of_short_texts(text: str, every_cut: Callable[[str], Iterator[list[str]]]) -> None:
    """Each of the 2^(n-1) ways to cut it."""
    detector = detector_of(canaries=["red"])
    assert [parts for parts in every_cut(text) if disagreement(detector, text, parts)] == []


@each_case(
    ("text", "held"),
    [
        ("some plain words", 5), ("some plain words ", 6), ("some plain words i", 7), ("some plain text i", 1), ("then we s", 4), ("then we sell i", 9), ("then we sell a b", 11),
        ("then we sell a big ", 14), ("then we sell a big one of", 2), ("then we sell a big red ca", 20), ("", 0), ("x\n\n", 3),
    ],
)  # fmt: skip
def test_how_much_is_held(text: str, held: int) -> None:
    """The current word, and those in front of it that the prompt may go on from."""
    stream = detector_of().stream({"system": SYSTEM})
    assert stream is not None
    for char in text:
        stream.feed(char)
    assert len(text) - stream.settled == held


def test_the_score_is_that_of_what_was_repeated_so_far() -> None:
    """Each stretch says how much has leaked up to its end; the last new one says what the detector says of them all."""
    stream = detector_of().stream({"system": "one two three four five six seven"})
    assert stream is not None
    found = [
        *stream.feed("one two three four, no. ").findings,
        *stream.feed("now three four five six seven.").findings,
    ]
    found += stream.flush().findings
    assert [(each.span, each.score) for each in found] == [((0, 18), 0.625), ((28, 53), 0.875)]


def test_a_share_that_is_asked_for_is_known_at_the_end() -> None:
    """Then no stretch is a finding for certain before; without a prompt to compare nothing depends on it."""
    detector = detector_of(min_share=0.2)
    assert detector.stream({"system": SYSTEM}) is None
    for context in (None, {}, {"system": ""}, {"system": "too short"}):
        stream = detector.stream(context)
        assert stream is not None
        assert (stream.feed("we sell a big red").settled, stream.flush().findings) == (17, ())


@each_case("system", [SYSTEM, "hi"])
@each_case("text", ["so %s it", "x%s", "%s%s. %s", "no &#97; %s", "%s b4d", "so it"])
def test_the_planted_canary(system: str, text: str) -> None:
    """It is found wherever it stands, in any case, and beside those of the policy."""
    detector = detector_of(plant=True, canaries=["zx1"])
    mark = make_canary(system)
    for dress in (mark, mark.upper(), mark[:15], f"{mark[:8]}\u200b{mark[8:]}"):
        whole = text.replace("%s", dress)
        assert disagreement(detector, whole, list(whole), system) == ""
        assert disagreement(detector, whole, [whole], system) == ""


@each_case(
    "text",
    [
        "a " * 5_000,
        "a big red car " * 700,
        "a" * 6_000,
        "b4" * 3_000,
        "w e " * 1_500,
        "a_" * 3_000,
        "坏" * 5_000,
    ],
    ids=lambda text: text[:4],
)
def test_the_work_is_linear(text: str) -> None:
    """Characters that are looked at are a bounded multiple of those that come, where all of them are held too."""
    stream = PromptOverlaps(
        PromptNgrams(frozenset({("a", "a", "a", "a"), ("a", "big", "red", "car")}), 4, "")
    )
    for at in range(0, len(text), 4):
        stream.feed(text[at : at + 4])
    stream.feed("", last=True)
    assert stream.settled == len(text)
    assert stream.scanned <= (24 + OFTEN / 4) * len(text)


def test_readings_go_apart_where_they_differ() -> None:
    """Until then, all of them are one."""
    stream = PromptOverlaps(PromptNgrams(frozenset({("never", "bad", "words", "here")}), 4, ""))
    stream.feed("plain words here. ")
    assert len({*map(id, stream._own)}) == 1
    stream.feed("and b4d ones too. ")
    assert len({*map(id, stream._own)}) == 2


def test_a_stream_that_has_ended_takes_nothing_more() -> None:
    """A caller that goes on has made a mistake."""
    stream = detector_of().stream({"system": SYSTEM})
    assert stream is not None
    stream.flush()
    for call in (stream.flush, lambda: stream.feed("a")):
        with pytest.raises(ValueError, match="the stream has ended"):
            call()


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "text is cut anywhere": (PromptOverlaps, "_cut", lambda self: len(self._text)),
    "what the prompt may go on from is let go": (NgramTracker, "open_from", lambda self, taken: taken),
    "all readings are the plain one": (PromptOverlaps, "_part", lambda self, views: None),
}


@each_case("mutant", MUTANTS)
def test_the_tests_catch_each_mistake(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An implementation with one of the known mistakes fails for some text."""
    monkeypatch.setattr(*MUTANTS[mutant])
    texts = [
        "so we sell a big red one",
        "w e s e l l a b i g red",
        "never b4d words &#101; here",
        "a b1g red car",
    ]
    assert [text for text in texts if disagreement(detector_of(), text, list(text))]
