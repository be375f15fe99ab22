"""The field tables of the chat API: which part of a conversation stands where, and that none is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails import Audio, Guard, RequestError, Text, ToolCall
from guardrails.engine.content.content_tree import ContentTree
from guardrails.protocols.chat import chat_fields
from tests.cases import each_case, scale

TERM = "zqxbomb"


def read(*messages: dict[str, Any]) -> ContentTree:
    """Return the leaves of some messages."""
    tree = ContentTree()
    chat_fields.messages(tree, list(messages))
    return tree


def texts(tree: ContentTree) -> dict[str, tuple[str, ...]]:
    """Return the stages of each text."""
    return {
        leaf.content.text: tuple(map(str, (leaf.content.place.stage, *leaf.content.place.also)))
        for leaf in tree.leaves
        if isinstance(leaf.content, Text)
    }


def call(arguments: Any, name: str = "shell", **more: Any) -> dict[str, Any]:
    """Return an assistant's message that calls one tool."""
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function, **more}],
    }


@each_case(
    ("role", "stages"),
    [
        ("system", ("input",)),
        ("developer", ("input",)),
        ("user", ("input",)),
        ("assistant", ("output", "input")),
        ("tool", ("tool_result",)),
        ("function", ("tool_result",)),
    ],
)
def test_the_role_says_the_stage(role: str, stages: tuple[str, ...]) -> None:
    """Each role's text stands where DESIGN 4.4 says; an assistant turn that a client sends is input as well."""
    assert texts(read({"role": role, "content": "x y"})) == {"x y": stages}


def test_an_assistant_turn_that_no_client_sent_is_output_alone() -> None:
    """What a model just said cannot be forged by a client."""
    tree = ContentTree()
    chat_fields.messages(tree, [{"role": "assistant", "content": "x y"}], forgeable=False)
    assert texts(tree) == {"x y": ("output",)}


def test_calls_and_definitions_have_their_own_stages() -> None:
    """A call's parts are `tool_call` (a client may forge them too), a definition's `tool_definition`."""
    tree = read(call('{"cmd": "ls -la"}'))
    assert set(texts(tree).values()) == {("tool_call", "input")}
    tool = {
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": {"p": {"enum": ["e"]}}},
    }
    tree = chat_fields.read_request({"messages": [], "tools": [tool]})
    assert set(texts(tree).values()) == {("tool_definition",)}
    assert {"f", "d", "p", "enum", "e"} <= texts(tree).keys()
    assert {leaf.content.place.tool for leaf in tree.leaves} == {"f"}


def test_a_call_is_also_given_as_a_whole() -> None:
    """Detectors that judge name and arguments together get the call as it travels."""
    tree = read(call('{"cmd": "ls"}'))
    [whole] = [leaf.content for leaf in tree.leaves if isinstance(leaf.content, ToolCall)]
    assert (whole.name, whole.arguments, whole.place.tool) == ("shell", '{"cmd": "ls"}', "shell")
    assert whole.place.path == "/0/tool_calls/0"


@each_case("role", ["User", "admin", "", None, 7, ["user"], "x" * 500])
def test_an_unknown_role_is_refused(role: Any) -> None:
    """A role that no table has has no stage; a long one is not repeated in the message."""
    with pytest.raises(RequestError) as caught:
        read({"role": "user", "content": "x"}, {"role": role, "content": "x"})
    assert (caught.value.code, caught.value.path) == ("unknown_role", "/1/role")
    assert len(str(caught.value)) < 150


@each_case(
    ("given_", "code"),
    [
        ([["user", "x"]], "invalid_message"),
        (["x"], "invalid_message"),
        ("x", "invalid_messages"),
        ({}, "invalid_messages"),
    ],
)
def test_messages_of_another_form_are_refused(given_: Any, code: str) -> None:
    """A conversation is a list of mappings."""
    with pytest.raises(RequestError) as caught:
        chat_fields.read_request({"messages": given_})
    assert caught.value.code == code


