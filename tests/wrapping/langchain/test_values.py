"""Values as LangChain passes them, read and made anew; the library itself is in `tests/system/test_wrapped_langchain.py`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from guardrails import Guard, RequestError
from guardrails.types import Stage
from guardrails.wrapping.langchain.values import read
from tests.cases import each_case

BOMB, MASK = "zqxbomb", "zqxmask"


class BaseMessage(BaseModel):
    """A message in LangChain's form."""

    model_config = ConfigDict(extra="allow")
    type: str
    content: Any
    response_metadata: dict[str, Any] = {}


class ChatPromptValue(BaseModel):
    """A prompt of messages in LangChain's form."""

    messages: list[Any]


BaseMessage.__module__ = "langchain_core.messages"
ChatPromptValue.__module__ = "langchain_core.prompt_values"


class Word(BaseModel):
    """Any model of pydantic."""

    word: str


def through(guard: Guard, value: Any, stage: Stage = Stage.INPUT) -> Any:
    """Return what the policy leaves of a value."""
    content: Any = guard.check(read(value, stage), stage).content
    return content and content["value"]


def human(content: Any, **more: Any) -> BaseMessage:
    """Return a user's message."""
    return BaseMessage(type="human", content=content, **more)


@each_case(
    ("given", "left"),
    [
        ("x", "x"),
        (MASK, "[MASK]"),
        (None, None),
        (7, 7),
        ([MASK, 1], ["[MASK]", 1]),
        ((MASK, "x"), ("[MASK]", "x")),
        ({"a": {"b": [MASK]}}, {"a": {"b": ["[MASK]"]}}),
        (human(MASK), human("[MASK]")),
        ([human("x"), human(MASK)], [human("x"), human("[MASK]")]),
        (
            {"messages": [human([{"type": "text", "text": MASK}])]},
            {"messages": [human([{"type": "text", "text": "[MASK]"}])]},
        ),
        (ChatPromptValue(messages=[human(MASK)]), ChatPromptValue(messages=[human("[MASK]")])),
        (Word(word=MASK), Word(word="[MASK]")),
        ([BOMB], None),
        ({"a": human(BOMB)}, None),
    ],
)
@each_case("stage", [Stage.INPUT, Stage.OUTPUT])
def test_values_keep_their_types(policy_guard: Guard, given: Any, left: Any, stage: Stage) -> None:
    """Going in and coming out, with edits; None where they are blocked."""
    assert through(policy_guard, given, stage) == left


@each_case("given", [["x"], ("x",), {"a": "x"}, human("x"), ChatPromptValue(messages=[human("x")])])
def test_what_does_not_change_is_the_same(policy_guard: Guard, given: Any) -> None:
    """Not a copy, as far as the caller can tell."""
    assert through(policy_guard, given) == given
    assert isinstance(given, ChatPromptValue) or through(policy_guard, given) is given


def test_an_edited_message_loses_what_spells_it(policy_guard: Guard) -> None:
    """Its tokens with their probabilities."""
    kept = {"finish_reason": "stop", "logprobs": {"content": [{"token": MASK}]}}
    assert through(policy_guard, human(MASK, response_metadata=kept)).response_metadata == {
        "finish_reason": "stop"
    }
    assert through(policy_guard, human("x", response_metadata=kept)).response_metadata == kept


@each_case(
    "part",
    [
        {"type": "tool_call", "name": "f", "args": {"q": BOMB}, "id": "c"},
        {"type": "tool_use", "name": "f", "input": {"q": BOMB}, "id": "c"},
        {"type": "reasoning", "reasoning": BOMB},
        {"type": "odd", "x": BOMB},
        BOMB,
    ],
)
def test_parts_of_any_provider_are_read(policy_guard: Guard, part: Any) -> None:
    """By the table that knows them."""
    assert through(policy_guard, [human([part])]) is None


def test_calls_are_read_as_calls(policy_guard: Guard) -> None:
    """Whole, in pieces, and what is none."""
    for calls in (
        [{"name": "f", "args": {"q": BOMB}}],
        [{"name": "f", "args": f'{{"q": "{BOMB}"}}', "index": 0}],
        [BOMB],
    ):
        for name in ("tool_calls", "tool_call_chunks", "invalid_tool_calls"):
            message = BaseMessage(type="ai", content="", **{name: calls})
            verdict = policy_guard.check(read([message], Stage.OUTPUT), "output")
            assert verdict.blocked, (name, calls)


def test_turns_that_are_removed_are_left_out(policy_guard: Guard) -> None:
    """Wherever the messages are."""
    turns = [human(BOMB), human("hi")]
    assert through(policy_guard, turns) == turns[1:]
    assert through(policy_guard, tuple(turns)) == tuple(turns[1:])
    assert through(policy_guard, {"n": 1, "messages": turns}) == {"n": 1, "messages": turns[1:]}
    assert through(policy_guard, ChatPromptValue(messages=turns)).messages == turns[1:]
    assert through(policy_guard, [["x"], turns]) == [["x"], turns[1:]]


def test_tools_are_judged_beside_a_value(policy_guard: Guard) -> None:
    """As definitions, by the name of the option that has them."""
    tool = {"name": "f", "description": MASK}
    content: Any = policy_guard.check(read("x", Stage.INPUT, tools={"tools": [tool]})).content
    assert content == {"value": "x", "tools": {"tools": [{"name": "f", "description": "[MASK]"}]}}


@each_case("value", [object(), [object()], {"a": print}, [human("x"), object()]])
def test_what_cannot_be_read_is_unchecked(policy_guard: Guard, value: Any) -> None:
    """Which blocks by default; the reason names its type."""
    verdict = policy_guard.check(read(value, Stage.INPUT))
    assert verdict.blocked
    assert [entry.kind for entry in verdict.coverage.unchecked] == ["part"]
    assert "which no adapter reads" in verdict.coverage.unchecked[0].reason


def test_an_artifact_is_the_program_s_own(policy_guard: Guard) -> None:
    """No model reads what a tool keeps beside its answer."""
    message = BaseMessage(type="tool", content="x", tool_call_id="c", artifact=object())
    assert through(policy_guard, message) is message


def test_a_message_of_no_known_type_is_refused() -> None:
    """Nobody knows where it stands."""
    with pytest.raises(RequestError, match="no known type"):
        read([BaseMessage(type="odd", content="x")], Stage.INPUT)


@each_case(
    ("identity", "blocked"), [("c1", False), ("c2", True), (None, True)], ids=["known", "forged", "none"]
)
def test_results_are_of_the_calls_that_have_their_ids(guard_of: Any, identity: Any, blocked: bool) -> None:
    """Rules over tools hold for a tool's message as for those of OpenAI's API."""
    guard = guard_of(
        "tools: {untrusted: [web]}\nhistory: block\n"
        "rules: [{id: taint, on: tool_call, when: 'tool.name == \"mail\" && tool.tainted', then: block}]"
    )
    conversation = [
        human("hi"),
        BaseMessage(type="ai", content="", tool_calls=[{"name": "run", "args": {}, "id": "c1"}]),
        BaseMessage(type="tool", content="text", name="run", tool_call_id=identity),
        BaseMessage(type="ai", content="", tool_calls=[{"name": "mail", "args": {"to": "jo"}, "id": "c9"}]),
    ]
    assert guard.check(read(conversation, Stage.INPUT)).blocked is blocked
