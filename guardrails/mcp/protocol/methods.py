"""The methods of MCP, all revisions, as tables: what of a request and of its result is judged, and where.

What an agent asks of a server is judged as a call (of the tool, or of the method), what comes back as a tool's result or as a
definition, what a server puts before the agent's model as a prompt too. The small talk of the protocol and what a person answers
is input, what a server says of itself and on the way a retrieved passage: none of that is the use of a tool, which a policy may
allow or not. A new method is a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.field_readers import (
    Reader,
    anything,
    by_table,
    each,
    flag,
    identifier,
    keep,
    signature,
    text,
)
from guardrails.mcp.protocol import fields
from guardrails.mcp.protocol.fields import CONTENT, IMPLEMENTATION, META, read_fixed, values_reader
from guardrails.types import Place, Stage
from guardrails.wire.pointers import Path

CALL = Place(Stage.TOOL_CALL, role="assistant")
TALK = Place(Stage.INPUT, role="user")
SAID = Place(Stage.RETRIEVAL, role="tool")
RESULT = Place(Stage.TOOL_RESULT, role="tool")
DEFINITION = Place(Stage.TOOL_DEFINITION, role="system")
RETRIEVED = Place(Stage.TOOL_RESULT, (Stage.RETRIEVAL,), "tool")
PROMPT = Place(Stage.TOOL_RESULT, (Stage.INPUT,), "user")


@dataclass(frozen=True, slots=True)
class MethodSide:
    """One side of an exchange: how it is read, and where it stands."""

    read: Reader
    place: Place


@dataclass(frozen=True, slots=True)
class McpMethod:
    """One method.

    `items` are the lists of its result whose entries are judged each and left out where they are blocked, `optional` the field of
    which the same is true. `tool` tells that a block is answered as a tool does, with `isError`; `call`, that it is asked as a
    call, of the tool that `name` names or of the method; `remembered`, that what the server says in it may reach a model, so that
    later calls may carry it.
    """

    request: MethodSide
    result: MethodSide
    items: tuple[str, MethodSide] | None = None
    optional: tuple[str, MethodSide] | None = None
    tool: bool = False
    call: bool = False
    remembered: bool = False


def params_reader(**known: Reader) -> Reader:
    """Return the reader of parameters with these fields."""
    return by_table({**known, "_meta": META})


def result_reader(**known: Reader) -> Reader:
    """Return the reader of a result with these fields."""
    common: Mapping[str, Reader] = {
        "_meta": META,
        "resultType": read_fixed,
        "ttlMs": flag,
        "cacheScope": read_fixed,
    }
    return by_table({**common, "nextCursor": signature, **known})


def read_request(tree: ContentTree, value: Any, path: Path, place: Place) -> None:
    """A request of the server's that stands in a result."""
    method = SERVER.get(str(value.get("method"))) if isinstance(value, Mapping) else None
    if method is None or value.keys() - {"method", "params"}:
        tree.cannot("part", "no detector reads this request of the server's", path, place)
        anything(tree, value, path, place)
        return
    method.request.read(tree, value.get("params"), (*path, "params"), method.request.place)


RETRIED: Mapping[str, Reader] = {"inputResponses": fields.RESPONSES, "requestState": signature}
"""What a client adds when it asks again."""

TASK: Mapping[str, Reader] = {
    **dict.fromkeys(("status", "createdAt", "lastUpdatedAt"), read_fixed),
    **dict.fromkeys(("ttl", "ttlMs", "pollInterval", "pollIntervalMs"), flag),
    "taskId": identifier,
    "statusMessage": text,
}
TOOL_CALL = params_reader(name=identifier, arguments=anything, task=read_fixed, **RETRIED)
WANTED: Mapping[str, Reader] = {"inputRequests": values_reader(read_request), "requestState": signature}
"""What a server wants to know before it answers."""

RETURNED: Mapping[str, Reader] = {
    "content": CONTENT,
    "structuredContent": anything,
    "isError": flag,
    "task": by_table(TASK),
    **WANTED,
}
TOOL_RESULT = result_reader(**RETURNED)
TASKED = result_reader(**RETURNED, **TASK, error=anything, result=TOOL_RESULT)
SERVED = result_reader(
    protocolVersion=read_fixed,
    supportedVersions=read_fixed,
    capabilities=anything,
    serverInfo=IMPLEMENTATION,
)
INTRODUCED = params_reader(protocolVersion=read_fixed, capabilities=anything, clientInfo=IMPLEMENTATION)
REFERENCE = by_table({"type": read_fixed, "uri": identifier, "name": identifier, "title": text})
ARGUMENT = by_table({"name": identifier, "value": text})
COMPLETED = by_table({"values": each(text), "total": flag, "hasMore": flag})
MESSAGES = each(by_table({"role": read_fixed, "content": CONTENT}))

NOTHING = MethodSide(result_reader(), SAID)
PAGE = MethodSide(params_reader(cursor=signature), TALK)
URI = MethodSide(params_reader(uri=identifier), CALL)
TASK_ID = MethodSide(params_reader(taskId=identifier, inputResponses=fields.RESPONSES), TALK)
INSTRUCTIONS = ("instructions", MethodSide(text, DEFINITION))


