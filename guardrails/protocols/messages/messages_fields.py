"""The field tables of Anthropic's Messages API: requests and messages in, leaves out, and edits back into them.

Blocks say by their `type` what they are and at which stage they stand: text and thinking where their message does, calls
at `tool_call`, results at `tool_result`, documents and search results at `retrieval` and where their message stands. A
type that no table knows is judged as text and named, and the policy's `unchecked:` decides.

A thinking block that is signed cannot be edited: its signature would not hold. It is left out instead; an unsigned one is
edited like any text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    sealed,
    signature,
    spoken,
    text,
    unseen,
)
from guardrails.engine.content.inline_media import pictured, source
from guardrails.engine.content.payload import apply_edits
from guardrails.engine.model import Outcome
from guardrails.engine.tools.tool_calls import place_call, place_definition, place_result
from guardrails.engine.values.writer import remove_entries, replace_values, value_at
from guardrails.errors import RequestError
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

STAGES: Mapping[str, Stage] = {"user": Stage.INPUT, "assistant": Stage.OUTPUT, "system": Stage.INPUT}

OWN: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "thinking": ("thinking",),
    "compaction": ("content",),
}
"""The fields with a block's own text, by type."""

COMMON: Mapping[str, Reader] = {"type": keep, "cache_control": figures}


