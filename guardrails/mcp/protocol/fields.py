"""The field tables of MCP: readers that turn parts of messages into leaves. What no table knows is judged as well, and named.

Text that the model reads may be redacted; names, addresses and the words of schemas may not: what would change them is blocked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    DATA_URL,
    Reader,
    anything,
    by_table,
    by_type,
    each,
    flag,
    identifier,
    keep,
    opaque,
    parts,
    text,
)
from guardrails.engine.content.inline_media import pictured, source
from guardrails.engine.values.walk import find_strings
from guardrails.types import Place, Stage, Use
from guardrails.wire import strict_json
from guardrails.wire.pointers import Path


def read_fixed(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A word of the protocol, or several: judged, for whoever made it up may have others in mind, and never edited."""
    for where, found, _ in find_strings(value, path):
        tree.text(found, where, place, editable=False)


PROSE = frozenset({("title",), ("description",), ("$comment",)})
"""Fields of a schema that are there to be read; all else says what a value must be."""


def read_schema(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A JSON Schema: every text of it, names of properties and values to choose from too."""
    for where, found, editable in find_strings(value, path):
        tree.text(found, where, place, editable=editable and where[-1:] in PROSE)


def unseen_reader(kind: str, name: str, fields: Mapping[str, Reader]) -> Reader:
    """Read what no detector of this build looks into: it is named as unchecked, and its other fields are judged."""
    table = by_table(fields)

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        tree.cannot(kind, f"no detector reads this {name}", path, place)
        table(tree, value, path, place)

    return read


def values_reader(reader: Reader) -> Reader:
    """Read each value of a mapping, and its names."""

    def read(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
        if not isinstance(value, Mapping):
            text(tree, value, path, place)
            return
        for name, inner in value.items():
            tree.text(str(name), (*path, name), place, editable=False)
            reader(tree, inner, (*path, name), place)

    return read


def read_icon(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The address of an icon, which is judged; of one that stands there itself only what is no picture."""
    data = isinstance(value, str) and DATA_URL.match(value)
    (opaque if data else identifier)(tree, value, path, place)


PROTOCOL = "io.modelcontextprotocol/"
META = by_table(
    {"progressToken": keep, f"{PROTOCOL}subscriptionId": keep},
    lenient=True,
)
ICONS = each(by_table({"src": read_icon, "mimeType": read_fixed, "sizes": read_fixed, "theme": read_fixed}))
ANNOTATIONS = by_table({"audience": read_fixed, "priority": flag, "lastModified": read_fixed})
COMMON: Mapping[str, Reader] = {"annotations": ANNOTATIONS, "_meta": META}
IMPLEMENTATION = by_table(
    {
        "name": identifier,
        "title": text,
        "version": read_fixed,
        "description": text,
        "websiteUrl": identifier,
        "icons": ICONS,
    }
)


def read_contents(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What a resource holds: a text, or bytes, which no detector of this build reads."""
    if isinstance(value, Mapping) and value.get("blob") is not None:
        tree.cannot("part", "no detector reads this file", path, place)
    CONTENTS(tree, value, path, place)


CONTENTS = by_table({"uri": identifier, "mimeType": read_fixed, "text": text, "blob": opaque, "_meta": META})
DESCRIBED: Mapping[str, Reader] = {
    "name": identifier,
    "title": text,
    "description": text,
    "mimeType": read_fixed,
    "size": flag,
    "icons": ICONS,
    **COMMON,
}
RESOURCE = by_table({**DESCRIBED, "uri": identifier})
TEMPLATE = by_table({**DESCRIBED, "uriTemplate": identifier})
ARGUMENT = by_table({"name": identifier, "title": text, "description": text, "required": flag})
PROMPT = by_table({**DESCRIBED, "arguments": each(ARGUMENT)})
HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
DEFINITION = by_table(
    {
        **DESCRIBED,
        "inputSchema": read_schema,
        "outputSchema": read_schema,
        "annotations": by_table({"title": text, **dict.fromkeys(HINTS, flag)}),
        "execution": read_fixed,
    }
)


def read_definition(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One tool definition."""
    DEFINITION(tree, value, path, place_tool_use(place, Stage.TOOL_DEFINITION, "system", read_name(value)))


def place_tool_use(place: Place, stage: Stage, role: str, tool: str, arguments: str | None = None) -> Place:
    """Return where the use of a tool stands that is found at a place of the same server's: its own, where it is that use."""
    use = place.use
    if place.stage is not stage or use is None or use.tools[0][0] != tool:
        use = Use(((tool, "" if use is None else use.tools[0][1]),), arguments)
    return replace(place, stage=stage, also=(), role=role, tool=tool, use=use)


def read_name(value: Any) -> str:
    """Return the name that a mapping gives, "" where it gives none."""
    name = value.get("name") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else ""


def read_tool_use(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A call that a sampled model made, or is shown."""
    given = value.get("input") if isinstance(value, Mapping) else None
    arguments = strict_json.dump({} if given is None else given).decode()
    here = place_tool_use(place, Stage.TOOL_CALL, "assistant", read_name(value), arguments)
    tree.call(read_name(value), arguments, path, here)
    TOOL_USE(tree, value, path, here)


TOOL_USE = by_table({"type": keep, "name": identifier, "id": identifier, "input": anything, "_meta": META})


def read_tool_result(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What a tool returned to a sampled model."""
    here = replace(place, stage=Stage.TOOL_RESULT, also=(), role="tool", use=Use(()))
    by_table(
        {
            "type": keep,
            "toolUseId": identifier,
            "content": CONTENT,
            "structuredContent": anything,
            "isError": flag,
            "_meta": META,
        }
    )(tree, value, path, here)


MEDIA: Mapping[str, Reader] = {"type": keep, "data": opaque, "mimeType": read_fixed, **COMMON}
BLOCK = by_type(
    {
        "text": by_table({"type": keep, "text": text, **COMMON}),
        "image": pictured(source(by_table(MEDIA), "mimeType")),
        "audio": unseen_reader("audio", "sound", MEDIA),
        "resource": by_table({"type": keep, "resource": read_contents, **COMMON}),
        "resource_link": by_table({**DESCRIBED, "type": keep, "uri": identifier}),
        "tool_use": read_tool_use,
        "tool_result": read_tool_result,
    }
)
CONTENT = parts(BLOCK, {"text": ("text",)})
"""What a tool returns and a message holds: judged each, and its texts joined."""


def read_sampling_message(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A message that a server puts before the agent's model, as what a tool returned, and as a prompt: whatever its role, the
    server made it.
    """
    own = isinstance(value, Mapping) and value.get("role") == "assistant"
    also = (Stage.OUTPUT, Stage.INPUT) if own else (Stage.INPUT,)
    MESSAGE(tree, value, path, replace(place, also=also, role="assistant" if own else "user"))


MESSAGE = by_table({"role": read_fixed, "content": CONTENT, "_meta": META})
SAMPLING = by_table(
    {
        "messages": each(read_sampling_message),
        "systemPrompt": text,
        "modelPreferences": anything,
        "includeContext": read_fixed,
        "temperature": flag,
        "maxTokens": flag,
        "stopSequences": anything,
        "metadata": anything,
        "tools": each(read_definition),
        "toolChoice": read_fixed,
        "task": read_fixed,
        "_meta": META,
    }
)
"""`sampling/createMessage`."""


def read_sampled(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What the agent's model answered to a server."""
    here = replace(place, stage=Stage.OUTPUT, also=(), role="assistant")
    by_table(
        {"role": read_fixed, "content": CONTENT, "model": read_fixed, "stopReason": read_fixed, "_meta": META}
    )(tree, value, path, here)


ELICITATION = by_table(
    {
        "mode": read_fixed,
        "message": text,
        "requestedSchema": read_schema,
        "url": identifier,
        "elicitationId": identifier,
        "task": read_fixed,
        "_meta": META,
    }
)
"""`elicitation/create`."""

ELICITED = by_table({"action": read_fixed, "content": anything, "_meta": META})
ROOTS = by_table(
    {"roots": each(by_table({"uri": identifier, "name": identifier, "_meta": META})), "_meta": META}
)


def read_response(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """An answer of the client's to what a server asked in a result, told by its form."""
    if isinstance(value, Mapping) and "role" in value:
        read_sampled(tree, value, path, place)
    elif isinstance(value, Mapping) and "roots" in value:
        ROOTS(tree, value, path, place)
    else:
        ELICITED(tree, value, path, place)


RESPONSES = values_reader(read_response)
