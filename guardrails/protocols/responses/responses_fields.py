"""The field tables of OpenAI's Responses API: requests and responses in, leaves out, and edits back into them.

Items say by their `type` what they are: messages stand where their role does, calls at `tool_call`, what came of them at
`tool_result`, reasoning where an assistant's words do. Hosted tools write call and result into one item. What the guard
cannot see is refused where it is a conversation (`previous_response_id`, `conversation`), and named as an unchecked part
where it is a part (`item_reference`, a stored `prompt`, a file by its id, the tools of a remote server). Encrypted
reasoning is named as sealed. A response repeats fields of its request: these stand where they stood there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    Reader,
    anything,
    arguments,
    by_table,
    by_type,
    credential,
    each,
    figures,
    flag,
    identifier,
    keep,
    label,
    opaque,
    parts,
    refuse,
    refused,
    sealed,
    signature,
    spelling,
    spoken,
    text,
    unseen,
)
from guardrails.engine.content.inline_media import (
    NO_FILE,
    NO_SOUND,
    base64,
    filed,
    on_its_way,
    pictured,
    sounding,
    uri,
)
from guardrails.engine.content.payload import apply_edits
from guardrails.engine.model import Outcome
from guardrails.engine.tools.tool_calls import place_call, place_definition, place_result
from guardrails.engine.values.writer import remove_entries, replace_values, value_at
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields
from guardrails.protocols.reply_values import drop_spelling
from guardrails.types import Place, Stage, Use
from guardrails.wire.pointers import Path, pointer

STAGES: Mapping[str, Stage] = {
    "user": Stage.INPUT,
    "system": Stage.INPUT,
    "developer": Stage.INPUT,
    "assistant": Stage.OUTPUT,
}
TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
OWN: Mapping[str, tuple[str, ...]] = {**dict.fromkeys(TEXTS, ("text",)), "refusal": ("refusal",)}
"""The fields with a part's own text, by type."""


ANNOTATION = by_table(
    {
        "type": keep,
        **dict.fromkeys(("url", "title", "filename"), text),
        **dict.fromkeys(("file_id", "container_id"), identifier),
        **dict.fromkeys(("index", "start_index", "end_index"), flag),
    }
)


PICTURE = pictured(
    by_table(
        {
            "type": keep,
            **dict.fromkeys(("image_url", "url"), uri),
            **dict.fromkeys(("file_id", "file_url"), identifier),
            "detail": keep,
        }
    )
)
FILE = pictured(
    by_table(
        {
            "type": keep,
            "file_data": filed,
            **dict.fromkeys(("file_id", "file_url"), identifier),
            "filename": text,
            **dict.fromkeys(("detail", "format"), keep),
        }
    ),
    none=NO_FILE,
)
SOUND = pictured(
    by_table(
        {"type": keep, "input_audio": sounding(by_table({"data": opaque, "format": keep})), "data": opaque}
    ),
    "audio",
    NO_SOUND,
)
PART = by_type(
    {
        **dict.fromkeys(
            TEXTS,
            by_table({"type": keep, "text": text, "annotations": each(ANNOTATION), "logprobs": spelling}),
        ),
        "refusal": by_table({"type": keep, "refusal": text}),
        **dict.fromkeys(("input_image", "computer_screenshot"), PICTURE),
        "input_file": FILE,
        "input_audio": SOUND,
    }
)
content = parts(PART, OWN)


def came_of(place: Place) -> Place:
    """Return where a result stands that is found here. In an answer it is what the client reads as well."""
    also = (Stage.OUTPUT,) if place.message is None else ()
    return replace(place, stage=Stage.TOOL_RESULT, also=also, role="tool")


