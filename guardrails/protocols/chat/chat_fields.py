"""The field tables of OpenAI's chat API: messages, requests and responses in, leaves out.

Each table maps a field to how it is read. A message's role says at which stage it stands (DESIGN §4.4);
assistant turns that a client sends stand at `output` and at `input` too, because they can be forged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.field_readers import (
    Reader,
    Table,
    anything,
    arguments,
    by_table,
    each,
    figures,
    flag,
    identifier,
    keep,
    label,
    opaque,
    parts,
    refuse,
    seed,
    spelling,
    spoken,
    text,
)
from guardrails.engine.content.inline_media import (
    NO_FILE,
    NO_SOUND,
    addressed,
    filed,
    pictured,
    sound,
    sounding,
)
from guardrails.engine.content.places import place_at
from guardrails.engine.tools.tool_calls import place_call, place_definition, place_result
from guardrails.engine.values.walk import LISTS, MAPPINGS
from guardrails.errors import RequestError
from guardrails.types import Place, Stage, Text
from guardrails.wire.pointers import Path, pointer

STAGES: Mapping[str, Stage] = {
    "system": Stage.INPUT,
    "developer": Stage.INPUT,
    "user": Stage.INPUT,
    "assistant": Stage.OUTPUT,
    "tool": Stage.TOOL_RESULT,
    "function": Stage.TOOL_RESULT,
}
SPEAKERS = ("system", "developer", "user", "assistant")
"""Roles of messages that are no result of a tool."""
LONGEST_ROLE = 32
"""Characters up to which a wrong role is repeated in a message."""


KINDS = ("function", "custom")
"""The kinds of tools, which are also the fields in which a call or a definition says what it is of."""


def kind_word(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The `type` of a call or definition: nothing to judge where it is one of the usual words."""
    if value not in KINDS:
        identifier(tree, value, path, place)


# Parts of a message. What is no text cannot be judged by this build, and the policy's `unchecked:` decides.
PARTS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "input_text": ("text",),
    "output_text": ("text",),
    "refusal": ("refusal",),
    "thinking": ("thinking",),
    "reasoning": ("text",),
}
OWN_URL = addressed(text)
URL = by_table({"url": OWN_URL, "detail": text})


