"""A conversation that comes again costs what is new in it: counted in contents that detectors see, texts that are decoded and
conditions that are evaluated. `benchmarks/checks.py` has the milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Guard, Text
from guardrails.detectors.encodings.decoders import find_encodings
from guardrails.detectors.encodings.extractors import extract
from guardrails.detectors.kinds import Kind
from guardrails.text.obfuscation_hints import find_hints
from guardrails.types import CLEAN, Content, Detection, Finding
from tests.cases import each_case
from tests.conftest import Own

TURNS = 20
RULES = """
detectors:
  words: {use: terms, terms: [zqxbomb], category: custom.bomb}
  own: {use: own}
rules:
  - {id: bomb, on: [input, output], when: custom.bomb > 0, then: block}
  - {id: own, on: [input, output], when: custom.own > 0.5 && message.role == "user", then: block}
"""
ACROSS = '  - {id: across, on: input, when: "custom.own > 0.9", then: block, scope: conversation}\n'


def chat(turns: int, first: int = 0) -> list[dict[str, Any]]:
    """Return a conversation of so many messages, none of which says what another does."""
    roles = ("user", "assistant")
    return [
        {"role": roles[at % 2], "content": f"This is message number {at} of a long and harmless talk."}
        for at in range(first, first + turns)
    ]


def judge(content: Content) -> Detection:
    """Find a little in every text, as a classifier does: too little for any rule."""
    said = isinstance(content, Text) and "message" in content.text
    return Detection((Finding("custom.own", 0.1, "own", (0, 4)),)) if said else CLEAN


@pytest.fixture(params=["clear", "findings"])
def counted(
    request: pytest.FixtureRequest, guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> tuple[Guard, Own]:
    """Return a guard and its detector: one that finds nothing, so that the allow path answers, and one that finds a little."""
    own = Own(judge if request.param == "findings" else lambda content: CLEAN)
    return guard_of(RULES, detectors={"own": kind_of(own)}), own


def texts(own: Own) -> list[str]:
    """Return the texts that a detector saw, and forget them."""
    seen = [content.text for content in own.seen if isinstance(content, Text)]
    own.seen.clear()
    return seen


def lookups(function: Any) -> int:
    """Return how often a function that remembers was asked."""
    told = function.cache_info()
    return int(told.hits + told.misses)


def test_an_unchanged_conversation_is_not_judged_again(counted: tuple[Guard, Own]) -> None:
    """No detector sees any of it, and no text is read for encodings or disguises."""
    guard, own = counted
    talk = chat(TURNS)
    guard.check(talk)
    assert sorted(texts(own)) == sorted(each["content"] for each in talk)
    before = [lookups(each) for each in (extract, find_encodings, find_hints)]
    assert not guard.check(talk).blocked
    assert texts(own) == []
    assert [lookups(each) for each in (extract, find_encodings, find_hints)] == before


def test_one_turn_more_costs_that_turn(counted: tuple[Guard, Own]) -> None:
    """The detector sees the new message once, and it alone is read for encodings."""
    guard, own = counted
    talk = chat(TURNS)
    guard.check(talk)
    texts(own)
    for at in range(TURNS, TURNS + 3):
        talk += chat(1, at)
        before = lookups(find_encodings)
        assert not guard.check(talk).blocked
        assert texts(own) == [talk[-1]["content"]]
        assert lookups(find_encodings) - before == 1


def test_what_a_turn_more_adds_to_a_joined_conversation(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """Where a rule reads the conversation as a whole, the text of whoever spoke is new, and no other."""
    own = Own(lambda content: CLEAN)
    guard = guard_of(RULES + ACROSS, detectors={"own": kind_of(own)})
    talk = chat(TURNS)
    guard.check(talk)
    texts(own)
    guard.check(talk)
    assert texts(own) == []
    talk += chat(1, TURNS)
    guard.check(talk)
    users = "".join(each["content"] for each in talk if each["role"] == "user")
    assert sorted(texts(own)) == sorted([talk[-1]["content"], users])


@each_case("rows", [40, 160])
def test_a_table_costs_few_passes(guard_of: Callable[..., Guard], rows: int) -> None:
    """Of the cells of a table with nothing in it, sixty-four at a time are read for disguises and encodings."""
    guard = guard_of(RULES.replace("  own: {use: own}\n", "").partition("  - {id: own")[0])
    names = ("Anna Smith", "Peter Jones", "Maria Garcia", "Yusuf Demir", "Li Wei")
    table = [
        {"id": at, "name": f"{names[at % 5]} of row {at}", "city": f"town {at}", "note": "ordered a book"}
        for at in range(rows)
    ]
    assert not guard.check(table).blocked
    before = [lookups(each) for each in (extract, find_encodings, find_hints)]
    assert not guard.check(table).blocked
    passes = [
        lookups(each) - at for each, at in zip((extract, find_encodings, find_hints), before, strict=True)
    ]
    cells = 4 * rows
    assert sum(passes) <= cells // 8, passes
