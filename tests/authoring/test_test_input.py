"""What a test gives to be checked is what a caller would give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.authoring.test_input import check_arguments, plain_content, read_input, read_subject
from guardrails.engine.content.payload import Payload
from guardrails.policy.testing.test_fields import TestDoc
from guardrails.types import Image, Place, Returned, Stage, Text, ToolCall, Use, Video
from tests.cases import each_case

EXPECT = "expect: {action: allow}"


@pytest.fixture
def one(tested: Callable[..., Guard]) -> Callable[[str], tuple[TestDoc, Any]]:
    """Return a function: the fields of a test in, the test and where it is written out."""

    def make(fields: str) -> tuple[TestDoc, Any]:
        [(item, test)] = tested(f"{{{fields}, {EXPECT}}}").policy.tests
        return test, item

    return make


def test_texts_and_messages_are_given_as_they_are(one: Callable[[str], tuple[TestDoc, Any]]) -> None:
    """At the stage that the field names; messages say themselves."""
    assert read_input(*one("tool_result: a")) == ("tool_result", "a")
    assert read_input(*one("messages: [{role: user, content: a}]")) == (
        "input",
        [{"role": "user", "content": "a"}],
    )


def test_what_names_a_tool_knows_the_tool(one: Callable[[str], tuple[TestDoc, Any]]) -> None:
    """Its name and its server are where conditions look for them; the arguments are a JSON text."""
    stage, call = read_input(*one("tool_call: {name: sh, server: s, arguments: {a: é}}"))
    assert (stage, call.name, call.arguments) == ("tool_call", "sh", '{"a": "é"}')
    assert (call.place.tool, call.place.use.tools) == ("sh", (("sh", "s"),))
    _, broken = read_input(*one("tool_call: {name: sh, arguments: '{'}"))
    assert broken.arguments == "{"
    stage, result = read_input(*one("tool_result: {name: web, text: b}"))
    assert (stage, result.text, result.place.tool) == ("tool_result", "b", "web")


def test_each_text_of_a_definition_is_judged(one: Callable[[str], tuple[TestDoc, Any]]) -> None:
    """Its name, what it says, and what its arguments are called."""
    stage, subject = read_subject(
        *one("tool_definition: {name: web, description: d, parameters: {x: {title: t}}}")
    )
    assert stage is Stage.TOOL_DEFINITION
    texts = {leaf.content.text for leaf in subject.tree.leaves if isinstance(leaf.content, Text)}
    assert {"web", "d", "t"} <= texts
    assert {leaf.content.place.tool for leaf in subject.tree.leaves} == {"web"}


def test_files_lie_below_the_folder_of_the_test(
    one: Callable[[str], tuple[TestDoc, Any]], tmp_path: Path
) -> None:
    """A picture is one whatever its name, at the stage that is said; what is not there, or outside, is an error with its name."""
    (tmp_path / "a.bin").write_bytes(b"x")
    stage, picture = read_input(*one("image: a.bin, stage: output"))
    assert (stage, type(picture), picture.source, picture.place) == (
        "output",
        Image,
        (tmp_path / "a.bin").resolve(),
        Place(Stage.OUTPUT),
    )
    assert isinstance(read_input(*one("video: a.bin"))[1], Video)
    for name, reason in (("b.png", "no such file"), ("../b.png", "lies outside")):
        with pytest.raises(OSError, match=f"image '{name}': {reason}"):
            read_input(*one(f"image: {name}"))


def test_subjects_stand_where_the_content_stands(one: Callable[[str], tuple[TestDoc, Any]]) -> None:
    """What is read knows its stage."""
    stage, subject = read_subject(*one("output: a"))
    assert isinstance(subject, Payload)
    assert (stage, subject.tree.leaves[0].content.place.stage) == (Stage.OUTPUT, Stage.OUTPUT)


def test_who_asks_is_what_the_test_says(one: Callable[[str], tuple[TestDoc, Any]]) -> None:
    """Every argument of `Guard.check` that a test has a field for."""
    test, _ = one(
        "output: a, user: {id: 1}, tenant: t, client: {language: de}, model: m, metadata: {k: v}, system: s, prompt: p, "
        "sources: [x, y], heard: [{name: web, server: s, text: h}]"
    )
    assert check_arguments(test) == {
        "user": {"id": 1},
        "tenant": "t",
        "client": {"language": "de"},
        "metadata": {"k": "v"},
        "model": "m",
        "system": "s",
        "prompt": "p",
        "sources": ["x", "y"],
        "heard": [Returned((("web", "s"),), "h")],
    }


@each_case(
    ("content", "expected"),
    [
        ("a", "a"),
        (None, None),
        (Text("a"), "a"),
        (ToolCall("n", '{"a": 1}'), {"name": "n", "arguments": {"a": 1}}),
        (ToolCall("n", "{", Place(use=Use(()))), {"name": "n", "arguments": "{"}),
        ([{"role": "user"}], [{"role": "user"}]),
        (Image(b"x"), "(image)"),
        (b"xyz", "(3 bytes)"),
    ],
)
def test_contents_are_compared_as_they_are_written(content: object, expected: object) -> None:
    """A text is a text, a call a mapping."""
    assert plain_content(content) == expected


def test_a_prompt_of_a_generator_says_what_it_asks_for(one: Callable[[str], tuple[TestDoc, Any]]) -> None:
    """As a picture's route of the proxy places it."""
    stage, subject = read_subject(*one("input: a, asks_for: film"))
    assert (stage, subject.given) == (Stage.INPUT, "a")
    assert [leaf.content.place.asks_for for leaf in subject.tree.leaves] == ["film"]
