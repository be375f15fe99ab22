"""Any vision model: policies in words, and JSON as an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrails.detectors.images.vision.described import DESCRIBED, make_questions
from guardrails.detectors.llm.guards.form import UnreadableAnswer
from guardrails.remote.chat import ModelAnswer
from tests.cases import each_case

POLICIES = {"weapons": "No firearms.", "drugs": "No drugs."}
[QUESTION] = make_questions("data:x", [*POLICIES], POLICIES)


def test_the_policies_are_the_system_s_and_the_picture_is_data() -> None:
    """With the names by which they are answered."""
    system, user = QUESTION.messages
    assert system["role"] == "system"
    assert all(f"# Policy {name}\n\n{text}" in system["content"] for name, text in POLICIES.items())
    assert user["content"][0]["type"] == "image_url"


@each_case("fence", ["", "```json\n", "```"])
def test_violations_are_named(said: Callable[..., ModelAnswer], fence: str) -> None:
    """In a fence of Markdown, too."""
    text = fence + '{"violation": 1, "policies": ["drugs"]}' + ("\n```" if fence else "")
    assert DESCRIBED.read(QUESTION, said(text)) == {"weapons": 0.0, "drugs": 1.0}


@each_case(
    "text",
    [
        "no",
        '{"violation": 1, "policies": []}',
        '{"violation": 0, "policies": ["drugs"]}',
        '{"violation": 1, "policies": ["hate"]}',
        'It is fine: {"violation": 0, "policies": []}',
        '```json\n{"violation": 0, "policies": []}',
    ],
)
def test_anything_else_is_no_answer(said: Callable[..., ModelAnswer], text: str) -> None:
    """Words around it, a contradiction, or a policy that there is not."""
    with pytest.raises(UnreadableAnswer):
        DESCRIBED.read(QUESTION, said(text))
