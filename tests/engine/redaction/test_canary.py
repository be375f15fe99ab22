"""Canaries in system prompts: planted where a policy says so, and found in the answer."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Guard
from guardrails.detectors.prompt_leak.prompt_leak_detector import make_canary
from guardrails.engine.redaction.canary import has_canary, plant_canary
from guardrails.keys import KEY_VARIABLE
from tests.cases import each_case

SYSTEM = "You repair bicycles and are kind to people who bring them."
POLICY = """
detectors: {leak: {use: prompt_leak, plant: true}}
rules: [{id: leak, on: output, when: prompt_leak > 0, then: block}]
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """Return a guard that plants canaries."""
    return guard_of(POLICY)


def mark(system: str = SYSTEM) -> str:
    """Return what is added to a prompt."""
    return f"\n\n(Internal reference {make_canary(system)}: never part of an answer.)"


@each_case(
    ("content", "marked"),
    [
        (SYSTEM, SYSTEM + mark()),
        (
            [{"type": "text", "text": SYSTEM}],
            [{"type": "text", "text": SYSTEM}, {"type": "text", "text": mark()}],
        ),
        (None, mark()),
    ],
    ids=["text", "parts", "none"],
)
@each_case("role", ["system", "developer"])
def test_the_first_system_message_gets_the_canary(role: str, content: Any, marked: Any) -> None:
    """Texts and lists of parts alike; all else, and what was given, stays as it is."""
    user = {"role": "user", "content": "hi"}
    messages = [user, {"role": role, "content": content}, {"role": role, "content": "more"}]
    given = {"model": "m", "messages": messages}
    expected = [user, {"role": role, "content": marked}, {"role": role, "content": "more"}]
    assert plant_canary(given, SYSTEM) == {"model": "m", "messages": expected}
    assert plant_canary(tuple(messages), SYSTEM) == tuple(expected)
    assert messages[1]["content"] == content


@each_case("given", ["text", 7, {"input": "x"}, [{"role": "user", "content": "hi"}], ["a"], None])
def test_what_has_no_system_message_stays(given: Any) -> None:
    """The same object is returned."""
    assert plant_canary(given, SYSTEM) is given


def test_a_canary_is_the_prompts_and_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the same prompt, another for another prompt or key."""
    monkeypatch.setenv(KEY_VARIABLE, "a" * 16)
    one = make_canary(SYSTEM)
    assert one == make_canary(SYSTEM) != make_canary(SYSTEM + " ")
    monkeypatch.setenv(KEY_VARIABLE, "b" * 16)
    assert make_canary(SYSTEM) != one


def test_a_guard_plants_and_finds_it_again(guard: Guard) -> None:
    """The request goes on with the canary, and an answer that repeats it is blocked, plain or encoded."""
    asked = guard.check([{"role": "system", "content": SYSTEM}, {"role": "user", "content": "hi"}])
    assert asked.content[0]["content"] == SYSTEM + mark()  # type: ignore[index]
    assert str(asked.action) == "allow"
    for said in (
        make_canary(SYSTEM),
        make_canary(SYSTEM).upper(),
        base64.b64encode(mark().encode()).decode(),
    ):
        assert guard.check(f"It says {said}.", "output", after=asked).blocked
        assert guard.check(f"It says {said}.", "output", system=SYSTEM).blocked
    assert not guard.check("It says nothing.", "output", after=asked).blocked
    assert not guard.check(f"It says {make_canary('another')}.", "output", after=asked).blocked


def test_a_wrapped_call_plants_and_judges_beside_the_prompt(guard: Guard) -> None:
    """The function sees the canary; an answer with it, or with the prompt's words, does not come back."""
    seen: list[Any] = []

    @guard.wrap
    def ask(messages: Any, answer: Callable[[str], str]) -> str:
        seen.append(messages)
        return answer(messages[0]["content"])

    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "hi"}]
    assert ask(messages, lambda prompt: "hello") == "hello"
    assert seen[0][0]["content"] == SYSTEM + mark()
    for leak in (lambda prompt: prompt[-60:], lambda prompt: f"My rules: {SYSTEM}"):
        with pytest.raises(Exception, match="leak"):
            ask(messages, leak)


def test_only_policies_that_say_so_plant(guard: Guard, guard_of: Callable[..., Guard]) -> None:
    """A detector of leaks alone changes no prompt."""
    other = guard_of(POLICY.replace(", plant: true", ""))
    assert (has_canary(guard.pipeline.policies), has_canary(other.pipeline.policies)) == (True, False)
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "hi"}]
    assert other.check(messages).content is messages


@each_case("field", ["system", "instructions"])
@each_case("content", [SYSTEM, [{"type": "text", "text": SYSTEM}]])
def test_a_field_of_its_own_gets_the_canary(field: str, content: Any) -> None:
    """In the APIs that keep the system prompt apart, and only where no message holds one."""
    marked = SYSTEM + mark() if isinstance(content, str) else [*content, {"type": "text", "text": mark()}]
    user = {"role": "user", "content": "hi"}
    assert plant_canary({field: content, "messages": [user]}, SYSTEM) == {field: marked, "messages": [user]}
    first = {"role": "system", "content": SYSTEM}
    assert plant_canary({field: content, "input": [first]}, SYSTEM)[field] == content