@each_case(
    "field", ["chat_template", "chat_template_kwargs", "continue_final_message", "previous_response_id"]
)
def test_fields_that_change_the_prompt_behind_the_guard_are_refused(field: str) -> None:
    """A guard that cannot see what the model will read does not forward."""
    with pytest.raises(RequestError) as caught:
        chat_fields.read_request({"messages": [], field: "x"})
    assert (caught.value.code, caught.value.path) == ("unsupported_field", f"/{field}")


def test_text_parts_are_judged_each_and_joined() -> None:
    """A word that is split over parts is still a word, also where parts are bare strings or a tuple."""
    part = {"type": "text", "text": "for"}
    for parts in ([part, {"type": "text", "text": "bidden"}], ["for", "bidden"], (part, "bidden")):
        assert texts(read({"role": "user", "content": parts})).keys() == {"for", "bidden", "forbidden"}


@each_case(
    "between",
    [
        {"type": "image_url", "image_url": {"url": "http://x/y.png"}},
        {"type": "refusal", "refusal": "zz"},
        {"type": "thinking", "thinking": "zz"},
        {"type": "odd", "text": "zz"},
    ],
)
def test_what_lies_between_two_text_parts_does_not_part_the_word(between: dict[str, Any]) -> None:
    """A server may drop the other parts, so the texts are joined across them."""
    parts = [{"type": "text", "text": "for"}, between, {"type": "text", "text": "bidden"}]
    assert "forbidden" in texts(read({"role": "user", "content": parts}))


def test_a_word_split_over_parts_of_two_kinds_is_a_word() -> None:
    """Who reads all parts reads one text."""
    parts = [{"type": "text", "text": "for"}, {"type": "refusal", "refusal": "bidden"}]
    assert "forbidden" in texts(read({"role": "assistant", "content": parts}))


def test_unknown_fields_of_a_part_do_not_part_the_word() -> None:
    """A nested field called `text` is judged, but is no text of the message."""
    parts = [{"type": "text", "text": "for", "note": {"text": "zz"}}, {"type": "text", "text": "bidden"}]
    tree = read({"role": "user", "content": parts})
    assert {"forbidden", "zz", "note"} <= texts(tree).keys()
    assert tree.unknown == ["/0/content/0/note"]


@each_case(
    ("part", "kind"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}, "part"),
        ({"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}, "part"),
        ({"type": "image_url"}, "part"),
        ({"type": "input_audio", "input_audio": {"data": "AAA", "format": "wav"}}, "audio"),
        ({"type": "audio_url", "audio_url": {"url": "x"}}, "audio"),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0x"}}, "part"),
        ({"type": "file", "file": {"file_data": "JVBERi0xAAAA" * 8}}, "part"),
        ({"type": "file", "file": {"file_id": "f"}}, "part"),
        ({"type": "video_url", "video_url": {"url": "x"}}, "part"),
        ({"type": "never heard of"}, "part"),
        ({"type": {"not": "a word"}}, "part"),
        ({"text": "no type", "other": "x"}, "part"),
    ],
)
def test_parts_that_no_detector_reads_are_unchecked(part: dict[str, Any], kind: str) -> None:
    """They are never dropped, and the reason repeats nothing that the client wrote."""
    tree = read({"role": "user", "content": [part]})
    [(entry, place)] = tree.unchecked
    assert (entry.kind, entry.path, place.message) == (kind, "/0/content/0", 0)
    assert "never heard" not in entry.reason


@each_case(
    ("part", "found"),
    [
        ({"type": "some words", "x": "y"}, ["some words", "x", "y"]),
        ({"type": "image", "data": "some words"}, ["some words"]),
        ({"type": "image", "data": "QUFB" * 16}, ["QUFB" * 16]),
        ({"type": "image", "data": "QUFB" * 400}, []),
        ({"type": "text", "text": "a"}, ["a"]),
        ({"text": "a part of another API"}, ["a part of another API"]),
    ],
)
def test_what_a_part_says_of_itself_is_judged(part: dict[str, Any], found: list[str]) -> None:
    """A type that nobody knows, and what should be bytes and is words."""
    tree = read({"role": "user", "content": [part]})
    assert [leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)] == found


