"""Parts of Pydantic AI's messages, read and written."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from guardrails.wrapping.frameworks.pydantic_ai.parts import (
    READERS,
    read_content,
    read_other,
    read_parts,
    write_content,
    write_parts,
)
from tests.cases import each_case
from tests.wrapping.frameworks.pydantic_ai.kit import Part

PICTURE = SimpleNamespace(kind="binary", data=b"x", media_type="image/png")


@each_case(
    ("part", "message"),
    [
        (Part("system-prompt", "s"), {"role": "system", "content": "s"}),
        (Part("user-prompt", "u"), {"role": "user", "content": "u"}),
        (Part("user-prompt", ["u"]), {"role": "user", "content": [{"type": "text", "text": "u"}]}),
        (
            Part("tool-return", 7, "f"),
            {"role": "tool", "content": "7", "tool_call_id": "c", "name": "f"},
        ),
        (Part("retry-prompt", "r"), {"role": "user", "content": "Again: r"}),
        (
            Part("retry-prompt", "r", "f"),
            {"role": "tool", "content": "Again: r", "tool_call_id": "c", "name": "f"},
        ),
        (Part("text", "t"), {"role": "assistant", "content": [{"type": "text", "text": "t"}]}),
    ],
)
def test_each_kind_stands_where_it_belongs(part: Part, message: Any) -> None:
    """As the chat API has it."""
    assert READERS[part.part_kind](part) == message


def test_a_part_of_no_known_kind_is_read_whole() -> None:
    """All of its fields."""
    assert "odd" in read_other(Part("new", "odd"))["content"]


@each_case(
    ("value", "shown"),
    [
        ("x", {"type": "text", "text": "x"}),
        (SimpleNamespace(content="x"), {"type": "text", "text": "x"}),
        (PICTURE, {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}),
        (
            SimpleNamespace(kind="image-url", url="https://a.test/p.png", media_type="image/png"),
            {"type": "image_url", "image_url": {"url": "https://a.test/p.png"}},
        ),
        (
            SimpleNamespace(kind="document-url", url="https://a.test/d", media_type="x/y"),
            {"type": "file", "file": {"file_data": "https://a.test/d"}},
        ),
        (SimpleNamespace(kind="cache-point"), {"type": "text", "text": ""}),
    ],
)
def test_pieces_of_a_prompt_are_read(value: Any, shown: Any) -> None:
    """Texts, pictures and files; one that does not change is what it was."""
    assert read_content(value) == shown
    assert write_content(value, shown) is value


def test_pieces_of_a_prompt_are_written() -> None:
    """Texts in their own types, pictures in none."""
    assert write_content("x", {"type": "text", "text": "y"}) == "y"
    assert write_content(SimpleNamespace(content="x"), {"type": "text", "text": "y"}).content == "y"
    assert write_content(PICTURE, {"type": "image_url", "image_url": {"url": "data:,"}}) is None


def test_what_a_model_said_is_read_and_written() -> None:
    """Texts and calls one by one; thoughts that change are one."""
    parts = [
        Part("thinking", "a", signature="s"),
        Part("thinking", "b", signature="s"),
        Part("text", "t"),
        Part("tool-call", tool_name="f", args={"q": 1}),
        Part("new", "odd"),
    ]
    said = read_parts(parts)
    assert said["reasoning_content"] == "ab"
    assert said["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"q": 1}'}
    assert len(said["content"]) == 2

    left = {
        **said,
        "reasoning_content": "c",
        "content": [{"type": "text", "text": "u"}, said["content"][1]],
        "tool_calls": [{"function": {"arguments": '{"q": 2}'}}],
    }
    assert write_parts(parts, left) == [
        replace(parts[0], content="c", signature=None),
        replace(parts[2], content="u"),
        replace(parts[3], args='{"q": 2}'),
        parts[4],
    ]
    assert write_parts(parts, said)[:2] == parts[:2]
