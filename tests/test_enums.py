"""Actions, severities, stages and modes: they equal their words, and meet no others."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from guardrails.enums import Action, Mode, OrderedWords, Severity, Stage, Words
from tests.cases import each_case

ORDERED = {Action: ["allow", "flag", "redact", "block"], Severity: ["low", "medium", "high", "critical"]}
PLAIN = {
    Stage: ["input", "output", "tool_definition", "tool_call", "tool_result", "retrieval"],
    Mode: ["enforce", "shadow"],
}


@each_case(("enum", "words"), ORDERED.items())
def test_actions_and_severities_are_ordered_and_named(enum: type[OrderedWords], words: list[str]) -> None:
    """The strictest is the greatest, and text forms are the words of a policy."""
    members = [enum(word) for word in words]
    assert [*enum] == members
    assert [str(member) for member in members] == words
    assert all(low < high for low, high in pairwise(members))
    assert f"{max(members)}" == words[-1]


@each_case(("enum", "words"), [*ORDERED.items(), *PLAIN.items()])
def test_a_member_equals_its_word_and_no_other(enum: Any, words: list[str]) -> None:
    """From either side, also in tuples, sets and as the key of a mapping; copies are the member itself."""
    for member, word in zip(enum, words, strict=True):
        assert member == word
        assert word == member
        assert enum(word) is member
        assert [other for other in words if member == other] == [word]
        assert [other for other in words if member != other] == [other for other in words if other != word]
        assert member in (words[0], word)
        assert (member in {words[0]}) == (word == words[0])
        assert {word: 1}[member] == {member: 1}[word] == 1
        assert pickle.loads(pickle.dumps(member)) is copy.deepcopy(member) is member
        assert member is not None
        assert member != None  # noqa: E711 - what is no word is simply another value


@each_case(("enum", "words"), ORDERED.items())
def test_ordered_members_compare_with_words_and_numbers(enum: type[OrderedWords], words: list[str]) -> None:
    """A word stands for its place in the order, a number for itself, as for any `IntEnum`."""
    for at, member in enumerate(enum):
        for other, word in enumerate(words):
            for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
                expected = compare(at, other)
                assert compare(member, word) == compare(member, other) == expected
                assert compare(member, enum(word)) == expected
        assert json.dumps(member) == str(at)


def test_a_word_may_be_a_case_of_a_match() -> None:
    """As in `match verdict.action:`."""

    def act(action: Action) -> str:
        match action:
            case "block":
                return "stop"
            case "redact" | "flag":
                return "look"
            case _:
                return "go"

    assert [act(action) for action in Action] == ["go", "look", "look", "stop"]


@each_case(
    ("made", "hint"),
    [
        (lambda: Action.BLOCK == "blok", "'blok' is not an action; did you mean 'block'?"),
        (lambda: Action.BLOCK != "blok", "'blok' is not an action; did you mean 'block'?"),
        (lambda: Action.BLOCK >= "redacted", "'redacted' is not an action; did you mean 'redact'?"),
        (lambda: Action.BLOCK < "Block", "'Block' is not an action; did you mean 'block'?"),
        (lambda: Action.BLOCK in ("deny",), "'deny' is not an action; one of: allow, flag, redact, block"),
        (lambda: Action("blok"), "'blok' is not an action; did you mean 'block'?"),
        (lambda: Severity.HIGH == "hihg", "'hihg' is not a severity; did you mean 'high'?"),
        (lambda: Stage("outptu"), "'outptu' is not a stage; did you mean 'output'?"),
        (lambda: Mode("shadw"), "'shadw' is not a mode; did you mean 'shadow'?"),
        (lambda: Action(7), "7 is not a valid Action"),
        (lambda: Stage(None), "None is not a valid Stage"),
    ],
)
def test_a_word_that_there_is_not_is_an_error(made: Callable[[], object], hint: str) -> None:
    """A comparison that is false for ever would hide that something never happens."""
    with pytest.raises(ValueError) as caught:
        made()
    assert str(caught.value) == hint


def test_what_has_no_order_has_none() -> None:
    """As for any number."""
    with pytest.raises(TypeError):
        assert Action.BLOCK < None  # type: ignore[operator]


def test_stages_are_texts() -> None:
    """They go into JSON, paths and messages as their words, and whatever a client sends can be tried against them."""
    assert "prompt" not in list(Stage)
    assert Stage.INPUT != "prompt"
    assert json.dumps({Stage.INPUT: Stage.OUTPUT}) == '{"input": "output"}'
    assert f"{Stage.TOOL_CALL}" == "tool_call"
    assert all(isinstance(member, str) for member in (*Stage, *Mode))
    assert issubclass(Stage, Words)