def address(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The address of a picture, in a mapping or, as some clients write it, alone."""
    (URL if isinstance(value, Mapping) else OWN_URL)(tree, value, path, place)


SOUND = sounding(by_table({"data": opaque, "format": keep}))
FILE = by_table({"file_data": filed, "file_id": identifier, "filename": text, "format": keep})
MEDIA: Mapping[str, Reader] = {
    "image_url": pictured(by_table({"type": keep, "image_url": address, "data": opaque})),
    "input_image": pictured(
        by_table({"type": keep, "image_url": OWN_URL, "file_id": text, "detail": text, "data": opaque})
    ),
    "video_url": pictured(by_table({"type": keep, "video_url": address, "data": opaque})),
    "audio_url": pictured(by_table({"type": keep, "audio_url": address, "data": opaque}), "audio", NO_SOUND),
    "input_audio": pictured(
        by_table({"type": keep, "input_audio": SOUND, "data": opaque}), "audio", NO_SOUND
    ),
    "file": pictured(by_table({"type": keep, "file": FILE, "data": opaque}), none=NO_FILE),
}
"""Parts that are pictures, films or sounds, and files, which may be any of them, by type."""

PART_KINDS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys((*MEDIA, "image"), ("part", "image")),
    "video": ("part", "video"),
    "audio": ("audio", "sound"),
    "input_file": ("part", "file"),
}


def part(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One part of a message's content."""
    if not isinstance(value, Mapping):
        text(tree, value, path, place)
        return
    kind = value.get("type")
    if isinstance(kind, str) and kind in MEDIA:
        MEDIA[kind](tree, value, path, place)
        return
    known = isinstance(kind, str) and (kind in PARTS or kind in PART_KINDS)
    # Of a part of another API that is but a text nothing is left unread.
    fields = ("text",) if {*value} == {"text"} else PARTS.get(str(kind), ())
    if not fields:
        unchecked, name = PART_KINDS.get(str(kind), ("part", "type of part"))
        tree.cannot(unchecked, f"no detector reads this {name}", path, place)
    for name, inner in value.items():
        if name in fields:
            text(tree, inner, (*path, name), place)
        elif name == "type":
            (keep if known else identifier)(tree, inner, (*path, name), place)
        elif name == "data" and not fields:
            opaque(tree, inner, (*path, name), place)
        else:
            tree.unknown_field(inner, (*path, name), place)


content = parts(part, PARTS)


def own(value: Any, path: Path) -> tuple[Any, Any, Any]:
    """Return what a call or a definition says of its tool: the mapping that does, its name, and what it is called with.

    Raises:
        RequestError: it says so twice, so that nobody knows which of them counts elsewhere.
    """
    if not isinstance(value, Mapping):
        return None, None, None
    inner = [value[kind] for kind in KINDS if value.get(kind) is not None] or [value]
    said = [each for each in (*inner, value) if isinstance(each, Mapping)]
    names = _given(said, "name")
    given = _given(said, "arguments", "input")
    if len(inner) > 1 or len(names) > 1 or len(given) > 1:
        raise RequestError(
            "ambiguous_tool", "a tool, or what it is called with, is said twice", pointer(path)
        )
    return inner[0], next(iter(names), None), next(iter(given), None)


def defines(value: Any, path: Path) -> Any:
    """Return the name of the tool that is defined; one of the provider's that has none is known by its type."""
    name = own(value, path)[1]
    kind = value.get("type") if isinstance(value, Mapping) else None
    return kind if name is None and kind not in KINDS else name


def _given(said: Iterable[Mapping[str, Any]], *names: str) -> list[Any]:
    """Return what stands in these fields, each once."""
    found: list[Any] = []
    for holder in said:
        found += [
            holder[name] for name in names if holder.get(name) is not None and holder[name] not in found
        ]
    return found


def call(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One tool call of an assistant: its name and its arguments, at the stage `tool_call`."""
    function, name, given = own(value, path)
    # The older `function_call` has no id: its result names the function.
    identity = value.get("id") or name if isinstance(value, Mapping) else None
    here = place_call(tree, place, name, given, identity=identity)
    if isinstance(function, Mapping):
        tree.call(here.tool or "", here.use.arguments or "" if here.use else "", path, here)
    CALL(tree, value, path, here)


def definition(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One tool definition: everything in it is read by the model."""
    DEFINITION(tree, value, path, place_definition(defines(value, path)))


FUNCTION = by_table({"name": identifier, "arguments": arguments, "input": text})
CALL = by_table(
    {
        "id": identifier,
        "type": kind_word,
        "index": flag,
        "function": FUNCTION,
        "custom": FUNCTION,
        "name": identifier,
        "arguments": arguments,
    }
)
DEFINED = by_table({"name": identifier, "strict": flag}, lenient=True)
DEFINITION = by_table(
    {"type": kind_word, "function": DEFINED, "custom": DEFINED, "name": identifier}, lenient=True
)


def audio(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A spoken reply: its transcript is text; of an earlier one there is only an id, and what that says is not seen."""
    if value is not None:
        SPOKEN(tree, value, path, place)


SPOKEN = pictured(
    by_table({"id": identifier, "transcript": text, "data": sound, "expires_at": flag}), "audio", NO_SOUND
)


MESSAGE = by_table(
    {
        "role": keep,
        "content": content,
        "name": identifier,
        "tool_call_id": identifier,
        "id": identifier,
        "tool_calls": each(call),
        "function_call": call,
        "refusal": text,
        "reasoning": text,
        "reasoning_content": text,
        "annotations": anything,
        "images": each(part),
        "audio": audio,
    }
)


def message(
    tree: ContentTree, value: Any, path: Path, index: int, *, forgeable: bool, table: Table = MESSAGE
) -> str:
    """Read one message of a request by a field table; return its role."""
    if not isinstance(value, MAPPINGS):
        raise RequestError(
            "invalid_message", f"a message must be a mapping, not {type(value).__name__}", pointer(path)
        )
    role = value.get("role")
    if not isinstance(role, str) or role not in STAGES:
        shown = f"{role!r} " if isinstance(role, str) and len(role) <= LONGEST_ROLE else ""
        raise RequestError(
            "unknown_role", f"role {shown}is not one of {', '.join(STAGES)}", pointer((*path, "role"))
        )
    also = (Stage.INPUT,) if role == "assistant" and forgeable else ()
    said = value.get("content")
    if type(said) is str and len(value) == 2 and role in SPEAKERS and table.fields["content"] is content:
        # Nearly every message. What the table would read is this text alone: the role is a word of the protocol.
        if said:
            where, place = _content_place(role, also, path, index)
            tree.leaves.append(Leaf(Text(said, place), where))
        return role
    name = value.get("name" if "name" in table.fields else "tool_name")
    place = Place(STAGES[role], also, role, message=index)
    if place.stage is Stage.TOOL_RESULT:
        place = place_result(tree, place, value.get("tool_call_id") or name, name)
    table(tree, value, path, place)
    return role


@lru_cache(4_096)
def _content_place(role: str, also: tuple[Stage, ...], path: Path, index: int) -> tuple[Path, Place]:
    """Return where the text of a message stands, made once: conversations have the same places over and over."""
    where = (*path, "content")
    return where, place_at(Place(STAGES[role], also, role, message=index), where)


def messages(
    tree: ContentTree, value: Any, path: Path = (), *, forgeable: bool = True, table: Table = MESSAGE
) -> None:
    """Read the messages of a request, oldest first, by a field table; `forgeable`: a client sent them, assistant turns too."""
    if not isinstance(value, LISTS):
        raise RequestError("invalid_messages", "messages must be a list", pointer(path))
    roles = [
        message(tree, entry, (*path, index), index, forgeable=forgeable, table=table)
        for index, entry in enumerate(value)
    ]
    spoken(tree, roles)
    tree.beside_own_system()


ANSWER = Place(Stage.OUTPUT, role="assistant")
"""Where an answer stands."""


@lru_cache(1_024)
def _choice_place(position: int) -> Place:
    """Return where a choice of an answer stands."""
    return replace(ANSWER, choice_index=position)


def choice(tree: ContentTree, value: Any, path: Path, place: Place, table: Table | None = None) -> None:
    """One choice of a response, by a field table."""
    index = value.get("index") if isinstance(value, MAPPINGS) else None
    position = index if isinstance(index, int) and not isinstance(index, bool) else int(path[-1])
    (table or CHOICE)(tree, value, path, _choice_place(position))


CHOICE = by_table(
    {
        "index": keep,
        "finish_reason": keep,
        "stop_reason": keep,
        "message": MESSAGE,
        "logprobs": spelling,
        "text": text,
    }
)
RESPONSE = by_table(
    {
        "id": keep,
        "object": keep,
        "created": keep,
        "model": keep,
        "service_tier": keep,
        "system_fingerprint": keep,
        "usage": figures,
        "moderation": figures,
        "choices": each(choice),
    }
)


def prediction(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A predicted reply: text that the model may repeat."""
    by_table({"type": keep, "content": content})(tree, value, path, place)


def request_messages(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The conversation of a request."""
    messages(tree, value, path)


def searching(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A tool of the provider's that no definition says: to be listed as any."""
    if value is not None:
        tree.text(SEARCH, path, place_definition(SEARCH), editable=False)
        tree.anything(value, path, place)


SEARCH = "web_search"
ASKED = Place(Stage.INPUT, role="user")
RETRIEVED = Place(Stage.RETRIEVAL, role="tool")
REQUEST = by_table(
    {
        "model": keep,
        "messages": request_messages,
        "tools": each(definition),
        "functions": each(definition),
        "tool_choice": anything,
        "function_call": anything,
        "response_format": anything,
        "prediction": prediction,
        "documents": lambda tree, value, path, place: tree.anything(value, path, RETRIEVED),
        "stop": anything,
        **dict.fromkeys(("user", "safety_identifier", "prompt_cache_key"), label),
        "metadata": anything,
        "web_search_options": searching,
        "stream_options": figures,
        "logit_bias": figures,
        "modalities": figures,
        "audio": figures,
        "moderation": figures,
        **dict.fromkeys(
            ("stream", "n", "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens"),
            flag,
        ),
        "seed": seed,
        **dict.fromkeys(("presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"), flag),
        **dict.fromkeys(("parallel_tool_calls", "store"), flag),
        **dict.fromkeys(("reasoning_effort", "verbosity", "service_tier", "prompt_cache_retention"), keep),
        # These change the prompt after the guard has read it.
        **dict.fromkeys(
            ("chat_template", "chat_template_kwargs", "continue_final_message", "previous_response_id"),
            refuse,
        ),
    }
)


def read_request(body: Any, table: Table = REQUEST) -> ContentTree:
    """Return the leaves of a chat completion request, or of one of an API with other fields, by its table."""
    tree = ContentTree()
    if not isinstance(body, MAPPINGS) or "messages" not in body:
        raise RequestError("invalid_messages", "the body must be a mapping with 'messages'", "/messages")
    table(tree, body, (), ASKED)
    return tree


def read_response(body: Any, table: Table = RESPONSE) -> ContentTree:
    """Return the leaves of a chat completion, or of an answer of an API with other fields, by its table."""
    tree = ContentTree()
    table(tree, body, (), ANSWER)
    return tree
