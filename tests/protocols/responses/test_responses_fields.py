"""The field tables of the Responses API: where each item stands, and how edits go back."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import removed_paths
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.responses import responses_fields
from guardrails.types import Action, Coverage, Image, Stage, Text, ToolCall
from tests.cases import each_case

CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": "said"}'}


def outcome(edits: Any = None, removed: tuple[int, ...] = ()) -> Outcome:
    """Return an outcome that edits these leaves and leaves out these items."""
    return Outcome(Action.REDACT, (), (), (), Coverage(), (), True, edits=edits or {}, removed=removed)


def stages(tree: ContentTree) -> list[tuple[str | None, tuple[Stage, ...]]]:
    """Return role and stages of what says `said`."""
    found = [
        leaf.content for leaf in tree.leaves if isinstance(leaf.content, Text) and leaf.content.text == "said"
    ]
    return [(content.place.role, (content.place.stage, *content.place.also)) for content in found]


IN, OUT, CALLED, RETURNED, DEFINED = (
    Stage.INPUT, Stage.OUTPUT, Stage.TOOL_CALL, Stage.TOOL_RESULT, Stage.TOOL_DEFINITION,
)  # fmt: skip


@each_case(
    ("body", "expected"),
    [
        ({"input": "said"}, ("user", (IN,))),
        ({"input": [{"role": "user", "content": "said"}]}, ("user", (IN,))),
        ({"input": [{"role": "developer", "content": "said"}]}, ("developer", (IN,))),
        ({"input": [{"role": "assistant", "content": "said"}]}, ("assistant", (OUT, IN))),
        ({"input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "said"}]}]}, ("assistant", (OUT, IN))),
        ({"input": [CALL]}, ("assistant", (CALLED, IN))),
        ({"input": [{"type": "function_call_output", "output": "said"}]}, ("tool", (RETURNED,))),
        ({"input": [{"type": "shell_call_output", "output": [{"stdout": "said"}]}]}, ("tool", (RETURNED,))),
        ({"input": [{"type": "function_call_output", "output": [{"type": ["text"], "text": "said"}]}]}, ("tool", (RETURNED,))),
        ({"input": [{"type": "mcp_call", "name": "f", "output": "said"}]}, ("tool", (RETURNED,))),
        ({"input": [{"type": "mcp_list_tools", "tools": [{"name": "f", "description": "said"}]}]}, ("system", (DEFINED,))),
        ({"input": "x", "instructions": "said"}, ("system", (IN,))),
        ({"input": "x", "tools": [{"type": "custom", "name": "f", "description": "said"}]}, ("system", (DEFINED,))),
        ({"prompt": {"id": "p", "variables": {"v": "said"}}}, ("user", (IN,))),
    ],
)  # fmt: skip
def test_each_text_of_a_request_stands_at_its_stage(body, expected) -> None:
    """Stage by item, role by who said it; an assistant's items can be forged."""
    assert stages(responses_fields.read_request(body)) == [expected]


@each_case(
    ("body", "expected"),
    [
        ({"output": [{"type": "message", "content": [{"type": "output_text", "text": "said"}]}]}, ("assistant", (OUT,))),
        ({"output": [CALL]}, ("assistant", (CALLED,))),
        ({"output": [{"type": "mcp_call", "name": "f", "output": "said"}]}, ("tool", (RETURNED, OUT))),
        ({"output": [{"type": "code_interpreter_call", "outputs": [{"type": "logs", "logs": "said"}]}]}, ("tool", (RETURNED, OUT))),
        ({"output": [{"type": "shell_call_output", "output": [{"stdout": "said"}]}]}, ("tool", (RETURNED, OUT))),
        ({"output": [], "instructions": "said"}, ("system", (IN,))),
        ({"output": [], "instructions": [{"type": "message", "role": "developer", "content": "said"}]}, ("system", (IN,))),
        ({"output": [], "tools": [{"name": "f", "description": "said"}]}, ("system", (DEFINED,))),
        ({"output": [], "metadata": {"k": "said"}}, ("user", (IN,))),
        ({"output": [], "output_text": "said"}, ("assistant", (OUT,))),
    ],
)  # fmt: skip
def test_each_text_of_an_answer_stands_at_its_stage(body, expected) -> None:
    """What hosted tools returned is read by the client too; what is repeated of the request is no reply."""
    assert stages(responses_fields.read_response(body)) == [expected]