def test_a_spoken_reply_has_its_transcript_judged() -> None:
    """The sound is one, whatever its bytes are; its transcript is text of the reply. Of an earlier one there is only an id."""
    audio = {"id": "a1", "transcript": "spoken words", "data": "AAAA", "expires_at": 1}
    tree = chat_fields.read_response(
        {"choices": [{"index": 3, "message": {"role": "assistant", "audio": audio}}]}
    )
    assert "spoken words" in texts(tree)
    assert [type(leaf.content) for leaf in tree.leaves if not isinstance(leaf.content, Text)] == [Audio]
    assert tree.unchecked == []
    earlier = read({"role": "assistant", "audio": {"id": "a1"}})
    assert [entry.kind for entry, _ in earlier.unchecked] == ["audio"]
    assert {leaf.content.place.choice_index for leaf in tree.leaves} == {3}


def test_words_of_structure_are_kept_and_anything_longer_is_judged() -> None:
    """A model's name is no text; what hides in such a field is."""
    plain = {"model": "gpt-4o", "n": 1, "stream": True, "temperature": 0.5, "seed": None, "messages": []}
    assert chat_fields.read_request(plain).leaves == []
    hidden = {"model": "two words", "n": "x", "stop": ["s t"], "logit_bias": {"b i": 1}, "messages": []}
    assert texts(chat_fields.read_request(hidden)).keys() == {"two words", "x", "s t", "b i"}


def test_a_conversation_knows_its_turns() -> None:
    """The current turn begins with the last user message; what lies before is history."""
    user, assistant = {"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}
    tree = read({"role": "system", "content": "s"}, user, assistant, user, assistant)
    assert (tree.turns, tree.current_from) == (2, 3)
    assert tree.roles == ("system", "user", "assistant", "user", "assistant")
    assert (read(assistant).turns, read(assistant).current_from) == (1, 0)


strings = st.sampled_from(["a", "b c", "text", "role", "type", "function", ""]) | st.just(f"say {TERM} now")
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=6,
)
functions = st.fixed_dictionaries(
    {}, optional={"name": values, "arguments": values, "input": values, "x": values}
)
calls = st.fixed_dictionaries(
    {},
    optional={
        "id": values,
        "type": values,
        "index": values,
        "function": functions,
        "custom": functions,
        "y": values,
    },
)
kinds = st.sampled_from([*chat_fields.PARTS, *chat_fields.PART_KINDS]) | values
parts = st.fixed_dictionaries(
    {"type": kinds},
    optional=dict.fromkeys(("text", "refusal", "thinking", "image_url", "file", "z"), values),
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from([*chat_fields.STAGES, TERM])},
    optional={
        "content": values | st.lists(parts | values, max_size=3),
        "tool_calls": st.lists(calls | values, max_size=2) | values,
        "function_call": calls | values,
        "audio": values
        | st.fixed_dictionaries({}, optional={"id": values, "transcript": values, "expires_at": values}),
        **dict.fromkeys(
            ("name", "tool_call_id", "id", "refusal", "reasoning", "annotations", "other field", TERM), values
        ),
    },
)
tools = st.fixed_dictionaries(
    {}, optional={"type": values, "function": values, "name": values, "strict": values, "odd": values}
)


