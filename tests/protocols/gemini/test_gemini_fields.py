"""Gemini's field tables: where each part of a request stands, in either spelling, and how edits go back."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.gemini import gemini_fields
from guardrails.types import Action, Coverage, Image, Stage, Text, ToolCall
from tests.cases import each_case

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
HI = {"role": "user", "parts": [{"text": "Hi."}]}
IN, OUT, CALLED, RETURNED, DEFINED = (
    Stage.INPUT, Stage.OUTPUT, Stage.TOOL_CALL, Stage.TOOL_RESULT, Stage.TOOL_DEFINITION,
)  # fmt: skip


def outcome(edits: Any = None, removed: tuple[int, ...] = ()) -> Outcome:
    """Return an outcome that edits these leaves and leaves out these contents."""
    return Outcome(Action.REDACT, (), (), (), Coverage(), (), True, edits=edits or {}, removed=removed)


def asked(*given: Any, **fields: Any) -> dict[str, Any]:
    """Return a request with these contents, given as role and part."""
    return {"contents": [{"role": role, "parts": [part]} for role, part in given], **fields}


def stages(tree: ContentTree) -> list[tuple[str | None, tuple[Stage, ...]]]:
    """Return role and stages of what says `said`."""
    found = [
        leaf.content for leaf in tree.leaves if isinstance(leaf.content, Text) and leaf.content.text == "said"
    ]
    return [(content.place.role, (content.place.stage, *content.place.also)) for content in found]


@each_case(
    ("body", "expected"),
    [
        (asked(("user", {"text": "said"})), ("user", (IN,))),
        ({"contents": {"parts": {"text": "said"}}}, ("user", (IN,))),
        (asked(("model", {"text": "said"})), ("assistant", (OUT, IN))),
        (asked(("model", {"text": "said", "thought": True})), ("assistant", (OUT, IN))),
        (asked(("user", HI), systemInstruction={"parts": [{"text": "said"}]}), ("system", (IN,))),
        (asked(("user", HI), system_instruction={"parts": {"text": "said"}}), ("system", (IN,))),
        (asked(("model", {"functionCall": {"name": "f", "args": {"a": ["said"]}}})), ("assistant", (CALLED, IN))),
        (asked(("model", {"function_call": {"name": "f", "args": {"a": "said"}}})), ("assistant", (CALLED, IN))),
        (asked(("user", {"functionCall": {"name": "f", "args": {"a": "said"}}})), ("user", (CALLED, IN))),
        (asked(("model", {"executableCode": {"language": "PYTHON", "code": "said"}})), ("assistant", (CALLED, IN))),
        (asked(("user", {"functionResponse": {"name": "f", "response": {"a": "said"}}})), ("tool", (RETURNED,))),
        (asked(("function", {"functionResponse": {"name": "f", "response": {"a": "said"}}})), ("tool", (RETURNED,))),
        (asked(("model", {"codeExecutionResult": {"output": "said"}})), ("tool", (RETURNED,))),
        (asked(("user", HI), tools=[{"functionDeclarations": [{"name": "f", "description": "said"}]}]), ("system", (DEFINED,))),
        (asked(("user", HI), tools={"function_declarations": {"name": "said"}}), ("system", (DEFINED,))),
        (asked(("user", HI), generationConfig={"responseSchema": {"title": "said"}}), ("user", (IN,))),
        (asked(("user", HI), labels={"a": "said"}), ("user", (IN,))),
        (asked(("user", HI), note="said"), ("user", (IN,))),
    ],
)  # fmt: skip
def test_each_text_stands_where_its_part_says(body: Any, expected: Any) -> None:
    """Texts where their content does, calls and results at their own stages, whoever sends them."""
    assert stages(gemini_fields.read_request(body)) == [expected]


def test_a_call_is_judged_as_a_whole_too() -> None:
    """With its name and its arguments as JSON."""
    tree = gemini_fields.read_request(asked(("model", {"functionCall": {"name": "f", "args": {"a": 1.5}}})))

    call = next(leaf.content for leaf in tree.leaves if isinstance(leaf.content, ToolCall))
    assert (call.name, call.arguments, call.place.tool) == ("f", '{"a":1.5}', "f")


def tools_of(tree: ContentTree, text: str) -> Any:
    """Return the tools that a text belongs to."""
    use = tree.leaves[index_of(tree, text)].content.place.use
    return None if use is None else ([name for name, _ in use.tools], use.hosted)


def test_results_belong_to_the_calls_before_them() -> None:
    """By id, else by name, whatever a result says of itself; what nobody called is of no tool. Code is run by the provider."""
    tree = gemini_fields.read_request(
        asked(
            ("model", {"functionCall": {"id": "1", "name": "f", "args": {"a": "call f"}}}),
            ("model", {"functionCall": {"name": "g"}}),
            ("user", {"functionResponse": {"id": "1", "name": "f", "response": {"a": "of f"}}}),
            ("user", {"functionResponse": {"name": "f", "response": {"a": "of f by name"}}}),
            ("user", {"functionResponse": {"id": "1", "name": "g", "response": {"a": "of f, it says g"}}}),
            ("user", {"functionResponse": {"id": "2", "name": "f", "response": {"a": "of nobody"}}}),
            ("model", {"executableCode": {"language": "PYTHON", "code": "run"}}),
            ("model", {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "ran"}}),
            ("model", {"toolCall": {"id": "t", "toolType": "GOOGLE_SEARCH_WEB", "args": {"q": "find"}}}),
            (
                "model",
                {"toolResponse": {"id": "t", "toolType": "GOOGLE_SEARCH_WEB", "response": {"r": "found"}}},
            ),
        )
    )

    assert {
        text: tools_of(tree, text)
        for text in (
            "call f",
            "of f",
            "of f by name",
            "of f, it says g",
            "of nobody",
            "run",
            "ran",
            "find",
            "found",
        )
    } == {
        "call f": (["f"], False),
        "of f": (["f"], False),
        "of f by name": (["f"], False),
        "of f, it says g": (["f", "g"], False),
        "of nobody": ([], False),
        "run": (["code_execution"], True),
        "ran": (["code_execution"], False),
        "find": (["GOOGLE_SEARCH_WEB"], True),
        "found": (["GOOGLE_SEARCH_WEB"], False),
    }


def test_turns_are_those_of_users() -> None:
    """What a tool returned stands in a user's content, and is no turn of theirs."""
    result = ("user", {"functionResponse": {"name": "f", "response": {}}})
    tree = gemini_fields.read_request(
        asked(
            ("user", {"text": "a"}),
            ("model", {"functionCall": {"name": "f"}}),
            result,
            ("model", {"text": "b"}),
        )
    )

    assert (tree.turns, tree.current_from) == (1, 0)
    assert tree.roles == ("user", "assistant", "tool", "assistant")


