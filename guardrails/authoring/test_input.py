"""Turns a test of a policy into the arguments of `Guard.check`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload, body
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.testing.test_checks import content_fields
from guardrails.policy.testing.test_fields import AsksFor, CallDoc, DefinitionDoc, ResultDoc, TestDoc
from guardrails.protocols.chat.chat_payload import read
from guardrails.types import Image, Media, Place, Returned, Stage, Text, ToolCall, Use, Video

MEDIA: Final[Mapping[str, type[Media]]] = {"image": Image, "video": Video}
"""The field that names a file → what the file is taken for."""


def read_input(test: TestDoc, item: PolicyItem) -> tuple[str, Any]:
    """Return the stage and the content of a test, as `Guard.check` takes them; `item` is where it is written.

    Raises:
        OSError: the file that the test names is not there, or not below its folder.
    """
    (name,) = content_fields(test)
    value = getattr(test, name)
    if name in MEDIA:
        stage = Stage(test.stage or Stage.INPUT)
        try:
            return stage.value, MEDIA[name](place=Place(stage), source=item.path(value))
        except OSError as error:
            raise OSError(f"{name} {value!r}: {error.strerror or error}") from error
    if test.asks_for is not None:
        return Stage.INPUT.value, _prompt(value, test.asks_for)
    make = DOCS.get(type(value))
    return Stage.INPUT.value if name == "messages" else name, value if make is None else make(value)


def read_subject(test: TestDoc, item: PolicyItem) -> tuple[Stage, Payload]:
    """Return the same, read.

    Raises:
        OSError: as `read_input` does.
        RequestError: its messages have no form that can be judged.
    """
    stage, content = read_input(test, item)
    return Stage(stage), content if isinstance(content, Payload) else read(content, Stage(stage))


def _tool_use(doc: CallDoc | ResultDoc | DefinitionDoc, stage: Stage, arguments: str | None = None) -> Place:
    return Place(stage, tool=doc.name, use=Use(((doc.name, doc.server),), arguments))


def _call(doc: CallDoc) -> ToolCall:
    written = doc.arguments
    arguments = written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
    return ToolCall(doc.name, arguments, _tool_use(doc, Stage.TOOL_CALL, arguments))


def _result(doc: ResultDoc) -> Text:
    return Text(doc.text, _tool_use(doc, Stage.TOOL_RESULT))


def _definition(doc: DefinitionDoc) -> Payload:
    definition = doc.model_dump(exclude={"server"}, exclude_none=True)
    tree = ContentTree()
    tree.anything(definition, (), _tool_use(doc, Stage.TOOL_DEFINITION))
    return body(definition, tree)


def _prompt(text: str, asks_for: AsksFor) -> Payload:
    tree = ContentTree()
    tree.text(text, (), Place(asks_for=asks_for))
    return body(text, tree)


DOCS: Final[Mapping[type, Callable[[Any], object]]] = {
    CallDoc: _call,
    ResultDoc: _result,
    DefinitionDoc: _definition,
}
"""A content that is more than a text → what makes of it what can be checked."""


def check_arguments(test: TestDoc) -> dict[str, Any]:
    """Return who asks, and what the content is judged beside, as `Guard.check` and `Guard.stream` take it."""
    return {
        "user": test.user,
        "tenant": test.tenant,
        "client": test.client,
        "metadata": test.metadata,
        "model": test.model,
        "system": test.system,
        "prompt": test.prompt,
        "sources": test.sources,
        "heard": [Returned(((each.name, each.server),), each.text) for each in test.heard],
    }


def plain_content(content: object) -> Any:
    """Return what a verdict leaves in the form in which tests write it; of a file, what it is."""
    if isinstance(content, Text):
        return content.text
    if isinstance(content, Media | bytes):
        return f"({content.kind})" if isinstance(content, Media) else f"({len(content)} bytes)"
    if isinstance(content, ToolCall):
        try:
            return {"name": content.name, "arguments": json.loads(content.arguments)}
        except ValueError:
            return {"name": content.name, "arguments": content.arguments}
    return content
