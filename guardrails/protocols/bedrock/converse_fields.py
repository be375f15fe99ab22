"""The field tables of Bedrock's Converse API: requests and answers in, leaves out. Bytes stand in them as Base64.

A block says by its only field what it is: texts and thoughts stand where their message does, calls at `tool_call`, what came of
them at `tool_result`. What nobody here can read (documents, films, sounds) is an unchecked part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    Reader,
    anything,
    arguments,
    by_table,
    each,
    figures,
    identifier,
    keep,
    refused,
    sealed,
    signature,
    spoken,
    text,
)
from guardrails.engine.content.inline_media import added
from guardrails.engine.tools.tool_calls import place_call, place_definition, place_result
from guardrails.errors import RequestError
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path, pointer

STAGES: Final[Mapping[str, Stage]] = {"user": Stage.INPUT, "assistant": Stage.OUTPUT, "system": Stage.INPUT}


def image(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A picture, in Base64; one that lies elsewhere cannot be judged."""
    source = value.get("source") if isinstance(value, Mapping) else None
    data = source.get("bytes") if isinstance(source, Mapping) else None
    kind = f"image/{value.get('format')}" if isinstance(value, Mapping) else ""
    if not isinstance(source, Mapping) or not added(tree, data, (*path, "source", "bytes"), place, "", kind):
        tree.cannot("part", "no detector reads this picture", path, place)
        SEALED(tree, value, path, place)
        return
    others = {name: inner for name, inner in source.items() if name != "bytes"}
    SEALED(tree, {**value, "source": others}, path, place)


def file(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A document, a film or a sound: no detector reads it."""
    tree.cannot("part", "no detector reads this file", path, place)
    SEALED(tree, value, path, place)


SEALED: Final = by_table(
    {
        "format": keep,
        "name": text,
        "context": text,
        "citations": figures,
        "source": by_table(
            {
                "bytes": signature,
                "s3Location": figures,
                "text": text,
                "content": each(by_table({"text": text})),
            }
        ),
    }
)


def call(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One call of a tool."""
    given = value if isinstance(value, Mapping) else {}
    identity = given.get("toolUseId")
    here = place_call(tree, place, given.get("name"), given.get("input"), identity=identity)
    tree.call(here.tool or "", here.use.arguments or "" if here.use else "", path, here)
    by_table({"toolUseId": identifier, "name": identifier, "input": arguments, "type": keep})(
        tree, value, path, here
    )


def result(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """What a tool returned."""
    place = replace(place, stage=Stage.TOOL_RESULT, also=(), role="tool")
    place = place_result(tree, place, value.get("toolUseId") if isinstance(value, Mapping) else None)
    by_table({"toolUseId": identifier, "status": keep, "type": keep, "content": each(RESULT)})(
        tree, value, path, place
    )


REASONING: Final = by_table(
    {"reasoningText": by_table({"text": text, "signature": signature}), "redactedContent": sealed}
)
MEDIA: Final[Mapping[str, Reader]] = {"image": image, **dict.fromkeys(("document", "video", "audio"), file)}
RESULT: Final = by_table({"text": text, "json": anything, **MEDIA})
BLOCK: Final = by_table(
    {
        "text": text,
        "toolUse": call,
        "toolResult": result,
        "reasoningContent": REASONING,
        "guardContent": by_table({"text": by_table({"text": text, "qualifiers": figures}), "image": image}),
        "citationsContent": by_table({"content": each(by_table({"text": text})), "citations": anything}),
        "searchResult": anything,
        "cachePoint": figures,
        **MEDIA,
    }
)
MESSAGE: Final = by_table({"role": keep, "content": each(BLOCK)})


def message(tree: ContentTree, value: Any, path: Path, index: int) -> str:
    """Read one message of a request; return whose turn it is."""
    role = value.get("role") if isinstance(value, Mapping) else None
    if not isinstance(role, str) or role not in STAGES:
        raise RequestError(
            "unknown_role", f"role is not one of {', '.join(STAGES)}", pointer((*path, "role"))
        )
    also = (Stage.INPUT,) if role == "assistant" else ()
    MESSAGE(tree, value, path, Place(STAGES[role], also, role, message=index))
    blocks = value.get("content")
    answers = isinstance(blocks, list) and any(
        isinstance(block, Mapping) and "toolResult" in block for block in blocks
    )
    return "tool" if role == "user" and answers else role


def messages(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """The conversation of a request, oldest message first."""
    if not isinstance(value, list):
        raise RequestError("invalid_messages", "messages must be a list", pointer(path))
    spoken(tree, [message(tree, entry, (*path, index), index) for index, entry in enumerate(value)])


def definition(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """One tool: everything in its definition is read by the model."""
    spec = value.get("toolSpec") if isinstance(value, Mapping) else None
    here = place_definition(spec.get("name") if isinstance(spec, Mapping) else None)
    table = by_table(
        {"toolSpec": by_table({"name": identifier}, lenient=True), "cachePoint": figures}, lenient=True
    )
    table(tree, value, path, here)


SYSTEM: Final = Place(Stage.INPUT, role="system")
REQUEST: Final = by_table(
    {
        "modelId": keep,
        "messages": messages,
        "system": lambda tree, value, path, place: each(BLOCK)(tree, value, path, SYSTEM),
        "toolConfig": by_table({"tools": each(definition), "toolChoice": anything}),
        "promptVariables": refused("it fills a prompt that the guard does not see"),
        **dict.fromkeys(("additionalModelRequestFields", "requestMetadata", "outputConfig"), anything),
        "additionalModelResponseFieldPaths": anything,
        **dict.fromkeys(("inferenceConfig", "guardrailConfig", "performanceConfig", "serviceTier"), figures),
    }
)
ANSWER: Final = by_table(
    {
        "output": by_table({"message": MESSAGE}),
        "stopReason": keep,
        **dict.fromkeys(("additionalModelResponseFields", "trace"), anything),
        **dict.fromkeys(("usage", "metrics", "performanceConfig", "serviceTier"), figures),
    }
)


def read_request(body: Any) -> ContentTree:
    """Return the leaves of a request."""
    tree = ContentTree()
    REQUEST(tree, body, (), Place(Stage.INPUT, role="user"))
    tree.beside_own_system()
    return tree


def read_response(body: Any) -> ContentTree:
    """Return the leaves of an answer."""
    tree = ContentTree()
    ANSWER(tree, body, (), Place(Stage.OUTPUT, role="assistant"))
    return tree