def test_texts_of_a_content_are_joined() -> None:
    """All of one kind, and all of them: a word that is split over two parts is a word."""
    parts = [{"text": "a"}, {"text": "b", "thought": True}, {"text": "c"}, {"text": "d", "thought": True}]
    tree = gemini_fields.read_request({"contents": [{"role": "model", "parts": parts}]})

    joined = [leaf.content.text for leaf in tree.leaves if leaf.pieces and isinstance(leaf.content, Text)]
    assert joined == ["ac", "bd", "abcd"]


@each_case(
    ("part", "kind"),
    [
        ({"inlineData": {"mimeType": "application/pdf", "data": SEALED}}, "part"),
        ({"inlineData": {"mimeType": "image/png", "data": "A-_A" + SEALED}}, "part"),
        ({"inline_data": {"mime_type": "audio/wav", "data": "A-_A" + SEALED}}, "audio"),
        ({"fileData": {"fileUri": "gs://a/b", "mimeType": "video/mp4"}}, "part"),
        ({"functionResponse": {"name": "f", "parts": [{"inlineData": {"mimeType": "text/csv", "data": SEALED}}]}}, "part"),
        ({"note": "x"}, "part"),
    ],
)  # fmt: skip
def test_what_nobody_can_judge_is_named(part: Any, kind: str) -> None:
    """With the place where it stands: the policy's `unchecked` decides."""
    tree = gemini_fields.read_request(asked(("user", part)))

    assert [entry.kind for entry, _ in tree.unchecked] == [kind]
    assert tree.unchecked[0][0].path.startswith("/contents/0/parts/0")


@each_case(("kind", "type_"), [("inlineData", "mimeType"), ("inline_data", "mime_type")])
def test_a_picture_is_a_picture(kind: str, type_: str) -> None:
    """Of the type that it says, and with the name that it has."""
    part = {kind: {type_: "image/png", "data": SEALED, "displayName": "a name"}}
    tree = gemini_fields.read_request(asked(("user", part)))
    [leaf] = [leaf for leaf in tree.leaves if isinstance(leaf.content, Image)]
    assert tree.unchecked == []
    assert (leaf.content.declared, leaf.base64) == ("image/png", "")
    assert leaf.content.place.path == f"/contents/0/parts/0/{kind}/data"
    assert "a name" in [leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)]


def test_a_text_in_base64_is_judged_as_what_it_says() -> None:
    """A model reads it so; that it is a file is named all the same."""
    tree = gemini_fields.read_request(
        asked(("user", {"inlineData": {"mimeType": "text/plain", "data": SEALED}}))
    )

    assert "Easter eggs are hidden here, truly" in [getattr(leaf.content, "text", "") for leaf in tree.leaves]
    assert tree.unchecked


