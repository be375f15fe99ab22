"""At which texts rules with `on_fail` look."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails import Guard
from tests.cases import each_case

POLICY: dict[str, Any] = {
    "format": 1,
    "name": "p",
    "detectors": {"json": {"use": "format", "kind": "json", "category": "custom.json"}},
    "rules": [
        {
            "id": "json",
            "on": ["input", "output", "tool_result"],
            "when": "custom.json > 0",
            "then": "block",
            "on_fail": "repair",
        }
    ],
}


@pytest.fixture(scope="module")
def guard() -> Guard:
    """A guard that wants JSON everywhere."""
    return Guard.load(POLICY)


def completion(**message: Any) -> dict[str, Any]:
    """Return a completion of one choice."""
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}}]}


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PARTS = [{"type": "text", "text": '{"a": '}, {"type": "text", "text": "'b'}"}]


@each_case(
    ("content", "action"),
    [
        ("no", "block"),
        ("{'a': 1}", "redact"),
        (completion(content="no"), "block"),
        (completion(content="{'a': 1}"), "redact"),
        (completion(content='{"a": 1}', reasoning_content="let me think"), "allow"),
        (completion(content="Let me look that up.", tool_calls=[CALL]), "allow"),
        (completion(content=None, refusal="I would rather not."), "allow"),
        (completion(content=PARTS), "redact"),
        (completion(content=[*PARTS, {"type": "text", "text": ""}]), "redact"),
        (completion(content=""), "block"),
        (completion(content=None), "block"),
        ([{"role": "user", "content": "{'a': 1}"}], "redact"),
        ([{"role": "user", "content": '{"a": 1}'}, {"role": "assistant", "content": "no"}], "allow"),
    ],
)
def test_only_what_replies_is_looked_at(guard: Guard, content: Any, action: str) -> None:
    """Not thoughts, not texts beside a call, not refusals, not earlier turns; parts are read as one text."""
    assert (
        str(guard.check(content, stage="output" if not isinstance(content, list) else "input").action)
        == action
    )


@each_case(
    ("content", "action"),
    [
        ({"role": "assistant", "content": "{'a': 1}"}, "redact"),
        ({"role": "assistant", "content": "Let me look.", "tool_calls": [CALL]}, "allow"),
        ([{"role": "assistant", "content": "no"}], "block"),
        ({"name": "Jo"}, "block"),
        ({"text": "{'a': 1}"}, "redact"),
    ],
)
def test_messages_and_values_that_are_answers(guard: Guard, content: Any, action: str) -> None:
    """Of messages what replies; of other values each text, as where it is not known which is the reply none is left out."""
    assert str(guard.check(content, stage="output").action) == action


def test_parts_are_repaired_as_one_text(guard: Guard) -> None:
    """The first part has all of it."""
    verdict = guard.check(completion(content=PARTS), stage="output")
    content = verdict.content
    assert content is not None
    assert [part["text"] for part in content["choices"][0]["message"]["content"]] == ['{"a": "b"}', ""]
