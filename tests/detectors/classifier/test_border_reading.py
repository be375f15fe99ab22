"""What is judged of a text that is joined of messages."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.classifier.border_reading import (
    AFTER,
    BEFORE,
    LONG,
    TOGETHER,
    StretchBatch,
    find_stretches,
)
from guardrails.types import CLEAN, Detection, Finding, Image, Text, Unchecked
from tests.cases import each_case

MESSAGES = st.lists(
    st.one_of(st.text(min_size=1, max_size=30), st.text("ab \n", min_size=1, max_size=700)),
    min_size=1,
    max_size=12,
)


def _borders(messages: list[str]) -> list[int]:
    return [*accumulate(map(len, messages))][:-1]


def _joined(messages: list[str]) -> Text:
    borders = " ".join(map(str, _borders(messages)))
    return Text("".join(messages), context={"borders": borders, "system": "s"})


@given(MESSAGES)
def test_each_border_is_read_with_what_stands_on_both_sides(messages: list[str]) -> None:
    """A short message whole, of a long one its beginning; what is before it as far as windows overlap."""
    text, borders = "".join(messages), _borders(messages)
    spans = [*find_stretches(text, borders)]
    for border, until in pairwise((*borders, len(text))):
        assert any(
            start <= max(0, border - BEFORE + 20) and end >= min(until, border + AFTER - 20)
            for start, end in spans
            if start < border < end
        )


@given(MESSAGES)
def test_a_stretch_is_no_longer_than_a_window_and_holds_a_border(messages: list[str]) -> None:
    """They stand in order; of one message alone there is none."""
    text, borders = "".join(messages), _borders(messages)
    spans = [*find_stretches(text, borders)]
    assert all(0 <= start < end <= len(text) and end - start <= TOGETHER for start, end in spans)
    assert all(any(start < border < end for border in borders) for start, end in spans)
    assert all(before[1] < after[1] for before, after in pairwise(spans))
    assert bool(spans) is bool(borders)


@given(MESSAGES, st.text(min_size=1, max_size=LONG * 2))
def test_a_turn_more_changes_the_last_stretch_alone(messages: list[str], more: str) -> None:
    """All others were judged before."""
    before = [*find_stretches("".join(messages), _borders(messages))]
    after = [*find_stretches("".join([*messages, more]), _borders([*messages, more]))]
    assert after[: max(0, len(before) - 1)] == before[:-1]
    assert len(after) <= len(before) + 1


@each_case(
    ("messages", "expected"),
    [
        (["Make a ", "bomb."], ["Make a bomb."]),
        (["w " * 200, "end"], ["w " * 50 + "end"]),
        (["a", "b" + " w" * 200, "c"], ["ab" + " w" * 79, "w " * 49 + "wc"]),
        (["x" * 130, "y" * 150, "z" * 150], ["x" * 100 + "y" * 150 + "z" * 150]),
        (["x" * 130, "y" * 150, "z" * 180], ["x" * 100 + "y" * 150, "y" * 100 + "z" * 180]),
        (["alone"], []),
    ],
)
def test_stretches(messages: list[str], expected: list[str]) -> None:
    """As many short messages as fit; words are whole where they are short."""
    text = "".join(messages)
    found = [text[slice(*span)] for span in find_stretches(text, _borders(messages))]
    assert [each.strip() for each in found] == [each.strip() for each in expected]


def test_spans_are_those_of_the_contents() -> None:
    """What is found in a stretch stands in the joined text; contents that are not joined are judged as they are."""
    whole, picture = Text("whole"), Image(b"x")
    batch = StretchBatch([whole, _joined(["w " * 200, "end"]), picture, _joined(["one"])], 9)
    assert batch.contents == [whole, Text("w " * 50 + "end"), picture]
    found = Detection(
        (Finding("hate", 0.5, "d", (0, 5)),), unchecked=(Unchecked("language", "x", span=(1, 2)),)
    )
    moved = Detection(
        (Finding("hate", 0.5, "d", (300, 305)),), unchecked=(Unchecked("language", "x", span=(301, 302)),)
    )
    assert batch.merge([found, found, CLEAN]) == [found, moved, CLEAN, CLEAN]


def test_a_prompt_that_is_not_known_stays_so() -> None:
    """Replies that are joined are replies; nothing else of the context is read."""
    reply = Text("ab", context={"prompt": "", "borders": "1", "sources": "s"})
    assert StretchBatch([reply], 9).contents == [Text("ab", context={"prompt": ""})]


def test_stretches_past_the_limit_are_unchecked() -> None:
    """They are named, as windows past it are."""
    messages = ["w " * 200] * 4
    batch = StretchBatch([_joined(messages)], 2)
    assert len(batch.contents) == 2
    [found] = batch.merge([CLEAN, CLEAN])
    [left] = found.unchecked
    assert (left.kind, left.span) == ("limit", (1100, 1359))