def block(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One block of a message's content."""
    BLOCK(tree, value, path, place)


content = parts(block, OWN)


def call(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One call of a tool, of the client's, the server's or a remote one's."""
    name = value.get("name")
    here = place_call(
        tree,
        place,
        name,
        value.get("input"),
        identity=value.get("id"),
        server=value.get("server_name"),
        hosted=value.get("type") in HOSTED,
    )
    tree.call(here.tool or "", here.use.arguments or "" if here.use else "", path, here)
    CALL(tree, value, path, here)


def result(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What a tool returned. In an answer it is what the client reads as well."""
    if place.stage is not Stage.TOOL_RESULT:  # it may hold others
        also = (Stage.OUTPUT,) if place.stage is Stage.OUTPUT and place.message is None else ()
        place = replace(place, stage=Stage.TOOL_RESULT, also=also, role="tool")
        place = place_result(tree, place, value.get("tool_use_id"))
    RESULT(tree, value, path, place)


def retrieved(table: Reader) -> Reader:
    """Read a document by a table: what it says was retrieved, and stands in a message too, which anyone may fill."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        table(tree, value, path, replace(place, stage=Stage.RETRIEVAL, also=(place.stage, *place.also)))

    return read


SOURCE = by_table(
    {"type": keep, "media_type": keep, "data": opaque, "url": identifier, "file_id": identifier}
)


def document(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A document that is no text: it cannot be judged by this build."""
    tree.cannot("part", "no detector reads this document", path, place)
    SOURCE(tree, value, path, place)


CITATION = by_table(
    {
        "type": keep,
        **dict.fromkeys(("cited_text", "document_title", "title", "source", "url"), text),
        "file_id": identifier,
        "encrypted_index": signature,
        **dict.fromkeys(("document_index", "search_result_index"), flag),
        **dict.fromkeys(("start_char_index", "end_char_index", "start_page_number", "end_page_number"), flag),
        **dict.fromkeys(("start_block_index", "end_block_index"), flag),
    }
)


def citations(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What a text cites; in a document whether it may be cited."""
    reader = each(CITATION) if isinstance(value, list) else figures
    reader(tree, value, path, place)


DOCUMENT_SOURCE = by_type(
    {
        "text": by_table({"type": keep, "media_type": keep, "data": text}),
        "content": by_table({"type": keep, "content": content}),
        **dict.fromkeys(("base64", "url", "file"), document),
    }
)
CALL = by_table(
    {
        **COMMON,
        "id": identifier,
        "name": identifier,
        "input": arguments,
        "server_name": identifier,
        "toolset_name": identifier,
        "caller": figures,
    }
)
RESULT = by_table(
    {
        **COMMON,
        "tool_use_id": identifier,
        "is_error": flag,
        "content": content,
        "toolset_name": identifier,
        "caller": figures,
        **dict.fromkeys(("stdout", "stderr", "url", "title", "page_age", "error_message", "text"), text),
        "retrieved_at": keep,
        "error_code": keep,
        "file_type": keep,
        "file_id": identifier,
        "tool_name": identifier,
        **dict.fromkeys(("encrypted_content", "encrypted_stdout"), sealed),
        "tool_references": each(block),
        "lines": anything,
        **dict.fromkeys(("return_code", "is_file_update", "num_lines", "start_line", "total_lines"), flag),
        **dict.fromkeys(("new_lines", "new_start", "old_lines", "old_start"), flag),
    }
)
RESULTS = (
    "tool_result",
    "mcp_tool_result",
    "web_search_tool_result",
    "web_search_result",
    "web_search_tool_result_error",
    "web_fetch_tool_result",
    "web_fetch_result",
    "web_fetch_tool_result_error",
    "code_execution_tool_result",
    "code_execution_result",
    "code_execution_output",
    "code_execution_tool_result_error",
    "encrypted_code_execution_result",
    "bash_code_execution_tool_result",
    "bash_code_execution_result",
    "bash_code_execution_output",
    "bash_code_execution_tool_result_error",
    "text_editor_code_execution_tool_result",
    "text_editor_code_execution_view_result",
    "text_editor_code_execution_create_result",
    "text_editor_code_execution_str_replace_result",
    "text_editor_code_execution_tool_result_error",
    "tool_search_tool_result",
    "tool_search_tool_search_result",
    "tool_search_tool_result_error",
    "tool_reference",
)
"""Types of blocks that hold what a tool returned, and of what they hold."""

HOSTED = ("server_tool_use", "mcp_tool_use")
"""Calls that the provider makes itself."""

CALLS = ("tool_use", *HOSTED)

BLOCK = by_type(
    {
        "text": by_table({**COMMON, "text": text, "citations": citations}),
        "thinking": by_table({**COMMON, "thinking": text, "signature": signature}),
        "redacted_thinking": by_table({**COMMON, "data": sealed}),
        "compaction": by_table({**COMMON, "content": text, "encrypted_content": sealed}),
        "image": pictured(by_table({**COMMON, "source": source(SOURCE), "transformations": figures})),
        "document": retrieved(
            by_table(
                {
                    **COMMON,
                    "source": DOCUMENT_SOURCE,
                    "title": text,
                    "context": text,
                    "citations": citations,
                }
            )
        ),
        "search_result": retrieved(
            by_table({**COMMON, "content": content, "source": text, "title": text, "citations": citations})
        ),
        "container_upload": by_table({**COMMON, "file_id": unseen("no detector reads this file")}),
        **dict.fromkeys(CALLS, call),
        **dict.fromkeys(RESULTS, result),
    }
)
MESSAGE = by_table({"role": keep, "content": content})


def message(tree: ContentTree, value: Any, path: Path, index: int) -> str:
    """Read one message of a request; return whose turn it is: results come in a user's message, and are none of theirs."""
    if not isinstance(value, Mapping):
        raise RequestError(
            "invalid_message", f"a message must be a mapping, not {type(value).__name__}", pointer(path)
        )
    role = value.get("role")
    if not isinstance(role, str) or role not in STAGES:
        raise RequestError(
            "unknown_role", f"role is not one of {', '.join(STAGES)}", pointer((*path, "role"))
        )
    also = (Stage.INPUT,) if role == "assistant" else ()
    MESSAGE(tree, value, path, Place(STAGES[role], also, role, message=index))
    blocks = value.get("content")
    answers = isinstance(blocks, list) and any(
        isinstance(entry, Mapping) and entry.get("type") in ("tool_result", "mcp_tool_result")
        for entry in blocks
    )
    return "tool" if role == "user" and answers else role


def messages(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The conversation of a request, oldest message first."""
    if not isinstance(value, list):
        raise RequestError("invalid_messages", "messages must be a list", pointer(path))
    roles = [message(tree, entry, (*path, index), index) for index, entry in enumerate(value)]
    spoken(tree, roles)


DEFINITION = by_table({**COMMON, "name": identifier, "strict": flag}, lenient=True)


def definition(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One tool, of the client's or the server's: everything in its definition is read by the model."""
    name = value.get("name") if isinstance(value, Mapping) else None
    here = place_definition(name)
    reader = MCP_TOOLSET if isinstance(value, Mapping) and value.get("type") == "mcp_toolset" else DEFINITION
    reader(tree, value, path, here)


MCP_TOOLSET = by_table({**COMMON, "mcp_server_name": identifier}, lenient=True)
MCP_SERVER = by_table(
    {"type": keep, "url": text, "name": identifier, "authorization_token": credential}, lenient=True
)


def mcp_servers(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Servers whose tools the model gets: how these are defined is not in the request."""
    if value:
        tree.cannot("part", "the tools of a remote server are not seen", path, place)
    each(MCP_SERVER)(tree, value, path, Place(Stage.TOOL_DEFINITION, role="system"))


def container(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """Where code runs; skills in it are instructions that the guard does not see."""
    table = by_table({"id": identifier, "skills": unseen("the instructions of a skill are not seen")})
    (table if isinstance(value, Mapping) else identifier)(tree, value, path, place)


SYSTEM = Place(Stage.INPUT, role="system")
REQUEST = by_table(
    {
        "model": keep,
        "messages": messages,
        "system": lambda tree, value, path, place: content(tree, value, path, SYSTEM),
        "tools": each(definition),
        "mcp_servers": mcp_servers,
        "container": container,
        "tool_choice": anything,
        "stop_sequences": anything,
        "metadata": anything,
        "output_config": anything,
        "output_format": anything,
        "context_management": anything,
        "user_profile_id": label,
        **dict.fromkeys(("thinking", "cache_control", "diagnostics"), figures),
        **dict.fromkeys(("stream", "max_tokens", "temperature", "top_p", "top_k"), flag),
        **dict.fromkeys(("service_tier", "speed", "inference_geo", "workspace_id"), keep),
        # These change the prompt after the guard has read it.
        **dict.fromkeys(
            ("chat_template", "chat_template_kwargs", "continue_final_message", "previous_response_id"),
            refuse,
        ),
    }
)
ANSWER = by_table(
    {
        **dict.fromkeys(("id", "type", "role", "model", "stop_reason"), keep),
        "content": content,
        "stop_sequence": text,
        "stop_details": by_table({"type": keep, "category": keep, "explanation": text}),
        **dict.fromkeys(("usage", "container", "context_management", "diagnostics"), figures),
    }
)
COUNT = by_table({"input_tokens": flag, "context_management": figures})


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request."""
    tree = ContentTree()
    if not isinstance(body, Mapping) or "messages" not in body:
        raise RequestError("invalid_messages", "the body must be a mapping with 'messages'", "/messages")
    REQUEST(tree, body, (), Place(Stage.INPUT, role="user"))
    tree.beside_own_system()
    return tree


def read_response(body: Any) -> ContentTree:
    """Return the leaves of a message that a model answered."""
    tree = ContentTree()
    ANSWER(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree


def read_count(body: Any) -> ContentTree:
    """Return the leaves of an answer to `count_tokens`, which holds numbers."""
    tree = ContentTree()
    COUNT(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree


def edit_body(body: Any, tree: ContentTree, outcome: Outcome) -> Any:
    """Return a request or a message with an outcome's edits, without the signed blocks that these would break, and without
    removed turns; the same object where nothing changes.
    """
    new: Any = apply_edits(body, tree, outcome)
    new = _without_blocks(new, {path for path in map(_signed(body, tree), outcome.edits) if path})
    return {**new, "messages": remove_entries(new["messages"], outcome.removed)} if outcome.removed else new


def _signed(body: Any, tree: ContentTree) -> Any:
    """Return a function: the index of a leaf in, the path of the signed thinking block that it is the text of out."""

    def path_of(index: int) -> Path:
        path = tree.leaves[index].path
        if not path or path[-1] != "thinking":
            return ()
        holder = value_at(body, path[:-1])
        signed = holder.get("type") == "thinking" and holder.get("signature")
        return path[:-1] if signed else ()

    return path_of


def _without_blocks(body: Any, gone: Iterable[Path]) -> Any:
    by_list: dict[Path, set[Any]] = {}
    for path in gone:
        by_list.setdefault(path[:-1], set()).add(path[-1])
    for path, indexes in by_list.items():
        kept = [entry for index, entry in enumerate(value_at(body, path)) if index not in indexes]
        body = replace_values(body, {(path, None): kept})
    return body