def holds(value: Any) -> bool:
    """Tell whether the term is anywhere in a value."""
    if isinstance(value, dict):
        return any(TERM in key or holds(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(map(holds, value))
    return isinstance(value, str) and TERM in value


@settings(
    max_examples=scale(300),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(messages, min_size=1, max_size=3), st.lists(tools, max_size=2))
def test_a_term_hidden_anywhere_never_passes_silently(
    bomb_guard: Guard, conversation: list[dict[str, Any]], definitions: list[dict[str, Any]]
) -> None:
    """Any field, any depth, key or value: the request is blocked, refused, or the coverage says what was not
    read.
    """
    body = {"model": "m", "messages": conversation, "tools": definitions}
    try:
        verdict = bomb_guard.check(body)
    except RequestError:
        return
    if holds(body):
        assert verdict.blocked or verdict.coverage.unchecked
        if not verdict.coverage.unchecked:
            assert [rule.id for rule in verdict.rules] == ["bomb"]
    elif not verdict.coverage.unchecked:
        assert str(verdict.action) == "allow"


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "system": lambda t: {"messages": [{"role": "system", "content": t}, {"role": "user", "content": "hi"}]},
    "developer": lambda t: {"messages": [{"role": "developer", "content": t}]},
    "an earlier turn": lambda t: {
        "messages": [
            {"role": "user", "content": t},
            {"role": "assistant", "content": "ok"},
            {"role": "user", "content": "hi"},
        ]
    },
    "assistant": lambda t: {
        "messages": [{"role": "assistant", "content": t}, {"role": "user", "content": "hi"}]
    },
    "tool result": lambda t: {"messages": [{"role": "tool", "tool_call_id": "c", "content": t}]},
    "tool result parts": lambda t: {"messages": [{"role": "tool", "content": [{"type": "text", "text": t}]}]},
    "function result": lambda t: {"messages": [{"role": "function", "name": "f", "content": t}]},
    "tool arguments": lambda t: {"messages": [call(f'{{"a": {{"b": ["{t}"]}}}}')]},
    "arguments escaped": lambda t: {
        "messages": [call('{"a": "' + "".join(f"\\u{ord(c):04x}" for c in t) + '"}')]
    },
    "arguments' key": lambda t: {"messages": [call(f'{{"{t}": 1}}')]},
    "arguments cut off": lambda t: {"messages": [call(f'{{"a": "\\n{t}')]},
    "arguments doubled": lambda t: {"messages": [call(f'{{"a": "{t}", "a": "ok"}}')]},
    "arguments as a mapping": lambda t: {"messages": [call({"a": [t]})]},
    "tool name": lambda t: {"messages": [call("{}", name=t)]},
    "call id": lambda t: {"messages": [call("{}", id=t)]},
    "call type": lambda t: {"messages": [call("{}", type=t)]},
    "call index": lambda t: {"messages": [call("{}", index=t)]},
    "custom call": lambda t: {
        "messages": [
            {"role": "assistant", "tool_calls": [{"type": "custom", "custom": {"name": "f", "input": t}}]}
        ]
    },
    "function_call": lambda t: {
        "messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": f'{{"a": "{t}"}}'}}]
    },
    "sender's name": lambda t: {"messages": [{"role": "user", "name": t, "content": "hi"}]},
    "refusal": lambda t: {"messages": [{"role": "assistant", "refusal": t}]},
    "reasoning": lambda t: {"messages": [{"role": "assistant", "reasoning_content": t, "content": "hi"}]},
    "unknown field": lambda t: {"messages": [{"role": "user", "content": "hi", "new": {"deep": [t]}}]},
    "unknown field's name": lambda t: {"messages": [{"role": "user", "content": "hi", t: 1}]},
    "unknown body field": lambda t: {"messages": [], "new": t},
    "two parts": lambda t: {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": t[:3]}, {"type": "text", "text": t[3:]}]}
        ]
    },
    "tool definition": lambda t: {
        "messages": [],
        "tools": [{"type": "function", "function": {"name": "f", "description": t}}],
    },
    "tool parameter": lambda t: {
        "messages": [],
        "tools": [{"function": {"parameters": {"properties": {t: {}}}}}],
    },
    "tool's odd field": lambda t: {"messages": [], "tools": [{"function": {"name": "f", t: 1}}]},
    "tool strict": lambda t: {"messages": [], "tools": [{"function": {"name": "f", "strict": t}}]},
    "functions": lambda t: {"messages": [], "functions": [{"name": "f", "description": t}]},
    "response_format": lambda t: {
        "messages": [],
        "response_format": {"json_schema": {"schema": {"title": t}}},
    },
    "prediction": lambda t: {"messages": [], "prediction": {"type": "content", "content": t}},
    "documents": lambda t: {"messages": [], "documents": [{"title": "d", "text": t}]},
    "stop": lambda t: {"messages": [], "stop": t},
    "user": lambda t: {"messages": [], "user": t},
    "metadata": lambda t: {"messages": [], "metadata": {"k": t}},
    "stream_options": lambda t: {"messages": [], "stream_options": {"k": f"{t} now"}},
    "choices in a request": lambda t: {"messages": [{"role": "user", "content": t}], "choices": []},
}