def list_method(name: str, entry: Reader) -> McpMethod:
    """Return a method that lists definitions."""
    return McpMethod(PAGE, NOTHING, items=(name, MethodSide(entry, DEFINITION)))


CLIENT: Mapping[str, McpMethod] = {
    "initialize": McpMethod(MethodSide(INTRODUCED, TALK), MethodSide(SERVED, SAID), optional=INSTRUCTIONS),
    "server/discover": McpMethod(
        MethodSide(params_reader(), TALK), MethodSide(SERVED, SAID), optional=INSTRUCTIONS
    ),
    "ping": McpMethod(MethodSide(params_reader(), TALK), NOTHING),
    "tools/list": list_method("tools", fields.read_definition),
    "tools/call": McpMethod(
        MethodSide(TOOL_CALL, CALL), MethodSide(TOOL_RESULT, RESULT), tool=True, call=True, remembered=True
    ),
    "resources/list": list_method("resources", fields.RESOURCE),
    "resources/templates/list": list_method("resourceTemplates", fields.TEMPLATE),
    "resources/read": McpMethod(
        MethodSide(params_reader(uri=identifier, **RETRIED), CALL),
        MethodSide(result_reader(contents=each(fields.read_contents), **WANTED), RETRIEVED),
        call=True,
        remembered=True,
    ),
    "resources/subscribe": McpMethod(URI, NOTHING, call=True),
    "resources/unsubscribe": McpMethod(URI, NOTHING, call=True),
    "subscriptions/listen": McpMethod(MethodSide(params_reader(notifications=anything), TALK), NOTHING),
    "prompts/list": list_method("prompts", fields.PROMPT),
    "prompts/get": McpMethod(
        MethodSide(params_reader(name=identifier, arguments=anything, **RETRIED), CALL),
        MethodSide(result_reader(description=text, messages=MESSAGES, **WANTED), PROMPT),
        call=True,
        remembered=True,
    ),
    "completion/complete": McpMethod(
        MethodSide(
            params_reader(ref=REFERENCE, argument=ARGUMENT, context=by_table({"arguments": anything})), CALL
        ),
        MethodSide(result_reader(completion=COMPLETED), RESULT),
        call=True,
        remembered=True,
    ),
    "logging/setLevel": McpMethod(MethodSide(params_reader(level=read_fixed), TALK), NOTHING),
    "tasks/get": McpMethod(TASK_ID, MethodSide(TASKED, RESULT), remembered=True),
    "tasks/result": McpMethod(TASK_ID, MethodSide(TASKED, RESULT), tool=True, remembered=True),
    "tasks/list": McpMethod(PAGE, MethodSide(result_reader(tasks=each(by_table(TASK))), SAID)),
    "tasks/cancel": McpMethod(TASK_ID, MethodSide(TASKED, RESULT)),
    "tasks/update": McpMethod(TASK_ID, MethodSide(TASKED, RESULT)),
}
"""What a client asks."""

SERVER: Mapping[str, McpMethod] = {
    "ping": McpMethod(MethodSide(params_reader(), SAID), MethodSide(result_reader(), TALK)),
    "sampling/createMessage": McpMethod(
        MethodSide(fields.SAMPLING, PROMPT), MethodSide(fields.read_sampled, TALK), remembered=True
    ),
    "elicitation/create": McpMethod(MethodSide(fields.ELICITATION, SAID), MethodSide(fields.ELICITED, TALK)),
    "roots/list": McpMethod(MethodSide(params_reader(), SAID), MethodSide(fields.ROOTS, TALK)),
}
"""What a server asks."""

UNKNOWN_CLIENT = McpMethod(
    MethodSide(by_table({}), CALL), MethodSide(by_table({}), RESULT), call=True, remembered=True
)
UNKNOWN_SERVER = McpMethod(MethodSide(by_table({}), RESULT), MethodSide(by_table({}), TALK), remembered=True)
"""Methods that no table has: all their texts are judged, and named as unknown fields."""

NOTES = frozenset(
    f"notifications/{name}"
    for name in (
        "initialized",
        "cancelled",
        "progress",
        "message",
        "roots/list_changed",
        "tools/list_changed",
        "prompts/list_changed",
        "resources/list_changed",
        "resources/updated",
        "subscriptions/acknowledged",
        "elicitation/complete",
        "tasks/status",
    )
)
"""The notifications of either side."""

NOTE = by_table(
    {
        **TASK,
        "requestId": keep,
        "reason": text,
        "progressToken": keep,
        "progress": flag,
        "total": flag,
        "message": text,
        "level": read_fixed,
        "logger": identifier,
        "data": anything,
        "uri": identifier,
        "elicitationId": identifier,
        "notifications": anything,
        "_meta": META,
    }
)
"""What any of them tells."""
ERROR = by_table({"code": flag, "message": text, "data": anything})
"""An error that answers a request."""