def result(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What a tool returned: a text, parts, or a structure."""
    here = came_of(place)
    if isinstance(value, str) or _are_parts(value):
        content(tree, value, path, here)
    elif isinstance(value, Mapping) and value.get("type") in ("computer_screenshot", "input_image"):
        PART(tree, value, path, here)
    else:
        anything(tree, value, path, here)


def outputs(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What code wrote and drew."""
    each(OUTPUT)(tree, value, path, came_of(place))


OUTPUT = by_type({"logs": by_table({"type": keep, "logs": text}), "image": PICTURE})


def _are_parts(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(entry, Mapping)
        and isinstance(kind := entry.get("type"), str)
        and (kind in OWN or kind.startswith("input_"))
        for entry in value
    )


def picture(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A picture that a model made, which is what it says and no call; one that a client sends back can be forged."""
    if value is not None:
        also = () if place.message is None else (Stage.INPUT,)
        place = replace(place, stage=Stage.OUTPUT, also=also, tool=None, use=None)
        pictured(base64)(tree, value, path, place)


def drawn(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A picture on its way, as an event tells of it; what a client sends is finished."""
    (on_its_way(picture) if place.message is None else picture)(tree, value, path, place)


def definition(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One tool: everything in its definition is read by the model. Those of a remote server are not in the request."""
    here = place_definition(chat_fields.defines(value, path))
    if isinstance(value, Mapping) and value.get("type") == "mcp":
        tree.cannot("part", "the tools of a remote server are not seen", path, here)
    DEFINITION(tree, value, path, here)


def masked(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A picture in the definition of a tool that draws: the user's, as those of messages are."""
    if value is not None:
        MASK(tree, value, path, TOLD)


MASK = pictured(by_table({"type": keep, "image_url": uri, "file_id": identifier}))
DEFINITION = by_table(
    {
        "input_image_mask": masked,
        "type": chat_fields.kind_word,
        **dict.fromkeys(("name", "server_label", "connector_id"), identifier),
        "authorization": credential,
        **dict.fromkeys(("strict", "defer_loading", "max_num_results"), flag),
    },
    lenient=True,
)
COMMON: Mapping[str, Reader] = {
    **dict.fromkeys(("type", "status", "role", "phase", "execution", "created_by"), keep),
    **dict.fromkeys(
        ("id", "call_id", "name", "namespace", "server_label", "approval_request_id"), identifier
    ),
    "caller": figures,
    "async": flag,
}
MESSAGE = by_table({**COMMON, "content": content})
REASONING = by_table({**COMMON, "summary": content, "content": content, "encrypted_content": sealed})
CALL = by_table(
    {
        **COMMON,
        "arguments": arguments,
        **dict.fromkeys(("input", "code", "revised_prompt"), text),
        **dict.fromkeys(("action", "actions", "operation", "queries", "environment"), anything),
        "pending_safety_checks": anything,
        "container_id": identifier,
        "fingerprint": signature,
        **dict.fromkeys(("output", "results", "error"), result),
        "outputs": outputs,
        "result": picture,
        "partial_image_b64": drawn,
        **dict.fromkeys(("background", "output_format", "quality", "size"), keep),
        "svg_usage": figures,
    }
)
RESULT = by_table(
    {
        **COMMON,
        **dict.fromkeys(("output", "result", "error", "acknowledged_safety_checks", "reason"), result),
        "tools": each(definition),
        **dict.fromkeys(("approve", "max_output_length"), flag),
    }
)
GIVEN = ("arguments", "input", "code", "action", "actions", "operation", "queries")
"""Fields with what a tool is called with."""


def call(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One call of a tool, of the client's or a hosted one's, with what came of it where that is known."""
    name = value.get("name", value.get("type"))
    here = place_call(
        tree,
        place,
        name,
        next((value[field] for field in GIVEN if value.get(field) is not None), ""),
        identity=value.get("call_id", value.get("id")),
        server=value.get("server_label"),
        hosted=value.get("type") not in OWN_CALLS,
    )
    tree.call(here.tool or "", here.use.arguments or "" if here.use else "", path, here)
    CALL(tree, value, path, here)


def returned(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What the client, or a server, says that a tool returned."""
    place = came_of(place)
    kind, label = value.get("type"), value.get("server_label")
    if kind in UNCALLED:
        server = label if isinstance(label, str) else ""
        place = replace(place, tool=kind, use=Use(((kind, server),)))
    else:
        place = place_result(tree, place, value.get("call_id"))
    RESULT(tree, value, path, place)


OWN_CALLS = (
    "function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call",
)  # fmt: skip
"""Calls whose results the client brings; all others the provider makes itself."""

UNCALLED = ("mcp_list_tools", "mcp_approval_response", "additional_tools")
"""Results that no call asks for: they are of a tool that is named as they are."""

CALLS = (
    "function_call", "custom_tool_call", "mcp_call", "mcp_approval_request", "web_search_call", "file_search_call",
    "code_interpreter_call", "computer_call", "image_generation_call", "local_shell_call", "shell_call",
    "apply_patch_call", "tool_search_call", "program",
)  # fmt: skip
RESULTS = (
    "function_call_output", "custom_tool_call_output", "computer_call_output", "local_shell_call_output",
    "shell_call_output", "apply_patch_call_output", "mcp_list_tools", "mcp_approval_response", "tool_search_output",
    "additional_tools", "program_output",
)  # fmt: skip
REFERENCE = by_table({**COMMON, "id": unseen("the item is not in the request")})
ITEM = by_type(
    {
        "message": MESSAGE,
        "reasoning": REASONING,
        "compaction": by_table({**COMMON, "encrypted_content": sealed}),
        "compaction_trigger": by_table(COMMON),
        "item_reference": REFERENCE,
        **dict.fromkeys(CALLS, call),
        **dict.fromkeys(RESULTS, returned),
    }
)


def item(tree: ContentTree, value: Any, path: Path, index: int) -> str:
    """Read one item of a request; return whose turn it is."""
    if not isinstance(value, Mapping):
        raise RequestError(
            "invalid_input", f"an item must be a mapping, not {type(value).__name__}", pointer(path)
        )
    kind = value.get("type")
    if kind is None:  # clients may leave it out of these two
        kind = "message" if "role" in value else "item_reference"
    role = value.get("role") if kind == "message" else "tool" if kind in RESULTS else "assistant"
    if not isinstance(role, str) or (kind == "message" and role not in STAGES):
        raise RequestError(
            "unknown_role", f"role is not one of {', '.join(STAGES)}", pointer((*path, "role"))
        )
    also = (Stage.INPUT,) if role == "assistant" else ()
    place = Place(STAGES.get(role, Stage.TOOL_RESULT), also, role, message=index)
    reader = {"message": MESSAGE, "item_reference": REFERENCE}.get(str(kind), ITEM)
    reader(tree, value, path, place)
    return role


def conversation(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The input of a request: a user's text, or items, oldest first."""
    if isinstance(value, str):
        tree.text(value, path, Place(Stage.INPUT, role="user", message=0))
        roles = ["user"]
    elif isinstance(value, list):
        roles = [item(tree, entry, (*path, index), index) for index, entry in enumerate(value)]
    else:
        raise RequestError("invalid_input", "input must be a text or a list of items", pointer(path))
    spoken(tree, roles)


SYSTEM = Place(Stage.INPUT, role="system")
TOLD = Place(Stage.INPUT, role="user")


def variables(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What is put into a stored prompt: texts or parts, by name."""
    if not isinstance(value, Mapping):
        anything(tree, value, path, place)
        return
    for name, inner in value.items():
        tree.text(name, (*path, name), place, editable=False)
        (PART if isinstance(inner, Mapping) else text)(tree, inner, (*path, name), place)


def instructions(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The system prompt; in a response it may be items."""
    reader = each(ITEM) if isinstance(value, list) else text
    reader(tree, value, path, SYSTEM)


def prompt(reader: Reader) -> Reader:
    """Read a stored prompt, whose text is not here, with what is put into it."""
    table = by_table({"id": reader, "version": keep, "variables": variables})
    return lambda tree, value, path, place: table(tree, value, path, TOLD)


SHARED: Mapping[str, Reader] = {
    "model": keep,
    "instructions": instructions,
    "tools": each(definition),
    **dict.fromkeys(("tool_choice", "metadata", "text", "context_management"), anything),
    **dict.fromkeys(("user", "safety_identifier", "prompt_cache_key"), label),
    **dict.fromkeys(("reasoning", "moderation", "access_programs", "image", "prompt_cache_options"), figures),
    **dict.fromkeys(("service_tier", "truncation", "prompt_cache_retention"), keep),
    **dict.fromkeys(("max_output_tokens", "max_tool_calls", "temperature", "top_p", "top_logprobs"), flag),
    **dict.fromkeys(("parallel_tool_calls", "store", "background"), flag),
}
"""Fields that a response repeats of its request."""

REQUEST = by_table(
    {
        **SHARED,
        "input": conversation,
        "prompt": prompt(unseen("the text of a stored prompt is not in the request")),
        **dict.fromkeys(("include", "stream_options", "background_options"), figures),
        "stream": flag,
        **dict.fromkeys(
            ("previous_response_id", "conversation"), refused("the guard has not seen that conversation")
        ),
        "background": refused("an answer that is fetched later is not judged"),
        # These change the prompt after the guard has read it.
        **dict.fromkeys(("chat_template", "chat_template_kwargs", "continue_final_message"), refuse),
    }
)


def output(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The items of an answer. Texts of several messages are judged joined too: clients show them as one."""
    first = len(tree.leaves)
    each(ITEM)(tree, value, path, place)
    shown = [
        index
        for index in range(first, len(tree.leaves))
        if len(at := tree.leaves[index].path) == 5 and (at[2], at[4]) == ("content", "text")
        if not tree.leaves[index].pieces and value[at[1]].get("type") == "message"
    ]
    if len({tree.leaves[index].path[1] for index in shown}) > 1:
        tree.join(shown, path, place)


def repeated(reader: Reader, place: Place) -> Reader:
    """Read a field of a response where it stood in the request."""
    return lambda tree, value, path, _: reader(tree, value, path, place)


ANSWER = by_table(
    {
        **{name: repeated(reader, TOLD) for name, reader in SHARED.items()},
        "prompt": prompt(identifier),
        **dict.fromkeys(("id", "object", "status", "previous_response_id"), keep),
        **dict.fromkeys(("created_at", "completed_at"), flag),
        "output": output,
        "output_text": text,
        "error": by_table({"code": keep, "message": text}),
        **dict.fromkeys(("usage", "incomplete_details", "conversation", "tool_usage"), figures),
        **dict.fromkeys(("input_transformations", "prompt_cache_diagnostics"), figures),
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request."""
    tree = ContentTree()
    if not isinstance(body, Mapping) or not ("input" in body or "prompt" in body):
        raise RequestError("invalid_input", "the body must be a mapping with 'input'", "/input")
    REQUEST(tree, body, (), TOLD)
    tree.beside_own_system()
    return tree


def read_response(body: Any) -> ContentTree:
    """Return the leaves of a response."""
    tree = ContentTree()
    ANSWER(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree


def edit_body(body: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return a request or a response with an outcome's edits, without what spells or points into a text that these change,
    and without removed turns; the same object where nothing changes.
    """
    new: Any = apply_edits(body, tree, outcome)
    for path in {tree.leaves[index].path for index in outcome.edits}:
        if path[-1:] in (("text",), ("logprobs",)):
            holder = drop_spelling(value_at(new, path[:-1]))
            new = replace_values(new, {(path[:-1], None): holder}) if path[:-1] else new
    return {**new, "input": remove_entries(new["input"], outcome.removed)} if outcome.removed else new