@each_case(
    ("body", "path"),
    [
        (None, "/contents"),
        ({}, "/contents"),
        ({"contents": "x"}, "/contents"),
        ({"contents": ["x"]}, "/contents/0"),
        ({"contents": [{"role": "system", "parts": []}]}, "/contents/0/role"),
        (asked(("user", HI), cachedContent="cachedContents/x"), "/cachedContent"),
        (asked(("user", HI), cached_content="cachedContents/x"), "/cached_content"),
        (asked(("user", HI), toolConfig={}, tool_config={}), "/toolConfig"),
        (asked(("user", {"inlineData": {"mimeType": "a", "mime_type": "b"}})), "/contents/0/parts/0/inlineData/mimeType"),
        (asked(("user", HI), generationConfig={"topK": 1, "top_k": 2}), "/generationConfig/topK"),
        (asked(("model", {"functionCall": {"partialArgs": [{}]}})), "/contents/0/parts/0/functionCall/partialArgs"),
        (
            asked(("user", HI), toolConfig={"functionCallingConfig": {"streamFunctionCallArguments": True}}),
            "/toolConfig/functionCallingConfig/streamFunctionCallArguments",
        ),
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_or_not_at_all_is_refused(body: Any, path: str) -> None:
    """A field in both spellings, a conversation that is not here, what is no conversation."""
    with pytest.raises(RequestError) as error:
        gemini_fields.read_request(body)
    assert error.value.path == path


def test_names_in_a_callers_own_structures_have_no_spelling() -> None:
    """Arguments may have two names that Google's server would take for one of its own."""
    args = {"toolConfig": "a", "tool_config": "b"}
    tree = gemini_fields.read_request(asked(("model", {"functionCall": {"name": "f", "args": args}})))

    assert {"a", "b"} <= {getattr(leaf.content, "text", "") for leaf in tree.leaves}


def test_unknown_fields_are_named() -> None:
    """On each level that has a table."""
    tree = gemini_fields.read_request(
        asked(("user", {"text": "x", "note": "a"}), other="b", tools=[{"newTool": {}}])
    )

    assert tree.unknown == ["/contents/0/parts/0/note", "/other", "/tools/0/newTool"]


def index_of(tree: ContentTree, text: str) -> int:
    """Return the leaf with a text."""
    return next(at for at, leaf in enumerate(tree.leaves) if getattr(leaf.content, "text", "") == text)


def test_an_edited_text_loses_its_signature() -> None:
    """Which seals what the model thought of it; a call keeps its own, without which a provider takes no answer."""
    call = {"functionCall": {"name": "f", "args": {"a": "other"}}, "thoughtSignature": SEALED}
    body = {
        "contents": [HI, {"role": "model", "parts": [{"text": "said", "thought_signature": SEALED}, call]}]
    }
    tree = gemini_fields.read_request(body)

    new = gemini_fields.edit_body(
        body, tree, outcome({index_of(tree, "said"): "[X]", index_of(tree, "other"): "[Y]"})
    )

    edited = {**call, "functionCall": {"name": "f", "args": {"a": "[Y]"}}}
    assert new["contents"][1]["parts"] == [{"text": "[X]"}, edited]
    assert gemini_fields.edit_body(body, tree, outcome()) is body


@each_case("holder", [None, "generateContentRequest", "generate_content_request"])
def test_turns_are_left_out(holder: str | None) -> None:
    """Of a request, and of one whose tokens are counted."""
    asking = asked(("user", {"text": "a"}), ("model", {"text": "b"}), ("user", {"text": "c"}))
    body = asking if holder is None else {holder: asking, "labels": {"contents": "x"}}
    tree = gemini_fields.read_count_request(body)

    new = gemini_fields.edit_body(body, tree, outcome(removed=(0, 1)))

    assert (new if holder is None else new[holder])["contents"] == asking["contents"][2:]
    assert new.get("labels") == body.get("labels")


def test_tokens_are_counted_of_one_thing() -> None:
    """Contents, or a whole request."""
    with pytest.raises(RequestError):
        gemini_fields.read_count_request(
            {**asked(("user", HI)), "generateContentRequest": asked(("user", HI))}
        )
    with pytest.raises(RequestError):
        gemini_fields.read_count_request({"generateContentRequest": {}})
    assert gemini_fields.read_count_request(
        {"generateContentRequest": asked(("user", {"text": "said"}))}
    ).leaves


@each_case("name", gemini_fields.HOSTED)
def test_a_tool_of_the_providers_is_known_by_its_field(name: str) -> None:
    """And stands where definitions do though it says nothing, so that a list of tools can leave it out; in either spelling."""
    spelt = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    for field in (name, spelt):
        tree = gemini_fields.read_request({"contents": [], "tools": [{field: {}}]})

        [leaf] = tree.leaves
        assert (leaf.content.place.stage, leaf.content.place.tool) == (Stage.TOOL_DEFINITION, name)
