"""Streams of a text, cut everywhere, against the check of the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.authoring.testing import cuts
from guardrails.types import Action
from tests.cases import each_case


@each_case("text", ["", "a", "see ID-1 now", "a forbidden ID-2", "forbidden", "ID-1" * 40])
def test_a_stream_agrees_with_the_check(text: str, tested: Callable[..., Guard]) -> None:
    """Redacted or blocked, of one letter or none."""
    guard = tested("{input: a, expect: {action: allow}}")
    verdict = guard.check(text, "output", complete=True)
    assert [*cuts.find_cut_differences(guard, "output", text, verdict, {})] == []


def test_the_first_cut_that_differs_is_told(tested: Callable[..., Guard]) -> None:
    """Action, rules, or what was shown, whatever comes first."""
    guard = tested("{input: a, expect: {action: allow}}")
    text = "see ID-1"
    verdict = guard.check(text, "output", complete=True)
    blocked = replace(verdict, action=Action.BLOCK)
    assert [*cuts.find_cut_differences(guard, "output", text, blocked, {})] == [
        "cut at 1: action is redact, not block as of the whole"
    ]
    assert [*cuts.find_cut_differences(guard, "output", text, replace(verdict, rules=()), {})] == [
        "cut at 1: rules are ['id.redact'], not [] as of the whole"
    ]
    assert [*cuts.find_cut_differences(guard, "output", text, replace(verdict, content=text), {})] == [
        "cut at 1: a stream shows 'see [ID]', not 'see ID-1' as of the whole"
    ]


def test_what_goes_out_at_once_is_not_compared(guard_of: Callable[..., Guard]) -> None:
    """A rule with `stream: annotate` lets the text out before it is judged."""
    guard = guard_of(
        "detectors:\n  words: {use: terms, terms: [secret], category: custom.word}\n"
        "rules:\n  - {id: r, on: output, when: custom.word > 0, then: redact, stream: annotate}\n"
    )
    verdict = guard.check("a secret.", "output", complete=True)
    assert [*cuts.find_cut_differences(guard, "output", "a secret.", verdict, {})] == []
    told = cuts.cut_note(guard, "a secret.", verdict)
    assert told == "not cut: r lets texts out before they are judged (stream: annotate)"


@given(st.integers(0, 3_000))
def test_places_are_inside_of_the_text_and_the_same_each_time(length: int) -> None:
    """All of a short text; as many as fit of a longer one, and that is said."""
    text = "x" * length
    places = [*cuts.cut_places(text)]
    assert places == sorted({*places}) == [*cuts.cut_places(text)]
    assert all(0 < place < length for place in places)
    assert len(places) == min(max(0, length - 1), cuts.MOST)


def test_a_sample_is_told(tested: Callable[..., Guard]) -> None:
    """How many of how many, and by which seed; nothing where all are tried."""
    guard = tested("{input: a, expect: {action: allow}}")
    verdict = guard.check("fine", "output")
    assert cuts.cut_note(guard, "x" * 2_001, verdict) == "cut at 200 of 2,000 places (seed 0)"
    assert [cuts.cut_note(guard, "x" * length, verdict) for length in (0, 1, 201)] == [None, None, None]
