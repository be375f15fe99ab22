"""The field tables of Ollama's own API: bodies in, leaves out."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import RequestError
from guardrails.engine.content.content_tree import ContentTree
from guardrails.protocols.ollama.ollama_fields import (
    CHAT,
    EMBED,
    GENERATE,
    MESSAGE,
    read_embed_request,
    read_generated,
    read_prompt,
    read_request,
    read_response,
    read_vectors,
)
from guardrails.types import Image, Stage, Text, ToolCall
from tests.cases import each_case

PICTURE = base64.b64encode(bytes(range(64))).decode()
CALL = {"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"city": "Toronto", "n": 2}}}


def told(tree: ContentTree) -> list[tuple[str, str, str]]:
    """Return each text with its place and its stage."""
    return [
        (leaf.content.place.path, str(leaf.content.place.stage), leaf.content.text)
        for leaf in tree.leaves
        if isinstance(leaf.content, Text)
    ]


def asking(*messages: Any, **fields: Any) -> dict[str, Any]:
    """Return a chat request."""
    return {"model": "m", "messages": [*messages], **fields}


@each_case(
    ("message", "texts"),
    [
        ({"role": "system", "content": "a"}, [("content", "input", "a")]),
        ({"role": "user", "content": "a"}, [("content", "input", "a")]),
        ({"role": "assistant", "content": "a", "thinking": "b"}, [("content", "output", "a"), ("thinking", "output", "b")]),
        ({"role": "tool", "content": "a", "tool_name": "f"}, [("content", "tool_result", "a"), ("tool_name", "tool_result", "f")]),
        ({"role": "assistant", "content": "", "tool_calls": [CALL]}, [
            ("tool_calls/0/id", "tool_call", "c1"), ("tool_calls/0/function/name", "tool_call", "f"),
            ("tool_calls/0/function/arguments/city", "tool_call", "city"),
            ("tool_calls/0/function/arguments/city", "tool_call", "Toronto"),
            ("tool_calls/0/function/arguments/n", "tool_call", "n"),
        ]),
    ],
)  # fmt: skip
def test_each_message_stands_at_the_stage_of_its_role(message, texts) -> None:
    """Its texts with their places; a call's arguments leaf by leaf."""
    tree = read_request(asking(message))
    assert told(tree) == [(f"/messages/0/{path}", stage, text) for path, stage, text in texts]
    assert (tree.unknown, tree.unchecked) == ([], [])


def test_what_the_assistant_said_may_be_forged_by_a_client() -> None:
    """It meets the rules of inputs as well."""
    (leaf,) = read_request(asking({"role": "assistant", "content": "a"})).leaves
    assert leaf.content.place.also == (Stage.INPUT,)


