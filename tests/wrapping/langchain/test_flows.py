"""How LangChain's models and runnables are asked, without the library: `tests/system/test_wrapped_langchain.py` has it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from guardrails import Blocked, Guard
from guardrails.engine.redaction.vault import Vault
from guardrails.types import Place, Stage
from guardrails.wrapping.guarded_call import run
from guardrails.wrapping.langchain.flows import anything, asking, generation, options_of, restored, sent
from guardrails.wrapping.sdk.exchange import Terms
from tests.cases import each_case

BOMB, MASK = "zqxbomb", "zqxmask"


class Schema(BaseModel):
    """What an answer is to look like."""

    word: str


class Said(BaseModel):
    """A message."""

    content: Any


def test_options_that_hold_json_are_judged(policy_guard: Guard) -> None:
    """A schema that is a class is what it says; objects are the caller's own code."""
    shown = options_of({"a": [1], "b": Schema, "c": object(), "d": None})
    assert set(shown) == {"a", "b", "d"}
    assert shown["b"]["title"] == "Schema"
    for options in ({"a": BOMB}, {"tools": [{"name": BOMB}]}, {"functions": [{"description": BOMB}]}):
        assert policy_guard.check(asking("x", None, options).subject).blocked
    assert policy_guard.check(asking("x", [BOMB], {}).subject).blocked


def test_options_are_sent_as_the_policy_leaves_them(policy_guard: Guard) -> None:
    """Those that are no text as they came."""
    client = object()
    options = {"a": MASK, "b": Schema, "c": client, "tools": [{"name": "f", "description": MASK}]}
    content: Any = policy_guard.check(asking("x", [MASK], options).subject).content
    assert sent(options, content) == {
        "a": "[MASK]",
        "b": Schema,
        "c": client,
        "tools": [{"name": "f", "description": "[MASK]"}],
        "stop": ["[MASK]"],
    }


@each_case(
    ("value", "back"),
    [
        ("to [EMAIL_1]", "to jo@example.com"),
        (["to [EMAIL_1]", 1], ["to jo@example.com", 1]),
        (Said(content="to [EMAIL_1]"), Said(content="to jo@example.com")),
        (
            Said(content=[{"type": "text", "text": "[EMAIL_1]"}]),
            Said(content=[{"type": "text", "text": "jo@example.com"}]),
        ),
        ({"a": "[EMAIL_1]"}, {"a": "[EMAIL_1]"}),
        (7, 7),
    ],
)
def test_values_come_back_in_what_a_person_reads(value: Any, back: Any) -> None:
    """Texts and messages, and lists of these."""
    vault = Vault()
    assert vault.number_for("pii.email", "jo@example.com", Place(Stage.INPUT)) == "[EMAIL_1]"
    assert restored(value, vault) == back


class Generation(SimpleNamespace):
    """A generation of LangChain's."""


def test_a_generation_with_another_message_loses_what_spells_the_old_one() -> None:
    """And is the same with the same."""
    old = Generation(message="x", generation_info={"logprobs": [1], "finish_reason": "stop"})
    assert generation(old, old.message) is old
    assert generation(old, "y") == Generation(message="y", generation_info={"finish_reason": "stop"})
    assert generation(Generation(message="x", generation_info=None), "y").generation_info is None


@each_case(
    ("asked", "answered", "shown"),
    [("x", "y", "y"), (MASK, "y", "y"), ("x", f"{MASK}!", "[MASK]!"), (BOMB, "y", None), ("x", BOMB, None)],
)
def test_a_runnable_is_judged_before_and_after(
    policy_guard: Guard, asked: str, answered: str, shown: str | None
) -> None:
    """A block is raised or answered."""
    heard: list[Any] = []

    def answer(terms: Terms) -> Any:
        return run(anything(terms, asked), terms, lambda given: heard.append(given) or answered)  # type: ignore[func-returns-value]

    if shown is None:
        with pytest.raises(Blocked):
            answer(Terms(policy_guard, False))
    assert answer(Terms(policy_guard, True)) == (shown or "Not that.")
    assert MASK not in heard


def test_an_answer_may_stand_elsewhere(policy_guard: Guard) -> None:
    """At the stage that the terms name."""
    terms = Terms(policy_guard, False, output=Stage.RETRIEVAL)
    assert run(anything(terms, "x"), terms, lambda _: [MASK]) == ["[MASK]"]