@each_case(
    ("item", "name", "given"),
    [
        (CALL, "f", '{"a": "said"}'),
        ({"type": "custom_tool_call", "name": "g", "input": "go"}, "g", "go"),
        ({"type": "web_search_call", "action": {"query": "q"}}, "web_search_call", '{"query":"q"}'),
        ({"type": "code_interpreter_call", "code": "1"}, "code_interpreter_call", "1"),
        ({"type": "image_generation_call"}, "image_generation_call", ""),
    ],
)
def test_a_call_is_judged_as_a_whole_too(item, name, given) -> None:
    """For detectors that read a call with what it is called with."""
    found = [leaf.content for leaf in responses_fields.read_request({"input": [item]}).leaves]

    assert [(each.name, each.arguments) for each in found if isinstance(each, ToolCall)] == [(name, given)]


def test_only_messages_are_turns() -> None:
    """Calls and reasoning belong to the assistant, results to the tool."""
    user = {"role": "user", "content": "x"}
    items = [
        user,
        {"type": "reasoning", "summary": []},
        CALL,
        {"type": "function_call_output", "output": "y"},
        user,
    ]

    tree = responses_fields.read_request({"input": items})

    assert tree.roles == ("user", "assistant", "assistant", "tool", "user")
    assert (tree.turns, tree.current_from) == (2, 4)


def test_an_earlier_answer_is_judged_beside_its_question() -> None:
    """System prompt and prompt."""
    items = [{"role": "user", "content": "who?"}, {"role": "assistant", "content": "me"}]
    turns = responses_fields.read_request({"instructions": "Be kind.", "input": items}).leaves

    [turn] = [leaf.content for leaf in turns if leaf.content.place.role == "assistant"]
    assert turn.context == {"system": "Be kind.", "prompt": "who?"}


@each_case("body", [None, [], {}, {"input": {}}, {"input": [7]}, {"input": [{"type": "message"}]}])
def test_what_is_no_request_is_refused(body) -> None:
    """Nothing is guessed."""
    with pytest.raises(RequestError):
        responses_fields.read_request(body)


def test_nothing_to_change_is_the_same_object() -> None:
    """So that the bytes can be passed on."""
    body = {"input": "a"}

    assert responses_fields.edit_body(body, responses_fields.read_request(body), outcome()) is body


def test_an_edited_part_loses_what_spells_it() -> None:
    """Others keep theirs, and what was given stays as it was."""
    parts = [{"type": "output_text", "text": text, "logprobs": [{"token": text}]} for text in "ab"]
    body = {"output": [{"type": "message", "content": parts}], "text": {"format": {"type": "text"}}}
    tree = responses_fields.read_response(body)
    edits = {index: "X" for index, leaf in enumerate(tree.leaves) if leaf.content.text == "a"}

    first, second = responses_fields.edit_body(body, tree, outcome(edits))["output"][0]["content"]

    assert (first["text"], first["logprobs"]) == ("X", [])
    assert second is parts[1]
    assert parts[0]["logprobs"]


def test_tokens_that_spell_another_text_are_left_out_where_that_is_edited() -> None:
    """What they spell is judged, and goes as a whole; the text stays."""
    part = {"type": "output_text", "text": "a", "logprobs": [{"token": "b"}]}
    body = {"output": [{"type": "message", "content": [part]}]}
    tree = responses_fields.read_response(body)
    edits = {index: "X" for index, leaf in enumerate(tree.leaves) if leaf.content.text == "b"}

    [changed] = responses_fields.edit_body(body, tree, outcome(edits))["output"][0]["content"]

    assert changed == {**part, "logprobs": []}


def test_removed_items_are_left_out_and_named() -> None:
    """By their place in the conversation."""
    body = {"input": [{"role": "user", "content": text} for text in "abc"]}
    tree = responses_fields.read_request(body)

    assert responses_fields.edit_body(body, tree, outcome(removed=(0, 1)))["input"] == body["input"][2:]
    assert removed_paths(tree, outcome(removed=(0, 1))) == ("/input/0", "/input/1")