@each_case("place", PLACES)
def test_a_term_is_found_in_every_place_that_a_request_has(bomb_guard: Guard, place: str) -> None:
    """The attack is blocked wherever it stands, and the same request without it is allowed."""
    verdict = bomb_guard.check(PLACES[place](TERM))
    assert verdict.blocked
    assert [rule.id for rule in verdict.rules] == ["bomb"]
    assert verdict.findings[0].path.startswith("/")
    assert str(bomb_guard.check(PLACES[place]("harmless")).action) == "allow"


RESPONSES: dict[str, Callable[[str], dict[str, Any]]] = {
    "content": lambda t: {"message": {"role": "assistant", "content": t}},
    "second part": lambda t: {
        "message": {"content": [{"type": "text", "text": "x"}, {"type": "text", "text": t}]}
    },
    "split parts": lambda t: {
        "message": {"content": [{"type": "text", "text": t[:2]}, {"type": "text", "text": t[2:]}]}
    },
    "refusal": lambda t: {"message": {"refusal": t}},
    "reasoning": lambda t: {"message": {"reasoning_content": t}},
    "call": lambda t: {"message": call(f'{{"a": "{t}"}}')},
    "completion": lambda t: {"text": t},
    "annotation": lambda t: {"message": {"annotations": [{"url": t}]}},
    "unknown": lambda t: {"delta": {"content": t}},
}


@each_case("place", RESPONSES)
def test_every_choice_of_a_response_is_judged(bomb_guard: Guard, place: str) -> None:
    """The second choice is read like the first, and the finding says which it was."""
    body = {"choices": [{"index": 0, "message": {"content": "fine"}}, {"index": 1, **RESPONSES[place](TERM)}]}
    verdict = bomb_guard.check(body, "output")
    assert verdict.blocked
    assert {finding.choice_index for finding in verdict.findings} == {1}


