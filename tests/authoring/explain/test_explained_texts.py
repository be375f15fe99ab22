"""Texts with what was found in them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import numpy as np
import pytest
import zxingcpp

from guardrails import Guard
from guardrails.authoring.explain.explained_texts import SHOWN, TEXTS
from guardrails.authoring.explain.explanation import Explanation, explain


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard of two lists of words."""
    return guard_of("""
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  more: {use: terms, terms: [blast off], category: custom.y, score: 0.5}
rules:
  - {id: x, on: [input, tool_call], when: custom.x > 0 || custom.y > 0, then: flag}
""")


def marks(said: Explanation) -> list[tuple[str, list[tuple[str, tuple[int, ...]]]]]:
    """Return each text's path with its marked stretches."""
    return [
        (text.path, [(text.text[start:end], numbers) for start, end, numbers in text.marks])
        for text in said.texts
    ]


def test_a_stretch_has_the_numbers_of_all_that_are_about_it(guard: Guard) -> None:
    """Where stretches overlap, what they share is one of its own."""
    said = explain(guard, "a blast off, blast")
    assert marks(said) == [("", [("blast", (1, 3)), (" off", (3,)), ("blast", (2,))])]
    assert said.texts[0].to_dict()["marks"][0] == {"span": [2, 7], "findings": [1, 3]}  # type: ignore[index]


def test_what_stood_encoded_is_marked_where_it_stood(guard: Guard) -> None:
    """With what it was read as."""
    code = b64encode(b"a blast from the past").decode()
    said = explain(guard, f"look: {code}")
    assert [(each.quote, each.within, each.finding.origin) for each in said.findings] == [
        ("blast", "a blast from the past", "base64")
    ]
    [(_, [(text, numbers)])] = marks(said)
    assert (code.startswith(text), numbers) == (True, (1,))


def test_what_is_split_over_parts_is_marked_in_each(guard: Guard) -> None:
    """A finding in texts that are read together is about a stretch of each."""
    parts = [{"type": "text", "text": "a bla"}, {"type": "text", "text": "st"}]
    said = explain(guard, [{"role": "user", "content": parts}])
    assert [each.within for each in said.findings] == ["a blast"]
    assert marks(said) == [("/0/content/0/text", [("bla", (1,))]), ("/0/content/1/text", [("st", (1,))])]


def test_all_of_a_text_is_no_stretch_of_it(guard_of: Callable[..., Guard]) -> None:
    """What a classifier says of a passage is of the text; the words that raise its score are stretches."""
    guard = guard_of("""
detectors:
  safety: {use: classifier}
rules:
  - {id: t, on: input, when: toxic > 0.5, then: flag}
""")
    said = explain(guard, "you are stupid", passes=0)
    assert said.findings[0].whole
    assert marks(said) == [("", [])]
    [(_, stretches)] = marks(explain(guard, "you are stupid"))
    assert {text for text, _ in stretches} <= {"you", "stupid"}
    assert stretches


def test_texts_are_bounded(guard: Guard) -> None:
    """Those with findings are among those that are shown, and what is cut is counted."""
    messages = [{"role": "user", "content": f"text {number}"} for number in range(2 * TEXTS)]
    messages.append({"role": "user", "content": "x" * SHOWN + " a blast"})
    messages.append({"role": "user", "content": "blast"})
    said = explain(guard, messages)
    assert (len(said.texts), said.left_out["texts"]) == (TEXTS, TEXTS + 2)
    last = said.texts[-1]
    assert (last.text, len(last.marks)) == ("blast", 1)
    assert said.texts[-2].cut == 8
    assert len(said.texts[-2].text) == SHOWN


def test_what_was_read_in_a_picture_is_shown(guard_of: Callable[..., Guard]) -> None:
    """Also where nothing was found in it; with what was found marked in it."""
    guard = guard_of("""
detectors:
  written: {use: image_text, read: [codes]}
  words: {use: terms, terms: [blast], category: custom.x}
rules:
  - {id: x, on: input, when: custom.x > 0, then: flag}
""")
    for written, found in (("a bus in the rain", []), ("a blast in the rain", [("blast", (1,))])):
        code = zxingcpp.create_barcode(written, zxingcpp.BarcodeFormat.QRCode)
        said = explain(guard, np.pad(np.asarray(code.to_image(scale=6)), 40, constant_values=255))
        assert [(each.origin, each.text) for each in said.texts] == [("code", written)]
        assert marks(said) == [("", found)]