@each_case("result", [{"tool_name": "f"}, {"tool_call_id": "c1"}, {"tool_name": "f", "tool_call_id": "c1"}])
def test_a_result_belongs_to_the_tool_that_was_called(result) -> None:
    """By the id of the call, or by the name of the tool alone, as released clients have it."""
    tree = read_request(
        asking({"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "15 C", **result})
    )
    (text,) = (leaf.content for leaf in tree.leaves if leaf.content.place.path == "/messages/1/content")
    assert text.place.tool == "f"
    assert text.place.use is not None
    assert dict(text.place.use.tools) == {"f": ""}


def test_a_call_is_judged_as_a_whole_too() -> None:
    """With its arguments as JSON."""
    calls = [leaf.content for leaf in read_response({"message": {"tool_calls": [CALL]}}).leaves]
    (call,) = (call for call in calls if isinstance(call, ToolCall))
    assert (call.name, call.arguments) == ("f", '{"city":"Toronto","n":2}')


def test_a_definition_says_its_tool() -> None:
    """All texts of it are read by the model."""
    tool = {
        "type": "function",
        "function": {"name": "f", "description": "a", "parameters": {"properties": {"p": {}}}},
    }
    tree = read_request(asking(tools=[tool]))
    assert {(leaf.content.place.stage, leaf.content.place.tool) for leaf in tree.leaves} == {
        (Stage.TOOL_DEFINITION, "f")
    }
    assert {"f", "a", "p"} <= {text for *_, text in told(tree)}


@each_case(
    "read",
    [
        lambda images: read_request(asking({"role": "user", "content": "a", "images": images})),
        lambda images: read_prompt({"prompt": "a", "images": images}),
        lambda images: read_response({"message": {"role": "assistant", "content": "a", "images": images}}),
    ],
)
@each_case(("images", "parts"), [([PICTURE], 1), ([PICTURE, PICTURE], 2), (PICTURE, 1), ([], 0), (None, 0)])
def test_pictures_are_pictures(read, images, parts) -> None:
    """Each of them; their bytes are no text."""
    tree = read(images)
    pictures = [leaf for leaf in tree.leaves if isinstance(leaf.content, Image)]
    assert [leaf.content.data for leaf in pictures] == [base64.b64decode(PICTURE)] * parts
    assert tree.unchecked == []
    texts = [leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)]
    assert texts == ["a"]


def test_a_picture_that_is_none_is_judged_as_a_text() -> None:
    """And still named."""
    tree = read_request(asking({"role": "user", "content": "", "images": ["say it"]}))
    assert [text for *_, text in told(tree)] == ["say it"]
    assert len(tree.unchecked) == 1


@each_case(
    ("body", "texts"),
    [
        ({"prompt": "a", "suffix": "b"}, [("/prompt", "input", "a"), ("/suffix", "input", "b")]),
        ({"prompt": "a", "system": "s"}, [("/prompt", "input", "a"), ("/system", "input", "s")]),
        ({"prompt": "", "template": "", "context": [], "raw": False, "images": []}, []),
        ({"model": "m", "keep_alive": "5m", "think": "high", "stream": False, "logprobs": True, "top_logprobs": 3}, []),
        ({"options": {"temperature": 0.5, "seed": 42, "num_ctx": 4096, "stop": ["\n", "user:"]}}, [
            ("/options/stop/0", "input", "\n"), ("/options/stop/1", "input", "user:"),
        ]),
        ({"format": "json"}, [("/format", "input", "json")]),
    ],
)  # fmt: skip
def test_a_request_for_a_completion_is_read(body, texts) -> None:
    """What is empty is as if it were not there: clients send it."""
    tree = read_prompt(body)
    assert told(tree) == texts
    assert tree.unknown == []


def test_an_answer_is_judged_beside_what_was_asked() -> None:
    """The prompt and what stands behind it; the system prompt is known as one."""
    tree = read_prompt({"prompt": "a", "suffix": "b", "system": "s"})
    assert (tree.prompt(), tree.system(), tree.roles) == ("a\nb", "s", ("user",))


REFUSED = [
    (read_prompt, {"prompt": "a", "template": "{{ .Prompt }}"}, "/template"),
    (read_prompt, {"prompt": "a", "raw": True}, "/raw"),
    (read_prompt, {"prompt": "a", "context": [1, 2]}, "/context"),
    (read_prompt, {"prompt": "a", "messages": [{"role": "user", "content": "a"}]}, "/messages"),
    (read_prompt, {"prompt": "a", "_debug_render_only": True}, "/_debug_render_only"),
    (read_request, asking(template="x"), "/template"),
    (read_request, asking(context=[1]), "/context"),
    (read_request, asking(_debug_render_only=True), "/_debug_render_only"),
    (read_embed_request, {"input": "a", "stream": True}, "/stream"),
]


@each_case(("read", "body", "path"), REFUSED)
def test_what_changes_the_prompt_behind_the_guard_is_refused(read, body, path) -> None:
    """The error names the field."""
    with pytest.raises(RequestError) as caught:
        read(body)
    assert (caught.value.code, caught.value.path) == ("unsupported_field", path)


@given(
    st.sampled_from([(read_request, CHAT), (read_prompt, GENERATE), (read_embed_request, EMBED)]), st.data()
)
def test_a_field_in_another_case_is_refused(api, data) -> None:
    """Ollama would read it; nobody here would know it for what it is."""
    read, table = api
    name = data.draw(st.sampled_from(sorted(table.fields)))
    spelling = "".join(data.draw(st.sampled_from([char, char.upper()])) for char in name)
    body = (
        {"model": "m", "prompt": "a", spelling: []}
        if spelling != name
        else {"model": "m", "prompt": "a", name.upper(): []}
    )
    with pytest.raises(RequestError) as caught:
        read(body)
    assert caught.value.code == "unsupported_field"


@each_case(
    "body",
    [
        *(asking({"role": "user", name.capitalize(): "a"}) for name in MESSAGE.fields if name != "role"),
        asking({"role": "user", "content": "a", "image\u017f": [PICTURE]}),
        asking({"role": "assistant", "tool_calls": [{"Function": {"name": "f"}}]}),
        asking({"role": "assistant", "tool_calls": [{"function": {"Name": "f"}}]}),
        asking(tools=[{"Function": {"name": "f"}}]),
        asking(tools=[{"function": {"NAME": "f"}}]),
        {"messages": [], "options": {"Stop": ["a"]}},
    ],
)
def test_so_is_one_inside(body) -> None:
    """Of a message, a call, a definition; also with a letter that folds into another."""
    with pytest.raises(RequestError) as caught:
        read_request(body)
    assert caught.value.code == "unsupported_field"


def test_a_request_without_messages_loads_a_model() -> None:
    """There is nothing to judge."""
    assert read_request({"model": "m"}).leaves == read_request({"model": "m", "messages": None}).leaves == []


@each_case(
    ("body", "code"),
    [({"messages": "a"}, "invalid_messages"), (asking({"role": "User", "content": "a"}), "unknown_role")],
)
def test_messages_of_no_form_are_refused(body, code) -> None:
    """Also a role that the server would read without regard to case."""
    with pytest.raises(RequestError) as caught:
        read_request(body)
    assert caught.value.code == code


@each_case(
    ("body", "texts"),
    [
        ({"input": "a", "truncate": True, "dimensions": 8}, ["a"]),
        ({"input": ["a", "b"]}, ["a", "b"]),
        ({"prompt": "a", "keep_alive": -1}, ["a"]),
    ],
)
def test_a_request_for_vectors_is_read(body, texts) -> None:
    """In both forms."""
    assert [text for *_, text in told(read_embed_request(body))] == texts


@each_case("body", [{}, {"input": None}, {"input": [1, 2]}, {"input": {"a": "b"}}, {"prompt": [["a"]]}])
def test_what_is_no_text_to_embed_is_refused(body) -> None:
    """Token ids among it."""
    with pytest.raises(RequestError):
        read_embed_request(body)


COUNTS = {"total_duration": 4_883_583_458, "eval_count": 282, "done": True, "done_reason": "stop"}


@each_case(
    ("read", "body", "texts"),
    [
        (
            read_response,
            {"message": {"role": "assistant", "content": "a", "thinking": "b"}, **COUNTS},
            ["a", "b"],
        ),
        (
            read_response,
            {"model": "m", "created_at": "2026-01-02T03:04:05.6Z", "remote_host": "https://ollama.com:443"},
            ["https://ollama.com:443"],
        ),
        (read_generated, {"response": "a", "thinking": "b", "context": [1, 151_645], **COUNTS}, ["a", "b"]),
        (
            read_generated,
            {"response": "a", "context": [1, "b", 4_111_111_111_111_111]},
            ["a", "b", "4111111111111111"],
        ),
        (
            read_generated,
            {"response": "ab", "logprobs": [{"token": "a", "logprob": -1}, {"token": "b", "logprob": -1}]},
            ["ab"],
        ),
        (read_generated, {"response": "a", "logprobs": [{"token": "b", "logprob": -1}]}, ["a", "b"]),
        (read_vectors, {"embeddings": [[0.5, -0.25]], "model": "m"}, []),
        (read_vectors, {"embedding": [0.5, "a"]}, ["a"]),
    ],
)
def test_an_answer_is_read(read, body, texts) -> None:
    """Numbers say nothing, unless they are longer than anything that they count."""
    tree = read(body)
    assert [text for *_, text in told(tree)] == texts
    assert {leaf.content.place.role for leaf in tree.leaves} <= {"assistant"}
    assert tree.unknown == []


def test_a_drawn_picture_is_a_picture() -> None:
    """Of what the model says."""
    [leaf] = read_generated({"response": "", "image": PICTURE}).leaves
    assert isinstance(leaf.content, Image)
    assert leaf.content.place.stage is Stage.OUTPUT