def test_what_a_model_says_stands_beside_the_system_prompt() -> None:
    """Assistant turns and calls carry the system prompt as context, turns what they reply to too; what others say does not."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": "b"}'}}
    tree = ContentTree()
    chat_fields.messages(
        tree,
        [
            {"role": "system", "content": "Be kind."},
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello", "tool_calls": [call]},
        ],
    )

    system = {"system": "Be kind.\nBe brief."}
    beside = {leaf.content.place.path for leaf in tree.leaves if leaf.content.context == system}
    replies = {
        leaf.content.place.path for leaf in tree.leaves if leaf.content.context == {**system, "prompt": "hi"}
    }
    without = {leaf.content.place.path for leaf in tree.leaves if leaf.content.context is None}
    assert replies == {"/3/content"}
    assert any(path.startswith("/3/tool_calls/0") for path in beside)
    assert {"/0/content", "/1/content/0/text", "/2/content"} <= without


def test_moderation_is_a_known_field_on_either_side() -> None:
    """Of words and figures; what else it says, such as what went wrong, is judged."""
    asked = {"model": "omni", "policy": {"input": {"mode": "block"}}}
    said = {
        "input": {"type": "error", "code": "timeout", "message": "it broke down"},
        "output": {"flagged": False},
    }

    leaves = [
        chat_fields.read_request({"messages": [], "moderation": asked}),
        chat_fields.read_response({"choices": [], "moderation": said}),
    ]

    assert [each.unknown for each in leaves] == [[], []]
    assert [[leaf.content.text for leaf in each.leaves] for each in leaves] == [[], ["it broke down"]]


FUNCTION, OTHER = {"name": "f", "arguments": "{}"}, {"name": "g", "input": "x"}


@each_case(
    "said",
    [
        {"function": FUNCTION, "custom": OTHER},
        {"function": FUNCTION, "custom": {}},
        {"function": FUNCTION, "name": "g"},
        {"function": FUNCTION, "arguments": "[]"},
        {"custom": {**OTHER, "arguments": "{}"}},
        {"name": "f", "arguments": "{}", "input": "x"},
    ],
    ids=str,
)
def test_a_tool_that_is_said_twice_is_refused(said) -> None:
    """Nobody knows which of them counts elsewhere: the guard would judge one, and another would be called."""
    with pytest.raises(RequestError) as raised:
        chat_fields.read_request({"messages": [{"role": "assistant", "tool_calls": [{"id": "c", **said}]}]})
    assert (raised.value.code, raised.value.path) == ("ambiguous_tool", "/messages/0/tool_calls/0")
    with pytest.raises(RequestError) as raised:
        chat_fields.read_request({"messages": [], "tools": [said]})
    assert (raised.value.code, raised.value.path) == ("ambiguous_tool", "/tools/0")


@each_case(
    ("said", "tool", "asked"),
    [
        ({"function": FUNCTION}, "f", "{}"),
        ({"custom": OTHER}, "g", "x"),
        ({"function": None, "custom": OTHER}, "g", "x"),
        ({"function": {**FUNCTION, "input": None}}, "f", "{}"),
        ({**FUNCTION, "function": None}, "f", "{}"),
        ({"function": FUNCTION, "name": "f", "arguments": "{}"}, "f", "{}"),
    ],
    ids=str,
)
def test_a_call_says_its_tool_and_what_it_is_called_with(said, tool, asked) -> None:
    """Whatever its kind, with fields that are null, and with the same said again."""
    tree = chat_fields.read_request(
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", **said}]}]}
    )

    [call] = [leaf.content for leaf in tree.leaves if isinstance(leaf.content, ToolCall)]
    assert (call.name, call.arguments) == (tool, asked)
    assert all(leaf.content.place.tool == tool for leaf in tree.leaves)


@each_case(
    ("body", "tool"),
    [
        ({"tools": [{"type": "web_search"}]}, "web_search"),
        ({"tools": [{"type": "web_search", "name": "find"}]}, "find"),
        ({"web_search_options": {}}, "web_search"),
    ],
    ids=str,
)
def test_a_tool_of_the_providers_is_known_by_its_type(body: dict[str, Any], tool: str) -> None:
    """And stands where definitions do though it says nothing, so that a list of tools can leave it out."""
    tree = chat_fields.read_request({"messages": [], **body})

    assert {(leaf.content.place.stage.value, leaf.content.place.tool) for leaf in tree.leaves} == {
        ("tool_definition", tool)
    }


def test_a_search_that_is_not_asked_for_is_no_tool() -> None:
    """Clients write null for what they leave out."""
    assert chat_fields.read_request({"messages": [], "web_search_options": None}).leaves == []


ROLES = st.sampled_from([*chat_fields.STAGES, "robot", "System", "", None, 7])
SAID = st.one_of(
    st.text(max_size=40), st.none(), st.integers(), st.lists(st.text(max_size=5), max_size=3),
    st.just([{"type": "text", "text": TERM}]), st.just({"type": "text", "text": TERM}),
)  # fmt: skip
MESSAGES = st.one_of(
    st.fixed_dictionaries({"role": ROLES, "content": SAID}),
    st.fixed_dictionaries({"content": SAID, "role": ROLES}),
    st.fixed_dictionaries(
        {"role": ROLES}, optional={"content": SAID, "name": SAID, "refusal": SAID, "x": SAID}
    ),
)
WALKED = chat_fields.Table(
    {
        **chat_fields.MESSAGE.fields,
        "content": lambda tree, value, path, place: chat_fields.content(tree, value, path, place),
    }
)
"""The table of messages with another reader of `content`, so that nothing is read but by its fields."""


def collected(value: Any, table: chat_fields.Table, *, forgeable: bool) -> object:
    """Return what a tree of messages holds, or the code of what is wrong."""
    tree = ContentTree()
    try:
        chat_fields.messages(tree, value, ("messages",), forgeable=forgeable, table=table)
    except RequestError as error:
        return error.code, str(error)
    return tree.leaves, tree.unchecked, tree.unknown, tree.turns, tree.current_from, tree.roles, tree.calls


@given(st.lists(MESSAGES, max_size=4), st.booleans())
@settings(max_examples=scale(200), suppress_health_check=[HealthCheck.too_slow])
def test_a_message_that_is_read_directly_reads_as_its_fields(value: list[Any], forgeable: bool) -> None:
    """The common shape, a role and a text, is read past the table: for any messages both say the same."""
    assert collected(value, chat_fields.MESSAGE, forgeable=forgeable) == collected(
        value, WALKED, forgeable=forgeable
    )
