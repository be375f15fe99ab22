"""The methods of MCP, all revisions, as tables: a method in, what of its request and of its result is judged out, and where.

What an agent asks of a server is judged as a call (of the tool, or of the method), what comes back as a tool's result or as a
definition, what a server puts before the agent's model as a prompt too. The small talk of the protocol and what a person answers
is input, what a server says of itself and on the way a retrieved passage: none of that is the use of a tool, which a policy may
allow or not. A new method is a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guardrails.engine.content.content_tree import Leaves
from guardrails.engine.content.field_readers import (
    Reader,
    anything,
    by_table,
    each,
    flag,
    identifier,
    keep,
    opaque,
    text,
)
from guardrails.mcp.protocol import fields
from guardrails.mcp.protocol.fields import CONTENT, IMPLEMENTATION, META, each_value, fixed
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
class Side:
    """One side of an exchange: how it is read, and where it stands."""

    read: Reader
    place: Place


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    `items` are the lists of its result whose entries are judged each and left out where they are blocked, `optional` the field of
    which the same is true. `tool` tells that a block is answered as a tool does, with `isError`; `call`, that it is asked as a
    call, of the tool that `name` names or of the method; `remembered`, that what the server says in it may reach a model, so that
    later calls may carry it.
    """

    request: Side
    result: Side
    items: tuple[str, Side] | None = None
    optional: tuple[str, Side] | None = None
    tool: bool = False
    call: bool = False
    remembered: bool = False


def params(**known: Reader) -> Reader:
    """Return the reader of parameters with these fields."""
    return by_table({**known, "_meta": META})


def result(**known: Reader) -> Reader:
    """Return the reader of a result with these fields."""
    common: Mapping[str, Reader] = {"_meta": META, "resultType": fixed, "ttlMs": flag, "cacheScope": fixed}
    return by_table({**common, "nextCursor": opaque, **known})


def asked(leaves: Leaves, value: Any, path: Path, place: Place) -> None:
    """A request of the server's that stands in a result."""
    method = SERVER.get(str(value.get("method"))) if isinstance(value, Mapping) else None
    if method is None or value.keys() - {"method", "params"}:
        leaves.cannot("part", "no detector reads this request of the server's", path, place)
        anything(leaves, value, path, place)
        return
    method.request.read(leaves, value.get("params"), (*path, "params"), method.request.place)


RETRIED: Mapping[str, Reader] = {"inputResponses": fields.RESPONSES, "requestState": opaque}
"""What a client adds when it asks again."""

TASK: Mapping[str, Reader] = {
    **dict.fromkeys(("status", "createdAt", "lastUpdatedAt"), fixed),
    **dict.fromkeys(("ttl", "ttlMs", "pollInterval", "pollIntervalMs"), flag),
    "taskId": identifier,
    "statusMessage": text,
}
TOOL_CALL = params(name=identifier, arguments=anything, task=fixed, **RETRIED)
WANTED: Mapping[str, Reader] = {"inputRequests": each_value(asked), "requestState": opaque}
"""What a server wants to know before it answers."""

RETURNED: Mapping[str, Reader] = {
    "content": CONTENT,
    "structuredContent": anything,
    "isError": flag,
    "task": by_table(TASK),
    **WANTED,
}
TOOL_RESULT = result(**RETURNED)
TASKED = result(**RETURNED, **TASK, error=anything, result=TOOL_RESULT)
SERVED = result(
    protocolVersion=fixed,
    supportedVersions=fixed,
    capabilities=anything,
    serverInfo=IMPLEMENTATION,
)
INTRODUCED = params(protocolVersion=fixed, capabilities=anything, clientInfo=IMPLEMENTATION)
REFERENCE = by_table({"type": fixed, "uri": identifier, "name": identifier, "title": text})
ARGUMENT = by_table({"name": identifier, "value": text})
COMPLETED = by_table({"values": each(text), "total": flag, "hasMore": flag})
MESSAGES = each(by_table({"role": fixed, "content": CONTENT}))

NOTHING = Side(result(), SAID)
PAGE = Side(params(cursor=opaque), TALK)
URI = Side(params(uri=identifier), CALL)
TASK_ID = Side(params(taskId=identifier, inputResponses=fields.RESPONSES), TALK)
INSTRUCTIONS = ("instructions", Side(text, DEFINITION))


def listed(name: str, entry: Reader) -> Method:
    """Return a method that lists definitions."""
    return Method(PAGE, NOTHING, items=(name, Side(entry, DEFINITION)))


CLIENT: Mapping[str, Method] = {
    "initialize": Method(Side(INTRODUCED, TALK), Side(SERVED, SAID), optional=INSTRUCTIONS),
    "server/discover": Method(Side(params(), TALK), Side(SERVED, SAID), optional=INSTRUCTIONS),
    "ping": Method(Side(params(), TALK), NOTHING),
    "tools/list": listed("tools", fields.definition),
    "tools/call": Method(
        Side(TOOL_CALL, CALL), Side(TOOL_RESULT, RESULT), tool=True, call=True, remembered=True
    ),
    "resources/list": listed("resources", fields.RESOURCE),
    "resources/templates/list": listed("resourceTemplates", fields.TEMPLATE),
    "resources/read": Method(
        Side(params(uri=identifier, **RETRIED), CALL),
        Side(result(contents=each(fields.contents), **WANTED), RETRIEVED),
        call=True,
        remembered=True,
    ),
    "resources/subscribe": Method(URI, NOTHING, call=True),
    "resources/unsubscribe": Method(URI, NOTHING, call=True),
    "subscriptions/listen": Method(Side(params(notifications=anything), TALK), NOTHING),
    "prompts/list": listed("prompts", fields.PROMPT),
    "prompts/get": Method(
        Side(params(name=identifier, arguments=anything, **RETRIED), CALL),
        Side(result(description=text, messages=MESSAGES, **WANTED), PROMPT),
        call=True,
        remembered=True,
    ),
    "completion/complete": Method(
        Side(params(ref=REFERENCE, argument=ARGUMENT, context=by_table({"arguments": anything})), CALL),
        Side(result(completion=COMPLETED), RESULT),
        call=True,
        remembered=True,
    ),
    "logging/setLevel": Method(Side(params(level=fixed), TALK), NOTHING),
    "tasks/get": Method(TASK_ID, Side(TASKED, RESULT), remembered=True),
    "tasks/result": Method(TASK_ID, Side(TASKED, RESULT), tool=True, remembered=True),
    "tasks/list": Method(PAGE, Side(result(tasks=each(by_table(TASK))), SAID)),
    "tasks/cancel": Method(TASK_ID, Side(TASKED, RESULT)),
    "tasks/update": Method(TASK_ID, Side(TASKED, RESULT)),
}
"""What a client asks."""

SERVER: Mapping[str, Method] = {
    "ping": Method(Side(params(), SAID), Side(result(), TALK)),
    "sampling/createMessage": Method(
        Side(fields.SAMPLING, PROMPT), Side(fields.sampled, TALK), remembered=True
    ),
    "elicitation/create": Method(Side(fields.ELICITATION, SAID), Side(fields.ELICITED, TALK)),
    "roots/list": Method(Side(params(), SAID), Side(fields.ROOTS, TALK)),
}
"""What a server asks."""

UNKNOWN_CLIENT = Method(Side(by_table({}), CALL), Side(by_table({}), RESULT), call=True, remembered=True)
UNKNOWN_SERVER = Method(Side(by_table({}), RESULT), Side(by_table({}), TALK), remembered=True)
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
        "level": fixed,
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