@each_case(
    ("tool", "name"),
    [
        ({"type": "web_search"}, "web_search"),
        ({"type": "code_interpreter", "container": {"type": "auto"}}, "code_interpreter"),
        ({"type": "local_shell"}, "local_shell"),
        ({"type": "mcp", "server_label": "l", "server_url": "https://h"}, "mcp"),
        ({"type": "function", "name": "f", "parameters": {}}, "f"),
        ({"type": "custom", "name": "g"}, "g"),
    ],
    ids=str,
)
def test_a_tool_of_the_providers_is_known_by_its_type(tool: dict[str, Any], name: str) -> None:
    """And stands where definitions do though it says nothing, so that a list of tools can leave it out."""
    tree = responses_fields.read_request({"input": "hi", "tools": [tool]})

    places = {leaf.content.place.tool for leaf in tree.leaves if leaf.path[0] == "tools"}
    stages = {leaf.content.place.stage for leaf in tree.leaves if leaf.path[0] == "tools"}
    assert (places, stages) == ({name}, {Stage.TOOL_DEFINITION})


def test_a_definition_that_names_two_tools_is_refused() -> None:
    """Some servers read the one, some the other."""
    with pytest.raises(RequestError) as raised:
        responses_fields.read_request(
            {"input": "hi", "tools": [{"type": "function", "name": "f", "function": {"name": "g"}}]}
        )
    assert raised.value.code == "ambiguous_tool"


PIXEL = base64.b64encode(b"\x89PNG").decode()


@each_case(
    ("mask", "pictures", "unchecked"),
    [
        ({"image_url": f"data:image/png;base64,{PIXEL}"}, ["/tools/0/input_image_mask/image_url"], []),
        ({"image_url": "https://x.example/a.png"}, [], ["/tools/0/input_image_mask"]),
        ({"file_id": "file-1"}, [], ["/tools/0/input_image_mask"]),
        ({"image_url": "data:image/png;base64,AA!A"}, [], ["/tools/0/input_image_mask"]),
        (None, [], []),
    ],
)
@each_case("read", [responses_fields.read_request, responses_fields.read_response])
def test_the_mask_of_a_tool_that_draws_is_a_picture(read, mask, pictures, unchecked) -> None:
    """The user's; also where an answer repeats it."""
    tree = read({"input": "x", "tools": [{"type": "image_generation", "input_image_mask": mask}]})
    found = [leaf.content.place for leaf in tree.leaves if isinstance(leaf.content, Image)]
    assert [place.path for place in found] == pictures
    assert {place.stage for place in found} <= {Stage.INPUT}
    assert [entry.path for entry, _ in tree.unchecked if "mask" in entry.path] == unchecked


def test_a_picture_that_is_drawn_is_what_the_model_says() -> None:
    """One of an earlier turn could be forged."""
    item = {"type": "image_generation_call", "id": "i", "result": PIXEL}
    [asked] = [
        leaf
        for leaf in responses_fields.read_request({"input": [item]}).leaves
        if isinstance(leaf.content, Image)
    ]
    [told] = [
        leaf
        for leaf in responses_fields.read_response({"output": [item]}).leaves
        if isinstance(leaf.content, Image)
    ]
    assert (asked.content.place.stage, asked.content.place.also) == (Stage.OUTPUT, (Stage.INPUT,))
    assert (told.content.place.stage, told.content.place.also) == (Stage.OUTPUT, ())


def test_a_picture_on_its_way_is_marked_where_an_event_tells_of_it() -> None:
    """One that a client sends is finished, whatever it is called."""
    item = {"type": "image_generation_call", "id": "i", "partial_image_b64": PIXEL}
    trees = (
        responses_fields.read_response({"output": [item]}),
        responses_fields.read_response({"output": [{**item, "partial_image_b64": None, "result": PIXEL}]}),
        responses_fields.read_request({"input": [item]}),
    )
    marked = [
        leaf.content.partial for tree in trees for leaf in tree.leaves if isinstance(leaf.content, Image)
    ]
    assert marked == [True, False, False]
